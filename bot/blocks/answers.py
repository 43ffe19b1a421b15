"""Private answers to the person who typed."""

from collections.abc import Sequence

from bot import mrkdwn
from bot.blocks.message import Message, context, first_rows, section, table
from bot.errors import UserError
from bot.mailapi import Domain, Mailbox, Task, TaskState


def refusal(error: UserError) -> Message:
    """What is wrong, and a line to type instead."""
    if error.example is None:
        return Message(error.text)
    return Message(
        f"{error.text} Example: {error.example}", [section(error.text), context(f"Example: `{error.example}`")]
    )


def our_fault(reference: str) -> Message:
    """An error of ours, with which the operator finds the entry in the log."""
    return Message(
        f"Something went wrong on our side, and nothing was done. Try again; if it happens again, "
        f"tell whoever runs this bot the reference {mrkdwn.code(reference)}."
    )


def not_written() -> Message:
    """The database did not take it."""
    return Message("This could not be written down just now, so nothing was done. Try again in a minute.")


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


DOMAIN_HEAD = ("Domain", "Status", "Quota", "Mailboxes", "Created")
MAILBOX_HEAD = ("Mailbox", "Status", "Quota", "Created")


def domains(found: Sequence[Domain]) -> Message:
    """The account's domains as a table."""
    if not found:
        return Message("There are no domains yet. Create the first with `/mail domain create example.com`.")
    rows = [
        (d.name, d.status, d.quota or "", "" if d.mailbox_count is None else str(d.mailbox_count), _day(d))
        for d in sorted(found, key=lambda d: d.name)
    ]
    title = f"{_counted(len(rows), 'domain', 'domains')} in this MailAPI account"
    return _listing(title, DOMAIN_HEAD, rows, right=frozenset({2, 3}))


def mailboxes(domain: str, found: Sequence[Mailbox]) -> Message:
    """A domain's mailboxes as a table, without credentials."""
    if not found:
        return Message(
            f"There are no mailboxes at {mrkdwn.code(domain)} yet. "
            f"Create one with {mrkdwn.code(f'/mail mailbox create john@{domain}')}."
        )
    rows = [(m.address, m.status, m.quota or "", _day(m)) for m in sorted(found, key=lambda m: m.address)]
    title = f"{_counted(len(rows), 'mailbox', 'mailboxes')} at {mrkdwn.code(domain)}"
    return _listing(title, MAILBOX_HEAD, rows, right=frozenset({2}))


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


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _day(row: Domain | Mailbox) -> str:
    return row.created.isoformat() if row.created else ""
