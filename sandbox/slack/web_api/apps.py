from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call
from sandbox.slack.web_api.paging import page
from sandbox.slack.world import Json, Organisation


def auth_test(call: Call) -> Json:
    """auth.test: whose token it is; an organisation's names the organisation in place of a team."""
    workspace = call.workspace
    organisation = call.platform.world.organisations.get(workspace.enterprise_id)
    place = organisation if call.installation.is_enterprise and organisation else workspace
    return {
        "url": f"https://{place.domain}.{'enterprise.' if isinstance(place, Organisation) else ''}slack.com/",
        "team": place.name,
        "user": workspace.users[workspace.bot].name,
        "team_id": place.id,
        "user_id": workspace.bot,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": call.installation.is_enterprise,
        **({"enterprise_id": organisation.id} if organisation else {}),
    }


def teams_list(call: Call) -> Json:
    """auth.teams.list: where the token may be used."""
    teams = [call.platform.world.workspaces[team] for team in call.installation.teams]
    found, metadata = page(call, teams)
    return {"teams": [{"id": each.id, "name": each.name} for each in found], "response_metadata": metadata}


def connections_open(platform: Platform, token: str) -> Json:
    """apps.connections.open: a URL that admits one Socket Mode connection."""
    app = next((each for each in platform.world.workspaces.values() if each.app_token == token), None)
    if app is None:
        raise Refused("not_allowed_token_type" if platform.world.holder(token) else "invalid_auth")
    ticket = platform.sockets.ticket(app.app_id)
    address = platform.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/link/?ticket={ticket}&app_id={app.app_id}"}


def team_info(call: Call) -> Json:
    """team.info."""
    workspace = call.workspace
    organisation = call.platform.world.organisations.get(workspace.enterprise_id)
    about = {"enterprise_id": organisation.id, "enterprise_name": organisation.name} if organisation else {}
    return {
        "team": {
            "id": workspace.id,
            "name": workspace.name,
            "domain": workspace.domain,
            "email_domain": f"{workspace.domain}.example",
            "icon": {},
            **about,
        }
    }
