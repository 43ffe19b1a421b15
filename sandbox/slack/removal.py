"""What the app is told when it was removed, or may be used elsewhere: in any order, and perhaps long after."""

from collections.abc import Sequence

from sandbox.slack import granting
from sandbox.slack.delivery import events
from sandbox.slack.delivery.envelopes import Answer, deliver_event
from sandbox.slack.installation import Installation
from sandbox.slack.platform import Platform
from sandbox.slack.world import Json

UNINSTALLED = "app_uninstalled"
REVOKED = "tokens_revoked"
BOTH = (UNINSTALLED, REVOKED)
ACCESS_GRANTED = "team_access_granted"
ACCESS_REVOKED = "team_access_revoked"


def uninstall(platform: Platform, installation: Installation) -> None:
    """Take the app away and tell it so, beside what is being done."""
    both = told(platform, installation)
    granting.uninstall(platform, installation)
    platform.later(_deliver_both(platform, both))


def told(platform: Platform, installation: Installation) -> dict[str, Json]:
    """Both events as of now, by name."""
    return {name: events.removal(platform, installation, name) for name in BOTH}


def grant(platform: Platform, installation: Installation, teams: Sequence[str]) -> list[Json]:
    """Let an organisation's installation be used in these teams and no others; gives what tells the app so."""
    before, installation.teams = installation.teams, list(teams)
    gained = [team for team in teams if team not in before]
    lost = [team for team in before if team not in teams]
    changes = ((ACCESS_GRANTED, gained), (ACCESS_REVOKED, lost))
    return [events.access(platform, installation, kind, which) for kind, which in changes if which]


async def deliver(platform: Platform, event: Json) -> Answer:
    """Deliver one of them, whose event's time is that of the removal."""
    return await deliver_event(platform, platform.home, event)


async def _deliver_both(platform: Platform, both: dict[str, Json]) -> None:
    for name in BOTH:
        await deliver(platform, both[name])
