from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot import manifest
from bot.clock import Clock
from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.outages import Outages
from bot.settings import Mode, Settings
from bot.slack import Home, Slack
from bot.slack_answers import Token
from bot.slack_errors import Refused, SlackError

TOKEN, APP_TOKEN, SCOPES, CHANNELS, CLOCK = "Slack token", "Slack app token", "Slack scopes", "Channels", "Clock"
MOST_SKEW = timedelta(seconds=60)
"""Slack's signatures are refused beyond five minutes; well before that, what expires does so at wrong times."""
_LATER = "Slack has to answer first"
_REINSTALL = (
    "Put what `mailroom manifest` prints into your Slack app's settings under “App Manifest”, and install the app "
    "into the workspace again."
)


async def look(settings: Settings, stored: Stored | None, clock: Clock) -> list[Finding]:
    """What Slack says of the tokens, and where the bot is a member."""
    async with Slack.open(settings.bot_token, settings.slack_api_url, Outages()) as opened:
        try:
            token = await opened.token()
            slack = opened.with_token(settings.bot_token, Home(token.team))
        except SlackError as error:
            return [_without_token(settings, error), *(unknown(each, _LATER) for each in (SCOPES, CHANNELS, CLOCK))]
        return [
            fine(TOKEN, f"{token.bot} in {token.workspace}"),
            *await _app_token(settings, slack),
            _scopes(token),
            await _channels(slack, stored),
            clock_as_slacks(token.said_at, clock()),
        ]


def _without_token(settings: Settings, error: SlackError) -> Finding:
    if isinstance(error, Refused):
        advice = "Copy SLACK_BOT_TOKEN again from “OAuth & Permissions” in your Slack app's settings."
        return wrong(TOKEN, f"Slack refuses it ({error}).", advice)
    host = urlsplit(settings.slack_api_url).hostname
    advice = "Look at the network, and at SLACK_API_URL where it is set."
    return wrong(TOKEN, f"Slack does not answer at {host} ({error}).", advice)


async def _app_token(settings: Settings, slack: Slack) -> list[Finding]:
    if settings.mode is not Mode.SOCKET:
        return []
    try:
        await slack.try_app_token(settings.app_token)
    except Refused as error:
        advice = (
            "Make one with the scope connections:write under “Basic Information” in your Slack app's settings, and set "
            "it as SLACK_APP_TOKEN."
        )
        return [wrong(APP_TOKEN, f"Slack refuses it ({error}).", advice)]
    except SlackError as error:
        return [unknown(APP_TOKEN, f"Slack did not answer ({error})")]
    return [fine(APP_TOKEN, "opens Socket Mode connections")]


def _scopes(token: Token) -> Finding:
    if token.scopes is None:
        return unknown(SCOPES, "Slack does not say what the token allows")
    asked = frozenset(manifest.needed_scopes())
    if missing := sorted(asked - token.scopes):
        return wrong(SCOPES, f"The token lacks {', '.join(missing)}.", _REINSTALL)
    return fine(SCOPES, f"all {len(asked)} that the manifest needs")


async def _channels(slack: Slack, stored: Stored | None) -> Finding:
    try:
        channels = await slack.own_channels()
    except SlackError as error:
        return unknown(CHANNELS, f"Slack does not list them ({error})")
    if not channels:
        return wrong(CHANNELS, "Mailroom is a member of none.", "Type /invite @mailroom where it is to be used.")
    if left := sorted(stored.channels - channels.keys()) if stored else []:
        found = f"Requests are under way in {', '.join(left)}, where Mailroom is no member any more."
        return wrong(CHANNELS, found, "Type /invite @mailroom there; until then it writes direct messages instead.")
    names = [f"#{name}" for name in sorted(channels.values())[:5]]
    more = [f"{len(channels) - len(names)} more"] if len(channels) > len(names) else []
    return fine(CHANNELS, f"a member of {counted(len(channels), 'channel', 'channels')}: {', '.join(names + more)}")


def clock_as_slacks(said_at: datetime | None, now: datetime) -> Finding:
    """Whether the machine's clock goes as Slack's."""
    if said_at is None:
        return unknown(CLOCK, "Slack does not say what time it is")
    ahead = (now - said_at).total_seconds()
    if abs(ahead) <= MOST_SKEW.total_seconds():
        return fine(CLOCK, "as Slack's")
    found = f"It is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} Slack's."
    return wrong(CLOCK, found, "Let this machine set its clock by NTP: Slack refuses what is 5 minutes off.")
