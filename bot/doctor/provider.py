from urllib.parse import urlsplit

import aiohttp

from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.keys import Accounts
from bot.doctor.rows import Stored
from bot.mailapi import Credentials, KeyRefused, MailAPI, MailAPIError, Timeouts
from bot.settings import Settings

CHECK = "MailAPI"
KEY = "MailAPI key"
TIMEOUTS = Timeouts(pool=5, connect=5, write=5, read=10, total=12)
_FAILURE = 500
_NETWORK = "Look at the network, and at MAILAPI_URL where it is set. What waits goes on by itself once MailAPI answers."
_CONNECT = "Type /mail connect in Slack, with a key that works."


async def look(settings: Settings, stored: Stored | None, accounts: Accounts) -> list[Finding]:
    """Whether MailAPI answers, and takes the key of each workspace."""
    failure = await _failure(settings.mailapi_url)
    host = urlsplit(settings.mailapi_url).hostname
    if failure is not None:
        why = "MailAPI has to answer first"
        return [wrong(CHECK, f"{host} does not answer as it should ({failure}).", _NETWORK), unknown(KEY, why)]
    return [fine(CHECK, f"{host} answers"), *await _keys(settings, stored, accounts)]


async def _failure(url: str) -> str | None:
    """What is wrong with the answer to a question without a key, which may be refused; `None` for nothing."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUTS.total, sock_connect=TIMEOUTS.connect)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{url}/v1/list/domain") as answer:
            return f"HTTP status {answer.status}" if answer.status >= _FAILURE else None
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


async def _keys(settings: Settings, stored: Stored | None, accounts: Accounts) -> list[Finding]:
    if stored is None:
        return [unknown(KEY, "the database has to be read first")]
    if not stored.connections:
        return [wrong(KEY, "No workspace has connected one.", _CONNECT)]
    if not accounts:
        return [unknown(KEY, "the encryption keys have to read it first")]
    async with MailAPI.open(settings.mailapi_url, timeouts=TIMEOUTS) as mailapi:
        return [await _key(mailapi, workspace, credentials) for workspace, credentials in accounts.items()]


async def _key(mailapi: MailAPI, workspace: str, credentials: Credentials) -> Finding:
    named = f"the key ending {credentials.last_four} of {workspace}"
    try:
        found = await mailapi.account(credentials).domains.list()
    except KeyRefused as error:
        return wrong(KEY, f"MailAPI refuses {named}: {error.reason}", _CONNECT)
    except MailAPIError as error:
        return wrong(KEY, f"MailAPI did not answer for {named}: {error.reason}", _NETWORK)
    return fine(KEY, f"{named} works: {counted(len(found.domains), 'domain', 'domains')}")
