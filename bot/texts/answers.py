"""Private answers to the person who typed."""

import json
from collections.abc import Sequence

from bot import mrkdwn
from bot.errors import Offer, UserError
from bot.mailapi import Task, TaskState
from bot.operation import Operation
from bot.texts.message import Message, actions, button, context, first_rows, section, table

OPEN_FORM, CONNECT, RUN_AGAIN = "open_form", "open_connect", "run_again"
_BUTTON_VALUE = 2_000


def refusal(error: UserError, nearest: str | None = None) -> Message:
    """What is wrong, the nearest right domain, a line to type instead, and a button to the form or to connecting."""
    text = f"{error.text} Did you mean {nearest}?" if nearest else error.text
    blocks = [section(text)]
    if error.example is not None:
        blocks.append(context(f"Example: `{error.example}`"))
    if error.offer is not None:
        blocks.append(actions(button("Open Form", OPEN_FORM, offered(error.offer))))
    if error.connect:
        blocks.append(actions(button("Connect MailAPI", CONNECT, "connect")))
    example = f" Example: {error.example}" if error.example else ""
    return Message(f"{text}{example}", blocks)


def asked(title: str, *, in_thread: bool) -> Message:
    """A request is written down."""
    where = (
        "Its result follows in this thread."
        if in_thread
        else "It is announced in this channel, and the result follows in its thread."
    )
    return Message(f"Asked for {title}. {where}")


def run_again(text: str, operation: Operation) -> Message:
    """The same thing was asked for a moment ago; a button runs it again."""
    value = json.dumps({"kind": operation.kind, "parameters": operation.parameters()})
    if len(value) > _BUTTON_VALUE:
        return Message(f"{text} To do so, type it again in some seconds.")
    return Message(text, [section(text), actions(button("Run It Again", RUN_AGAIN, value))])


def form_offered(offer: Offer) -> Message:
    """Something is missing, and there is a form for it."""
    text = "Something is missing. The form asks for it."
    return Message(text, [section(text), actions(button("Open Form", OPEN_FORM, offered(offer)))])


def too_fast() -> Message:
    """More commands in a minute than anybody types."""
    return Message("That is more than Mailroom takes from one person in a minute, so this was not done. Wait a little.")


def not_installed(url: str | None) -> Message:
    """The workspace does not have the bot, or not any more."""
    if url is None:
        return Message("This Mailroom works for another workspace, so nothing was done.")
    return Message(f"Mailroom is not installed here any more, so nothing was done. To install it again, open {url}.")


def token_unreadable(url: str | None) -> Message:
    """The token with which the bot speaks there cannot be decrypted."""
    again = f", or install it again: open {url}" if url else ""
    return Message(
        "What Mailroom needs to work in this workspace cannot be read with the encryption keys that it was started "
        f"with, so nothing was done. Tell whoever runs this bot{again}."
    )


def csv_sent() -> Message:
    """The file is in a direct message."""
    return Message("The list is in your direct messages with Mailroom, as a CSV file.")


def csv_not_sent() -> Message:
    """Slack did not take the file."""
    return Message("Slack did not take the file. Try again in a minute.")


def offered(offer: Offer) -> str:
    """An offer as a button carries it, at most 2,000 characters: what does not fit is typed again."""
    value = json.dumps({"kind": offer.kind, "filled": dict(offer.filled)})
    return value if len(value) <= _BUTTON_VALUE else json.dumps({"kind": offer.kind, "filled": {}})


def our_fault(reference: str) -> Message:
    """An error of ours, with which the operator finds the entry in the log."""
    return Message(
        f"Something went wrong on our side, and nothing was done. Try again; if it happens again, "
        f"tell whoever runs this bot the reference {mrkdwn.code(reference)}."
    )


def not_written() -> Message:
    """The database did not take it."""
    return Message("This could not be written down just now, so nothing was done. Try again in a minute.")


def not_read() -> Message:
    """The database did not answer a question."""
    return Message("This could not be looked up just now. Try again in a minute.")


def still_looking() -> Message:
    """MailAPI takes its time."""
    return Message("MailAPI is slow to answer. The answer comes here as soon as there is one.")


def unanswered(reason: str) -> Message:
    """MailAPI did not answer a question."""
    return Message(
        f"MailAPI did not answer, so there is nothing to show: {mrkdwn.escape(reason)} Try again in a minute."
    )


def refused(reason: str) -> Message:
    """MailAPI answered a question with no."""
    return Message(f"MailAPI says: {mrkdwn.escape(reason)}")


def key_refused(last_four: str) -> Message:
    """MailAPI no longer takes the key in force."""
    return Message(
        f"MailAPI refuses the key ending {mrkdwn.code(last_four)}, so nothing can be looked up or created. "
        "Type `/mail connect` with a key that works; what waits goes on then."
    )


def key_unreadable(last_four: str) -> Message:
    """The key in force cannot be decrypted."""
    return Message(
        f"The stored key ending {mrkdwn.code(last_four)} cannot be read with the encryption keys that this bot was "
        "started with, so nothing can be looked up or created. Type `/mail connect` with the key; what waits goes on "
        "then."
    )


def task(found: Task) -> Message:
    """What MailAPI says of a task."""
    words = {TaskState.RUNNING: "still running", TaskState.COMPLETED: "completed", TaskState.FAILED: "failed"}
    worded = f" ({mrkdwn.escape(found.word)})" if found.word and found.word != words[found.state] else ""
    where = f" at {mrkdwn.code(found.domain)}" if found.domain else ""
    reason = f": {mrkdwn.escape(found.reason)}" if found.reason else "."
    title = f"Task {found.task_id}{where} is {words[found.state]}{worded}{reason}"
    if found.state is TaskState.FAILED:
        title = f"Task {found.task_id}{where} failed{worded}{reason}"
    rows = [(result.address, result.status) for result in found.results]
    return _listing(title, ("Mailbox", "Result"), rows) if rows else Message(title)


def _listing(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> Message:
    shown = first_rows(head, rows)
    left_out = [context(f"The first {len(shown)} of {len(rows)}")] if len(shown) < len(rows) else []
    return Message(title, [section(title), table(head, shown, right=right), *left_out])
