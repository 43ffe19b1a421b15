"""The environment: what is missing or wrong is said in one sentence, and no secret is shown."""

import os
from pathlib import Path

import pytest

from bot import settings
from bot.settings import Mode, SettingsError
from storage.encryption import generate_key

SECRET = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
SOCKET = {"SLACK_BOT_TOKEN": f"xoxb-{SECRET}", "SLACK_APP_TOKEN": f"xapp-{SECRET}"}
HTTP = {"SLACK_BOT_TOKEN": f"xoxb-{SECRET}", "SLACK_SIGNING_SECRET": SECRET}
OAUTH = {
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": SECRET,
    "SLACK_SIGNING_SECRET": SECRET,
    "MAILROOM_PUBLIC_URL": "https://mail.example.org",
}
POSTGRESQL = "postgresql+psycopg://mailroom@db/mailroom"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing but what the test sets."""
    for name in list(os.environ):
        if name.startswith(("SLACK_", "MAIL", "DATABASE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def put(environment: pytest.MonkeyPatch, *parts: dict[str, str]) -> None:
    for part in parts:
        for name, value in part.items():
            environment.setenv(name, value)


def refused() -> str:
    with pytest.raises(SettingsError) as refusal:
        settings.read()
    return str(refusal.value)


def test_two_tokens_are_all_that_has_to_be_set(environment: pytest.MonkeyPatch) -> None:
    put(environment, SOCKET)
    read = settings.read()
    assert (read.mode, read.bot_token, read.app_token) == (Mode.SOCKET, SOCKET["SLACK_BOT_TOKEN"], f"xapp-{SECRET}")
    assert (read.slack_api_url, read.mailapi_url) == ("https://slack.com/api", "https://www.mailapi.tech/api")
    assert read.sqlite_file == Path("mailroom.db")
    assert (read.mailroom_host, read.mailroom_port, read.mailroom_socket_connections) == ("127.0.0.1", 3000, 2)
    assert (read.mailroom_log_level, read.encryption_keys()) == ("INFO", [])


def test_without_an_app_token_deliveries_come_over_http(environment: pytest.MonkeyPatch) -> None:
    put(environment, HTTP)
    read = settings.read()
    assert (read.mode, read.signing_secret) == (Mode.HTTP, SECRET)


def test_an_app_token_decides_for_socket_mode(environment: pytest.MonkeyPatch) -> None:
    put(environment, SOCKET, HTTP)
    assert settings.read().mode is Mode.SOCKET


def test_a_client_id_without_a_bot_token_is_for_many_workspaces(environment: pytest.MonkeyPatch) -> None:
    put(environment, OAUTH)
    read = settings.read()
    assert (read.mode, read.slack_client_id, read.client_secret) == (Mode.OAUTH, "1.2", SECRET)
    assert read.install_url == "https://mail.example.org/slack/install"
    assert SECRET not in repr(read)


def test_a_bot_token_is_for_one_workspace_whatever_else_is_set(environment: pytest.MonkeyPatch) -> None:
    put(environment, OAUTH, HTTP)
    read = settings.read()
    assert (read.mode, read.install_url) == (Mode.HTTP, None)


def test_an_empty_variable_is_as_good_as_none(environment: pytest.MonkeyPatch) -> None:
    put(environment, HTTP, {"SLACK_APP_TOKEN": "", "DATABASE_URL": "", "MAILROOM_PORT": ""})
    assert settings.read().mailroom_port == 3000


def test_bolt_finds_nothing_of_slacks_in_the_environment_afterwards(environment: pytest.MonkeyPatch) -> None:
    put(environment, SOCKET, {"SLACK_CLIENT_ID": "1.2", "OTHER": "stays"})
    settings.read()
    assert [name for name in os.environ if name.startswith("SLACK_")] == []
    assert os.environ["OTHER"] == "stays"


@pytest.mark.parametrize(
    ("set_", "named", "advice"),
    [
        ({}, "SLACK_BOT_TOKEN is missing", "OAuth & Permissions"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN is missing", "SLACK_SIGNING_SECRET"),
        ({**SOCKET, "SLACK_APP_TOKEN": SECRET}, "SLACK_APP_TOKEN is wrong", "xapp-"),
        ({**SOCKET, "DATABASE_URL": POSTGRESQL}, "MAILROOM_ENCRYPTION_KEYS is missing", "mailroom keys generate"),
        ({**SOCKET, "MAILROOM_ENCRYPTION_KEYS": SECRET}, "MAILROOM_ENCRYPTION_KEYS is wrong", "mailroom keys generate"),
        ({**SOCKET, "DATABASE_URL": "mysql://db"}, "DATABASE_URL is wrong", "postgresql+psycopg://"),
        ({**SOCKET, "DATABASE_URL": "postgresql://db"}, "DATABASE_URL is wrong", "postgresql+psycopg://"),
        ({**SOCKET, "DATABASE_URL": SECRET}, "DATABASE_URL is wrong", "sqlite:///"),
        ({**SOCKET, "SLACK_API_URL": "slack.com"}, "SLACK_API_URL is wrong", "https://"),
        ({**SOCKET, "MAILAPI_URL": "ftp://mailapi"}, "MAILAPI_URL is wrong", "https://"),
        ({**SOCKET, "MAILROOM_PORT": "many"}, "MAILROOM_PORT is wrong", "integer"),
        ({**SOCKET, "MAILROOM_PORT": "65536"}, "MAILROOM_PORT is wrong", "65535"),
        ({**SOCKET, "MAILROOM_PORT": "-1"}, "MAILROOM_PORT is wrong", "0"),
        ({**SOCKET, "MAILROOM_SOCKET_CONNECTIONS": "11"}, "MAILROOM_SOCKET_CONNECTIONS is wrong", "10"),
        ({**SOCKET, "MAILROOM_LOG_LEVEL": "LOUD"}, "MAILROOM_LOG_LEVEL is wrong", "'WARNING'"),
        ({**OAUTH, "SLACK_CLIENT_ID": ""}, "SLACK_CLIENT_ID is missing", "Basic Information"),
        ({**OAUTH, "SLACK_CLIENT_SECRET": ""}, "SLACK_CLIENT_SECRET is missing", "Basic Information"),
        ({**OAUTH, "SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET is missing", "Basic Information"),
        ({**OAUTH, "MAILROOM_PUBLIC_URL": ""}, "MAILROOM_PUBLIC_URL is missing", "https://"),
        ({**OAUTH, "MAILROOM_PUBLIC_URL": "http://mail.example.org"}, "MAILROOM_PUBLIC_URL is wrong", "https://"),
        ({**OAUTH, "MAILROOM_PUBLIC_URL": "https://a.example/b"}, "MAILROOM_PUBLIC_URL is wrong", "nothing but"),
        ({**OAUTH, "SLACK_APP_TOKEN": f"xapp-{SECRET}"}, "SLACK_APP_TOKEN is wrong", "SLACK_BOT_TOKEN"),
        ({**OAUTH, "MAILROOM_GRACE_DAYS": "-1"}, "MAILROOM_GRACE_DAYS is wrong", "0"),
        ({**SOCKET, "MAILROOM_LOG_FORMAT": "xml"}, "MAILROOM_LOG_FORMAT is wrong", "'json'"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_missing_or_wrong_is_named_in_one_sentence_that_says_what_to_do(
    environment: pytest.MonkeyPatch, set_: dict[str, str], named: str, advice: str
) -> None:
    put(environment, set_)
    sentence = refused()
    assert sentence.startswith(named)
    assert advice in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence
    assert SECRET not in sentence


def test_several_encryption_keys_stand_in_their_order(environment: pytest.MonkeyPatch) -> None:
    first, second = generate_key(), generate_key()
    put(environment, SOCKET, {"DATABASE_URL": POSTGRESQL, "MAILROOM_ENCRYPTION_KEYS": f" {first}, ,{second},"})
    read = settings.read()
    assert read.encryption_keys() == [first, second]
    assert read.sqlite_file is None


def test_an_address_may_end_in_a_slash(environment: pytest.MonkeyPatch) -> None:
    put(environment, {"SLACK_API_URL": "https://slack.example/api/", "MAILAPI_URL": "http://127.0.0.1:1/api//"})
    read = settings.load()
    assert (read.slack_api_url, read.mailapi_url) == ("https://slack.example/api", "http://127.0.0.1:1/api")


def test_no_token_and_no_key_is_shown(environment: pytest.MonkeyPatch) -> None:
    put(environment, SOCKET, HTTP, {"MAILROOM_ENCRYPTION_KEYS": generate_key()})
    read = settings.read()
    shown = repr(read) + str(read) + repr(read.model_dump()) + read.model_dump_json()
    assert SECRET not in shown
    assert read.encryption_keys()[0] not in shown


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    put(environment, SOCKET)
    read = settings.read()
    with pytest.raises(ValueError, match="frozen"):
        read.mailroom_port = 1  # type: ignore[misc]
