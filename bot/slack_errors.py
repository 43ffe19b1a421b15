"""What Slack's refusals and failures mean, by what to do about them."""

from datetime import timedelta

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

PLACE_GONE = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "messages_tab_disabled",
        "method_not_supported_for_channel_type",
        "team_access_not_granted",
    }
)
"""Errors of chat.postMessage and chat.update after which this message will never be taken at this place."""

EDIT_REFUSED = frozenset({"cant_update_message", "edit_window_closed"})
"""Errors of chat.update that say nothing of the place: the message stays as it is, others are taken there."""

AMBIGUOUS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""chat.postMessage: “It's possible some aspect of the operation succeeded.”"""

TOKEN_REFUSED = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "not_allowed_token_type",
        "org_login_required",
        "team_added_to_org",
    }
)
"""Errors that say nothing about what was asked: with this token, or for now, Slack takes nothing."""

TOKEN_VOID = frozenset({"account_inactive", "invalid_auth", "token_revoked"})
"""Those of them after which the token is never taken again: whoever removes the app leaves it so.

The others pass, as while a workspace moves into an organisation, or are about something else than the token.
"""

TOKEN_GONE = TOKEN_VOID - {"invalid_auth"}
"""Those that are said of nothing else: Slack also says `invalid_auth` to an address from which it takes no calls."""

APP_GONE = TOKEN_GONE - {"token_revoked"}
"""What is left where tokens are exchanged: of an installation that holds, Slack revokes the oldest of three."""

TELLING = frozenset(
    {
        "chat.postMessage",
        "chat.update",
        "conversations.open",
        "files.getUploadURLExternal",
        "files.completeUploadExternal",
    }
)
"""The methods without whose scopes nothing can be told; what else lacks a scope is done without."""


class SlackError(Exception):
    """Slack did not do what was asked; the text is Slack's error name or the kind of failure."""


class Refused(SlackError):
    """Slack said no; the same thing will be refused again."""


class PlaceGone(Refused):
    """Nothing can be said at this place, now or later; somewhere else it can."""


class EditRefused(Refused):
    """A message stays as it is, now and later; its thread goes on."""


class TokenRefused(SlackError):
    """Slack does not take the token: nothing was done, and it may be tried again when the token was mended."""


class ScopeMissing(TokenRefused):
    """The token works, but not for this `method`, without which nothing can be told."""

    def __init__(self, method: str) -> None:
        super().__init__("missing_scope")
        self.method = method


class Limited(SlackError):
    """Too much at once: nothing was done, and this `method` may not be tried for `retry_after` seconds."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"ratelimited: {method}")
        self.method = method
        self.retry_after = retry_after


class NotSent(SlackError):
    """Slack was out of reach; nothing was done, and it may be tried again."""


class UploadRefused(NotSent):
    """The address that Slack gave for a file did not take it; Slack itself is there."""


class AnswerLost(SlackError):
    """It was sent and may have been done: nobody knows."""


def asked_pause(error: Exception) -> timedelta:
    """The pause that Slack asks for, if it does."""
    return timedelta(seconds=error.retry_after) if isinstance(error, Limited) else timedelta()


_REMEDIES = ((TOKEN_REFUSED, TokenRefused), (PLACE_GONE, PlaceGone), (EDIT_REFUSED, EditRefused))


def named(error: SlackApiError) -> SlackError:
    """The SDK's error by what to do about it."""
    response = error.response
    if not isinstance(response, AsyncSlackResponse):
        return AnswerLost("unreadable answer")
    name = str(response.get("error") or response.status_code) if isinstance(response.data, dict) else "unreadable"
    if response.status_code == 429 or name == "ratelimited":  # noqa: PLR2004 - Slack's rate limits page
        return Limited(method_of(response), float(response.headers.get("Retry-After", 1)))
    if name in AMBIGUOUS or response.status_code >= 500 or name == "unreadable":  # noqa: PLR2004 - a server's failure
        return AnswerLost(name)
    if name == "missing_scope" and (method := method_of(response)) in TELLING:
        return ScopeMissing(method)
    return next((error(name) for names, error in _REMEDIES if name in names), Refused(name))


def method_of(response: AsyncSlackResponse) -> str:
    """Which method answered."""
    return response.api_url.rsplit("/", 1)[-1]
