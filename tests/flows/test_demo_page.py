"""`mailroom demo` in a terminal: a page to try the bot in, whose state outlives it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from sandbox.slack import ANA, BEN, MAIL, Message, Person, SlackControl
from tests.flows.terminal import Terminal, terminal

WAITING = "Waiting for approval"


@dataclass
class Demo:
    """A demo that has told where its page is."""

    window: Terminal
    url: str
    slack: SlackControl

    @property
    def ana(self) -> Person:
        return self.slack.person(ANA)

    async def root(self, *said: str) -> Message:
        """A message in #mail, once it says all of this."""

        async def find() -> Message | None:
            return next((m for m in await self.ana.sees(MAIL) if all(word in m.visible for word in said)), None)

        return await self.slack.until(find, what=f"a message that says {said}")

    async def is_alone(self) -> bool:
        """Whether no bot is connected."""
        return await self.slack.connections() == 0


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[Demo]:
    async with terminal("demo", "--folder", str(folder), *options) as window:
        url = (await window.shows(r"(http://127\.0\.0\.1:\d+)/\n"))[1]
        async with SlackControl(url) as slack:
            yield Demo(window, url, slack)


@asynccontextmanager
async def waiting(url: str) -> AsyncIterator[None]:
    """A page is open, and waits for something to happen."""
    async with aiohttp.ClientSession() as client:
        end = await (await client.post(f"{url}/_sandbox/journal_end", json={})).json()
        asked = client.post(f"{url}/_sandbox/journal", json={"after": end + 1000, "wait": 20})
        page = asyncio.create_task(asked.__aenter__())
        yield
        assert (await page).status == 200


async def page(url: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{url}/") as answer:
        return answer.status


@pytest.mark.timeout(300)  # it starts four times
async def test_the_demo_serves_a_page_until_ctrl_c_and_keeps_what_was_said_until_it_begins_anew(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path, "--port", "0") as first:
        assert await page(first.url) == 200
        assert "short tour" in first.window.shown
        await first.root("*Done:* 25 of 25")
        await first.root("*Partly done:*")
        await first.root("*Rejected:*")
        seen = await first.ana.sees(MAIL)
        async with waiting(first.url):
            assert await first.window.ctrl_c() == 0
        assert first.window.shown.endswith("Ctrl-C ends it.\n^C"), first.window.shown

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with demo(tmp_path, "--port", str(port)) as again:
            assert again.url != f"http://127.0.0.1:{port}"
            assert "short tour" not in again.window.shown
            assert await again.ana.sees(MAIL) == seen
            assert (await again.slack.person(BEN).types(MAIL, "/mail help")).ok
            await again.slack.ask("kills_bot")
            await again.slack.until(again.is_alone, what="the end of the bot's connections")
            await again.slack.ask("restarts_bot")
            await again.slack.connected(1)
            await again.ana.clicks(await again.root("example.org", WAITING), "Approve")
            root = await again.root("example.org", "*Done:*")
            again.window.process.kill()
            await again.window.ended()

    async with demo(tmp_path, "--port", "0") as crashed:
        assert root.ts in [message.ts for message in await crashed.ana.sees(MAIL)]
        assert (await crashed.ana.types(MAIL, "/mail help")).ok
        async with terminal("demo", "--folder", str(tmp_path)) as second:
            await second.shows("Another demo keeps its state in")
            assert await second.ended() == 2
        crashed.window.process.terminate()
        assert await crashed.window.ended() == 0

    async with terminal("demo", "--folder", str(tmp_path), "--port", "0", "--fresh") as fresh:
        await fresh.shows("short tour")
        assert root.ts not in (tmp_path / "slack.json").read_text()
        assert await fresh.ctrl_c() == 0


async def test_in_a_terminal_the_demo_prints_the_tour_where_it_is_asked_to(tmp_path: Path) -> None:
    async with terminal("demo", "--once", "--folder", str(tmp_path / "unused")) as window:
        await window.shows("Ana: /mail connect")
    assert not (tmp_path / "unused").exists()


async def test_a_slack_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "slack.json").write_text("{")
    async with terminal("demo", "--folder", str(tmp_path), "--port", "0") as window:
        await window.shows("mailroom demo --fresh")
        assert await window.ended() == 2
    assert (tmp_path / "slack.json").read_text() == "{"


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with terminal("demo", "--folder", str(tmp_path / "file" / "folder")) as window:
        await window.shows("cannot be used: Not a directory. Name another --folder")
        assert await window.ended() == 2
