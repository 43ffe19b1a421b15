"""The names of the first workspaces: made up, fixed, and useless anywhere but in the sandbox."""

TEAM = "T0LUMEN001"
APP = "A0MAILROOM"
BOT = "U0MAILROOM"
BOT_ID = "B0MAILROOM"
SLACKBOT = "USLACKBOT"

ANA = "U0ANA00001"
BEN = "U0BEN00001"
GUS = "U0GUS00001"
EVE = "U0EVE00001"

MAIL = "C0MAIL0001"
GENERAL = "C0GENERAL1"
ATTIC = "C0ATTIC001"
VAULT = "C0VAULT001"

OTHER_TEAM = "T0OTHER001"
OTHER_BOT = "U0OTHERBOT"
OTHER_BOT_ID = "B0OTHERBOT"
ODA = "U0ODA00001"
GIL = "U0GIL00001"
POST = "C0POST0001"
CELLAR = "C0CELLAR01"

ORGANISATION = "E0MERIDIAN"
NORTH = "T0NORTH001"
SOUTH = "T0SOUTH001"
ORGANISATION_BOT = "W0GRIDBOT1"
ORGANISATION_BOT_ID = "B0GRIDBOT1"
NIA = "W0NIA00001"
NED = "W0NED00001"
SOL = "W0SOL00001"
SKY = "W0SKY00001"
NORTH_MAIL = "C0NORTH001"
SOUTH_MAIL = "C0SOUTH001"
ATRIUM = "C0ATRIUM01"

BOTS = {TEAM: BOT, OTHER_TEAM: OTHER_BOT, NORTH: ORGANISATION_BOT, SOUTH: ORGANISATION_BOT}
"""Whom a mention in each workspace means."""
HOMES = {ODA: OTHER_TEAM, GIL: OTHER_TEAM, NIA: NORTH, NED: NORTH, SOL: SOUTH, SKY: SOUTH}
"""Where those people are who are not of the first workspace."""

CLIENT_ID = "1000000000001.1000000000002"
CLIENT_SECRET = "sandbox-client-secret-not-a-secret"  # noqa: S105 - made up, opens nothing but the sandbox
BOT_TOKEN = "xoxb-sandbox-not-a-secret"  # noqa: S105 - made up, opens nothing but the sandbox
APP_TOKEN = "xapp-sandbox-not-a-secret"  # noqa: S105 - the same
SIGNING_SECRET = "sandbox-signing-secret-not-a-secret"  # noqa: S105 - the same


def direct_channel(user: str) -> str:
    """The id of the direct message channel between the bot and `user`."""
    return "D" + user[1:]
