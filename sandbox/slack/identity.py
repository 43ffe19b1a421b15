"""The names of the default workspace: made up, fixed, and useless anywhere but in the sandbox."""

TEAM = "T0LUMEN001"
APP = "A0MAILROOM"
BOT = "U0MAILROOM"
BOT_ID = "B0MAILROOM"
SLACKBOT = "USLACKBOT"

ANA = "U0ANA00001"
BEN = "U0BEN00001"
GUS = "U0GUS00001"
EVE = "U0EVE00001"
OTHER_TEAM = "T0OTHER001"

MAIL = "C0MAIL0001"
GENERAL = "C0GENERAL1"
ATTIC = "C0ATTIC001"
VAULT = "C0VAULT001"

BOT_TOKEN = "xoxb-sandbox-not-a-secret"  # noqa: S105 - made up, opens nothing but the sandbox
APP_TOKEN = "xapp-sandbox-not-a-secret"  # noqa: S105 - the same
SIGNING_SECRET = "sandbox-signing-secret-not-a-secret"  # noqa: S105 - the same


def direct_channel(user: str) -> str:
    """The id of the direct message channel between the bot and `user`."""
    return "D" + user[1:]
