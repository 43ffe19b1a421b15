"""Threads for transactions, which may hang for as long as a server does and keep no process from its end."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Closed(Exception):
    """Nothing is taken any more."""


class Threads:
    """At most `number` threads, each started when there is something to run.

    The interpreter waits at its end for the threads of an executor, also for one that hangs: hence these.
    """

    def __init__(self, number: int, *, name: str) -> None:
        self._number = number
        self._name = name
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._closing = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()

    def submit(self, run: Callable[[], Result]) -> "Future[Result]":
        """Run it as soon as a thread is free, unless the future is cancelled before; raises `Closed`."""
        future: Future[Result] = Future()
        with self._closing:  # nothing comes behind the marks of the end, where nobody would take it
            if self._closed:
                raise Closed
            self._waiting.put((run, future))
            if len(self._threads) < self._number:
                self._start()
        return future

    def close(self, seconds: float | None) -> None:
        """Let what was taken end, within `seconds` where that is no `None`; what still hangs then is left behind."""
        with self._closing:
            self._closed = True
            for _ in self._threads:
                self._waiting.put(None)
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while self._take():
            pass

    def _take(self) -> bool:
        """Run the next one, and keep nothing of it while the one after that is waited for."""
        item = self._waiting.get()
        if item is None:
            return False
        run, future = item
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(run())
            except BaseException as error:  # noqa: BLE001 - it is the caller's, and is raised there
                future.set_exception(error)
        return True
