"""What Slack delivers: each delivery is taken apart, done once, and acknowledged, whatever happens."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import mrkdwn
from bot.blocks import answers, forms, thread
from bot.blocks.message import Block, Message
from bot.commands import OpenConnectForm, Query, Say, understand
from bot.errors import UserError
from bot.intake import Intake, Origin
from bot.mailapi import Credentials
from bot.operation import Operation
from bot.pool import Pool
from bot.queries import Queries
from bot.slack import Slack, SlackError
from storage.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

Body = dict[str, Any]
Handler = Callable[[Body, AsyncAck], Awaitable[None]]

FORM_TOO_LATE = "The form could not be opened, since Slack took too long. Type `/mail connect` again."
ANYTHING = re.compile(".*")
BUSY = "Too much is being looked up for this workspace just now. Try again in a moment."


class Listeners:
    """The listeners, registered on a Bolt app; `after` is where what follows an acknowledgement runs."""

    def __init__(
        self, *, intake: Intake, queries: Queries, slack: Slack, after: Pool, nudge: Callable[[], None]
    ) -> None:
        self._intake = intake
        self._queries = queries
        self._slack = slack
        self._after = after
        self._nudge = nudge

    def register(self, app: AsyncApp) -> None:
        """Listen for the command, the form and the buttons; all else is acknowledged, or Slack would repeat it."""
        app.command("/mail")(_guarded(self._command, _ack_message))
        app.view(forms.CONNECT)(_guarded(self._connect_submitted, _ack_form_error))
        for action in (thread.KEEP_WATCHING, thread.LOOK_AGAIN, thread.SEND_AGAIN):
            app.action(action)(_guarded(self._steered, self._tell_clicker))
        for register in (app.action, app.view, app.view_closed, app.shortcut, app.options, app.command):
            register(ANYTHING)(_guarded(_not_ours, _ack_nothing))
        app.event(ANYTHING)(_guarded(_not_ours, _ack_nothing))

    async def _command(self, body: Body, ack: AsyncAck) -> None:
        """`/mail …`: answered at once, or written down, or looked up after the acknowledgement."""
        asked = understand(body.get("text") or "")
        match asked:
            case Say(message):
                await _ack_message(ack, body, message)
            case Operation():
                message = await self._intake.ask(asked, _origin(body))
                self._nudge()
                await _ack_message(ack, body, message)
            case Query():
                await self._query(asked, body, ack)
            case OpenConnectForm():
                await self._open_connect_form(body, ack)

    async def _query(self, query: Query, body: Body, ack: AsyncAck) -> None:
        origin = _origin(body)
        connection = await self._intake.account_for(origin)
        if not self._after.room(origin.workspace):
            raise UserError(BUSY)
        self._after.start(origin.workspace, self._queries.answer(query, connection, body["response_url"]))
        await ack()

    async def _open_connect_form(self, body: Body, ack: AsyncAck) -> None:
        """The trigger lives for 3 s, so the form is opened before anything else that takes time."""
        connection = await self._intake.may_connect(_origin(body))
        view = forms.connect_form(last_four=connection.last_four if connection else None)
        try:
            await self._slack.open_view(body["trigger_id"], view)
        except SlackError as error:
            log.warning("form not opened", reason=str(error))
            raise UserError(FORM_TOO_LATE) from None
        await ack()

    async def _connect_submitted(self, body: Body, ack: AsyncAck) -> None:
        """The key is checked for its form here and with MailAPI by the worker; the form answers at once."""
        view = body["view"]
        credentials, errors = _credentials(view["state"]["values"])
        if credentials is None:
            await ack(response_action="errors", errors=errors)
            return
        origin = _origin(body, key=f"view:{view['id']}:{view['hash']}")
        await self._intake.connect(credentials, origin, view_id=view["id"])
        self._nudge()
        await ack(response_action="update", view=forms.checking())

    async def _steered(self, body: Body, ack: AsyncAck) -> None:
        """A button in a thread: how a call goes on."""
        action = body["actions"][0]
        await self._intake.go_on(action["action_id"], _number(action.get("value")), _origin(body))
        self._nudge()
        await ack()

    async def _tell_clicker(self, ack: AsyncAck, body: Body, message: Message) -> None:
        """A click's acknowledgement shows nothing, so its answer goes through the response URL."""
        await ack()
        workspace, url = _workspace(body), body.get("response_url")
        if url and self._after.room(workspace):
            self._after.start(workspace, self._respond(url, message))

    async def _respond(self, url: str, message: Message) -> None:
        try:
            await self._slack.respond(url, message.content())
        except SlackError as error:
            log.warning("a private answer did not arrive", reason=str(error))


def _guarded(
    handle: Handler, tell: Callable[[AsyncAck, Body, Message], Awaitable[None]]
) -> Callable[[Body, AsyncAck], Awaitable[None]]:
    """The one place where errors become answers: nothing escapes to Bolt, which would forget the acknowledgement."""

    async def listener(body: Body, ack: AsyncAck) -> None:
        try:
            await handle(body, ack)
        except UserError as error:
            await tell(ack, body, answers.refusal(error))
        except DatabaseUnavailable as error:
            log.warning("not written down", reason=str(error))
            await tell(ack, body, answers.not_written())
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("listener failed", reference=reference)
            await tell(ack, body, answers.our_fault(reference))

    return listener


async def _not_ours(body: Body, ack: AsyncAck) -> None:
    """Something that no listener is for: acknowledged, or Slack would deliver it again and then give up on us."""
    log.info("nothing listens for this", type=str(body.get("type"))[:40])
    await ack()


async def _ack_nothing(ack: AsyncAck, _body: Body, _message: Message) -> None:
    await ack()


async def _ack_message(ack: AsyncAck, _body: Body, message: Message) -> None:
    """The private answer to a command, in the acknowledgement itself."""
    content = message.content()
    await ack(text=content["text"], blocks=content["blocks"], response_type="ephemeral")


async def _ack_form_error(ack: AsyncAck, _body: Body, message: Message) -> None:
    """The answer to a form: what is wrong stands at its first field, and what was typed stays."""
    await ack(response_action="errors", errors={forms.KEY: mrkdwn.cut(message.text, 300)})


def _origin(body: Body, *, key: str | None = None) -> Origin:
    """Who, where, and which delivery; the shapes differ between commands and interactions."""
    return Origin(
        workspace=_workspace(body),
        person=str(body.get("user_id") or body["user"]["id"]),
        channel=str(body.get("channel_id") or (body.get("channel") or {}).get("id") or ""),
        deduplication_key=key or f"trigger:{body['trigger_id']}",
    )


def _workspace(body: Body) -> str:
    return str(body.get("team_id") or (body.get("team") or {}).get("id") or "")


def _number(value: object) -> int:
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value) else 0


def _credentials(values: Body) -> tuple[Credentials | None, dict[str, str]]:
    """The typed key and caller id, or what is wrong at which field."""
    key = str(_value(values, forms.KEY) or "").strip()
    caller_id = str(_value(values, forms.CALLER_ID) or "").strip()
    errors: dict[str, str] = {}
    if not re.fullmatch("[0-9]{1,18}", caller_id) or not int(caller_id):
        errors[forms.CALLER_ID] = "The caller id is a whole number, such as 123. MailAPI shows it in your account."
    try:
        credentials = Credentials(key, int(caller_id) if not errors else 1)
    except ValueError:
        errors[forms.KEY] = "A MailAPI key has exactly 32 letters and digits. Copy it again from your account."
        return None, errors
    return (None, errors) if errors else (credentials, errors)


def _value(values: Body, block_id: str) -> Block | str | None:
    return ((values.get(block_id) or {}).get("value") or {}).get("value")
