"""Control: where the app is installed, and how it goes. Each takes the platform and the request's JSON.

A `place` is the id of a team or of an organisation.
"""

from typing import Any

from sandbox.slack import granting, removal
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json


async def installations(platform: Platform, _asked: Json) -> Any:
    """{}: by place, who installed it, with which scopes and tokens, and in which teams it may be used."""
    return {
        place: {
            "installer": each.installer,
            "scopes": each.scopes,
            "teams": each.teams,
            "tokens": [*each.tokens],
            "refresh_tokens": [token for token, spent in each.refresh_tokens.items() if spent is None],
        }
        for place, each in platform.world.installations.items()
    }


async def uninstalls(platform: Platform, asked: Json) -> Any:
    """{place, told, late}: take the app away; tell `told` in this order, and keep `late` for `tells_late`."""
    installation = granting.installed(platform, asked["place"])
    events = removal.told(platform, installation)
    granting.uninstall(platform, installation)
    platform.late += [events[name] for name in asked["late"]]
    return [(await removal.deliver(platform, events[name])).shape() for name in asked["told"]]


async def tells_late(platform: Platform, _asked: Json) -> Any:
    """{}: deliver what was kept, in its order."""
    kept, platform.late = platform.late, []
    return [(await removal.deliver(platform, event)).shape() for event in kept]


async def grants(platform: Platform, asked: Json) -> Any:
    """{organisation, teams, told, late}: in which of its teams an organisation's installation may be used.

    The app is `told` so, or it is kept `late` for `tells_late`.
    """
    unknown = set(asked["teams"]) - {each.id for each in platform.world.teams_of(asked["organisation"])}
    if unknown:
        raise Impossible(f"{asked['organisation']} has no team {', '.join(sorted(unknown))}.")
    changes = removal.grant(platform, granting.installed(platform, asked["organisation"]), asked["teams"])
    if asked["late"]:
        platform.late += changes
    return [(await removal.deliver(platform, event)).shape() for event in changes if asked["told"]]


async def rotates(platform: Platform, asked: Json) -> Any:
    """{on}: whether tokens that are issued from now on expire."""
    platform.world.app.rotates = asked["on"]
    return {}


async def expires_token(platform: Platform, asked: Json) -> Any:
    """{place}: every token of the installation that expires at all has done so."""
    granting.expire(platform, asked["place"])
    return {}


async def redirect_urls(platform: Platform, asked: Json) -> Any:
    """{urls}: where people may be sent back to; none for anywhere."""
    platform.world.app.redirect_urls = list(asked["urls"])
    return {}
