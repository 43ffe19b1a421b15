"""oauth.v2.access, auth.revoke and apps.uninstall: errors by the names of Slack's method reference."""

from sandbox.slack import granting, removal
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call
from sandbox.slack.world import Json


def access(platform: Platform, arguments: Json) -> Json:
    """oauth.v2.access: a token for a code, or for a refresh token."""
    _check_client(platform, arguments)
    match arguments.get("grant_type", "authorization_code"):
        case "authorization_code":
            return _for_code(platform, arguments)
        case "refresh_token":
            return granting.refresh(platform, str(arguments.get("refresh_token", "")))
        case _:
            raise Refused("invalid_grant_type")


def revoke(call: Call) -> Json:
    """auth.revoke: the last token that never expires takes the app along, one that expires only itself."""
    if call.flag("test"):
        return {"revoked": False}
    expires = call.installation.tokens[call.token]
    if expires is None and len(call.installation.tokens) == 1:
        removal.uninstall(call.platform, call.installation)
        call.platform.world.void[call.token] = "token_revoked"
    else:
        granting.revoke(call.platform, call.installation, call.token)
    return {"revoked": True}


def uninstall(call: Call) -> Json:
    """apps.uninstall: with the app's own credentials beside the token."""
    _check_client(call.platform, call.arguments)
    removal.uninstall(call.platform, call.installation)
    return {}


def _for_code(platform: Platform, arguments: Json) -> Json:
    consent = platform.codes.exchange(
        str(arguments.get("code", "")), redirect_uri=str(arguments.get("redirect_uri", ""))
    )
    installation = granting.install(platform, consent.place, consent.user, consent.scopes)
    return granting.access(platform, installation) | {"authed_user": {"id": consent.user}}


def _check_client(platform: Platform, arguments: Json) -> None:
    if arguments.get("client_id") != platform.world.app.client_id:
        raise Refused("invalid_client_id")
    if arguments.get("client_secret") != platform.world.app.client_secret:
        raise Refused("bad_client_secret")
