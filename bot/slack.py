"""Slack's Web API, as far as the bot uses it; each question raises `SlackError` where Slack does not do it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Self

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack_answers
from bot.access import Actor
from bot.outages import Outages
from bot.slack_answers import Token
from bot.slack_errors import Refused, TokenRefused, UploadRefused
from bot.slack_transport import Transport
from bot.texts.message import Block

Depart = Callable[[], Awaitable[object]]
PAGE = 100
"""How many messages are read at a time where one is looked for."""


@dataclass(frozen=True)
class Home:
    """Whose Slack it is: a workspace's, or that of an organisation as a whole, whose id is the workspace's then."""

    workspace: str = ""
    whole_organisation: bool = False


@dataclass(frozen=True)
class Client:
    """With what the app proves to Slack who it is."""

    id: str
    secret: str = field(repr=False)


class Slack:
    """What the bot asks of one workspace's Slack."""

    def __init__(self, transport: Transport, home: Home | None = None) -> None:
        self.home = home or Home()
        self._transport = transport
        self._client = transport.client

    @classmethod
    @asynccontextmanager
    async def open(cls, token: str | None, api_url: str, outages: Outages) -> AsyncIterator[Self]:
        """The Slack of whom the token is, over a session of its own."""
        async with Transport.open(token, api_url, outages) as transport:
            yield cls(transport)

    def without_token(self) -> AsyncWebClient:
        """A client over the same session for Bolt, which asks nothing."""
        return self._transport.client_with(None)

    def with_token(self, token: str | None, home: Home, refused: Callable[[TokenRefused], None] | None = None) -> Self:
        """The Slack of another workspace, over the same session; `refused` is told that its token is."""
        return type(self)(self._transport.with_token(token, refused), home)

    async def token(self) -> Token:
        """auth.test: what it says of the bot token, in its body and in its headers; raises `Refused`."""
        return Token.of(await self._transport.accepted(self._client.auth_test()))

    async def try_app_token(self, token: str) -> None:
        """apps.connections.open: raises `Refused` where this app token opens no Socket Mode connection."""
        await self._transport.accepted(self._client.apps_connections_open(app_token=token))

    async def own_channels(self) -> dict[str, str]:
        """The names of the channels in which the bot is a member, by id, from users.conversations."""
        found: dict[str, str] = {}
        for team in await self.teams():
            async for page in self._transport.pages(
                lambda cursor, team=team: self._client.users_conversations(
                    types="public_channel,private_channel",
                    exclude_archived=True,
                    limit=200,
                    cursor=cursor,
                    team_id=team,
                )
            ):
                found |= {str(channel["id"]): str(channel["name"]) for channel in page["channels"]}
        return found

    async def grant(self, client: Client, **proof: str) -> dict[str, Any]:
        """oauth.v2.access: a token for a `code`, or for a `refresh_token`; raises `Refused` where Slack gives none."""
        # The SDK's own method makes its header by a way that aiohttp has given up.
        headers = {"Authorization": aiohttp.encode_basic_auth(client.id, client.secret)}
        asked = self._client.api_call("oauth.v2.access", data=proof, headers=headers)
        return slack_answers.body(await self._transport.accepted(asked))

    async def identity(self) -> dict[str, Any]:
        """auth.test: whose token this is (`team_id`, `team`, `user_id`, `bot_id`); raises `Refused`."""
        return slack_answers.body(await self._transport.accepted(self._client.auth_test()))

    async def post(
        self, channel: str, content: dict[str, Any], *, thread_ts: str | None = None, notice: int | None = None
    ) -> tuple[str, str]:
        """Post a message; gives the channel's id and the message's `ts`. `notice` goes along as metadata."""
        metadata = {"event_type": "mailroom_notice", "event_payload": {"notice": notice}} if notice else None
        answer = await self._transport.answer(
            self._client.chat_postMessage(
                channel=channel,
                text=content["text"],
                blocks=content["blocks"],
                thread_ts=thread_ts,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["channel"]), str(answer["ts"])

    async def find(self, channel: str, notice: int, *, thread_ts: str | None, since: datetime) -> str | None:
        """The `ts` of a message that this bot posted for `notice` after `since`, found by its metadata.

        Needs the right to read the channel (`channels:history` and its kin), without which Slack refuses.
        """
        window = {"oldest": str(since.timestamp()), "include_all_metadata": True}
        async for message in self._said(channel, thread_ts, window):
            if (message.get("metadata") or {}).get("event_payload", {}).get("notice") == notice:
                return str(message["ts"])
        return None

    async def find_file(self, channel: str, name: str, *, thread_ts: str, since: datetime) -> str | None:
        """The `ts` of a message in a thread that shares a file of this name, said after `since`."""
        async for message in self._said(channel, thread_ts, {"oldest": str(since.timestamp())}):
            if any(file.get("name") == name for file in message.get("files") or ()):
                return str(message["ts"])
        return None

    async def _said(self, channel: str, thread_ts: str | None, window: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The messages of a channel or a thread within `window`, page by page: a busy channel fills many."""
        if thread_ts is None:
            read = partial(self._client.conversations_history, channel=channel, limit=PAGE, **window)
        else:
            read = partial(self._client.conversations_replies, channel=channel, ts=thread_ts, limit=PAGE, **window)
        async for page in self._transport.pages(lambda cursor: read(cursor=cursor)):
            for message in page["messages"]:
                yield message

    async def whisper(self, channel: str, user: str, content: dict[str, Any], *, thread_ts: str | None) -> None:
        """Post what only one person sees, for as long as he has Slack open."""
        await self._transport.answer(
            self._client.chat_postEphemeral(
                channel=channel, user=user, text=content["text"], blocks=content["blocks"], thread_ts=thread_ts
            )
        )

    async def upload(
        self,
        channel: str,
        name: str,
        content: str,
        text: str,
        *,
        thread_ts: str | None = None,
        depart: Depart | None = None,
    ) -> None:
        """Share a text file below `text`; Slack takes the name, then the bytes, then where it goes.

        Nobody sees anything of it before the last step, right before which `depart` is awaited: it may raise.
        """
        data = content.encode()
        place = await self._transport.answer(self._client.files_getUploadURLExternal(filename=name, length=len(data)))
        await self._put(str(place["upload_url"]), data)
        if depart is not None:
            await depart()
        await self._transport.answer(
            self._client.files_completeUploadExternal(
                files=[{"id": str(place["file_id"]), "title": name}],
                channel_id=channel,
                thread_ts=thread_ts,
                initial_comment=text,
            )
        )

    async def _put(self, url: str, data: bytes) -> None:
        """Nothing is shared before the last step, so a failure here is certain."""
        failure = await self._transport.failure_of_post(url, data=data)
        if failure is not None:
            raise UploadRefused(f"The file was not taken ({failure}).")

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message."""
        answer = await self._transport.answer(self._client.chat_getPermalink(channel=channel, message_ts=ts))
        return str(answer["permalink"])

    async def edit(self, channel: str, ts: str, content: dict[str, Any]) -> None:
        """Replace a message's text and blocks."""
        await self._transport.answer(
            self._client.chat_update(channel=channel, ts=ts, text=content["text"], blocks=content["blocks"]),
        )

    async def direct_channel(self, user: str) -> str:
        """The id of the direct message channel with a person."""
        answer = await self._transport.answer(self._client.conversations_open(users=[user]))
        return str(answer["channel"]["id"])

    async def open_view(self, trigger_id: str, view: Block) -> str:
        """Open a form on the screen of the person whose trigger it is, within Slack's 3 s; gives the form's id."""
        answer = await self._transport.answer(self._client.views_open(trigger_id=trigger_id, view=view))
        return str(answer["view"]["id"])

    async def update_view(self, view_id: str, view: Block) -> None:
        """Replace what an open form shows."""
        await self._transport.answer(self._client.views_update(view_id=view_id, view=view))

    async def actor(self, user: str, workspace: str) -> Actor:
        """A person's standing in a workspace, from users.info; one whom Slack does not know is gone."""
        try:
            answer = await self._transport.answer(self._client.users_info(user=user))
        except Refused as error:
            if str(error) in ("user_not_found", "user_not_visible"):
                return Actor(id=user, deactivated=True)
            raise
        return self._actor(answer["user"], workspace)

    async def admins(self, workspace: str, team: str = "") -> list[Actor]:
        """The workspace's admins and owners who are not bots, from users.list.

        Where an organisation as a whole has the bot, they are the organisation's, and of those the people of `team`.
        """
        found: dict[str, Actor] = {}
        for each in [team] if team else await self.teams():
            async for page in self._transport.pages(
                lambda cursor, team=each: self._client.users_list(limit=1000, cursor=cursor, team_id=team)
            ):
                people = [self._actor(user, workspace) for user in page["members"] if not user.get("is_bot")]
                found |= {actor.id: actor for actor in people if actor.admin and actor.full_member}
        return list(found.values())

    async def group_members(self, group: str) -> frozenset[str]:
        """The ids of a user group's people, from usergroups.users.list; none where there is no such group any more."""
        for team in await self.teams():
            try:
                answer = await self._transport.answer(self._client.usergroups_users_list(usergroup=group, team_id=team))
            except Refused as error:
                if str(error) not in ("no_such_subteam", "subteam_not_found"):
                    raise
            else:
                return frozenset(str(user) for user in answer["users"])
        return frozenset()

    async def groups(self) -> list[tuple[str, str]]:
        """The id and the handle of each user group, from usergroups.list."""
        found: dict[str, str] = {}
        for team in await self.teams():
            answer = await self._transport.answer(self._client.usergroups_list(team_id=team))
            found |= {str(group["id"]): str(group["handle"]) for group in answer["usergroups"]}
        return list(found.items())

    async def teams(self) -> list[str]:
        """What methods want to be told as `team_id`: the workspace, or each of an organisation that has the bot."""
        if not self.home.whole_organisation:
            return [self.home.workspace]
        pages = self._transport.pages(lambda cursor: self._client.auth_teams_list(limit=1000, cursor=cursor))
        return [str(team["id"]) async for page in pages for team in page["teams"]]

    def _actor(self, user: dict[str, Any], workspace: str) -> Actor:
        read = slack_answers.actor_of_organisation if self.home.whole_organisation else slack_answers.actor
        return read(user, workspace)

    async def channel_members(self, channel: str) -> frozenset[str]:
        """The ids of everybody in a channel, from conversations.members."""
        pages = self._transport.pages(
            lambda cursor: self._client.conversations_members(channel=channel, limit=1000, cursor=cursor)
        )
        return frozenset([str(user) async for page in pages for user in page["members"]])

    async def respond(self, response_url: str, content: dict[str, Any]) -> None:
        """Answer a command privately through its response URL, which is a secret and stays out of every error."""
        body = {"response_type": "ephemeral", "replace_original": False, **content}
        failure = await self._transport.failure_of_post(response_url, json=body)
        if failure is not None:
            raise Refused(f"The response URL did not take the answer ({failure}).")


def reading(thread_ts: str | None) -> str:
    """The method by which what is said in a channel, or in one of its threads, is read."""
    return "conversations.history" if thread_ts is None else "conversations.replies"
