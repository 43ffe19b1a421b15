"""What a task's endpoints say, and how the right one of the two is found."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import pytest

from bot.mailapi import Account, KeyRefused, NotFound, Rejected, Task, TaskKind, TaskState, Unavailable

Answer = tuple[int, object]
Endpoints = Callable[[Answer, Answer], Awaitable[Account]]

MISMATCH: Answer = (422, {"status": "error", "reason": "Task type does not match this endpoint."})
COMPLETED: Answer = (
    200,
    {
        "Task_id": 123,
        "total_email": 1,
        "domain": "example.com",
        "results": {"john@example.com": {"status": "Created successfully."}},
        "status": "completed",
        "task_id": "123",
    },
)


@pytest.fixture
def endpoints(
    serve: Callable[..., Awaitable[str]], connect: Callable[..., Awaitable[Account]], respond: Callable[..., bytes]
) -> Endpoints:
    """An account whose single and bulk endpoints answer with these statuses and JSON values."""

    async def start(single: Answer, bulk: Answer) -> Account:
        answers = {b"single": single, b"bulk": bulk}

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                kind = re.search(rb"/mailbox/(single|bulk)", head)
                assert kind
                status, value = answers[kind[1]]
                writer.write(respond(json.dumps(value), f"{status} Whatever"))

        return await connect(await serve(converse))

    return start


async def asked(endpoints: Endpoints, value: object, status: int = 200) -> Task:
    """The task that both endpoints tell of by this value; they must agree."""
    account = await endpoints((status, value), (status, value))
    task = await account.tasks.single(123)
    assert task == await account.tasks.bulk(123) == await account.tasks.find(123)
    return task


async def test_the_completed_task_of_the_reference_is_read(endpoints: Endpoints) -> None:
    task = await asked(endpoints, COMPLETED[1])
    assert (task.task_id, task.state, task.word) == (123, TaskState.COMPLETED, "completed")
    assert (task.domain, task.total, task.reason) == ("example.com", 1, None)
    (result,) = task.results
    assert (result.address, result.status, result.created) == ("john@example.com", "Created successfully.", True)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", TaskState.RUNNING),
        ("pending", TaskState.RUNNING),
        ("processing", TaskState.RUNNING),
        ("in_progress", TaskState.RUNNING),
        ("running", TaskState.RUNNING),
        ("pondering", TaskState.RUNNING),
        ("success", TaskState.RUNNING),
        ("Completed", TaskState.COMPLETED),
        ("failed", TaskState.FAILED),
        ("cancelled", TaskState.FAILED),
    ],
)
async def test_a_status_word_says_where_the_task_stands(endpoints: Endpoints, word: str, state: TaskState) -> None:
    task = await asked(endpoints, {"status": word, "results": []})
    assert (task.state, task.word, task.results) == (state, word, ())


@pytest.mark.parametrize(
    ("status", "created"),
    [
        ("Created successfully.", True),
        ("created", True),
        ("Not Created", False),
        ("Mailbox exists", False),
        ("", False),
    ],
)
async def test_a_mailbox_is_created_if_its_status_begins_so(
    endpoints: Endpoints, status: str, *, created: bool
) -> None:
    results = {"a@example.com": {"status": status}, "b@example.com": status}
    task = await asked(endpoints, {"status": "completed", "results": results})
    assert [result.created for result in task.results] == [created, created]
    assert task.state is TaskState.COMPLETED


@pytest.mark.parametrize("status", [200, 422])
async def test_an_error_body_is_the_tasks_failure_word_for_word(endpoints: Endpoints, status: int) -> None:
    task = await asked(endpoints, {"status": "error", "reason": "Quota of the plan is used up."}, status)
    assert (task.state, task.word, task.reason) == (TaskState.FAILED, "error", "Quota of the plan is used up.")


async def test_a_failure_keeps_the_results_that_came_with_it(endpoints: Endpoints) -> None:
    value = {"status": "error", "reason": "Half done.", "total_email": "2", "results": {"a@b.example": "Created."}}
    task = await asked(endpoints, value, 422)
    assert (task.total, [result.created for result in task.results]) == (2, [True])


async def test_a_failure_without_a_reason_has_none(endpoints: Endpoints) -> None:
    task = await asked(endpoints, {"status": "error"}, 422)
    assert (task.state, task.reason) == (TaskState.FAILED, None)


@pytest.mark.parametrize("value", [{"results": []}, {"status": ""}, {"status": "completed", "results": "?"}], ids=repr)
async def test_an_answer_that_tells_of_no_task_is_asked_for_again(endpoints: Endpoints, value: object) -> None:
    account = await endpoints((200, value), (200, value))
    with pytest.raises(Unavailable):
        await account.tasks.single(1)


async def test_single_and_bulk_refuse_a_task_of_the_other_type(endpoints: Endpoints) -> None:
    account = await endpoints(MISMATCH, MISMATCH)
    for ask in (account.tasks.single, account.tasks.bulk):
        with pytest.raises(Rejected, match="type does not match"):
            await ask(123)


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("first", TaskKind)
async def test_find_asks_the_other_endpoint_when_the_type_does_not_match(
    endpoints: Endpoints, first: TaskKind, status: int
) -> None:
    mismatch = (status, MISMATCH[1])
    account = await endpoints(*((mismatch, COMPLETED) if first is TaskKind.SINGLE else (COMPLETED, mismatch)))
    assert (await account.tasks.find(123, first)).state is TaskState.COMPLETED


async def test_find_tells_a_failure_that_the_other_endpoint_knows(endpoints: Endpoints) -> None:
    account = await endpoints(MISMATCH, (422, {"status": "error", "reason": "Task processing failed."}))
    task = await account.tasks.find(123)
    assert (task.state, task.reason) == (TaskState.FAILED, "Task processing failed.")


@pytest.mark.parametrize("other", [MISMATCH, (404, {"status": "error", "reason": "Unknown."})], ids=["type", "404"])
async def test_if_the_other_endpoint_refuses_too_the_first_reason_stands(endpoints: Endpoints, other: Answer) -> None:
    first = (422, {"status": "error", "reason": "This is no single task: type mismatch."})
    with pytest.raises(Rejected, match="no single task") as refusal:
        await (await endpoints(first, other)).tasks.find(123)
    assert type(refusal.value) is Rejected
    assert refusal.value.__context__ is None


async def test_find_does_not_hide_that_the_other_endpoint_refuses_the_key_or_is_away(endpoints: Endpoints) -> None:
    with pytest.raises(KeyRefused):
        await (await endpoints(MISMATCH, (401, {"status": "error", "reason": "Invalid API key."}))).tasks.find(123)
    with pytest.raises(Unavailable):
        await (await endpoints(MISMATCH, (503, "away"))).tasks.find(123)


async def test_find_does_not_ask_elsewhere_for_a_task_that_is_not_found(endpoints: Endpoints) -> None:
    account = await endpoints((404, {"status": "error", "reason": "Task ID was not found."}), COMPLETED)
    with pytest.raises(NotFound):
        await account.tasks.find(123)
