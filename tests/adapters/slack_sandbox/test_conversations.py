from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import ANA, ATTIC, BEN, BOT, EVE, GENERAL, GUS, MAIL, OTHER_TEAM, VAULT, SlackControl
from sandbox.slack.identity import direct_channel


async def refused(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, params=arguments)
    return str(raised.value.response["error"])


async def test_roles_are_told(client: AsyncWebClient, slack: SlackControl) -> None:
    assert (await client.users_info(user=ANA))["user"]["is_admin"] is True
    assert (await client.users_info(user=GUS))["user"]["is_restricted"] is True
    await slack.set_user(BEN, is_owner=True, tz="Asia/Tokyo")
    ben = (await client.users_info(user=BEN))["user"]
    assert (ben["is_owner"], ben["tz"], ben["profile"]["email"]) == (True, "Asia/Tokyo", "ben@lumen.example")
    assert await refused(client, "users.info", user="U404") == "user_not_found"


async def test_little_is_told_about_strangers_and_the_deleted(client: AsyncWebClient, slack: SlackControl) -> None:
    eve = (await client.users_info(user=EVE))["user"]
    assert (eve["is_stranger"], eve["team_id"]) == (True, OTHER_TEAM)
    assert "is_admin" not in eve
    assert "email" not in eve["profile"]
    await slack.set_user(BEN, deleted=True)
    ben = (await client.users_info(user=BEN))["user"]
    assert (ben["deleted"], "is_admin" in ben) == (True, False)


async def test_users_come_in_pages(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.add_user("U0ZOE00001", "zoe", is_admin=True)
    found, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        answer = await client.users_list(limit=2, cursor=cursor)
        found += [member["id"] for member in answer["members"]]
        cursor, pages = answer["response_metadata"]["next_cursor"], pages + 1
    assert pages == 3
    assert found[0] == ANA
    assert "U0ZOE00001" in found
    assert EVE not in found
    assert await refused(client, "users.list", cursor="bm9uc2Vuc2U=") == "invalid_cursor"
    assert await refused(client, "users.list", limit=1001) == "invalid_limit"


async def test_groups_and_who_is_in_them(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.add_group("S0ADMINS01", "admins", [ANA])
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(group["handle"], group["users"]) for group in groups] == [("postmasters", [BEN]), ("admins", [ANA])]
    assert (await client.usergroups_users_list(usergroup="S0ADMINS01"))["users"] == [ANA]
    assert await refused(client, "usergroups.users.list", usergroup="S404") == "no_such_subteam"


async def test_a_channel_says_whether_the_bot_is_in_it(client: AsyncWebClient, slack: SlackControl) -> None:
    assert (await client.conversations_info(channel=MAIL))["channel"]["is_member"] is True
    assert (await client.conversations_info(channel=GENERAL))["channel"]["is_member"] is False
    await slack.invite_bot(GENERAL)
    assert (await client.conversations_info(channel=GENERAL))["channel"]["is_member"] is True
    await slack.remove_bot(GENERAL)
    assert (await client.conversations_info(channel=GENERAL))["channel"]["is_member"] is False
    assert await refused(client, "conversations.info", channel=VAULT) == "channel_not_found"
    await slack.invite_bot(VAULT)
    assert (await client.conversations_info(channel=VAULT))["channel"]["is_private"] is True


async def test_channels_are_listed_by_type(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.add_channel("C0CABAL001", "cabal", kind="private", members=(ANA,), bot=True)
    listed = (await client.conversations_list(types="public_channel,private_channel", exclude_archived=True))[
        "channels"
    ]
    assert [channel["name"] for channel in listed] == ["mail", "general", "cabal"]
    assert ATTIC in [channel["id"] for channel in (await client.conversations_list())["channels"]]
    assert await refused(client, "conversations.list", types="secret") == "invalid_types"


async def test_members_of_a_channel(client: AsyncWebClient) -> None:
    assert set((await client.conversations_members(channel=MAIL))["members"]) == {ANA, BEN, GUS, EVE, BOT}


async def test_a_conversation_with_one_and_with_several_is_opened(client: AsyncWebClient) -> None:
    assert (await client.conversations_open(users=ANA))["channel"]["id"] == direct_channel(ANA)
    opened = (await client.conversations_open(users=ANA, return_im=True))["channel"]
    assert (opened["is_im"], opened["user"]) == (True, ANA)
    group = (await client.conversations_open(users=[ANA, BEN]))["channel"]["id"]
    assert (await client.conversations_open(users=[BEN, ANA]))["channel"]["id"] == group
    assert (await client.conversations_open(channel=group, return_im=True))["channel"]["is_mpim"] is True
    assert await refused(client, "conversations.open", users="U404") == "user_not_found"
    assert await refused(client, "conversations.open", users=BOT) == "cannot_dm_bot"
    assert await refused(client, "conversations.open") == "users_list_not_supplied"


async def test_history_is_newest_first_without_replies_and_in_pages(client: AsyncWebClient) -> None:
    root, *_ = posted = [(await client.chat_postMessage(channel=MAIL, text=str(n)))["ts"] for n in range(3)]
    await client.chat_postMessage(channel=MAIL, text="reply", thread_ts=root)
    first = await client.conversations_history(channel=MAIL, limit=2)
    assert [message["text"] for message in first["messages"]] == ["2", "1"]
    assert first["has_more"] is True
    rest = await client.conversations_history(channel=MAIL, cursor=first["response_metadata"]["next_cursor"])
    assert [(message["text"], message["reply_count"]) for message in rest["messages"]] == [("0", 1)]
    between = await client.conversations_history(channel=MAIL, oldest=posted[0], latest=posted[2])
    assert [message["text"] for message in between["messages"]] == ["1"]
    inclusive = await client.conversations_history(channel=MAIL, oldest=posted[0], latest=posted[1], inclusive=True)
    assert [message["text"] for message in inclusive["messages"]] == ["1", "0"]
    assert await refused(client, "conversations.history", channel=MAIL, oldest="then") == "invalid_arguments"
    assert await refused(client, "conversations.history", channel=GENERAL) == "not_in_channel"


async def test_metadata_is_told_in_full_only_when_asked_for(client: AsyncWebClient) -> None:
    metadata = {"event_type": "m", "event_payload": {"oid": "1"}}
    ts = (await client.chat_postMessage(channel=MAIL, text="x", metadata=metadata))["ts"]
    for full, expected in ((False, {"event_type": "m"}), (True, metadata)):
        for method in (client.conversations_history, client.conversations_replies):
            more = {"ts": ts} if method == client.conversations_replies else {}
            answer = await method(channel=MAIL, include_all_metadata=full, **more)
            assert answer["messages"][0]["metadata"] == expected


async def test_a_thread_is_its_root_and_its_replies(client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    first = (await client.chat_postMessage(channel=MAIL, text="a", thread_ts=root))["ts"]
    nested = await client.chat_postMessage(channel=MAIL, text="b", thread_ts=first)
    assert nested["message"]["thread_ts"] == root
    found = (await client.conversations_replies(channel=MAIL, ts=root))["messages"]
    assert [message["text"] for message in found] == ["root", "a", "b"]
    assert (found[0]["reply_count"], found[0]["latest_reply"]) == (2, nested["ts"])
    assert [m["text"] for m in (await client.conversations_replies(channel=MAIL, ts=first))["messages"]] == ["a"]
    assert await refused(client, "conversations.replies", channel=MAIL, ts="1.1") == "thread_not_found"


async def test_the_bot_lists_the_channels_in_which_it_is_a_member(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.add_channel("G0CELLAR01", "cellar", kind="private", bot=True)
    listed = await client.users_conversations(types="public_channel,private_channel", exclude_archived=True)
    assert [channel["name"] for channel in listed["channels"]] == ["mail", "cellar"]


async def test_each_answer_to_the_bot_token_says_what_it_allows(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.set_scopes("commands", "chat:write")
    assert (await client.auth_test()).headers["x-oauth-scopes"] == "commands,chat:write"
    stranger = AsyncWebClient(token="xoxb-nobody", base_url=slack.api_url, session=client.session)
    with pytest.raises(SlackApiError) as refused:
        await stranger.auth_test()
    assert "x-oauth-scopes" not in refused.value.response.headers
