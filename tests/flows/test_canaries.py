"""Distinct secrets are sent down every path at DEBUG while libraries fail, and looked for in all that anybody reads."""

import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from sqlmodel import Session

from bot import logs
from bot.listeners.register import CREATE_HERE
from sandbox.mailapi.faults import FaultKind
from sandbox.slack import BOT_TOKEN, MAIL, SIGNING_SECRET, TEAM
from sandbox.slack.delivery.signed_http import FORM, JSON, body_of
from sandbox.slack.faults import FaultKind as SlackFault
from tests.flows.breaking import execute
from tests.flows.deciding import asks, rejects
from tests.flows.policies import APPROVERS, GATES, THRESHOLD, changes, opens
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom
from tests.flows.test_http import signed
from tests.logged import logged

REFUSED_KEY = "N0tTh3K3yOfAnyAccount5678901234z"
TYPED_KEY = "Typ3dInS0m3L1ne7890123456789012z"
REASON_KEY = "Typ3dAsAR3as0n789012345678901234"
REASON = "a-quarrel-of-canaries"
ODD_KEY = "Typ3dInAF1eldOfSomethingElse890z"
PASSWORD = "correct-horse-canary"
CODE = "1234567890.9876543210.0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
CLIENT_SECRET = "c11e27c11e27c11e27c11e27c11e27c1"
FOREIGN_TOKEN = "xoxb-99-someone-elses-canary"
KEYS = (KEY, OTHER_KEY, REFUSED_KEY, TYPED_KEY, REASON_KEY, ODD_KEY)
OTHERS = (BOT_TOKEN, SIGNING_SECRET, CODE, CLIENT_SECRET, FOREIGN_TOKEN)
CREATES_BREAK: tuple[FaultKind, ...] = ("reset_before", "reset_after", "malformed", "html", "empty")
READS_BREAK: tuple[FaultKind, ...] = ("reset_before", "malformed", "html")
SLACK_BREAKS: tuple[SlackFault, ...] = ("drop_before", "drop_after", "status", "error")
PEOPLE = ("kim.canary@", "lee.canary@", "team1@")


@pytest.fixture
def mode() -> str:
    return "http"


class Raw(logging.Handler):
    """What the bot and its libraries gave to be logged, before anything was taken out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sandbox") or not logs._capped(record):  # noqa: SLF001 - what would not be written
            return
        self.said.append(f"{record.getMessage()} {record.args!r} {vars(record)!r}")
        if record.exc_info and record.exc_info[1]:
            self.said.append("".join(traceback.format_exception(record.exc_info[1])))


@pytest.fixture
def written(outside: Mailroom) -> Iterator[io.StringIO]:
    with logged("json", outside.settings.secrets()) as stream:
        yield stream


@pytest.fixture
def raw() -> Iterator[Raw]:
    handler = Raw()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


async def metrics(mailroom: Mailroom) -> str:
    assert mailroom.bot is not None
    async with aiohttp.ClientSession() as session, session.get(f"{mailroom.bot.url}/metrics") as answer:
        return await answer.text()


async def post(mailroom: Mailroom, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    assert mailroom.bot is not None
    url = f"{mailroom.bot.url}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def everything_that_people_do(mailroom: Mailroom) -> None:
    """Connecting, replacing, asking, rejecting, looking, and what is typed where it does not belong."""
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.mailapi.add_domain(OTHER_KEY, "example.com")
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await mailroom.connected(mailroom.ana, KEY)
    await mailroom.connect(mailroom.ana, REFUSED_KEY, 999)
    await mailroom.direct(mailroom.ana, "was not connected")
    for line in (
        "",
        "connect ",
        "conect ",
        "mailbox list ",
        "mailbox create ",
        "task ",
        "audit ",
        "domain create --x=",
    ):
        await mailroom.ben.types(MAIL, f"/mail {line}{TYPED_KEY}")
        await mailroom.ben.mentions(MAIL, f"{line}{TYPED_KEY}")
    card = await asks(mailroom)
    assert await rejects(mailroom, mailroom.ana, card, f"Because of {REASON_KEY}")
    await mailroom.ana.fills(Reason=f"Because of {REASON}")
    assert await mailroom.ana.submits() == {}
    await mailroom.without_gates()


async def what_slack_would_never_send(mailroom: Mailroom) -> None:
    """Signed and unsigned deliveries that hold secrets and cannot be read."""
    odd: dict[str, Any] = {
        "type": "something_new",
        "team": {"id": TEAM},
        "user": {"id": mailroom.ben.id},
        "token": FOREIGN_TOKEN,
        "key": ODD_KEY,
        "code": CODE,
        "client_secret": CLIENT_SECRET,
    }
    torn = json.dumps(odd).encode()[:-1]
    for body, kind in ((json.dumps(odd).encode(), JSON), (torn, JSON), (b"payload=" + torn, FORM), (torn, FORM)):
        assert (await post(mailroom, body, signed(body, kind=kind)))[0] < 500
        assert (await post(mailroom, body, {**signed(body, kind=kind), "X-Slack-Signature": "v0=0"}))[0] == 401
    missing = {"type": "block_actions", "team": {"id": TEAM}, "actions": [{"action_id": "approve", "value": ODD_KEY}]}
    body = b"payload=" + json.dumps(missing).encode()
    assert (await post(mailroom, body, signed(body)))[0] == 200


async def everything_goes_wrong_outside(mailroom: Mailroom) -> None:
    """Connections break before and after, answers are lost, late, torn, or say the key."""
    sandbox, slack = mailroom.mailapi, mailroom.slack
    for kind in CREATES_BREAK:
        await sandbox.fault("create_mailbox_single", kind)
    for kind in READS_BREAK:
        await sandbox.fault("list_mailbox", kind)
        await sandbox.fault("get_mailbox_single", kind)
    await sandbox.fault("create_mailbox_single", "status", status=422, reason=f"Bad key {KEY} or {OTHER_KEY}.")
    for broken in SLACK_BREAKS:
        await slack.fault("chat.postMessage", broken)
        await slack.fault("response_url", broken)
    for name in ("kim.canary", "lee.canary"):
        await mailroom.ben.types(MAIL, f"/mail mailbox create {name}@example.com")
        await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.slack.no_faults()
    await mailroom.mailapi.clear_faults()


async def the_database_refuses(mailroom: Mailroom) -> None:
    """A row that its table does not take, as it is and with words of a trigger, and a table that is gone."""
    await execute(
        mailroom, "CREATE TRIGGER refuses BEFORE INSERT ON connection BEGIN SELECT RAISE(ABORT, 'never'); END"
    )
    await mailroom.connect(mailroom.ana, OTHER_KEY)
    await execute(mailroom, "DROP TRIGGER refuses")
    await execute(mailroom, "ALTER TABLE connection RENAME TO gone")
    await mailroom.connect(mailroom.ana, OTHER_KEY)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await execute(mailroom, "ALTER TABLE gone RENAME TO connection")


async def shown_in_slack(mailroom: Mailroom) -> dict[str, str]:
    """What the bot has said there, in whatever form: messages, views, metadata, files, and its answers."""
    calls = [each["arguments"] for each in await mailroom.slack.calls()]
    acks = [each.get("ack") for each in await mailroom.slack.envelopes()]
    return {"calls": str(calls), "acks": str(acks)}


def stored(folder: Path) -> dict[str, str]:
    """Every file of the database, among them what SQLite has not moved into it yet."""
    return {path.name: path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.suffix != ".key"}


def key_of(folder: Path) -> str:
    """The encryption key, in the one file where it may be."""
    return next(folder.glob("*.key")).read_text().strip()


def found(texts: dict[str, str], secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, secret) for name, text in texts.items() for secret in secrets if secret in text]


async def response_urls(mailroom: Mailroom) -> tuple[str, ...]:
    """The addresses at which anybody could answer in the bot's name."""
    sent = [each["payload"].get("response_url") for each in await mailroom.slack.envelopes()]
    assert any(sent)
    return tuple(url.rsplit("/", 1)[1] for url in sent if url)


async def test_no_canary_is_heard_whatever_fails(
    unconnected: Mailroom, tmp_path: Path, written: io.StringIO, raw: Raw
) -> None:
    mailroom = unconnected
    await mailroom.mailapi.set_credentials("kim.canary@example.com", {"password": PASSWORD})
    await everything_that_people_do(mailroom)
    await what_slack_would_never_send(mailroom)
    await everything_goes_wrong_outside(mailroom)
    await the_database_refuses(mailroom)
    urls = await response_urls(mailroom)
    fernet = key_of(tmp_path)
    files = stored(tmp_path)
    assert {"mailroom.db", "mailroom.db-wal"} <= files.keys()
    logged_ = {"written": written.getvalue(), "metrics": await metrics(mailroom)}
    assert "Traceback" in logged_["written"]
    assert '"level": "debug"' in logged_["written"]
    secrets = (*KEYS, *OTHERS, PASSWORD, fernet, *urls)
    assert found({**logged_, **files, **await shown_in_slack(mailroom)}, secrets) == []
    assert found(logged_, (REASON, *PEOPLE)) == []
    assert [line for line in map(json.loads, logged_["written"].splitlines()) if not _placed(line)] == []
    # The redactor is not what keeps them out: they were never given to be logged.
    assert found({"raw": "\n".join(raw.said)}, secrets) == []


def _placed(line: dict[str, Any]) -> bool:
    """Whether a line about a row of the work says whose it is; a call's and a root message's is of a request."""
    about = {"call", "notice", "connection", "request", "table"} & line.keys()
    return (not about or "workspace" in line) and ("call" not in line or "request" in line)


@contextmanager
def unforeseen(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, only: str = "") -> Iterator[None]:
    """A library fails in a way that it never does, with all that it was given in its words."""

    def fails(*given: Any, **named: Any) -> Any:
        shown = " ".join(_shown(each) for each in (*given, *named.values()))
        if only in shown:
            raise RuntimeError(shown)
        return real(*given, **named)

    real = getattr(owner, name)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fails)
        yield


def _shown(given: Any) -> str:
    """A value with what is in it, as libraries that log whole payloads show theirs."""
    if isinstance(given, httpx.Request):
        return f"{given.url} {given.content!r}"
    if isinstance(given, Session):
        return " ".join(repr(vars(row)) for row in given.new)
    return f"{given!r} {getattr(given, '__dict__', '')!r}"


async def test_what_nobody_foresaw_says_no_secret_either(
    mailroom: Mailroom, written: io.StringIO, raw: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben, ana = mailroom.ben, mailroom.ana
    with unforeseen(monkeypatch, aiohttp.ClientSession, "post", "/commands/"):
        await ben.types(MAIL, "/mail mailbox list example.com")
        await mailroom.at_rest()
    with unforeseen(monkeypatch, AsyncApp, "async_dispatch"):
        body = json.dumps({"type": "x", "key": ODD_KEY, "text": f"{TYPED_KEY} kim.canary@example.com"}).encode()
        status, text = await post(mailroom, body, signed(body, kind=JSON))
        assert (status, found({"answer": text}, (ODD_KEY, TYPED_KEY))) == (400, [])
    with unforeseen(monkeypatch, Session, "flush", "gAAAA"):
        await mailroom.connect(ana, OTHER_KEY)
    with unforeseen(monkeypatch, aiohttp.ClientSession, "_request", "chat.postMessage"):
        await ben.types(MAIL, "/mail mailbox create kim.canary@example.com")
        await mailroom.until(lambda: _said(raw, "telling failed"), "a message that could not be told")
    logging.getLogger("a.library").error("posted %s", {"key": ODD_KEY, "to": "lee.canary@example.com"})
    before = "\n".join(raw.said)
    urls = await response_urls(mailroom)
    secrets = (*KEYS, *OTHERS, *urls, "gAAAA", *PEOPLE)
    for secret in (ODD_KEY, TYPED_KEY, BOT_TOKEN, "gAAAA", *PEOPLE[:2]):
        assert secret in before, secret  # so it is the redactor that keeps them out
    assert any(url in before for url in urls)
    assert found({"written": written.getvalue(), "metrics": await metrics(mailroom)}, secrets) == []
    assert found({**stored(tmp_path), **await shown_in_slack(mailroom)}, (*KEYS, *OTHERS, *urls)) == []


@pytest.mark.parametrize("kind", ["slash_commands", "interactive", "view_submission"])
async def test_what_nobody_foresaw_of_a_form_says_no_secret_either(
    mailroom: Mailroom, written: io.StringIO, raw: Raw, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Slack sends commands, clicks and submissions as forms, with JSON in those of the latter."""
    payload = await _delivered(mailroom, kind)
    content_type, body = body_of(kind, {**payload, "typed": {"key": ODD_KEY, "text": "create kim.canary@example.com"}})
    with unforeseen(monkeypatch, AsyncApp, "async_dispatch"):
        assert (await post(mailroom, body, signed(body, kind=content_type)))[0] == 400
    urls = await response_urls(mailroom)
    before = "\n".join(raw.said)
    heard = [url for url in urls if url in before]
    assert (bool(heard), ODD_KEY in before, "kim.canary" in before) == (kind != "view_submission", True, True)
    people = ("kim.canary", "lee.canary")
    assert found({"written": written.getvalue()}, (*KEYS, *OTHERS, *urls, *people)) == []


async def _delivered(mailroom: Mailroom, kind: str) -> dict[str, Any]:
    """What Slack has sent for a command, for a click on its answer, or for the form with a key in it."""
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "1 domain"), "Get CSV")
    if kind == "view_submission":
        await mailroom.connect(mailroom.ana, OTHER_KEY)
    sent = await mailroom.slack.envelopes("slash_commands" if kind == "slash_commands" else "interactive")
    payload: dict[str, Any] = sent[-1]["payload"]
    assert kind == "slash_commands" or (payload["type"] == "view_submission") == (kind == "view_submission")
    return payload


async def _said(raw: Raw, words: str) -> bool:
    return any(words in each for each in raw.said)


async def test_what_is_filled_in_searched_for_and_shown_is_heard_nowhere_else(
    mailroom: Mailroom, written: io.StringIO, raw: Raw, tmp_path: Path
) -> None:
    """The shortcut of a message with a key in it, selects, the policy's forms, and credentials where MailAPI fails."""
    ana, ben = mailroom.ana, mailroom.ben
    ts = (await ben.says(MAIL, f"Our key is {TYPED_KEY}.")).ts
    await ben.shortcut(next(each for each in await ben.sees(MAIL) if each.ts == ts), CREATE_HERE)
    form = await mailroom.form(ben)
    assert await ben.searches(form, "Domain", TYPED_KEY) == []
    await ben.fills(**{"Domain": "example.com", "Prefix": TYPED_KEY, "How many": "2"})
    assert await ben.submits()
    await ben.closes(everything=True)
    assert await changes(mailroom, ana, GATES, **{THRESHOLD: ODD_KEY})
    await ana.closes(everything=True)
    await opens(mailroom, ana, APPROVERS)
    await ana.searches(await mailroom.form(ana), "User groups", ODD_KEY)
    await ana.closes(everything=True)
    await mailroom.mailapi.set_credentials("kim.canary@example.com", {"password": PASSWORD})
    await ben.types(MAIL, "/mail mailbox create kim.canary@example.com")
    completion = await mailroom.completed(ben)
    for broken in READS_BREAK:
        await mailroom.mailapi.fault("list_mailbox", broken)
        await ben.clicks(completion, "Show Credentials")
        await ben.closes(everything=True)
    await mailroom.mailapi.clear_faults()
    await ben.clicks(completion, "Show Credentials")
    await mailroom.form(ben, PASSWORD)
    await mailroom.at_rest()
    views: list[Any] = []
    others: list[Any] = []
    for call in await mailroom.slack.calls():
        (views if PASSWORD in str(call["arguments"]) else others).append(call)
    assert {call["method"] for call in views} <= {"views.open", "views.update"}
    assert views
    said = {"calls": str([call["arguments"] for call in others]), "acks": (await shown_in_slack(mailroom))["acks"]}
    logged_ = {"written": written.getvalue(), "metrics": await metrics(mailroom), "raw": "\n".join(raw.said)}
    secrets = (*KEYS, *OTHERS, PASSWORD, key_of(tmp_path), *await response_urls(mailroom))
    assert found({**said, **logged_, **stored(tmp_path)}, secrets) == []
