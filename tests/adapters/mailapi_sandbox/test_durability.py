import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from sandbox.mailapi import MailAPIControl, Speed, create_app
from sandbox.serving import serve

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@asynccontextmanager
async def running(state: Path, speed: Speed) -> AsyncIterator[tuple[httpx.AsyncClient, MailAPIControl]]:
    """One run of the sandbox on the state."""
    async with (
        serve(create_app(state=state, speed=speed)) as url,
        MailAPIControl(url) as control,
        httpx.AsyncClient(base_url=f"{url}/api", trust_env=False) as api,
    ):
        yield api, control


def bulk(key: str) -> dict[str, object]:
    order = {"Email_fullname": "t", "single_bulk": "bulk", "Domain": "example.com", "Params": {"count": 3}}
    return {**order, "key": key}


async def test_a_restart_goes_on_where_the_last_run_stopped(tmp_path: Path, key: str, eventually: Eventually) -> None:
    state = tmp_path / "mailapi.sqlite"
    question: dict[str, str | int] = {"key": key, "task_id": 1}
    async with running(state, Speed(mailbox_seconds=3600, domain_seconds=3600)) as (api, control):
        await control.add_account(key, 123)
        await control.add_domain(key, "example.com")
        await control.add_mailbox(key, "john@example.com")
        await api.post("/v1/create/domain", json={"Domain": "example.org", "key": key})
        await api.post("/v1/create/mailbox/bulk", json=bulk(key))

        async def one_is_done() -> bool:
            return "t2@example.com" in (await listed(api, key))

        await control.advance_clock(3590)
        await control.set_speed(mailbox_seconds=3580)
        await eventually(one_is_done)
        assert len((await api.get("/v1/get/mailbox/bulk", params=question)).json()["results"]) == 1

    async with running(state, Speed(mailbox_seconds=0, domain_seconds=0)) as (api, control):

        async def all_is_done() -> bool:
            task = (await api.get("/v1/get/mailbox/bulk", params=question)).json()
            return bool(task["status"] == "completed") and (await control.domains())["example.org"] == "verified"

        await eventually(all_is_done)
        names = ["john@example.com", "t1@example.com", "t2@example.com", "t3@example.com"]
        assert await control.mailboxes() == dict.fromkeys(names, 1)


async def test_the_window_and_the_clock_outlive_a_restart(tmp_path: Path, key: str) -> None:
    state = tmp_path / "mailapi.sqlite"
    order = {"Domain": "example.com", "Params": {"sub_domains": ["a"]}, "key": key}
    async with running(state, Speed()) as (api, control):
        await control.add_account(key, 123)
        await control.advance_clock(86_400)
        await control.add_domain(key, "example.com")
        assert (await api.post("/v1/create/sub-domain", json=order)).status_code == 200
    async with running(state, Speed()) as (api, control):
        assert (await api.post("/v1/create/sub-domain", json=order)).status_code == 429
        await control.advance_clock(3600)
        assert (await api.post("/v1/create/sub-domain", json=order)).status_code == 200


async def test_task_ids_are_not_given_twice(tmp_path: Path, key: str) -> None:
    state = tmp_path / "mailapi.sqlite"
    ids = []
    for _ in range(2):
        async with running(state, Speed()) as (api, control):
            await control.add_account(key, 123)
            await control.add_domain(key, "example.com")
            ids.append((await api.post("/v1/create/mailbox/bulk", json=bulk(key))).json()["task_id"])
    assert ids == [1, 2]


async def test_what_was_answered_is_in_the_file_already(tmp_path: Path, key: str) -> None:
    state = tmp_path / "mailapi.sqlite"
    async with running(state, Speed()) as (api, control):
        await control.add_account(key, 123)
        await api.post("/v1/create/domain", json={"Domain": "example.com", "key": key})
        reader = sqlite3.connect(state)
        try:
            assert reader.execute("SELECT name FROM domains").fetchall() == [("example.com",)]
        finally:
            reader.close()


async def listed(api: httpx.AsyncClient, key: str) -> list[str]:
    query: dict[str, str | int] = {"key": key, "caller_id": 123, "domain": "example.com"}
    return list((await api.get("/v1/list/mailbox", params=query)).json()["results"])
