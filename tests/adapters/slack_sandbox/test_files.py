from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import ANA, ATTIC, GENERAL, MAIL, VAULT, SlackControl


async def refused(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, params=arguments)
    return str(raised.value.response["error"])


async def test_an_uploaded_file_is_seen_where_it_is_shared(client: AsyncWebClient, slack: SlackControl) -> None:
    root = (await client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    answer = await client.files_upload_v2(
        channel=MAIL, content="a,b\n", filename="boxes.csv", title="Boxes", initial_comment="Here", thread_ts=root
    )
    (message,) = await slack.person(ANA).reads_thread(MAIL, root)
    (file,) = message.files
    assert (message.text, file.name, file.title, file.text) == ("Here", "boxes.csv", "Boxes", "a,b\n")
    assert answer["file"]["id"] == file.id
    replies = (await client.conversations_replies(channel=MAIL, ts=root))["messages"]
    assert replies[1]["files"][0]["name"] == "boxes.csv"


async def test_an_upload_may_be_a_form(
    client: AsyncWebClient, session: aiohttp.ClientSession, slack: SlackControl
) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.txt")
    async with session.post(announced["upload_url"], data=form) as response:
        assert await response.text() == "OK - 3"
    await client.files_completeUploadExternal(files=[{"id": announced["file_id"]}], channels=[MAIL])
    (message,) = await slack.person(ANA).sees(MAIL)
    assert message.files[0].content == b"abc"


async def test_an_upload_of_another_length_is_refused(client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with session.post(announced["upload_url"], data=b"abcd") as response:
        assert response.status == 400
    files = [{"id": announced["file_id"]}]
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=files, channel_id=MAIL)


@pytest.mark.parametrize(
    ("channel", "error"), [(GENERAL, "not_in_channel"), (VAULT, "channel_not_found"), (ATTIC, "is_archived")]
)
async def test_a_file_is_not_shared_where_the_bot_cannot_post(client: AsyncWebClient, channel: str, error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        await client.files_upload_v2(channel=channel, content="x", filename="a.txt")


async def test_a_malformed_upload_is_refused(client: AsyncWebClient) -> None:
    assert await refused(client, "files.getUploadURLExternal", filename="a", length=0) == "invalid_arguments"
    assert await refused(client, "files.getUploadURLExternal", filename="a", length="x") == "invalid_arguments"
    assert (
        await refused(client, "files.getUploadURLExternal", filename="a", length=2_000_000_000)
        == "file_upload_size_restricted"
    )
    assert await refused(client, "files.completeUploadExternal", files="[]") == "invalid_arguments"
    assert await refused(client, "files.completeUploadExternal", files='[{"id": "F1"}]') == "file_not_found"


async def test_the_upload_itself_can_fail(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.fault("files.upload", "status", status=500)
    with pytest.raises(SlackRequestError, match="500"):
        await client.files_upload_v2(channel=MAIL, content="x", filename="a.txt")
    assert await slack.person(ANA).sees(MAIL) == []
