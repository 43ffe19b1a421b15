"""The key is nowhere that anybody could read it, whatever goes wrong."""

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

import bot.mailapi
from bot.mailapi import Account, Credentials, MailAPI, MailAPIError, NotFound, Rejected, TaskState, Timeouts

Connect = Callable[..., Awaitable[Account]]
Serve = Callable[[bytes], Awaitable[str]]
Respond = Callable[..., bytes]
OUR_CODE = str(Path(bot.mailapi.__file__).parent)

SHORT = Timeouts(pool=0.3, connect=0.3, write=0.3, read=0.3, total=5)


def exceptions_of(error: BaseException) -> Iterator[BaseException]:
    """The exception and every other one that hangs on it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def readable(error: BaseException) -> str:
    """All that a log, a crash report or a debugger shows of an exception, with the variables of our frames."""
    shown = ["".join(traceback.format_exception(error))]
    for one in exceptions_of(error):
        shown += [repr(one), str(one), repr(one.args), repr(vars(one)), repr(getattr(one, "__notes__", None))]
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_code.co_filename.startswith(OUR_CODE) and not isinstance(one, asyncio.CancelledError):
                shown += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
    return "\n".join(shown)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    # Futures whose exception nobody took are logged when they are collected.
    gc.collect()
    gc.unfreeze()
    shown = [f"{record.getMessage()} {vars(record)!r}" for record in caplog.records]
    shown += [readable(record.exc_info[1]) for record in caplog.records if record.exc_info and record.exc_info[1]]
    return "\n".join(shown)


@pytest_asyncio.fixture(autouse=True)
async def undebugged() -> AsyncIterator[None]:
    """Leave the loop as it was: a loop that debugs is slow, and the other tests run in it."""
    yield
    asyncio.get_running_loop().set_debug(False)


def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    # What is there already is left out of the collection in `logged`, which takes longer than the test otherwise.
    gc.freeze()


@pytest.mark.parametrize("way", ["read", "task", "create"])
async def test_no_lost_answer_shows_the_key(
    lossy: str,
    connect: Connect,
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    await assert_kept_secret(await connect(lossy, SHORT), credentials, caplog, way)


@pytest.mark.parametrize("way", ["read", "task", "create"])
async def test_no_unreachable_peer_shows_the_key(
    unreachable: str,
    connect: Connect,
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    await assert_kept_secret(await connect(unreachable, SHORT), credentials, caplog, way)


async def assert_kept_secret(
    account: Account, credentials: Credentials, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    log_everything(caplog)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "read": account.domains.list,
        "task": lambda: account.tasks.find(1),
        "create": lambda: account.mailboxes.create("example.com", "john", display_name="John"),
    }
    with pytest.raises(MailAPIError) as error:
        await calls[way]()
    assert list(exceptions_of(error.value)) == [error.value]
    assert credentials.key not in readable(error.value)
    assert credentials.key not in logged(caplog)


async def test_no_full_pool_shows_the_key(
    mute: str, connect: Connect, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    log_everything(caplog)
    account = await connect(mute, Timeouts(pool=0.1, read=0.4), connections=1)
    calls = [account.domains.list(), account.domains.list()]
    creates = [account.domains.create("a.example"), account.domains.create("b.example")]
    ends = await asyncio.gather(*calls, *creates, return_exceptions=True)
    errors = [end for end in ends if isinstance(end, MailAPIError)]
    assert len(errors) == 4
    assert not any(credentials.key in readable(error) for error in errors)
    assert credentials.key not in logged(caplog)


@pytest.mark.parametrize("way", ["read", "create"])
async def test_no_cancelled_request_shows_the_key(
    serve: Callable[..., Awaitable[str]],
    connect: Connect,
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    arrived = asyncio.Event()

    async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        arrived.set()
        await reader.read()

    log_everything(caplog)
    account = await connect(await serve(half_an_answer), Timeouts())
    call = account.domains.list() if way == "read" else account.domains.create("example.com")
    request = asyncio.ensure_future(call)
    await arrived.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError) as error:
        await request
    assert credentials.key not in readable(error.value)
    assert credentials.key not in logged(caplog)


async def test_no_good_answer_puts_the_key_into_a_log(
    serve: Serve, connect: Connect, respond: Respond, credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    log_everything(caplog)
    headers = f"X-Asked: /api?key={credentials.key}\r\n"
    account = await connect(await serve(respond('{"status": "success", "results": []}', headers=headers)))
    for name in ("httpx", "httpcore", "httpcore.http11", "aiohttp.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    await account.domains.list()
    await account.domains.create("example.com")
    assert credentials.key not in logged(caplog)
    assert not [record for record in caplog.records if record.name.startswith(("http", "aiohttp"))]


async def test_the_http_libraries_log_warnings_and_nothing_below(
    closed_port: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await connect(closed_port)
    for logger in (logging.getLogger(name) for name in ("httpx", "httpcore", "httpcore.http11", "aiohttp.client")):
        assert logger.isEnabledFor(logging.WARNING)
        assert not logger.isEnabledFor(logging.INFO)


@pytest.mark.parametrize("change", [str, str.lower, str.upper], ids=["as it is", "lower case", "upper case"])
async def test_a_key_that_the_provider_sends_back_is_masked(
    serve: Serve, connect: Connect, respond: Respond, credentials: Credentials, change: Callable[[str], str]
) -> None:
    key = change(credentials.key)
    refusing = await connect(await serve(respond(f'{{"status": "error", "reason": "No {key} here."}}', "409 No")))
    with pytest.raises(Rejected) as refusal:
        await refusing.domains.create("example.com")
    assert refusal.value.reason == "No ******** here."
    failing = await connect(await serve(respond(f'{{"status": "error", "reason": "{"x" * 290}{key}"}}', "422 No")))
    task = await failing.tasks.single(1)
    assert task.state is TaskState.FAILED
    assert task.reason == "x" * 290 + "********"
    listing = await connect(await serve(respond(f'{{"results": {{"example.com": {{"status": "see {key}"}}}}}}')))
    assert key not in repr(await listing.domains.list())


async def test_an_error_raised_while_another_is_handled_takes_no_library_error_along(
    serve: Serve, connect: Connect, respond: Respond
) -> None:
    account = await connect(await serve(respond('{"status": "error", "reason": "Unknown."}', "404 No")))
    with pytest.raises(NotFound) as error:
        await account.tasks.find(1)
    assert (error.value.__context__, error.value.__cause__) == (None, None)


async def test_nothing_that_is_handed_around_shows_the_key(closed_port: str, credentials: Credentials) -> None:
    async with MailAPI.open(closed_port) as api:
        account = api.account(credentials)
        assert credentials.key not in f"{credentials!r} {credentials} {api!r} {account!r} {account.domains!r}"


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 31, "x" * 33, "x" * 31 + "-", "x" * 31 + "é", "x" * 32 + "\n", " " + "x" * 31, "٣" * 32],
    ids=ascii,
)
def test_a_key_of_any_other_form_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="32 characters") as error:
        Credentials(key=key, caller_id=1)
    assert not key or key not in str(error.value)


def test_a_key_is_told_from_another_by_its_last_four_characters(credentials: Credentials) -> None:
    assert credentials.last_four == "j0Ya"
    assert credentials == Credentials(key=credentials.key, caller_id=123)
