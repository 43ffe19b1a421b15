"""Telling what is owed: claims notices, sends them to Slack, and writes down what came of it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.logs import about
from bot.metrics import Metrics, age
from bot.notices import late, owing
from bot.notices.leaving_out import note_fault, note_refusal
from bot.notices.limits import OPEN_DIRECT, Limits
from bot.notices.owing import COPY, COPY_EDIT, DIRECT, EDIT, FILE, ROOT, THREAD, VIEW
from bot.outages import DATABASE, SLACK, Outages
from bot.pace import Pace, retry_after
from bot.pool import Pool
from bot.slack import Slack, reading
from bot.slack_errors import (
    AnswerLost,
    Limited,
    NotSent,
    PlaceGone,
    Refused,
    SlackError,
    TokenRefused,
    UploadRefused,
    asked_pause,
)
from bot.slacks import Slacks
from storage import moves, notices, requests
from storage.database import Database, DatabaseUnavailable
from storage.notices import Spacing
from storage.states import NoticeState, RequestState
from storage.tables import Notice, Request, check_moments

log = structlog.get_logger(__name__)

UNKNOWN_FOR = timedelta(seconds=10)
"""How long a post whose answer was lost is left alone before it is looked for."""
CLOCKS_APART = timedelta(minutes=2)
"""How far our clock and Slack's may differ when a post is looked for by its time."""
MOST_TRIES = 8
"""How often a form's update is tried, and the upload of a file whose address does not take it."""


class _Overtaken(Exception):
    """The notice is no longer ours to tell."""


class _Moot(Refused):
    """There is nothing left that it would be about; nobody misses it."""


class Teller:
    """Sends owed notices; what Slack surely did not take is tried again, and a place that is gone is left."""

    def __init__(
        self,
        *,
        database: Database,
        slacks: Slacks,
        clock: Clock,
        pace: Pace,
        pool: Pool,
        outages: Outages,
        metrics: Metrics,
    ) -> None:
        self._limits = Limits(clock)
        self._metrics = metrics
        self._pace = pace
        self._database = database
        self._outages = outages
        self._slacks = slacks
        self._clock = clock
        self.pool = pool

    async def tick(self, nudge: Callable[[], None]) -> None:
        """Claim what is due and start telling it; `nudge` is called after each, since others wait for it."""
        room = self._outages.room(SLACK, self.pool.free)
        unknown = await self._database.write(partial(self._recover, room))
        for notice in unknown:
            self.pool.start(notice.workspace_id, self._guarded(notice, self._settle), then=nudge)
        claimed = await self._database.write(
            partial(
                notices.claim,
                now=self._clock(),
                most=min(room - len(unknown), self.pool.most),
                busy=self.pool.busy,
                spacing=Spacing(*self._pace.posts),
                besides=self._limits.paused(),
            )
        )
        if room and not unknown and not claimed and self._outages.lasts(SLACK):
            self.pool.start("", self._probe())
        for notice in claimed:
            self.pool.start(notice.workspace_id, self._guarded(notice, self._tell), then=nudge)

    async def _probe(self) -> None:
        """Ask Slack whether an outage is over, where nothing that is owed would find out."""
        with suppress(SlackError):
            await self._slacks.probe()

    async def _guarded(self, notice: Notice, step: Callable[[Notice], Awaitable[None]]) -> None:
        """A step on one notice; what nobody foresaw is counted, so that none is tried for ever."""
        with about(notice):
            try:
                check_moments(notice)
                await step(notice)
            except DatabaseUnavailable as error:
                self._outages.failed(DATABASE, str(error))  # its lease ends, and it is taken up again
            except Exception as error:
                log.exception("telling failed", notice=notice.id, request=notice.request_id, kind=notice.kind)
                why = type(error).__name__
                fault = partial(note_fault, notice=notice, reason=why, now=self._clock(), wait=UNKNOWN_FOR)
                await self._database.write(fault)

    async def _tell(self, notice: Notice) -> None:
        try:
            channel, ts = await self._send(notice)
        except _Overtaken:
            log.warning("a lease ran out before a notice was told", notice=notice.id, request=notice.request_id)
        except PlaceGone as error:
            await self._database.write(partial(self._leave, notice, str(error)))
        except Limited as error:
            await self._again(notice, str(error), self._pause(notice, error))
        except UploadRefused as error:
            await self._database.write(partial(self._upload_again, notice, str(error)))
        except (NotSent, TokenRefused) as error:
            await self._again(notice, str(error), retry_after(notice.attempts))
        except AnswerLost as error:
            await self._unknown(notice, str(error))
        except _Moot as error:
            await self._database.write(partial(self._drop, notice, str(error)))
        except Refused as error:
            await self._database.write(partial(self._leave_out, notice, str(error)))
        else:
            await self._database.write(partial(self._told, notice, channel, ts))
            self._metrics.told(notice.kind, age(notice.created_at, self._clock()))

    def _pause(self, notice: Notice, error: Limited) -> timedelta:
        """Let nothing of this workspace call the method that Slack limited; gives for how long."""
        wait = asked_pause(error)
        self._limits.pause(notice.workspace_id, error.method, wait)
        return wait

    def _send(self, notice: Notice) -> Awaitable[tuple[str | None, str | None]]:
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

    async def _post_root(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        channel = await self._home(request)
        thread_ts = None if request.in_direct_message else request.asked_thread
        shown = await self._shown(request)
        slack = await self._slack_for(notice)
        return await slack.post(channel, shown, thread_ts=thread_ts, notice=notice.id)

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
        """Make sure that there will be a root message to edit; raises `_Moot`."""
        key = notices.root_key(notice.request_id or 0)
        root = await self._database.read(lambda session: notices.by_key(session, notice.workspace_id, key))
        if root is None or root.state is NoticeState.DROPPED:
            raise _Moot("the root message was never posted")

    async def _post_in_thread(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        thread_ts = _thread_of(request)
        slack = await self._slack_for(notice)
        return await slack.post(request.home_channel, notice.content, thread_ts=thread_ts, notice=notice.id)

    async def _share_file(self, notice: Notice) -> tuple[str, None]:
        request = await self._request(notice)
        file = notice.content
        name, content, text = file["name"], file["content"], file["text"]
        slack = await self._slack_for(notice)
        await slack.upload(request.home_channel, name, content, text, thread_ts=_thread_of(request))
        return request.home_channel, None

    async def _post_directly(self, notice: Notice) -> tuple[str, str]:
        channel = await self._direct_channel(notice.workspace_id, notice.recipient or "")
        slack = await self._slack_for(notice)
        return await slack.post(channel, notice.content, notice=notice.id)

    async def _post_copy(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        channel = await self._direct_channel(notice.workspace_id, notice.recipient or "")
        shown = await self._shown_to(request)
        slack = await self._slack_for(notice)
        return await slack.post(channel, shown, notice=notice.id)

    async def _edit_copy(self, notice: Notice) -> tuple[str, str]:
        request = await self._request(notice)
        copy_id = int(notice.content["copy"])
        original = await self._database.read(lambda session: notices.get(session, notice.workspace_id, copy_id))
        if original is None or not original.channel or not original.ts:
            raise _Moot("the card was never posted")
        shown = await self._shown_to(request)
        slack = await self._slack_for(notice)
        await slack.edit(original.channel, original.ts, shown)
        return original.channel, original.ts

    async def _slack_for(self, notice: Notice) -> Slack:
        """The Slack of a notice's workspace, with a look at the lease right before it is sent.

        Raises `_Overtaken` where another process has taken the notice over, or soon may. A process that was frozen
        wakes up here. What an edit shows was put together before, and may be old by now.
        """
        slack = await self._slacks.of(notice.workspace_id)
        current = await self._database.read(lambda session: notices.get(session, notice.workspace_id, notice.id))
        if not moves.holds(notice, current, now=self._clock()):
            raise _Overtaken
        return slack

    async def _shown_to(self, request: Request) -> dict[str, Any]:
        return await self._database.read(lambda session: owing.shown_to(session, request).content())

    async def _update_view(self, notice: Notice) -> tuple[None, None]:
        slack = await self._slack_for(notice)
        await slack.update_view(notice.view_id or "", notice.content)
        return None, None

    async def _home(self, request: Request) -> str:
        if not request.in_direct_message:
            return request.home_channel
        return await self._direct_channel(request.workspace_id, request.asker)

    async def _direct_channel(self, workspace: str, person: str) -> str:
        self._limits.check(workspace, OPEN_DIRECT)
        return await (await self._slacks.of(workspace)).direct_channel(person)

    async def _shown(self, request: Request) -> dict[str, Any]:
        return await self._database.read(lambda session: owing.shown(session, request).content())

    async def _request(self, notice: Notice) -> Request:
        request = await self._database.read(
            lambda session: requests.get(session, notice.workspace_id, notice.request_id or 0)
        )
        if request is None:
            raise _Moot("its request is gone")
        return request

    def _told(self, notice: Notice, channel: str | None, ts: str | None, session: Session) -> None:
        """Note where it stands; a root message settles where its thread is.

        A late answer still counts, so that nobody looks for what was told, or tells it again.
        """
        told: dict[str, Any] = {"channel": channel, "ts": ts, "told_at": self._clock()}
        moved = self._move(session, notice, NoticeState.TOLD, **told)
        if not moved and not late.told(session, notice, now=self._clock(), channel=channel, ts=ts):
            return
        if notice.kind == ROOT and channel and ts:
            requests.settle_home(session, notice.workspace_id, notice.request_id or 0, channel=channel, root_ts=ts)

    async def _again(self, notice: Notice, reason: str, wait: timedelta) -> None:
        """It was certainly not taken: owe it again; nobody looks at an open form for ever."""
        if notice.attempts >= MOST_TRIES and notice.kind == VIEW:
            await self._database.write(partial(self._drop, notice, reason))
            return
        log.info("notice put off", notice=notice.id, request=notice.request_id, reason=reason)
        due_at = self._clock() + wait
        await self._database.write(
            lambda session: self._move(session, notice, NoticeState.OWED, due_at=due_at, reason=reason)
        )

    def _upload_again(self, notice: Notice, reason: str, session: Session) -> None:
        """What comes after a file waits for it, so it is not tried for ever; tries in an outage do not count."""
        faults = notice.faults + 1
        if faults >= MOST_TRIES:
            self._leave_out(notice, reason, session)
            return
        log.info("notice put off", notice=notice.id, request=notice.request_id, reason=reason)
        due_at = self._clock() + retry_after(notice.attempts)
        self._move(session, notice, NoticeState.OWED, due_at=due_at, reason=reason, faults=faults)

    async def _unknown(self, notice: Notice, reason: str) -> None:
        log.warning("nobody knows whether Slack took a notice", notice=notice.id, request=notice.request_id)
        await self._database.write(partial(self._not_known, notice, reason))

    def _not_known(self, notice: Notice, reason: str, session: Session) -> None:
        due_at = self._clock() + retry_after(notice.attempts, at_least=UNKNOWN_FOR)
        if not self._move(session, notice, NoticeState.UNKNOWN, due_at=due_at, reason=reason):
            late.maybe_edited(session, notice, now=self._clock())

    def _drop(self, notice: Notice, reason: str, session: Session) -> bool:
        """It will never be told. The table of states lets a notice be dropped only once it is unknown."""
        if not self._move(session, notice, NoticeState.UNKNOWN, reason=reason):
            return False
        log.warning("notice dropped", notice=notice.id, request=notice.request_id, kind=notice.kind, reason=reason)
        return notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.DROPPED)

    def _leave_out(self, notice: Notice, reason: str, session: Session) -> None:
        """Slack will never take it, wherever it goes: the person whom it would have told something hears that."""
        if self._drop(notice, reason, session):
            note_refusal(session, notice, reason, now=self._clock())

    def _leave(self, notice: Notice, reason: str, session: Session) -> None:
        """The place is gone: the request goes on in a direct message, and says so once."""
        a_copy = notice.kind in (COPY, COPY_EDIT)  # it was never at the request's own place
        request = (
            requests.lock(session, notice.workspace_id, notice.request_id) if notice.request_id and not a_copy else None
        )
        if request is None or request.in_direct_message:
            self._drop(notice, reason, session)
            return
        if not moves.holds(notice, notices.lock(session, notice.workspace_id, notice.id), now=self._clock()):
            return  # another process is telling it
        request.in_direct_message, request.root_ts = True, None
        if request.state is RequestState.AWAITING_DECISION:
            request.due_at = self._clock()  # nobody but the asker sees it there, so the others get cards
        session.add(request)
        session.flush()
        notices.redirect(session, request, owing.home(request))
        log.info("request goes on in a direct message", request=request.id, reason=reason)
        if notice.kind == ROOT:
            self._move(session, notice, NoticeState.OWED, due_at=self._clock(), reason=reason)
        else:
            self._begin_anew(notice, request, reason, session)

    def _begin_anew(self, notice: Notice, request: Request, reason: str, session: Session) -> None:
        """A new root message, and behind it what its thread is still owed."""
        waiting = [row for row in notices.unsettled_of_request(session, request) if row.kind in (THREAD, FILE)]
        owing.move_root(session, request, now=self._clock())
        for row in waiting:
            kept = {"workspace_id", "request_id", "kind", "lane", "destination", "content", "created_at"}
            copy = {**row.model_dump(include=kept), "destination": owing.home(request)}
            self._give_up(session, row, reason)
            notices.owe(session, Notice(**copy, key=f"{row.key}:moved", due_at=self._clock()))
        if notice.kind == EDIT:
            self._drop(notice, reason, session)

    def _give_up(self, session: Session, row: Notice, reason: str) -> None:
        if row.state is NoticeState.OWED:
            notices.move(session, row, NoticeState.OWED, NoticeState.SENDING)
        notices.move(session, row, NoticeState.SENDING, NoticeState.UNKNOWN, reason=reason)
        notices.move(session, row, NoticeState.UNKNOWN, NoticeState.DROPPED)

    async def _settle(self, notice: Notice) -> None:
        """Look for a post whose answer was lost, where the bot may read; what is not found is owed again."""
        try:
            channel, ts = await self._find(notice)
        except (Limited, NotSent, AnswerLost, TokenRefused) as error:
            await self._look_again(notice, error)
            return
        except SlackError as error:
            log.info("may not look for a notice", notice=notice.id, reason=str(error))
            channel, ts = None, None
        await self._database.write(partial(self._found, notice, channel, ts))
        if ts is not None:
            self._metrics.told(notice.kind, age(notice.created_at, self._clock()))

    async def _look_again(self, notice: Notice, error: SlackError) -> None:
        """Slack did not say whether it is there; posting it now might be the second time."""
        wait = self._pause(notice, error) if isinstance(error, Limited) else retry_after(1)
        log.info("could not look for a notice", notice=notice.id, reason=str(error))
        due_at = self._clock() + wait
        await self._database.write(lambda session: moves.put_off(session, notice, due_at))

    async def _find(self, notice: Notice) -> tuple[str | None, str | None]:
        if notice.kind in (EDIT, VIEW, COPY_EDIT) or notice.tried_at is None:
            return None, None  # these can be repeated without anybody noticing
        thread_ts: str | None = None
        if notice.kind in (DIRECT, COPY):
            channel = await self._direct_channel(notice.workspace_id, notice.recipient or "")
        else:
            request = await self._request(notice)
            channel = await self._home(request)
            thread_ts = request.asked_thread if notice.kind == ROOT else _thread_of(request)
        self._limits.check(notice.workspace_id, reading(thread_ts))
        since = notice.tried_at - CLOCKS_APART
        slack = await self._slacks.of(notice.workspace_id)
        if notice.kind == FILE:
            name = notice.content["name"]
            return channel, await slack.find_file(channel, name, thread_ts=thread_ts or "", since=since)
        return channel, await slack.find(channel, notice.id, thread_ts=thread_ts, since=since)

    def _found(self, notice: Notice, channel: str | None, ts: str | None, session: Session) -> None:
        now = self._clock()
        if ts is None:
            again: dict[str, Any] = {"due_at": now, "leased_until": None}
            notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.OWED, held=notice, **again)
            return
        told: dict[str, Any] = {"channel": channel, "ts": ts, "told_at": now, "leased_until": None}
        found = notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.TOLD, **told)
        if found and notice.kind == ROOT and channel:
            requests.settle_home(session, notice.workspace_id, notice.request_id or 0, channel=channel, root_ts=ts)

    def _recover(self, most: int, session: Session) -> Sequence[Notice]:
        """What was found in sending after its lease is unknown; gives what is unknown for long enough to be settled."""
        now = self._clock()
        for notice in notices.lost_in_sending(session, now=now):
            self._move(session, notice, NoticeState.UNKNOWN, due_at=now + UNKNOWN_FOR)
        return notices.claim_unknown(session, now=now, most=most)

    def _move(self, session: Session, notice: Notice, after: NoticeState, **values: Any) -> bool:
        """Move a notice that is being sent; false where another process has taken it over meanwhile."""
        return notices.move(session, notice, NoticeState.SENDING, after, held=notice, leased_until=None, **values)


def _thread_of(request: Request) -> str | None:
    """The thread in which a request is talked about: the one it was asked in, or its root message's own."""
    return request.root_ts if request.in_direct_message else request.asked_thread or request.root_ts
