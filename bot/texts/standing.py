"""How things stand: the way in, the connection, what is under way, and what was asked for lately."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import mrkdwn
from bot.errors import Offer
from bot.progress import Progress, Unread
from bot.texts.answers import CONNECT, OPEN_FORM, offered
from bot.texts.message import Block, Message, actions, button, context, section, sections
from bot.texts.thread import UNREADABLE_KEY
from storage.states import RequestState
from storage.tables import Connection

RUN = "run_line"
"""The action of buttons that stand for a typed line, which is their value."""
DISCONNECT = "disconnect"
"""The callback id of the question before a key is given up."""
MOST_SHOWN = 10
_WORDS = {
    RequestState.PLANNING: "being checked",
    RequestState.AWAITING_DECISION: "waiting for a decision",
    RequestState.APPROVED: "starting",
    RequestState.RUNNING: "in progress",
    RequestState.DONE: "done",
    RequestState.PARTLY_DONE: "partly done",
    RequestState.FAILED: "failed",
    RequestState.REJECTED: "rejected",
    RequestState.EXPIRED: "expired",
    RequestState.CANCELLED: "cancelled",
}


@dataclass(frozen=True)
class Standing:
    """What the rows say of a workspace at one moment."""

    connection: Connection | None
    open_requests: Sequence[Progress | Unread]
    """The first few of them."""
    open_count: int
    unsent: int
    windows: Mapping[str, datetime]
    """The domains that had a sub-domain request within the hour, and when MailAPI takes the next."""
    out: int
    """The calls that MailAPI has taken, or may have."""
    watched: int
    """Those of them that are watched by themselves, with the key with which they were sent."""


def overview(standing: Standing) -> Message:
    """`/mail` alone."""
    if standing.connection is None:
        return not_connected()
    waiting = standing.open_count
    counted = "Nothing is under way." if not waiting else f"{_requests(waiting)} under way."
    text = f"{_connection(standing.connection)} {counted}"
    return Message(
        text,
        [
            section(text),
            actions(
                {**_form("Create Mailboxes", "mailbox_bulk"), "style": "primary"},
                _form("Create One Mailbox", "mailbox_create"),
                _form("Create Domain", "domain_create"),
                _form("Create Sub-domains", "subdomain_create"),
            ),
            actions(_line("List Domains", "domain list"), _line("Show Status", "status"), _line("Show Help", "help")),
        ],
    )


def not_connected() -> Message:
    """The way in before anybody has connected."""
    text = (
        "Mailroom creates mail domains and mailboxes through MailAPI, and this workspace has no MailAPI key yet. "
        "Connect one with `/mail connect`; any member can."
    )
    return Message(text, [section(text), actions(_connect(), _line("Show Help", "help"))])


def before_connecting(message: Message) -> Message:
    """An answer that needs no key, and below it how to connect one."""
    text = "This workspace has no MailAPI key yet. Connect one with `/mail connect`; any member can."
    return Message(f"{message.text.removesuffix('.')}. {text}", [*message.blocks, section(text), actions(_connect())])


def status(standing: Standing) -> Message:
    """The connection, what is under way, and the windows that are closed."""
    connection = standing.connection
    if connection is None:
        return _still_watched(standing) if standing.watched else not_connected()
    lines = [_connection(connection), _connected(connection), _last(connection)]
    under_way = [f"• {_summary(progress)}" for progress in standing.open_requests[:MOST_SHOWN]]
    more = standing.open_count - len(under_way)
    windows = [
        f"• Sub-domains of {mrkdwn.domain_shown(domain)}: taken again {mrkdwn.moment(opens_at)}"
        for domain, opens_at in sorted(standing.windows.items(), key=lambda window: window[1])[:MOST_SHOWN]
    ]
    blocks = [
        section("\n".join(line for line in lines if line)),
        section(f"*Under way:* {_requests(standing.open_count)}, {standing.out} of their calls with MailAPI"),
        *sections(under_way),
        *([context(f"and {more} more")] if more > 0 else []),
        *(sections(["*MailAPI takes one sub-domain request an hour for a domain*", *windows]) if windows else []),
    ]
    return Message(f"{lines[0]} {_requests(standing.open_count)} under way.", blocks)


def _still_watched(standing: Standing) -> Message:
    """After a key was given up, while MailAPI still works on what was sent with it."""
    text = f"No key is connected. MailAPI still works on {_calls(standing.watched)}, watched with the old key."
    return Message(text, [section(text), actions(_connect())])


def tasks(shown: Sequence[Progress | Unread], links: Mapping[int, str], *, mine: bool) -> Message:
    """The recent requests with state, age and a link to the thread."""
    if not shown:
        whose = (
            "You have not asked for anything yet." if mine else "Nobody has asked for anything yet that you may see."
        )
        return Message(f"{whose} Type `/mail` to begin.")
    lines = []
    for progress in shown:
        asked = mrkdwn.moment(progress.request.created_at, "{ago}")
        link = links.get(progress.request.id)
        where = f" · <{link}|thread>" if link else ""
        lines.append(f"• {_summary(progress)}, asked by {mrkdwn.person(progress.request.asker)} {asked}{where}")
    title = "Your recent requests" if mine else "Recent requests"
    return Message(
        f"{title}: {len(shown)}. The newest is {_summary(shown[0])}.", [section(f"*{title}*"), *sections(lines)]
    )


def disconnect_question(standing: Standing) -> Block:
    """What is still open and what becomes of it, before the key is given up; it names the connection that it shows."""
    connection = standing.connection
    last_four = connection.last_four if connection else ""
    lines = [
        f"The key ending {mrkdwn.code(last_four)} will no longer be used.",
        f"{_requests(standing.unsent)} not sent yet will be cancelled, and so will calls that wait."
        if standing.open_count
        else "Nothing is under way.",
        f"What MailAPI has taken ({_calls(standing.watched)}) is watched with the old key to its end, or for a day; "
        "that key is erased then."
        if standing.watched
        else "The key is erased at once.",
        "Domains and mailboxes stay as they are at MailAPI.",
    ]
    return {
        "type": "modal",
        "callback_id": DISCONNECT,
        "private_metadata": str(connection.id) if connection else "",
        "title": {"type": "plain_text", "text": "Disconnect MailAPI"},
        "submit": {"type": "plain_text", "text": "Disconnect"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [section("\n".join(lines))],
    }


def shown_in(metadata: str) -> int | None:
    """The connection that a question shows, from its metadata; `None` where another version of the bot asked it."""
    return int(metadata) if re.fullmatch("[0-9]{1,18}", metadata) else None


def to_disconnect() -> Message:
    """Where Slack opens no form."""
    return Message("Type `/mail disconnect` to give up the key.")


def disconnected(text: str) -> Block:
    """What came of it."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Disconnect MailAPI"},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": [section(text)],
    }


def given_up(last_four: str) -> str:
    """The key is no longer used."""
    return f"The key ending {mrkdwn.code(last_four)} is no longer used. `/mail connect` connects another one."


def _connect() -> Block:
    return {**button("Connect MailAPI", CONNECT, "connect"), "style": "primary"}


def _connection(connection: Connection) -> str:
    key = mrkdwn.code(connection.last_four)
    if connection.broken_at is not None and connection.reason == UNREADABLE_KEY:
        return f"The stored key ending {key} cannot be read here any more; connect it again with `/mail connect`."
    if connection.broken_at is not None:
        return f"MailAPI refuses the key ending {key}; connect one that works with `/mail connect`."
    return f"Connected with the key ending {key}, caller id {connection.caller_id}."


def _connected(connection: Connection) -> str:
    who = mrkdwn.person(connection.connected_by)
    return f"Connected by {who} {mrkdwn.moment(connection.created_at)}."


def _last(connection: Connection) -> str:
    success = f"MailAPI last answered {_at(connection.last_success_at)}." if connection.last_success_at else ""
    polled = f"Last poll {_at(connection.polled_at)}." if connection.polled_at else "Nothing has been polled yet."
    return f"{success} {polled}".strip()


def _at(moment: datetime | None) -> str:
    return mrkdwn.moment(moment) if moment else "never"


def _summary(progress: Progress | Unread) -> str:
    if isinstance(progress, Unread):
        return f"Request {progress.request.id}: cannot be read because of an error on our side"
    state = _WORDS[progress.request.state]
    count = f", {progress.settled} of {progress.total}" if progress.total > 1 else ""
    return f"{progress.operation.title()}: {state}{count}"


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"


def _requests(count: int) -> str:
    return f"{count:,} request{'' if count == 1 else 's'}"


def _form(text: str, kind: str) -> Block:
    return {**button(text, OPEN_FORM, offered(Offer(kind))), "action_id": f"{OPEN_FORM}:{kind}"}


def _line(text: str, line: str) -> Block:
    return {**button(text, RUN, line), "action_id": f"{RUN}:{line.replace(' ', '_')}"}
