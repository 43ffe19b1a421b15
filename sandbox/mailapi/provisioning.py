"""The background of the provider: what was accepted is worked off here."""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass

from sandbox.mailapi import domains, mailboxes, tasks
from sandbox.mailapi.clock import Clock
from sandbox.mailapi.tasks import Task


@dataclass(frozen=True)
class Speed:
    """How long one mailbox and the verification of one domain take, and how many tasks are worked off at once."""

    mailbox_seconds: float = 0.4
    domain_seconds: float = 4.0
    workers: int = 16


DEMO_SPEED = Speed()
"""Slow enough to be watched."""


class Provisioning:
    """Works off the queue. All progress is in the state, so a restart goes on where the last run stopped."""

    def __init__(self, db: sqlite3.Connection, clock: Clock, speed: Speed) -> None:
        self._db = db
        self._clock = clock
        self._woken = asyncio.Event()
        self._held = False
        self.speed = speed

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.tick()):
                    await self._woken.wait()

    def wake(self) -> None:
        """Look again: there is new work, or other rules."""
        self._woken.set()

    def hold(self) -> None:
        """Work nothing off until `release`; what is half done stays half done."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        self.wake()

    def tick(self) -> float | None:
        """Do what is due, at most one mailbox of each task; returns in how many seconds more is, `None` if nothing."""
        if self._held:
            return None
        now = self._clock.now()
        with self._db:
            self._verify_domains(now)
            self._advance_tasks(now)
            self._start_tasks(now)
        due = self._next_due()
        return None if due is None else max(0.0, due - now)

    def _verify_domains(self, now: float) -> None:
        domains.verify(self._db, requested_by=now - self.speed.domain_seconds)

    def _advance_tasks(self, now: float) -> None:
        for task in tasks.in_work(self._db):
            if task.touched_at + self.speed.mailbox_seconds <= now:
                self._advance(task, now)

    def _advance(self, task: Task, now: float) -> None:
        if task.reason is not None:
            tasks.finish(self._db, task, reason=task.reason)
            return
        failure = self._work_off(task, now)
        if task.kind == "single" and failure is not None:
            tasks.finish(self._db, task, reason=failure)
        elif task.done + 1 == task.total:
            tasks.finish(self._db, task)
        else:
            self._begin(task, task.done + 2, now)

    def _work_off(self, task: Task, now: float) -> str | None:
        """Create the task's next mailbox; returns with which status it failed instead."""
        address = task.address(task.done + 1)
        failure = mailboxes.failure(self._db, address)
        if failure is None:
            mailboxes.create(self._db, task.caller_id, address, quota=task.quota, now=now)
        else:
            mailboxes.give_up(self._db, task.caller_id, address)
        tasks.record(self._db, task, status=failure or tasks.CREATED, now=now)
        return failure

    def _start_tasks(self, now: float) -> None:
        free = self.speed.workers - len(tasks.in_work(self._db))
        for task in tasks.queued(self._db, most=max(0, free)):
            reason = tasks.take_failure(self._db)
            tasks.start(self._db, task, reason=reason, now=now)
            if reason is None:
                self._begin(task, 1, now)

    def _begin(self, task: Task, position: int, now: float) -> None:
        mailboxes.begin(self._db, task.caller_id, task.address(position), quota=task.quota, now=now)

    def _next_due(self) -> float | None:
        dues = [task.touched_at + self.speed.mailbox_seconds for task in tasks.in_work(self._db)]
        pending = domains.oldest_pending(self._db)
        if pending is not None:
            dues.append(pending + self.speed.domain_seconds)
        return min(dues, default=None)
