"""What a Slack workspace consists of. Data only: what happens to it stands beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from sandbox.slack.identity import direct_channel
from sandbox.slack.installation import App, Installation

Json = dict[str, Any]
ChannelKind = Literal["public", "private", "im", "mpim"]


@dataclass(kw_only=True)
class User:
    """A person, or the bot; `is_stranger` marks a person of another organisation.

    `enterprise_id` and what follows it say what he is in the organisation that his team is part of.
    """

    id: str
    name: str
    real_name: str
    team_id: str
    email: str = ""
    tz: str = "Europe/Zurich"
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False
    enterprise_id: str = ""
    is_enterprise_admin: bool = False
    teams: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Message:
    """One message; `ephemeral_to` names the only person who sees it, `updates` counts its changes."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: Json | None = None
    ephemeral_to: str | None = None
    bot_id: str | None = None
    subtype: str | None = None
    files: list[str] = field(default_factory=list)
    entries: Json = field(default_factory=dict)
    updates: int = 0
    edited_ts: str | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(kw_only=True)
class Channel:
    """A channel or direct conversation with its messages, by `ts`, oldest first."""

    id: str
    name: str
    kind: ChannelKind = "public"
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    is_ext_shared: bool = False
    creator: str = ""
    messages: dict[str, Message] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)
    last_microsecond: int = 0

    def next_ts(self, now: float) -> str:
        """A `ts` that no other message of this channel has or had."""
        self.last_microsecond = max(int(now * 1_000_000), self.last_microsecond + 1)
        seconds, rest = divmod(self.last_microsecond, 1_000_000)
        return f"{seconds}.{rest:06}"


@dataclass(kw_only=True)
class View:
    """A modal on a person's screen; `entries` is what he has filled in, by block and action."""

    id: str
    team_id: str
    user: str
    installed_in: str
    content: Json
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    entries: Json = field(default_factory=dict)


@dataclass(kw_only=True)
class File:
    """An uploaded file; invisible until it is shared into a channel."""

    # Where the world becomes JSON, any bytes have to come through.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    id: str
    name: str
    title: str
    length: int
    user: str
    content: bytes | None = None
    shared_in: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class UserGroup:
    """A group of people that can be mentioned by its handle."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    is_disabled: bool = False


@dataclass(kw_only=True)
class Workspace:
    """One team; `bot_token` is that of an installation which it comes with, empty where somebody has to install it."""

    id: str
    name: str
    domain: str
    app_id: str
    bot: str
    bot_id: str
    app_token: str
    signing_secret: str
    bot_token: str = ""
    enterprise_id: str = ""
    may_write_public: bool = False
    may_read: bool = True
    scopes: list[str] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    usergroups: dict[str, UserGroup] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    screens: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def has_bot(self, channel: Channel) -> bool:
        """Whether the bot is a member of `channel`."""
        return self.bot in channel.members

    def sees(self, user: str, channel: Channel) -> bool:
        """Whether `user` can look into `channel`; guests and strangers only where they are members."""
        if user in channel.members:
            return True
        person = self.users[user]
        outsider = person.is_stranger or person.is_restricted or person.is_ultra_restricted
        return channel.kind == "public" and not outsider


@dataclass(kw_only=True)
class Organisation:
    """An Enterprise Grid organisation: several teams, whose people have one id in all of them."""

    id: str
    name: str
    domain: str


@dataclass(kw_only=True)
class World:
    """All workspaces, by team id; organisations and installations by id; `void` says why a token is refused."""

    workspaces: dict[str, Workspace]
    organisations: dict[str, Organisation] = field(default_factory=dict)
    app: App = field(default_factory=App)
    installations: dict[str, Installation] = field(default_factory=dict)
    void: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, workspaces: Iterable[Workspace], organisations: Iterable[Organisation] = ()) -> "World":
        """The world that consists of `workspaces`."""
        return cls(
            workspaces={workspace.id: workspace for workspace in workspaces},
            organisations={each.id: each for each in organisations},
        )

    def __post_init__(self) -> None:
        """Install what comes installed, and make one of the copies of a channel that several workspaces have."""
        for workspace in self.workspaces.values():
            if workspace.bot_token and workspace.id not in self.installations:
                self.installations[workspace.id] = Installation(
                    place=workspace.id,
                    teams=[workspace.id],
                    scopes=[*workspace.scopes],
                    tokens={workspace.bot_token: None},
                )
        known: dict[tuple[str, str], Channel] = {}
        for workspace in self.workspaces.values():
            for channel in list(workspace.channels.values()):
                # Each installation has direct messages of its own, whose ids are made from the person's alone.
                owner = (workspace.enterprise_id or workspace.id) if channel.kind == "im" else ""
                workspace.channels[channel.id] = known.setdefault((owner, channel.id), channel)

    def installed_in(self, team: str) -> Installation | None:
        """The installation that serves `team`: the organisation's, where it may be used there, else its own."""
        found = self.installations.get(self.workspaces[team].enterprise_id)
        if found is not None and team in found.teams:
            return found
        return self.installations.get(team)

    def holder(self, token: str) -> Installation | None:
        """The installation that `token` was issued to."""
        return next((each for each in self.installations.values() if token in each.tokens), None)

    def teams_of(self, organisation: str) -> list[Workspace]:
        """The workspaces that `organisation` consists of."""
        return [each for each in self.workspaces.values() if each.enterprise_id == organisation]

    def sharing(self, channel: str) -> list[Workspace]:
        """The workspaces that have `channel`."""
        return [each for each in self.workspaces.values() if channel in each.channels]

    def direct(self, workspace: Workspace, user: str) -> Channel:
        """The direct message channel of the bot and `user`, one in all teams of an organisation."""
        channel_id = direct_channel(user)
        if channel_id not in workspace.channels:
            teams = self.teams_of(workspace.enterprise_id) if workspace.enterprise_id else [workspace]
            channel = Channel(id=channel_id, name=user, kind="im", members={user, workspace.bot})
            for team in teams:
                team.channels[channel_id] = channel
        return workspace.channels[channel_id]
