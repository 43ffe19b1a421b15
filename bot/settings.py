"""Everything from the environment, read once, frozen, secrets typed as secrets."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from storage.encryption import Vault

NO_KEYS = "MAILROOM_ENCRYPTION_KEYS is missing: PostgreSQL needs it, and `mailroom keys generate` makes a key."


class Mode(StrEnum):
    """How Slack's deliveries reach the bot."""

    SOCKET = "socket"
    HTTP = "http"
    OAUTH = "oauth"
    """Over HTTP too, from all workspaces that have installed the bot by themselves."""


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one sentence that names it and says how to get it."""


def _database(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = make_url("unknown://")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    if parsed.drivername == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise ValueError("must name a file after sqlite:///, since what is only in memory is lost")
    return url


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must be an address that begins with https://")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _public(url: str) -> str:
    url = _address(url)
    parsed = urlsplit(url)
    if parsed.scheme != "https" and parsed.hostname not in _LOOPBACK:
        raise ValueError("must begin with https://, since Slack sends nobody back to anything else")
    if not parsed.hostname or parsed.path or parsed.query or parsed.fragment or parsed.username:
        raise ValueError("must be nothing but the address at which Slack reaches the bot, as https://mail.example.org")
    return url


class Settings(BaseSettings):
    """The settings, by the names of the architecture's table."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_api_url: Address = "https://slack.com/api"
    mailapi_url: Address = "https://www.mailapi.tech/api"
    database_url: Annotated[str, AfterValidator(_database)] = Field(default="sqlite:///mailroom.db", repr=False)
    """Out of sight in `repr`, since it may hold a password."""
    mailroom_public_url: Annotated[str, AfterValidator(_public)] | None = None
    mailroom_encryption_keys: SecretStr | None = None
    mailroom_host: str = "127.0.0.1"
    mailroom_port: int = Field(default=3000, ge=0, le=65535)
    mailroom_socket_connections: int = Field(default=2, ge=1, le=10)
    mailroom_commands_a_minute: int = Field(default=600, ge=1)
    mailroom_open_requests: int = Field(default=5_000, ge=1)
    mailroom_keep_days: int = Field(default=30, ge=1, le=36_500)
    mailroom_grace_days: int = Field(default=30, ge=0, le=36_500)
    mailroom_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    mailroom_log_format: Literal["console", "json"] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json"
    )

    @property
    def mode(self) -> Mode:
        """For one workspace where there is a bot token, in Socket Mode where there is an app token too; else for many.

        Without either it is the mode of one workspace, whose settings are said to be missing then.
        """
        several = (self.slack_client_id, self.slack_client_secret, self.mailroom_public_url)
        if not self.slack_bot_token and any(several):
            return Mode.OAUTH
        return Mode.SOCKET if self.slack_app_token else Mode.HTTP

    @property
    def bot_token(self) -> str:
        """The bot token; `read` has made sure that there is one."""
        return _secret(self.slack_bot_token)

    @property
    def app_token(self) -> str:
        """The app token of Socket Mode."""
        return _secret(self.slack_app_token)

    @property
    def signing_secret(self) -> str:
        """The signing secret of HTTP mode."""
        return _secret(self.slack_signing_secret)

    @property
    def client_secret(self) -> str:
        """With which the app proves to Slack who it is, where workspaces install it by themselves."""
        return _secret(self.slack_client_secret)

    @property
    def install_url(self) -> str | None:
        """Where workspaces install the bot by themselves, if they can."""
        return f"{self.mailroom_public_url}/slack/install" if self.mode is Mode.OAUTH else None

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file, or `None` where it is no SQLite."""
        url = make_url(self.database_url)
        return Path(url.database) if url.drivername == "sqlite" and url.database else None

    @property
    def key_file(self) -> Path | None:
        """The file that holds the encryption keys beside SQLite, or `None` where they are set or it is no SQLite."""
        file = self.sqlite_file
        return None if file is None or self.encryption_keys() else file.with_suffix(".key")

    def secrets(self) -> list[str]:
        """Everything in here that nobody may read."""
        typed = [value.get_secret_value() for value in vars(self).values() if isinstance(value, SecretStr)]
        return [*typed, *self.encryption_keys(), str(make_url(self.database_url).password or "")]

    def encryption_keys(self) -> list[str]:
        """The keys that were set, the first of which encrypts; empty where none were."""
        keys = _secret(self.mailroom_encryption_keys).split(",")
        return [key.strip() for key in keys if key.strip()]


def read() -> Settings:
    """Read and check the settings for `mailroom run`; raises `SettingsError` for the first that is missing or wrong.

    Afterwards `SLACK_*` is gone from the environment: Bolt reads it by itself, and would switch to file stores.
    """
    settings = load()
    if settings.mode is Mode.OAUTH:
        _require_oauth(settings)
    else:
        _require_slack(settings)
    if settings.encryption_keys():
        _check_keys(settings.encryption_keys())
    elif settings.sqlite_file is None:
        raise SettingsError(NO_KEYS)
    for name in [name for name in os.environ if name.startswith("SLACK_")]:
        del os.environ[name]
    return settings


def load(**given: Any) -> Settings:
    """Read the settings as they are, without asking for those of Slack; raises `SettingsError` for a wrong one."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        name = str(first["loc"][0]).upper()
        raise SettingsError(f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}.") from None


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


def _require_slack(settings: Settings) -> None:
    if not settings.bot_token:
        raise SettingsError(
            "SLACK_BOT_TOKEN is missing: it stands in your Slack app's settings under “OAuth & Permissions” "
            "once the app is installed, and begins with xoxb-."
        )
    if not settings.app_token and not settings.signing_secret:
        raise SettingsError(
            "SLACK_APP_TOKEN is missing: make one with the scope connections:write under “Basic Information” in your "
            "Slack app's settings (for HTTP set SLACK_SIGNING_SECRET instead)."
        )
    if settings.app_token and not settings.app_token.startswith("xapp-"):
        raise SettingsError(
            "SLACK_APP_TOKEN is wrong: an app token begins with xapp- and is made under “Basic Information”."
        )


def _require_oauth(settings: Settings) -> None:
    place = "under “Basic Information” in your Slack app's settings, and is needed so that workspaces can install it"
    if not settings.slack_client_id:
        raise SettingsError(f"SLACK_CLIENT_ID is missing: it stands {place}.")
    if not settings.client_secret:
        raise SettingsError(f"SLACK_CLIENT_SECRET is missing: it stands {place}.")
    if not settings.signing_secret:
        raise SettingsError(f"SLACK_SIGNING_SECRET is missing: it stands {place}.")
    if not settings.mailroom_public_url:
        raise SettingsError(
            "MAILROOM_PUBLIC_URL is missing: set it to the address at which Slack and browsers reach the bot, as in "
            "https://mail.example.org."
        )
    if settings.app_token:
        raise SettingsError(
            "SLACK_APP_TOKEN is wrong here: many workspaces are served over HTTP, so take it away (for one workspace "
            "in Socket Mode set SLACK_BOT_TOKEN as well)."
        )


def _check_keys(keys: list[str]) -> None:
    try:
        Vault(keys)
    except ValueError as error:
        raise SettingsError(f"MAILROOM_ENCRYPTION_KEYS is wrong: {error}") from None
