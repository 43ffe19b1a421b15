"""What every benchmark of the whole bot begins with: an account at MailAPI, a key in force, and nothing to approve."""

from datetime import UTC, datetime

from sqlmodel import Session

from bot.policy import Gate, Policy
from sandbox.mailapi import MailAPIControl
from sandbox.slack import ANA, APP_TOKEN, BOT_TOKEN, MAIL, SlackControl
from sandbox.slack.identity import TEAM
from storage import policies
from storage.engines import engine_for, writing

KEY = "Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S"
CALLER_ID = 123
DOMAIN = "example.com"
SOCKETS = 2
"""Mailroom's default number of connections."""


async def open_account(mailapi: MailAPIControl, *domains: str) -> None:
    """An account with domains that have room for all that is asked for."""
    await mailapi.add_account(KEY, CALLER_ID)
    for domain in domains or (DOMAIN,):
        await mailapi.add_domain(KEY, domain, quota="10000GB")


def environment(slack: SlackControl, mailapi_url: str, database_url: str) -> dict[str, str]:
    """The settings of a bot that runs between two sandboxes, in Socket Mode."""
    return {
        **tokens(slack),
        "MAILAPI_URL": f"{mailapi_url}/api",
        "DATABASE_URL": database_url,
        "MAILROOM_PORT": "0",
    }


def tokens(slack: SlackControl) -> dict[str, str]:
    """What an app needs to reach its workspace."""
    return {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.api_url}


async def connect(slack: SlackControl) -> None:
    """Let an admin connect the key, as people do, and wait until it is in force."""
    ana = slack.person(ANA)
    await ana.types(MAIL, "/mail connect")
    await ana.fills(**{"API key": KEY, "Caller id": str(CALLER_ID)})
    await ana.submits()

    async def told() -> bool:
        return any("Connected" in message.visible for message in await ana.direct_messages())

    await slack.until(told, seconds=30, what="a direct message that the key is connected")


def without_gates(database_url: str) -> None:
    """Let everybody create everything at once: by default too many mailboxes a day need somebody else's approval."""
    lay_down(database_url, Policy(domains=Gate.NONE, subdomains=Gate.NONE, mailboxes=Gate.NONE, threshold=None))


def lay_down(database_url: str, policy: Policy) -> None:
    """Let the workspace have this policy, its first."""
    engine = engine_for(database_url)
    with Session(writing(engine)) as session, session.begin():
        policies.change(session, TEAM, policy.stored(), after=0, by=ANA, key="benchmark", now=datetime.now(UTC))
    engine.dispose()
