"""A Slack workspace as a real server on loopback, and a driver that plays the people in it."""

from sandbox.slack.driver import SlackControl
from sandbox.slack.identity import (
    ANA,
    APP,
    APP_TOKEN,
    ATTIC,
    BEN,
    BOT,
    BOT_ID,
    BOT_TOKEN,
    EVE,
    GENERAL,
    GUS,
    MAIL,
    OTHER_TEAM,
    SIGNING_SECRET,
    TEAM,
    VAULT,
)
from sandbox.slack.person import Person
from sandbox.slack.playground import Playground, Usage
from sandbox.slack.refusal import Impossible
from sandbox.slack.seen import Acknowledgement, Message, SharedFile, View
from sandbox.slack.server import SlackApp, create_app, run_forever
from sandbox.slack.world import World

__all__ = [
    "ANA",
    "APP",
    "APP_TOKEN",
    "ATTIC",
    "BEN",
    "BOT",
    "BOT_ID",
    "BOT_TOKEN",
    "EVE",
    "GENERAL",
    "GUS",
    "MAIL",
    "OTHER_TEAM",
    "SIGNING_SECRET",
    "TEAM",
    "VAULT",
    "Acknowledgement",
    "Impossible",
    "Message",
    "Person",
    "Playground",
    "SharedFile",
    "SlackApp",
    "SlackControl",
    "Usage",
    "View",
    "World",
    "create_app",
    "run_forever",
]
