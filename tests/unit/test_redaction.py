"""What is taken out of a log line, in each of the forms in which it may get there."""

import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import logs, words
from bot.redaction import GONE, Redactor
from bot.settings import load
from storage.encryption import Vault, generate_key
from tests.logged import logged

KEY = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
HEX = "0123456789abcdef0123456789abcdef"
FERNET = generate_key()
HOOK = "https://hooks.slack.com/commands/T0LUMEN001/4242/abcDEF"

SECRETS: dict[str, tuple[str, str]] = {
    "a key alone": (f"no {KEY} here", KEY),
    "a key in a URL": (f"GET /v1/list/domain?key={KEY}&page=1", KEY),
    "a key of another form in a URL": ("GET /?page=1&key=short", "short"),
    "a key in a quoted URL": (f"to=%2Flist%3Fkey%3D{KEY}%26page", KEY),
    "a key behind an escaped line": (f"'text\\n{KEY}'", KEY),
    "a key in JSON": (f'{{"key": "{KEY}x!"}}', KEY),
    "a key in JSON in JSON": (f'"{{\\"api_key\\": \\"{KEY}x!\\"}}"', KEY),
    "a bot token": ("it was xoxb-1234567890-abcDEF", "abcDEF"),
    "a user token": ("it was xoxp-1234567890-abcDEF", "abcDEF"),
    "a rotated token": ("it was xoxe.xoxb-1-Mi0yLTk4NzY", "Mi0yLTk4NzY"),
    "a refresh token": ("it was xoxe-1-My0xLTk4NzY", "My0xLTk4NzY"),
    "an app token": ("it was xapp-1-A0-42-abcdef", "abcdef"),
    "a header": ("{'Authorization': 'Bearer opaque-opaque'}", "opaque-opaque"),
    "a response URL": (f"ClientResponse({HOOK}) [404]", "4242/abcDEF"),
    "the URL of a click": ("https://hooks.slack.com/actions/T0/1/xyzxyz", "xyzxyz"),
    "a response URL elsewhere": ("http://127.0.0.1:9/commands/T0/1/xyzxyz", "xyzxyz"),
    "an address for files": ("https://files.slack.com/upload/v1/xyzxyz", "xyzxyz"),
    "a ticket": ("wss://wss.slack.com/link/?ticket=abc-def&app_id=1", "abc-def"),
    "a password in a URL": ("postgresql+psycopg://mailroom:hunter2@db/mailroom", "hunter2"),
    "a password": ("imap password: hunter2, port 993", "hunter2"),
    "a password with spaces": ('{"password": "hunter2 and more"}', "and more"),
    "a password in Python": ("{'password': 'hunter2 and more'}", "and more"),
    "a field of a form": ("[('client_secret', 'a-secret')]", "a-secret"),
    "a Fernet key": (f"keys: {FERNET},{FERNET}", FERNET[:-1]),
    "what is encrypted": (Vault([FERNET]).seal("x", workspace="T", purpose="p"), "gAAAAA"),
    "a client secret": (f"client_secret={HEX[:20]}", HEX[:20]),
    "a signing secret": (f"signed with {HEX}", HEX),
    "a signature": (f"v0={HEX}{HEX}", HEX),
    "an OAuth code in a URL": ("GET /slack/oauth_redirect?code=12.34.abc&state=x", "12.34.abc"),
    "an OAuth code": (f"got 1234567890.9876543210.{HEX}{HEX}", HEX),
    "an OAuth code in a form": ("{'code': 'abc.def'}", "abc.def"),
    "a known one": ("said sandbox-signing-secret-not-a-secret twice", "sandbox-signing-secret"),
}
REDACTOR = Redactor(["sandbox-signing-secret-not-a-secret", "short1"])


ENCODED: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "in a form": lambda text: urlencode({"text": text}),
    "in a URL in a form": lambda text: urlencode({"to": f"/?text={quote(text, safe='')}"}),
    "in JSON": lambda text: json.dumps({"text": text}),
    "in JSON of Slack": lambda text: json.dumps({"text": text}).replace("/", "\\/"),
    "in JSON in a form": lambda text: urlencode({"payload": json.dumps({"text": text})}),
    "in JSON in JSON in a form": lambda text: urlencode({"payload": json.dumps({"data": json.dumps({"to": text})})}),
    "in bytes": lambda text: repr(text.encode()),
    "in JSON in a form in bytes": lambda text: repr(urlencode({"payload": json.dumps({"text": text})}).encode()),
}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED)
@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_taken_out(text: str, secret: str, encoded: Callable[[str], str]) -> None:
    text, secrets = encoded(text), {secret, quote(secret, safe=""), quote(secret)}
    redacted = REDACTOR.text(text, addresses=False)
    assert not [each for each in secrets if each in redacted]
    assert GONE in redacted
    assert REDACTOR.text(redacted, addresses=False) == redacted


def test_a_field_that_is_a_secret_by_its_name_is_one_in_a_form_too() -> None:
    view = {"token": "verify-me", "view": {"values": {"api_key": {"entered": {"value": KEY}}}}, "response_url": HOOK}
    body = urlencode({"payload": json.dumps(view), "token": "verify-me", "team_id": "T0LUMEN001"})
    redacted = REDACTOR.text(body, addresses=True)
    assert not [secret for secret in ("verify-me", KEY, "4242", "abcDEF") if secret in redacted]
    assert redacted.endswith("&team_id=T0LUMEN001")


@pytest.mark.parametrize(
    "text",
    [
        "mailbox bulk example.org team 12",
        "request 17 of T0LUMEN001 in C0MAIL0001: waits for MailAPI's key",
        "UNIQUE constraint failed: notice.key",
        "the token lacks a scope (missing_scope)",
        "audit head seq=12 hash=" + HEX + HEX,
        "https://www.mailapi.tech/api/v1/list/domain?page=2",
        'File "bot/listeners/guard.py", line 56, in listener',
        "monkey: banana; keyboard=qwerty; passenger: 4; exit code: 2",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert REDACTOR.text(text, addresses=True) == text


def test_of_addresses_the_first_letter_and_the_domain_stay() -> None:
    text = "john.doe+x@example.com and <j@mail.example.co.uk>, not @here"
    assert REDACTOR.text(text, addresses=True) == "j***@example.com and <j***@mail.example.co.uk>, not @here"
    assert REDACTOR.text(text, addresses=False) == text
    assert REDACTOR.text("kim.smith***@example.com", addresses=True) == "k***@example.com"


DELIVERED: dict[str, Callable[[str], str]] = {
    **ENCODED,
    "as Slack delivers it": lambda text: urlencode({"text": f"mailbox create {text.replace('&', '&amp;')}"}),
    "as a link": lambda text: f"create <mailto:{text}|{text}>",
    "alone in a form": quote,
    "in quotes": lambda text: '"{}"@{}'.format(*text.rsplit("@", 1)),
}
LOCAL_PARTS = st.from_regex(words._LOCAL_PART, fullmatch=True).filter(  # noqa: SLF001 - what our commands take
    lambda local: (
        len(local) <= words.LONGEST_LOCAL_PART
        and words.local_part(local) == local
        and local.strip("*")
        and not local.endswith(GONE)  # looks as if it had been redacted
    )
)
DOMAINS = st.sampled_from(["example.com", "bücher.example", "bücher。example", "xn--bcher-kva.example", "example"])


@pytest.mark.parametrize("encoded", DELIVERED.values(), ids=DELIVERED)
@settings(deadline=None)
@given(local=LOCAL_PARTS, domain=DOMAINS)
@example(local="kim.smith*", domain="example.com")
@example(local="kim.smith**", domain="example.com")
@example(local="d'angelo.kim", domain="example.com")
@example(local="kim.smith", domain="bücher.example")
@example(local="kim%40smith", domain="example.com")
@example(local="kim&smith", domain="example.com")
@example(local=64 * "!", domain="example.com")
def test_no_local_part_that_our_commands_take_is_seen_whole(
    encoded: Callable[[str], str], local: str, domain: str
) -> None:
    redacted = REDACTOR.text(encoded(f"{local}@{domain}"), addresses=True)
    whole = (f"{local}@", f'{local}"@', f"{local}%40", quote(f"{local}@"), quote(f"{local}@", safe=""))
    assert [each for each in whole if each in redacted] == []
    assert REDACTOR.text(redacted, addresses=True) == redacted


SHAPES = st.sampled_from(
    [text for text, _ in SECRETS.values()]
    + ["kim@example.com", "@", "%40", "&", "=", "***", "\\", '"', "key=", " ", "/"]
)


@settings(deadline=None)
@given(parts=st.lists(SHAPES | st.text(max_size=80), max_size=6), encoded=st.sampled_from([*ENCODED.values()]))
def test_what_was_redacted_stays_as_it_is(parts: list[str], encoded: Callable[[str], str]) -> None:
    once = REDACTOR.text(encoded("".join(parts)), addresses=True)
    assert REDACTOR.text(once, addresses=True) == once


def test_values_are_looked_into() -> None:
    value = {
        "list": [{"key": "anything", "n": 1, "ok": None}, (KEY,), {KEY}, f"{KEY}".encode()],
        "error": ValueError(KEY),
        f"named {KEY}": True,
        "response_url": HOOK,
    }
    redacted = REDACTOR.value(value, addresses=True)
    assert KEY not in repr(redacted)
    assert "anything" not in repr(redacted)
    assert redacted["list"][0] == {"key": GONE, "n": 1, "ok": None}


def test_a_value_that_holds_itself_is_shown_as_far_as_it_can_be() -> None:
    value: dict[str, Any] = {"key": KEY, "text": KEY}
    value["itself"] = value
    assert KEY not in repr(REDACTOR.value(value, addresses=True))


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "-",
        "key=",
        '"key": "',
        "x@",
        "a@b.",
        "@",
        "1.",
        "https://",
        "\\",
        "'key', '",
        "xox",
        "%25",
        "%40",
        "\\u0040",
    ],
)
def test_a_text_of_any_length_takes_little_time(unit: str) -> None:
    began = time.process_time()
    REDACTOR.text(unit * (200_000 // len(unit)), addresses=True)
    assert time.process_time() - began < 1


def test_a_secret_that_would_be_cut_in_two_is_left_out() -> None:
    for before in range(49_960, 50_010):
        assert KEY[:8] not in REDACTOR.text(" " * before + KEY, addresses=True)


def test_the_secrets_of_the_settings_are_known() -> None:
    settings = load(
        slack_bot_token="one-token",
        slack_signing_secret="two-secret",
        mailroom_encryption_keys="three,four",
        database_url="postgresql+psycopg://mailroom:five@db/mailroom",
    )
    assert {"one-token", "two-secret", "three", "four", "five"} <= set(settings.secrets())


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    with logged(request.param, ["a-known-secret"]) as stream:
        yield stream


def fails() -> None:
    try:
        raise ValueError(f"GET /?key={KEY} by john@example.com")  # noqa: TRY301 - what a library raises
    except ValueError as error:
        raise RuntimeError({"password": "hunter2 and more"}) from error


def test_our_lines_hold_no_secret_wherever_it_stands(written: io.StringIO) -> None:
    log = structlog.get_logger("bot.somewhere")
    log.info("said %s", KEY, value={"nested": [KEY, "john@example.com"]}, known="a-known-secret", key=KEY)
    try:
        fails()
    except RuntimeError:
        log.exception("failed", reason=f"at {HOOK}")
    said = written.getvalue()
    assert "RuntimeError" in said
    assert "Traceback" in said
    assert "j***@example.com" in said
    assert not [
        secret for secret in (KEY, "hunter2", "and more", "4242/abcDEF", "a-known-secret", "john@") if secret in said
    ]


def test_lines_of_libraries_hold_no_secret_either(written: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.debug("sent %s to %s", {"key": KEY}, "john@example.com")
    library.error("at %s with %s", HOOK, "john@example.com", extra={"key": KEY})
    try:
        fails()
    except RuntimeError:
        library.exception("failed")
    said = written.getvalue()
    assert "john@example.com" in said.splitlines()[0]  # at DEBUG
    assert "john@example.com" not in "".join(said.splitlines()[1:])
    assert not [secret for secret in (KEY, "hunter2", "and more", "4242/abcDEF") if secret in said]


def test_a_line_that_cannot_be_written_shows_nothing_of_what_it_held(written: io.StringIO) -> None:
    record = logging.LogRecord("some.library", logging.ERROR, "", 1, "%d of %s", ("a-known-secret", KEY), None)
    ours = next(each for each in logging.getLogger().handlers if getattr(each, "stream", None) is written)
    ours.handle(record)
    assert written.getvalue() == "a log line of some.library could not be written\n"


def test_a_line_says_which_row_it_is_about(written: io.StringIO, request: pytest.FixtureRequest) -> None:
    class Call:
        id, request_id, workspace_id = 7, 5, "T0LUMEN001"

    with logs.about(Call()):
        structlog.get_logger("bot.somewhere").info("worked on")
    structlog.get_logger("bot.somewhere").info("afterwards")
    if "json" in request.node.name:
        first, second = (json.loads(line) for line in written.getvalue().splitlines())
        assert (first["call"], first["request"], first["workspace"]) == (7, 5, "T0LUMEN001")
        assert "call" not in second
