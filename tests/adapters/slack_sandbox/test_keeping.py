"""A Slack that is kept in a file: what is there again when it is served anew, and what a crash leaves."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.serving import serve
from sandbox.slack import (
    ANA,
    BEN,
    BOT_TOKEN,
    EVE,
    GENERAL,
    MAIL,
    ODA,
    OTHER_TEAM,
    TEAM,
    SlackControl,
    create_app,
    keeping,
)
from tests.adapters.slack_sandbox.installing import installable

BLOCKS = [{"type": "section", "block_id": "b", "text": {"type": "mrkdwn", "text": "*Wichtig:* “ü” <@U0ANA00001>"}}]


@asynccontextmanager
async def kept_in(file: Path) -> AsyncIterator[tuple[SlackControl, AsyncWebClient]]:
    """A Slack with its world in `file`, the people in it, and the bot's way to it."""
    async with (
        serve(create_app(file=file)) as url,
        SlackControl(url) as slack,
        aiohttp.ClientSession() as session,
    ):
        yield slack, AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, session=session)


async def fill(slack: SlackControl, client: AsyncWebClient) -> str:
    """A root with a reply that has a file, a private message, and a member more; gives the root's `ts`."""
    root: str = (await client.chat_postMessage(channel=MAIL, text="root", blocks=BLOCKS))["ts"]
    await client.files_upload_v2(channel=MAIL, content=b"\xff\x00,b\n", filename="boxes.csv", thread_ts=root)
    await client.chat_postEphemeral(channel=MAIL, user=BEN, text="for Ben")
    await slack.invite_bot(GENERAL)
    return root


async def test_what_was_said_is_there_again_when_it_is_served_anew(tmp_path: Path) -> None:
    async with kept_in(tmp_path / "slack.json") as (slack, client):
        root = await fill(slack, client)
        seen = [await slack.person(each).sees(MAIL) for each in (ANA, BEN)]
    async with kept_in(tmp_path / "slack.json") as (slack, client):
        assert [await slack.person(each).sees(MAIL) for each in (ANA, BEN)] == seen
        (reply,) = await slack.person(ANA).reads_thread(MAIL, root)
        assert reply.files[0].content == b"\xff\x00,b\n"
        await client.chat_postMessage(channel=GENERAL, text="the bot is a member still")
        await client.chat_update(channel=MAIL, ts=root, text="changed")
        assert (await slack.person(ANA).sees(MAIL))[0].text == "changed"


async def test_it_is_written_while_it_is_served_and_never_half(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    async with kept_in(file) as (slack, client):
        for number in range(50):
            await client.chat_postMessage(channel=MAIL, text=f"message {number}")
            assert keeping.read(file) is not None

        async def written() -> bool:
            world = keeping.read(file)
            return world is not None and len(world.workspaces["T0LUMEN001"].channels[MAIL].messages) == 50

        await slack.until(written, what="the last message in the file")
        assert await asyncio.to_thread(os.listdir, tmp_path) == ["slack.json"]  # nothing half written is left


async def test_installations_and_shared_channels_are_there_again(tmp_path: Path) -> None:
    async with kept_in(tmp_path / "slack.json") as (slack, client), installable(slack) as app:
        session = client.session
        assert session is not None
        token = (await app.installed(session, ODA, OTHER_TEAM))["access_token"]
        await slack.app.rotate_tokens()
        await slack.app.uninstall(TEAM, told=())
    async with kept_in(tmp_path / "slack.json") as (slack, client):
        assert [(place, each.tokens) for place, each in (await slack.app.installed()).items()] == [
            (OTHER_TEAM, [token])
        ]
        await slack.person(EVE, OTHER_TEAM).says(MAIL, "hi")
        assert [message.text for message in await slack.person(ANA).sees(MAIL)] == ["hi"]
        with pytest.raises(SlackApiError, match="account_inactive"):
            await client.auth_test()


async def test_a_reset_begins_with_the_first_world_and_not_with_the_one_that_was_kept(tmp_path: Path) -> None:
    async with kept_in(tmp_path / "slack.json") as (slack, client):
        await fill(slack, client)
    async with kept_in(tmp_path / "slack.json") as (slack, _):
        await slack.reset()
        assert await slack.person(ANA).sees(MAIL) == []
    async with kept_in(tmp_path / "slack.json") as (slack, _):
        assert await slack.person(ANA).sees(MAIL) == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"workspaces": {"T": {}}}', b"\xff"])
def test_a_file_with_something_else_in_it_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "slack.json"
    file.write_bytes(content)
    with pytest.raises(keeping.Unreadable, match=r"slack\.json"):
        create_app(file=file)
    assert file.read_bytes() == content
