import asyncio
import signal
import sys
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.serving import serve
from sandbox.slack import ANA, BEN, GENERAL, GUS, MAIL, VAULT, SlackControl, create_app, lumen
from sandbox.slack.blocks.visible import visible
from sandbox.slack.refusal import Impossible

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


READ = [
    ("header", {"type": "header", "text": plain("Head")}, "Head"),
    ("section", {"type": "section", "text": plain("a"), "fields": [plain("b"), plain("c")]}, "a\nb\nc"),
    (
        "accessory",
        {"type": "section", "text": plain("a"), "accessory": {"type": "button", "text": plain("Go")}},
        "a\nGo",
    ),
    ("context", {"type": "context", "elements": [plain("a"), {"type": "image", "alt_text": "b"}]}, "a b"),
    ("image", {"type": "image", "title": plain("t"), "alt_text": "a"}, "t\na"),
    ("divider", {"type": "divider"}, ""),
    ("markdown", {"type": "markdown", "text": "**a**"}, "**a**"),
    (
        "table",
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": "a"}, {"type": "raw_number", "value": 1, "text": "1"}],
                [section({"type": "text", "text": "b"})],
            ],
        },
        "a | 1\nb",
    ),
    (
        "rich text",
        section(
            {"type": "user", "user_id": "U1"},
            {"type": "text", "text": " "},
            {"type": "channel", "channel_id": "C1"},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "broadcast", "range": "here"},
            {"type": "emoji", "name": "tada"},
            {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "then"},
            {"type": "color", "value": "#fff"},
            {"type": "link", "url": "https://x"},
        ),
        "<@U1> <#C1><!subteam^S1>@here:tada:then#ffFhttps://x".replace("F", "f"),
    ),
    (
        "list",
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]} for text in "ab"
                    ],
                }
            ],
        },
        "a\nb",
    ),
    (
        "input",
        {"type": "input", "label": plain("L"), "hint": plain("H"), "element": {"type": "plain_text_input"}},
        "L\nH",
    ),
    (
        "menu",
        {
            "type": "actions",
            "elements": [
                {"type": "overflow", "options": [{"text": plain("a"), "description": plain("b")}]},
                {"type": "static_select", "placeholder": plain("Choose")},
                {"type": "static_select", "initial_option": {"text": plain("First")}},
            ],
        },
        "a - b\nChoose\nFirst",
    ),
]


@pytest.mark.parametrize(("block", "text"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_all_that_can_be_read_of_a_block_is_visible(block: Json, text: str) -> None:
    assert visible([block]) == text


async def test_guests_see_only_their_own_channels(slack: SlackControl) -> None:
    await slack.add_channel("C0STAFF001", "staff")
    await slack.person(BEN).sees("C0STAFF001")
    for channel in ("C0STAFF001", VAULT):
        with pytest.raises(Impossible, match="does not see a channel"):
            await slack.person(GUS).sees(channel)
    await slack.set_members("C0STAFF001", joins=(GUS,))
    await slack.person(GUS).sees("C0STAFF001")
    await slack.set_members("C0STAFF001", leaves=(GUS,))
    with pytest.raises(Impossible, match="does not see a channel"):
        await slack.person(GUS).sees("C0STAFF001")


async def test_the_world_can_be_changed_and_reset(slack: SlackControl) -> None:
    zoe = await slack.add_user("U0ZOE00001", "zoe", is_owner=True)
    await slack.add_channel("C0CABAL001", "cabal", kind="private", members=(zoe.id,))
    await zoe.says("C0CABAL001", "hush")
    roster = await slack.ask("roster")
    assert [user["real_name"] for user in roster["users"]][-1] == "Zoe"
    assert [(channel["name"], channel["members"]) for channel in roster["channels"]][-1] == ("cabal", [zoe.id])
    await slack.archive("C0CABAL001")
    with pytest.raises(Impossible, match="archived"):
        await zoe.says("C0CABAL001", "hello?")
    await slack.archive("C0CABAL001", archived=False)
    await zoe.says("C0CABAL001", "hello")
    await slack.reset()
    with pytest.raises(Impossible, match="no user"):
        await zoe.direct_messages()
    assert "hush" not in await slack.everything()


async def test_who_has_left_does_nothing_any_more(slack: SlackControl) -> None:
    await slack.set_user(BEN, deleted=True)
    with pytest.raises(Impossible, match="no user"):
        await slack.person(BEN).sees(MAIL)


async def test_what_cannot_be_done_is_said(slack: SlackControl) -> None:
    with pytest.raises(Impossible, match="A user has no colour"):
        await slack.set_user(ANA, colour="red")
    with pytest.raises(Impossible, match="no channel C404"):
        await slack.invite_bot("C404")
    with pytest.raises(Impossible, match="There is no dance"):
        await slack.ask("dance")
    with pytest.raises(RuntimeError, match="context manager"):
        await SlackControl(slack.base_url).connections()


async def test_everything_that_was_ever_said_can_be_searched(client: AsyncWebClient, slack: SlackControl) -> None:
    ts = (await client.chat_postMessage(channel=MAIL, text="key-in-text"))["ts"]
    await client.chat_update(channel=MAIL, ts=ts, text="harmless")
    await client.chat_postEphemeral(channel=MAIL, user=ANA, text="key-in-private")
    metadata = {"event_type": "m", "event_payload": {"k": "key-in-metadata"}}
    await client.chat_postMessage(channel=MAIL, text="x", metadata=metadata)
    await client.files_upload_v2(channel=MAIL, content="key-in-file", filename="a.txt")
    await slack.person(ANA).types(MAIL, "/mail key-in-command")
    everything = await slack.everything()
    for place in ("text", "private", "metadata", "file", "command"):
        assert f"key-in-{place}" in everything


async def test_the_journal_tells_what_happens_as_it_happens(client: AsyncWebClient, slack: SlackControl) -> None:
    waiting = asyncio.create_task(slack.journal(after=0, wait=5))
    await client.chat_postMessage(channel=MAIL, text="first")

    async def first() -> list[Json]:
        return [entry for entry in await slack.journal() if entry["kind"] == "message_posted"]

    (posted,) = await slack.until(first)
    assert (posted["text"], posted["channel"], posted["seq"]) == ("first", MAIL, 1)
    await waiting
    await slack.person(BEN).says(GENERAL, "second")
    assert [entry["text"] for entry in await slack.journal(after=1)] == ["second"]


async def test_waiting_in_vain_ends_with_what_was_seen(slack: SlackControl) -> None:
    async def messages() -> list[Any]:
        return await slack.person(ANA).sees(MAIL)

    with pytest.raises(TimeoutError, match=r"a message did not come about in 0.05 s; seen last: \[\]"):
        await slack.until(messages, seconds=0.05, what="a message")


async def test_a_world_of_ones_own_is_served() -> None:
    world = lumen.world()
    world.workspaces[next(iter(world.workspaces))].name = "Other"
    async with serve(create_app(world)) as url, SlackControl(url) as control, aiohttp.ClientSession() as session:
        workspace = next(iter(world.workspaces.values()))
        client = AsyncWebClient(token=workspace.bot_token, base_url=control.api_url, session=session)
        assert (await client.team_info())["team"]["name"] == "Other"


async def test_a_sandbox_of_its_own_runs_until_it_is_told_to_stop() -> None:
    program = "from sandbox.slack import run_forever; run_forever(0, ready=lambda url: print(url, flush=True))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    async with SlackControl(url) as control:
        assert await control.connections() == 0
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
