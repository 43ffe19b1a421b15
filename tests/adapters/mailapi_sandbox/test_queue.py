import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
CREATED = {"status": "Created successfully."}


class Queue:
    """What a client sees of the queue."""

    def __init__(self, api: httpx.AsyncClient, key: str, eventually: Eventually) -> None:
        self._api = api
        self._key = key
        self._eventually = eventually

    async def bulk(self, prefix: str, count: int) -> int:
        return await self._create("bulk", prefix, {"count": count, "quota_mb": 512})

    async def single(self, name: str) -> int:
        return await self._create("single", name, {})

    async def task(self, kind: str, task: int) -> httpx.Response:
        return await self._api.get(f"/v1/get/mailbox/{kind}", params={"key": self._key, "task_id": task})

    async def ended(self, kind: str, task: int) -> httpx.Response:
        async def has_ended() -> bool:
            return (await self.task(kind, task)).json()["status"] in ("completed", "error")

        await self._eventually(has_ended)
        return await self.task(kind, task)

    async def progress(self, task: int, done: int) -> dict[str, Any]:
        """The bulk task as soon as so many of its mailboxes are done."""

        async def so_far() -> bool:
            return len((await self.task("bulk", task)).json()["results"]) == done

        await self._eventually(so_far)
        answer: dict[str, Any] = (await self.task("bulk", task)).json()
        return answer

    async def mailboxes(self) -> Any:
        query: dict[str, str | int] = {"key": self._key, "caller_id": 123, "domain": "example.com"}
        return (await self._api.get("/v1/list/mailbox", params=query)).json()["results"]

    async def _create(self, kind: str, name: str, params: dict[str, int]) -> int:
        body = {"Email_fullname": name, "single_bulk": kind, "Domain": "example.com", "Params": params}
        response = await self._api.post(f"/v1/create/mailbox/{kind}", json={**body, "key": self._key})
        assert response.status_code == 200
        return int(response.json()["task_id"])


@pytest_asyncio.fixture(loop_scope="module")
async def queue(api: httpx.AsyncClient, control: MailAPIControl, key: str, eventually: Eventually) -> Queue:
    await control.add_domain(key, "example.com")
    return Queue(api, key, eventually)


async def test_what_is_accepted_waits_while_the_queue_is_held(queue: Queue, control: MailAPIControl) -> None:
    await control.hold_queue()
    task = await queue.bulk("team", 2)
    waiting = (await queue.task("bulk", task)).json()
    assert waiting == {
        "Task_id": task,
        "total_email": 2,
        "domain": "example.com",
        "results": [],
        "status": "queued",
        "task_id": str(task),
    }
    assert await queue.mailboxes() == []
    await control.release_queue()
    assert (await queue.ended("bulk", task)).json()["status"] == "completed"


async def test_a_bulk_progresses_mailbox_by_mailbox(queue: Queue, control: MailAPIControl) -> None:
    await control.set_speed(mailbox_seconds=3600)
    task = await queue.bulk("team", 3)
    for done in range(3):
        answer = await queue.progress(task, done)
        assert list(answer["results"]) == [f"team{number}@example.com" for number in range(1, done + 1)]
        await control.advance_clock(3600)
    answer = await queue.progress(task, 3)
    assert (answer["status"], answer["results"]["team3@example.com"]) == ("completed", CREATED)


async def test_a_completed_task_tells_when_its_last_mailbox_was_made(queue: Queue, control: MailAPIControl) -> None:
    await control.set_speed(mailbox_seconds=3600)
    began = time.time()
    task, other = await queue.bulk("team", 2), await queue.bulk("crew", 3)
    for done in range(2):
        await queue.progress(task, done)
        await queue.progress(other, done)
        await control.advance_clock(3600)
    await queue.ended("bulk", task)
    ended = await control.ended()
    assert list(ended) == [task]
    assert began + 7200 <= ended[task] <= time.time() + 7200


async def test_a_mailbox_is_listed_as_pending_while_it_is_worked_on(
    queue: Queue, control: MailAPIControl, eventually: Eventually
) -> None:
    await control.set_speed(mailbox_seconds=3600)
    task = await queue.bulk("team", 2)

    async def begun() -> bool:
        return list(await queue.mailboxes()) == ["team1@example.com"]

    await eventually(begun)
    assert (await queue.task("bulk", task)).json()["status"] == "processing"
    assert (await queue.mailboxes())["team1@example.com"]["provisioning_status"] == "pending"
    assert await control.mailboxes() == {}
    await control.set_speed(mailbox_seconds=0)
    await queue.ended("bulk", task)
    listed = await queue.mailboxes()
    assert {name: shown["provisioning_status"] for name, shown in listed.items()} == {
        "team1@example.com": "active",
        "team2@example.com": "active",
    }
    assert listed["team1@example.com"]["mailbox_quota"] == "512MB"


async def test_a_failed_single_says_why(queue: Queue, control: MailAPIControl) -> None:
    await control.fail_next_task("No space left for john.")
    ended = await queue.ended("single", await queue.single("john"))
    assert ended.status_code == 422
    assert ended.json() == {"status": "error", "reason": "No space left for john."}
    assert await queue.mailboxes() == []


async def test_a_failed_bulk_answers_as_documented(queue: Queue, control: MailAPIControl) -> None:
    await control.fail_next_task()
    ended = await queue.ended("bulk", await queue.bulk("team", 2))
    assert ended.status_code == 422
    assert ended.json() == {"status": "error", "reason": "Task processing failed."}


async def test_only_the_next_task_fails(queue: Queue, control: MailAPIControl) -> None:
    await control.fail_next_task("No.")
    failed, fine = await queue.single("john"), await queue.single("jane")
    assert (await queue.ended("single", failed)).status_code == 422
    assert (await queue.ended("single", fine)).status_code == 200


async def test_one_failed_mailbox_leaves_the_bulk_completed(queue: Queue, control: MailAPIControl) -> None:
    await control.fail_mailbox("team2@example.com", "Reserved name.")
    answer = (await queue.ended("bulk", await queue.bulk("team", 3))).json()
    assert answer["status"] == "completed"
    assert answer["results"] == {
        "team1@example.com": CREATED,
        "team2@example.com": {"status": "Reserved name."},
        "team3@example.com": CREATED,
    }
    assert list(await queue.mailboxes()) == ["team1@example.com", "team3@example.com"]


async def test_a_single_whose_mailbox_fails_has_failed_until_the_address_is_healed(
    queue: Queue, control: MailAPIControl
) -> None:
    await control.fail_mailbox("john@example.com", "Reserved name.")
    assert (await queue.ended("single", await queue.single("john"))).json()["reason"] == "Reserved name."
    await control.fail_mailbox("john@example.com", None)
    assert (await queue.ended("single", await queue.single("john"))).status_code == 200


async def test_a_mailbox_that_is_asked_for_twice_is_accepted_twice_and_counted(
    queue: Queue, control: MailAPIControl
) -> None:
    for _ in range(2):
        ended = await queue.ended("single", await queue.single("team1"))
        assert ended.json()["results"] == {"team1@example.com": CREATED}
    await queue.ended("bulk", await queue.bulk("team", 2))
    assert await control.mailboxes() == {"team1@example.com": 3, "team2@example.com": 1}
    assert len(await control.creates()) == 3
    assert list(await queue.mailboxes()) == ["team1@example.com", "team2@example.com"]


async def test_a_whole_address_is_as_good_as_its_local_part(queue: Queue, control: MailAPIControl) -> None:
    await queue.ended("single", await queue.single("John@Example.com"))
    assert await control.mailboxes() == {"john@example.com": 1}


async def test_tasks_are_worked_off_side_by_side_up_to_the_number_of_workers(
    queue: Queue, control: MailAPIControl, eventually: Eventually
) -> None:
    await control.set_speed(mailbox_seconds=3600, workers=2)
    tasks = [await queue.single(name) for name in ("a", "b", "c")]

    async def statuses() -> list[str]:
        return [(await queue.task("single", task)).json()["status"] for task in tasks]

    async def two_are_in_work() -> bool:
        return await statuses() == ["processing", "processing", "queued"]

    await eventually(two_are_in_work)
    await control.set_speed(mailbox_seconds=0)
    for task in tasks:
        await queue.ended("single", task)


async def test_hundreds_of_tasks_are_worked_off(queue: Queue, control: MailAPIControl) -> None:
    tasks = [await queue.bulk(f"t{number}-", 10) for number in range(100)]
    for task in tasks:
        await queue.ended("bulk", task)
    assert set((await control.mailboxes("example.com")).values()) == {1}
    assert len(await control.mailboxes("example.com")) == 1000


async def test_credentials_are_shown_when_there_are_any(queue: Queue, control: MailAPIControl) -> None:
    credentials = {"host": "imap.example.com", "password": "made-up"}
    await control.set_credentials("john@example.com", credentials)
    await queue.ended("single", await queue.single("john"))
    assert (await queue.mailboxes())["john@example.com"]["imap_credentials"] == credentials
