"""What is said in a request's thread, and to people directly."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from bot import mrkdwn
from bot.operation import Operation
from bot.progress import Progress
from bot.texts.lists import as_csv
from bot.texts.message import Block, Message, actions, button, context, first_rows, fits, section, table
from bot.texts.outcomes import worded
from storage.tables import Call

SHOW_CREDENTIALS = "show_credentials"
KEEP_WATCHING = "keep_watching"
LOOK_AGAIN = "look_again"
SEND_AGAIN = "send_again"
MOST_FAILURES = 20
"""How many failures are spelled out where the table of all outcomes does not fit."""


def completion(progress: Progress) -> Message:
    """The end of a request, with what became of each name; it mentions the asker, since an edit notifies nobody."""
    text = f"{mrkdwn.person(progress.request.asker)} {_verdict(progress)}"
    return Message(text, [section(text), *_outcomes(progress), *_looks(progress)])


def _outcomes(progress: Progress) -> list[Block]:
    """What became of each name: a table where it fits, else the failures; a file has them all then."""
    if progress.total == 1:
        return []
    head, rows = outcome_rows(progress)
    if fits(head, rows):
        return [table(head, rows)]
    failures = [(name, worded(outcome)) for name, outcome in progress.failures()]
    note = context("The file below has all of them.")
    if not failures:
        return [note]
    shown = first_rows(head, failures[:MOST_FAILURES])
    rest = f"{len(shown)} of {len(failures)} that were not created" if len(shown) < len(failures) else ""
    return [table(head, shown), *([context(rest)] if rest else []), note]


def outcome_rows(progress: Progress) -> tuple[tuple[str, str], list[tuple[str, str]]]:
    """The head and the rows of the outcome of every name."""
    rows = [(name, worded(outcome)) for name, outcome in progress.outcomes.items()]
    return (progress.operation.nouns[0].capitalize(), "Result"), rows


def outcome_file(progress: Progress) -> tuple[str, str, str] | None:
    """The name, content and text of the file with all outcomes, where the table does not fit.

    The name tells the request.
    """
    head, rows = outcome_rows(progress)
    if fits(head, rows):
        return None
    text = f"What became of each of the {progress.operation.title()}"
    return f"mailroom-request-{progress.request.id}.csv", as_csv(head, rows), text


def _looks(progress: Progress) -> list[Block]:
    """Mailboxes have credentials, which the asker and the approvers may see."""
    if progress.operation.task_kind is None or not progress.made:
        return []
    return [actions(button("Show Credentials", SHOW_CREDENTIALS, str(progress.request.id)))]


def _verdict(progress: Progress) -> str:
    title = progress.operation.title()
    if progress.made == progress.total:
        return f"{title[0].upper()}{title[1:]}: created{_worded(progress)}."
    if progress.total == 1:
        (_, failure), *_ = progress.failures()
        return f"{title[0].upper()}{title[1:]}: not created. {mrkdwn.escape(_sentence(worded(failure)))}"
    if progress.made == 0:
        reasons = {worded(outcome) for _, outcome in progress.failures()}
        why = f" {mrkdwn.escape(_sentence(reasons.pop()))}" if len(reasons) == 1 else ""
        return f"{title[0].upper()}{title[1:]}: none was created.{why}"
    return f"{title[0].upper()}{title[1:]}: {progress.made} created, {progress.total - progress.made} not."


def _worded(progress: Progress) -> str:
    """For a domain, that it is verified; what MailAPI says of a mailbox is that it was created."""
    words = {worded(outcome) for outcome in progress.outcomes.values()}
    return f" and {mrkdwn.escape(words.pop())}" if progress.operation.task_kind is None and len(words) == 1 else ""


def _sentence(text: str) -> str:
    """`text` as a sentence of its own."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


class Closed(Enum):
    """Why MailAPI takes a sub-domain request only later."""

    TAKEN = "MailAPI takes one sub-domain request an hour for a domain, and the last one was less than an hour ago."
    LOST = (
        "MailAPI takes one sub-domain request an hour for a domain, and the answer to the last one was lost, so that "
        "it may have been taken less than an hour ago."
    )
    ELSEWHERE = (
        "MailAPI says that the last sub-domain request for this domain was less than an hour ago; "
        "it was not sent from here, so when exactly is not known."
    )


def waits(until: datetime, why: Closed) -> Message:
    """A sub-domain request that MailAPI takes only later."""
    return Message(f"{why.value} This one is sent {mrkdwn.moment(until)}. You need not do anything.")


def reduced(count: str, *, existing: int) -> Message:
    """Names that came to exist between the plan and the sending."""
    return Message(f"{existing} came to exist since this was planned and stay as they are; {count} will be created.")


def unavailable(reason: str) -> Message:
    """MailAPI is out of reach, and the request waits."""
    return Message(
        f"MailAPI is out of reach ({mrkdwn.escape(reason)}). Nothing is lost: this goes on by itself when it answers."
    )


def lost(call: Call, operation: Operation, people: Sequence[str]) -> Message:
    """A create whose answer was lost, and which cannot be found in full: one of these `people` decides."""
    found = len(call.results or {})
    seen = f"only {found} of {len(call.names)} have appeared since" if found else "nothing of it has appeared since"
    text = (
        f"{' '.join(map(mrkdwn.person, people))} MailAPI's answer to the request for {operation.title()} was lost, and "
        f"{seen}. It may still come. “Look Again” asks MailAPI once more; “Send Again” sends what is missing, which "
        "makes it twice if the first request does come through."
    )
    value = str(call.id)
    return Message(
        text,
        [
            section(text),
            actions(button("Look Again", LOOK_AGAIN, value), button("Send Again", SEND_AGAIN, value)),
        ],
    )


def stalled(call: Call, title: str) -> Message:
    """A call without an end after a day."""
    task = f" (task {call.task_id})" if call.task_id else ""
    text = (
        f"MailAPI has not finished {title}{task} within 24 hours, so it is no longer being watched. "
        "Ask MailAPI's support about it, or keep watching for another 24 hours."
    )
    return Message(text, [section(text), actions(button("Keep Watching", KEEP_WATCHING, str(call.id)))])


def paused(last_four: str, reason: str) -> Message:
    """To whoever connected a key that MailAPI no longer takes."""
    return Message(
        f"MailAPI refuses the key ending {mrkdwn.code(last_four)} that you connected: {mrkdwn.escape(reason)} "
        "This workspace's requests wait. Type `/mail connect` with a key that works, and they go on."
    )


UNREADABLE_KEY = "The stored key cannot be read with the encryption keys that this bot was started with."
"""Why a key does not work, where that is not MailAPI's doing."""


def key_lost(last_four: str) -> Message:
    """To whoever connected a key that cannot be decrypted any more."""
    return Message(
        f"The key ending {mrkdwn.code(last_four)} that you connected is stored here encrypted, and cannot be read with "
        "the encryption keys that this bot was started with. This workspace's requests wait. Type `/mail connect` with "
        "the key and they go on, or let whoever runs this bot put the encryption key back and start it again."
    )


SET_ASIDE = "an error on our side, which is in the log"


def set_aside(asker: str) -> Message:
    """A part of a request that cannot be worked on."""
    return Message(
        f"{mrkdwn.person(asker)} A part of this could not be worked on because of an error on our side, and was set "
        "aside. What MailAPI made of it, if anything, is in `/mail mailbox list` or `/mail domain list`."
    )


def request_set_aside(request: int) -> Message:
    """A whole request that cannot be worked on."""
    return Message(
        f"Your request {request} could not be worked on because of an error on our side, and was set aside. "
        "Nothing more is sent for it. Look at what exists, then ask again for what is missing."
    )


def left_out(request: int | None) -> Message:
    """A message that could not be told."""
    about = f" about your request {request}" if request else ""
    return Message(
        f"A message{about} was left out because of an error on our side, which is in the log. "
        "`/mail tasks` shows what became of recent requests."
    )


DISCONNECTED = "MailAPI was disconnected before this was sent"
"""What became of a call that was never sent since somebody gave up the key."""


def never_sent(asker: str, by: str) -> Message:
    """To the asker of a request that ended before anything was sent, since `by` gave up the key."""
    return Message(
        f"{mrkdwn.person(asker)} Nothing was created: {mrkdwn.person(by)} disconnected MailAPI before this was sent. "
        "Ask again once a key is connected."
    )


def chosen(person: str, action: str) -> str:
    """A person chose how a call goes on."""
    return f"{mrkdwn.person(person)} chose {_CHOICES[action]}"


_CHOICES = {
    KEEP_WATCHING: "to keep watching for another 24 hours.",
    LOOK_AGAIN: "to look again.",
    SEND_AGAIN: "to send again what is missing. Mailboxes of a bulk are sent one by one.",
}
