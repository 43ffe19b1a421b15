"""What is wrong with what somebody typed or did, and what to do next; mrkdwn, with all from outside escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot import mrkdwn

MOST_LISTED = 10

# What may be wrong with a word.


def no_domain(word: str) -> str:
    """A word that stands where a domain has to."""
    return f"{_quoted(word)} is not a domain."


def no_label(word: str) -> str:
    """A word that stands where a sub-domain's label has to."""
    return f"{_quoted(word)} is not a sub-domain label: use letters, digits and hyphens, no dots."


def no_local_part(word: str) -> str:
    """A word that stands before the @ of an address, or begins what will."""
    return f"{_quoted(word)} cannot stand before the @ of an address."


def no_count(word: str) -> str:
    """A word that stands where the number of mailboxes has to."""
    return f"{_quoted(word)} is not a number of mailboxes. Type it in digits, such as 25."


def too_many_mailboxes(number: int, most: int) -> str:
    """More than one bulk may have."""
    # The same prefix would be numbered from 1 again, and name the same mailboxes.
    return f"{number:,} mailboxes are too many at once. Split them: up to {most:,} with this prefix, more with another."


def too_many_labels(number: int, most: int) -> str:
    """More than one request for sub-domains may have."""
    return f"MailAPI takes up to {most} sub-domains in a request, and these are {number}."


def no_quota(word: str) -> str:
    """A word that stands where a quota has to."""
    return f"{_quoted(word)} is not a quota: type it as `1024`, `1024MB` or `1GB`."


def no_name(most: int) -> str:
    """A name that is empty, too long, or has signs that nobody sees."""
    return f"A name has 1 to {most} visible characters."


def no_task(word: str) -> str:
    """A word that stands where a task's number has to."""
    return f"{_quoted(word)} is not a task number."


# What may be wrong with words beside each other.


def long_address(most: int) -> str:
    """The two parts of an address are too long together."""
    return f"An address has at most {most} characters."


def long_prefix(most: int) -> str:
    """A prefix is too long with the number behind it."""
    return f"The prefix and its number are longer than {most} characters."


def long_domain(most: int) -> str:
    """A sub-domain's name is too long in full."""
    return f"A domain has at most {most} characters, the parent included."


# What may be wrong with a line.

OPEN_QUOTE = 'A quote is open: close it, as in `--name "John Doe"`.'
FILL_IN = "Fill this in."
NAME_IN_QUOTES = 'A name of several words stands in quotes, as in `--name "John Doe"`.'
ONE_FILTER = "The list of domains takes one word to look for at most."
ONE_DOMAIN = "Name the one domain whose mailboxes to show."
ONE_TASK = "Name the one number of the task."
NOTHING_AFTER = "This command takes nothing after it."
WHOSE_REQUESTS = "Recent requests are those of this channel and your own, or with `mine` only your own."
KEY_IN_A_COMMAND = (
    "A key does not belong in a command, since Slack keeps what is typed. It was neither stored nor used here. "
    "If what you typed was a key, replace it at MailAPI now; then type the command alone, "
    "and put the new key into the form that opens."
)

KEY_IN_A_FIELD = (
    "A MailAPI key does not belong here, since Mailroom would show it to others. It was neither stored nor used. "
    "If this is one, replace it at MailAPI now."
)


def unknown_option(name: str) -> str:
    """An option that the command does not have."""
    return f"There is no option {_option(name)} here."


def no_value(option: str) -> str:
    """An option with nothing behind it."""
    return f"{_option(option)} needs a value after it."


def twice(option: str) -> str:
    """An option that is there twice."""
    return f"{_option(option)} is there twice."


def long_line(most: int) -> str:
    """More in a line than any command needs."""
    return f"A command has at most {most:,} characters."


def long_filter(most: int) -> str:
    """More to look for than there may be."""
    return f"What to look for has at most {most} characters."


def word_too_many(word: str, hint: str) -> str:
    """A word that stands for nothing; `hint` says how it may have come about, or is empty."""
    return f"{mrkdwn.code(mrkdwn.cut(word, 40))} is one word too many. {hint}".strip()


def understood(problem: str, right: Mapping[str, str]) -> str:
    """The problem, and what was right of the same line, by label."""
    parts = ", ".join(f"{label.lower()} {_quoted(word)}" for label, word in right.items())
    return f"{problem} Understood so far: {parts}." if parts else problem


def did_you_mean(said: str, path: str) -> str:
    """Words that are nearly a command."""
    return f"There is no command {mrkdwn.code(mrkdwn.cut(said, 60))}. Did you mean `/mail {path}`?"


def unknown_command(said: str) -> str:
    """Words that are no command at all."""
    return f"There is no command {mrkdwn.code(mrkdwn.cut(said, 60))}. `/mail help` shows what there is."


def one_more_word(group: str, paths: Iterable[str]) -> str:
    """The first word of several commands, and no second one that makes it one of them."""
    return f"`/mail {group}` needs one more word: {' or '.join(f'`/mail {path}`' for path in paths)}."


def unknown_topic(topic: str, topics: Iterable[str]) -> str:
    """Help was asked for about something that there is no help about."""
    return f"There is no help about {mrkdwn.code(mrkdwn.cut(topic, 60))}. Topics: {', '.join(topics)}."


# What a person may not do, or not now.

GUESTS = "Guests and people of other organisations cannot use Mailroom. Ask a member of this workspace."
NOT_CONNECTED = "This workspace has no MailAPI key yet. Connect one with `/mail connect`, then run this again."
UNREADABLE_REQUEST = "This request cannot be read any more because of an error on our side. Nothing is sent for it."
UNKNOWN_REQUEST = "This request is not known any more."
NOT_YOUR_CREDENTIALS = "Only the person who asked for these mailboxes, approvers and admins can see their credentials."
NOT_YOUR_REQUEST = "Only the person who asked for this, approvers and admins can decide how it goes on."
NOT_YOUR_POLICY = "Only admins, owners and whoever connected the key in force can change the policy."
KEY_REPLACED = "Somebody replaced the key meanwhile, so nothing was given up. Look at `/mail status`, then decide."
REMOVED = "Mailroom was removed from this workspace, so the key was not kept. Install it again, then connect the key."

DECIDED = "This was decided already, or has settled itself. The root message shows how it stands."
NOT_YOUR_AUDIT = "Only approvers, and those who may change the policy, can see the audit."
WHO_ARE_YOU = "Slack did not say in time who you are, so nothing was done. Try again."
WHO_IS_IN_GROUP = "Slack did not say in time who is in the user groups of the policy, so nothing was done. Try again."
WHO_APPROVES = "Slack did not say in time who may approve, so nothing was done. Try again."
WHO_ARE_THEY = "Slack did not say in time who these people are, so nothing was saved. Try again."
BUSY = "Too much is being looked up for this workspace just now. Try again in a moment."
FORM_TOO_LATE = "The form could not be opened, since it took too long. Try once more."
CREDENTIALS_TOO_LATE = "The credentials could not be opened, since it took too long. Click once more."
OLD_BUTTON = "This button is from an older version of Mailroom. Type `/mail` to begin anew."
OLD_FORM = "There is no such form any more. Type `/mail` to begin anew."
WRONG_KEY = "A MailAPI key has exactly 32 letters and digits. Copy it again from your account."
WRONG_CALLER_ID = "The caller id is a whole number, such as 123. MailAPI shows it in your account."


def other_channel(channels: Sequence[str]) -> str:
    """The policy lets people ask in some channels only."""
    where = " or ".join(mrkdwn.channel(channel) for channel in channels[:MOST_LISTED])
    return f"Here nothing can be asked for: the policy of this workspace lets people ask in {where}."


def not_an_asker(people: Sequence[str], groups: Sequence[str]) -> str:
    """The policy lets only some people ask."""
    named = [*(mrkdwn.person(person) for person in people), *(mrkdwn.group(group) for group in groups)]
    who = " or ".join(named[:MOST_LISTED])
    return f"The policy of this workspace lets only some people ask, and you are not among them. Ask {who}."


def not_your_key(connected_by: str | None) -> str:
    """Only some may replace or give up the key; `connected_by` is who connected the one in force."""
    whom = f"{mrkdwn.person(connected_by)}, or an admin" if connected_by else "an admin"
    return f"Only admins, owners and whoever connected the key in force can replace it. Ask {whom} of this workspace."


def no_key_to_look_with(caller_id: int) -> str:
    """Somebody wants a call to be looked for, and neither its key is here nor another one of its account."""
    return (
        "The key with which this was sent is no longer stored here, so nobody can look for it. Connect a key of the "
        f"same account (caller id {caller_id}) with `/mail connect`, then choose again."
    )


def overtaken(last_four: str, connected_by: str) -> str:
    """While somebody's key was checked, another one came in force (`last_four`) that he cannot replace."""
    return (
        f"By the time it was checked, the key ending {mrkdwn.code(last_four)} was in force, which "
        f"{mrkdwn.person(connected_by)} connected; it stays in force. {not_your_key(connected_by)}"
    )


def too_many_open(most: int) -> str:
    """The workspace has as many requests under way as it may have."""
    return (
        f"This workspace has {most:,} requests under way, which is as many as it may have. Ask again when some ended."
    )


def repeated(title: str, asked_at: datetime, request: int) -> str:
    """The same person asked for the same thing a moment ago."""
    at = mrkdwn.moment(asked_at, "{time_secs}")
    return f"You asked for {title} {at} already, as request {request}. Run it again?"


def no_such_domain(name: str, near: Iterable[str]) -> str:
    """The MailAPI account has no domain of this name; `near` are those with similar names. Plain text."""
    meant = " or ".join(near)
    hint = f"Did you mean {meant}?" if meant else "/mail domain list shows those that it has."
    return f"This MailAPI account has no domain {name}. {hint}"


def not_found(reason: str, near: str) -> str:
    """MailAPI does not know a domain, and has another one with a similar name."""
    return f"MailAPI says: {mrkdwn.escape(reason)} Did you mean {mrkdwn.domain_shown(near)}?"


def _quoted(word: str) -> str:
    return mrkdwn.code(mrkdwn.cut(word, 80))


def _option(name: str) -> str:
    return mrkdwn.code("--" + mrkdwn.cut(name, 40))
