"""What is said when the bot comes into a workspace, and when it was removed from one."""

from bot import mrkdwn
from bot.texts.message import Message, actions, button, section

REMOVED = "Mailroom was removed from this workspace before this was done"
"""What became of a request or a call that was open when somebody removed the bot."""
REMOVED_WHILE_OUT = "Mailroom was removed from this workspace while MailAPI was at it, so nobody knows how it ended"
TAKEN_AWAY = "Mailroom was taken away from the workspace in which this was asked for"
"""The same where an organisation did so with one of its workspaces."""
CONNECT = "open_connect"


def welcome(*, connected: bool, whole_organisation: bool) -> Message:
    """To whoever installed the bot: what to do next."""
    text = "Mailroom is installed"
    text += " for your whole organisation. Add it to the workspaces that are to use it" if whole_organisation else ""
    if connected:
        return Message(f"{text}. The MailAPI key that is connected stays in force. `/mail help` says what it can do.")
    text = (
        f"{text}. Two steps are left: connect a MailAPI key, with the button or by typing `/mail connect`, and invite "
        "it where it is to be used: `/invite @mailroom`. `/mail help` says what it can do."
    )
    return Message(text, [section(text), actions(button("Connect MailAPI", CONNECT, "connect"))])


def ended_in_team(asker: str) -> Message:
    """To the asker of a request that ended since his organisation took the bot away from where he asked."""
    return Message(
        f"{mrkdwn.person(asker)} This ended when your organisation took Mailroom away from the workspace in which you "
        "asked for it. Nothing of it was created."
    )


def ended(asker: str) -> Message:
    """To the asker of a request that ended since the bot was removed; told only if it comes back."""
    return Message(
        f"{mrkdwn.person(asker)} This ended when Mailroom was removed from the workspace, and its MailAPI key was "
        "deleted. Ask again once a key is connected."
    )
