"""Delivery to Slack: what is asked of it for each kind of notice, and where there."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.errors import TryAgain
from bot.notices import owing
from bot.notices.limits import OPEN_DIRECT, Limits
from bot.notices.moving import is_astray
from bot.notices.owing import COPY, COPY_EDIT, DIRECT, EDIT, FILE, ROOT, THREAD, VIEW
from bot.people import People
from bot.slack import Slack
from bot.slack_errors import NotSent, PlaceGone, Refused
from bot.slacks import Slacks
from storage import moves, notices, requests
from storage.database import Database
from storage.states import NoticeState
from storage.tables import Notice, Request


class Overtaken(Exception):
    """The notice is no longer ours to tell."""


class Moot(Refused):
    """There is nothing left that it would be about; nobody misses it."""


class Delivery:
    """Sends each kind of notice as what it is, with what is true when it is sent."""

    def __init__(self, *, database: Database, slacks: Slacks, people: People, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._slacks = slacks
        self._people = people
        self._clock = clock
        self._limits = limits

    def send(self, notice: Notice) -> Awaitable[tuple[str | None, str | None]]:
        """Send a notice; gives the channel and the time stamp under which it stands, where it has them.

        Raises `SlackError` where Slack does not take it, `Moot` where there is nothing to send, and `Overtaken` where
        that is another process's matter by now.
        """
        senders: dict[str, Callable[[Notice], Awaitable[tuple[str | None, str | None]]]] = {
            ROOT: self._post_root,
            EDIT: self._edit_root,
            THREAD: self._post_in_thread,
            DIRECT: self._post_directly,
            VIEW: self._update_view,
            FILE: self._share_file,
            COPY: self._post_copy,
            COPY_EDIT: self._edit_copy,
        }
        return senders[notice.kind](notice)

    async def place(self, notice: Notice) -> tuple[str, str | None]:
        """The channel, and the thread there, in which a post or a file of this notice stands if it was sent.

        Raises `SlackError` where Slack does not say, and `Moot` where its request is gone.
        """
        if notice.kind in (DIRECT, COPY):
            return await self._direct_channel(notice.workspace_id, notice.recipient or ""), None
        request = await self._request(notice)
        if is_astray(notice, request):  # the new root message, which waits for this, has not moved the home yet
            return request.home_channel, request.asked_thread or await self._root_left(request)
        channel = await self._home(request)
        return channel, _thread_of_root(request) if notice.kind == ROOT else _thread_of(request)

    async def _root_left(self, request: Request) -> str | None:
        key = notices.left_key(request.id)
        left = await self._database.read(lambda session: notices.by_key(session, request.workspace_id, key))
        return left.ts if left else None

    async def _post_root(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        channel = await self._home(request)
        shown = await self._shown(request)
        slack = await self._slack_for(notice)
        return await slack.post(channel, shown, thread_ts=_thread_of_root(request), notice=notice.id)

    async def _edit_root(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        if request.root_ts is None:
            await self._root_to_come(notice)
            raise NotSent("the root message is not posted yet")
        shown = await self._shown(request)
        slack = await self._slack_for(notice)
        await slack.edit(request.home_channel, request.root_ts, shown)
        return request.home_channel, request.root_ts

    async def _root_to_come(self, notice: Notice) -> None:
        """Make sure that there will be a root message to edit; raises `Moot`."""
        key = notices.root_key(notice.request_id or 0)
        root = await self._database.read(lambda session: notices.by_key(session, notice.workspace_id, key))
        if root is None or root.state is NoticeState.DROPPED:
            raise Moot("the root message was never posted")

    async def _post_in_thread(self, notice: Notice) -> tuple[str, str]:
        request = await self._request_here(notice)
        thread_ts = _thread_of(request)
        slack = await self._slack_for(notice)
        return await slack.post(request.home_channel, notice.content, thread_ts=thread_ts, notice=notice.id)

    async def _share_file(self, notice: Notice) -> tuple[str, None]:
        request = await self._request_here(notice)
        file = notice.content
        name, content, text = file["name"], file["content"], file["text"]
        slack = await self._slack_for(notice)
        thread_ts, depart = _thread_of(request), partial(self._look_at_lease, notice)
        await slack.upload(request.home_channel, name, content, text, thread_ts=thread_ts, depart=depart)
        return request.home_channel, None

    async def _post_directly(self, notice: Notice) -> tuple[str, str]:
        channel = await self._channel_of_member(notice)
        slack = await self._slack_for(notice)
        return await slack.post(channel, notice.content, notice=notice.id)

    async def _post_copy(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        channel = await self._channel_of_member(notice)
        shown = await self._shown_to(request)
        slack = await self._slack_for(notice)
        return await slack.post(channel, shown, notice=notice.id)

    async def _edit_copy(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        copy_id = int(notice.content["copy"])
        original = await self._database.read(lambda session: notices.get(session, notice.workspace_id, copy_id))
        if original is None or not original.channel or not original.ts:
            raise Moot("the card was never posted")
        await self._check_member(notice)
        shown = await self._shown_to(request)
        slack = await self._slack_for(notice)
        await slack.edit(original.channel, original.ts, shown)
        return original.channel, original.ts

    async def _update_view(self, notice: Notice) -> tuple[None, None]:
        slack = await self._slack_for(notice)
        await slack.update_view(notice.view_id or "", notice.content)
        return None, None

    async def _slack_for(self, notice: Notice) -> Slack:
        """The Slack of a notice's workspace, with a look at the lease right before it is sent."""
        slack = await self._slacks.of(notice.workspace_id)
        await self._look_at_lease(notice)
        return slack

    async def _look_at_lease(self, notice: Notice) -> None:
        """Raises `Overtaken` where another process has taken the notice over, or soon may.

        A process that was frozen wakes up here. What an edit shows was put together before, and may be old by now.
        """
        current = await self._database.read(lambda session: notices.get(session, notice.workspace_id, notice.id))
        if not moves.holds(notice, current, now=self._clock()):
            raise Overtaken

    async def _shown(self, request: Request) -> dict[str, Any]:
        return await self._database.read(lambda session: owing.shown(session, request).content())

    async def _shown_to(self, request: Request) -> dict[str, Any]:
        return await self._database.read(lambda session: owing.shown_to(session, request).content())

    async def _home(self, request: Request) -> str:
        if not request.in_direct_message:
            return request.home_channel
        return await self._direct_channel(request.workspace_id, request.asker)

    async def _channel_of_member(self, notice: Notice) -> str:
        await self._check_member(notice)
        return await self._direct_channel(notice.workspace_id, notice.recipient or "")

    async def _check_member(self, notice: Notice) -> None:
        """Make sure that who is told directly is a full member now, whoever named him and whatever he was then.

        Raises `Moot` where he is none, and `NotSent` where Slack does not say.
        """
        try:
            actor = await self._people.actor(notice.workspace_id, notice.recipient or "")
        except TryAgain:
            raise NotSent("Slack does not say who it would go to") from None
        if not actor.full_member:
            raise Moot("it would go to a guest, to another organisation, or to somebody who is gone")

    async def _direct_channel(self, workspace: str, person: str) -> str:
        self._limits.check(workspace, OPEN_DIRECT)
        return await (await self._slacks.of(workspace)).direct_channel(person)

    async def _request_here(self, notice: Notice) -> Request:
        request = await self._request(notice)
        if is_astray(notice, request):
            raise PlaceGone("its place was left")
        return request

    async def _request(self, notice: Notice) -> Request:
        request = await self._database.read(
            lambda session: requests.get(session, notice.workspace_id, notice.request_id or 0)
        )
        if request is None:
            raise Moot("its request is gone")
        return request


def _thread_of_root(request: Request) -> str | None:
    """The thread in which the root message itself stands: the one that it was asked in, as long as it can."""
    return None if request.in_direct_message else request.asked_thread


def _thread_of(request: Request) -> str | None:
    """The thread in which a request is talked about: the one it was asked in, or its root message's own."""
    return request.root_ts if request.in_direct_message else request.asked_thread or request.root_ts
