"""What became of a name, where MailAPI's own words do not say it: a few words that end no sentence."""

from bot.progress import Outcome, Why

_WORDS = {
    Why.EXISTED: "existed already ({}), left as it is",
    Why.ASKED_FOR: "already asked for by another request",
    Why.NO_REASON: "MailAPI gave no reason",
    Why.FORGOTTEN: "not created, and why is no longer kept",
}
NOTHING_SAID = "MailAPI said nothing about it"
TASK_GONE = "MailAPI no longer knows the task, and the mailbox is not listed"


def worded(outcome: Outcome) -> str:
    """What became of a name; plain text."""
    return _WORDS[outcome.why].format(outcome.word) if outcome.why else outcome.word
