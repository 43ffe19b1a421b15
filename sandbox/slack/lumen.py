"""The workspace that everything starts with: "Lumen", its people and its channels."""

from sandbox.slack import identity
from sandbox.slack.world import Channel, User, UserGroup, Workspace, World

_PEOPLE = (
    User(id=identity.ANA, name="ana", real_name="Ana Lindqvist", team_id=identity.TEAM, is_admin=True),
    User(id=identity.BEN, name="ben", real_name="Ben Okafor", team_id=identity.TEAM),
    User(id=identity.GUS, name="gus", real_name="Gus Guest", team_id=identity.TEAM, is_restricted=True),
    User(id=identity.EVE, name="eve", real_name="Eve Elsewhere", team_id=identity.OTHER_TEAM, is_stranger=True),
    User(id=identity.BOT, name="mailroom", real_name="Mailroom", team_id=identity.TEAM, is_bot=True),
    User(id=identity.SLACKBOT, name="slackbot", real_name="Slackbot", team_id=identity.TEAM, is_bot=True),
)

_SCOPES = [
    *("app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:write"),
    *("groups:history", "groups:read", "im:history", "im:write", "usergroups:read", "users:read"),
]


def world() -> World:
    """A new world with the one workspace Lumen, without any messages."""
    return World.of([workspace()])


def workspace() -> Workspace:
    """Lumen, with the app installed."""
    lumen = Workspace(
        id=identity.TEAM,
        name="Lumen",
        domain="lumen",
        app_id=identity.APP,
        bot=identity.BOT,
        bot_id=identity.BOT_ID,
        bot_token=identity.BOT_TOKEN,
        app_token=identity.APP_TOKEN,
        signing_secret=identity.SIGNING_SECRET,
        scopes=[*_SCOPES],
    )
    lumen.users = {user.id: _with_email(user) for user in _PEOPLE}
    lumen.channels = {channel.id: channel for channel in _channels()}
    lumen.usergroups = {
        "S0POSTMAST": UserGroup(id="S0POSTMAST", handle="postmasters", name="Postmasters", users=[identity.BEN])
    }
    return lumen


def _with_email(user: User) -> User:
    return User(**{**vars(user), "email": f"{user.name}@{'elsewhere' if user.is_stranger else 'lumen'}.example"})


def _channels() -> list[Channel]:
    ana, ben, gus, eve, bot = identity.ANA, identity.BEN, identity.GUS, identity.EVE, identity.BOT
    return [
        Channel(id=identity.MAIL, name="mail", members={ana, ben, gus, eve, bot}, creator=ana, is_ext_shared=True),
        Channel(id=identity.GENERAL, name="general", members={ana, ben, gus}, creator=ana),
        Channel(id=identity.ATTIC, name="attic", members={ana, ben, bot}, creator=ana, is_archived=True),
        Channel(id=identity.VAULT, name="vault", kind="private", members={ana, ben}, creator=ana),
    ]
