"""Small things that once went wrong: what is shown, refused, and how long names may be."""

from datetime import datetime, timedelta, timezone

import pytest

from bot import mrkdwn, settings
from bot.commands import understand
from bot.errors import UserError
from bot.settings import SettingsError

SECRET = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
LONG_PARENT = ".".join(["d" * 63] * 3 + ["e" * 50])


def test_the_password_in_the_database_url_is_not_shown() -> None:
    read = settings.load(database_url=f"postgresql+psycopg://mailroom:{SECRET}@db/mailroom")
    assert SECRET not in repr(read) + str(read)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_sqlite_url_without_a_file_is_wrong(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is wrong"):
        settings.load(database_url=url)


@pytest.mark.parametrize(
    "text",
    [f"subdomain create {LONG_PARENT} {'s' * 60}", f"mailbox create {'l' * 64}@{LONG_PARENT}"],
    ids=["a sub-domain beyond 253 characters", "an address beyond 254 characters"],
)
def test_a_name_that_no_mail_system_takes_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        understand(text)


def test_a_moment_of_any_zone_is_shown_in_utc() -> None:
    east = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert "2026-02-28 23:00 UTC" in mrkdwn.moment(east)


def test_code_stays_in_one_line() -> None:
    assert "\n" not in mrkdwn.code("a\nb")
