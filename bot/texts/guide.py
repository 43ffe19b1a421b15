"""What each command does, in the help and in the README, and the help itself."""

from collections.abc import Sequence
from typing import Protocol

from bot import mrkdwn
from bot.texts.message import Message, context, section

HELP = "Show what can be done"
EXPLAIN = "Say what a command would do and who would have to agree, without doing it"
CONNECT = "Connect this workspace with a MailAPI key, in a form"
DISCONNECT = "Give up the MailAPI key, after a question"
STATUS = "Show the connection, what is under way and what waits"
TASKS = "Show recent requests, with links to their threads"
POLICY = "Show what needs whose approval, and change it in forms"
TASK = "Show what MailAPI says of a task"
AUDIT = "Show who did, decided or was refused what; for approvers"
LIST_DOMAINS = "Show the domains, with status, quota and mailboxes"
CREATE_DOMAIN = "Create a domain and say when it is verified"
CREATE_SUBDOMAINS = "Create up to 10 sub-domains of a domain"
LIST_MAILBOXES = "Show a domain's mailboxes, without credentials"
CREATE_MAILBOX = "Create one mailbox; the quota is in MB, or as 1GB"
CREATE_BULK = "Create PREFIX1 to PREFIXn, up to 1,000; the quota is that of each"
FOOT = (
    "What you create is announced in this channel, and its progress and result follow in the thread. "
    "Everything else is shown to you alone. In a thread, mention Mailroom instead of typing /mail."
)


class Topic(Protocol):
    """A command, as far as the help shows it."""

    @property
    def path(self) -> tuple[str, ...]:
        """The words that it begins with."""

    @property
    def arguments(self) -> str:
        """What follows them."""

    @property
    def summary(self) -> str:
        """What it does."""

    @property
    def example(self) -> str:
        """A line that does it."""

    @property
    def usage(self) -> str:
        """The line with its arguments."""


def message(shown: Sequence[Topic]) -> Message:
    """What can be done with these commands, an example each."""
    lines = [f"`{mrkdwn.escape(command.usage)}`\n{command.summary}" for command in shown]
    examples = [f"`{command.example}`" for command in shown if command.arguments]
    return Message(
        "What Mailroom can do: " + ", ".join(" ".join(command.path) for command in shown),
        [
            section("\n".join(lines)),
            *([section("Examples\n" + "\n".join(examples))] if examples else []),
            context(FOOT),
        ],
    )
