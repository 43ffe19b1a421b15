"""What is sent for each endpoint, byte by byte where the reference shows it."""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.mailapi import Account, Credentials, MailAPI

Serve = Callable[[bytes], Awaitable[str]]
Connect = Callable[..., Awaitable[Account]]

SUCCESS = '{"status": "success", "task_id": 7, "results": []}'


@pytest.fixture
async def account(serve: Serve, connect: Connect, respond: Callable[..., bytes]) -> Account:
    """An account whose peer answers everything with a success."""
    return await connect(await serve(respond(SUCCESS)))


def request_line(request: bytes) -> str:
    return request.split(b"\r\n", 1)[0].decode()


def headers(request: bytes) -> dict[str, str]:
    lines = request.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def sent(request: bytes) -> tuple[str, list[tuple[str, object]]]:
    """The request line and the fields of the JSON body, in their order."""
    return request_line(request), list(json.loads(request.split(b"\r\n\r\n", 1)[1]).items())


def asked(request: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The path and the query of a GET, in their order."""
    method, target, _ = request_line(request).split(" ")
    assert method == "GET"
    return urlsplit(target).path, parse_qsl(urlsplit(target).query)


async def test_a_domain_is_created_as_the_reference_shows(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.domains.create("example.com")
    assert sent(heard[0]) == (
        "POST /api/v1/create/domain HTTP/1.1",
        [("Domain", "example.com"), ("Params", {}), ("key", credentials.key)],
    )


async def test_sub_domains_are_created_as_the_reference_shows(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.subdomains.create("example.com", ("team", "support", "billing"))
    assert sent(heard[0]) == (
        "POST /api/v1/create/sub-domain HTTP/1.1",
        [
            ("Domain", "example.com"),
            ("Params", {"sub_domains": ["team", "support", "billing"]}),
            ("key", credentials.key),
        ],
    )


async def test_a_single_mailbox_is_created_as_the_reference_shows(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.mailboxes.create("example.com", "john", display_name="John Doe", quota_mb=1024)
    assert sent(heard[0]) == (
        "POST /api/v1/create/mailbox/single HTTP/1.1",
        [
            ("Email_fullname", "john"),
            ("single_bulk", "single"),
            ("Domain", "example.com"),
            ("Params", {"display_name": "John Doe", "quota_mb": 1024}),
            ("key", credentials.key),
        ],
    )


async def test_bulk_mailboxes_are_created_as_the_reference_shows(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.mailboxes.create_bulk("example.com", "team", count=25, quota_mb=512)
    assert sent(heard[0]) == (
        "POST /api/v1/create/mailbox/bulk HTTP/1.1",
        [
            ("Email_fullname", "team"),
            ("single_bulk", "bulk"),
            ("Domain", "example.com"),
            ("Params", {"count": 25, "quota_mb": 512}),
            ("key", credentials.key),
        ],
    )


async def test_params_hold_only_what_was_asked_for_and_stay_an_object(account: Account, heard: list[bytes]) -> None:
    await account.mailboxes.create("example.com", "john")
    await account.mailboxes.create("example.com", "john", quota_mb=5)
    await account.mailboxes.create_bulk("example.com", "team", count=2)
    params = [json.loads(request.split(b"\r\n\r\n", 1)[1])["Params"] for request in heard]
    assert params == [{}, {"quota_mb": 5}, {"count": 2}]


async def test_a_create_is_json_on_a_connection_that_it_asks_to_close(account: Account, heard: list[bytes]) -> None:
    await account.domains.create("example.com")
    told = headers(heard[0])
    assert told["content-type"] == "application/json"
    assert told["accept"] == "application/json"
    assert told["connection"] == "close"


async def test_lists_are_asked_for_with_key_and_caller_id_in_the_query(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.domains.list()
    await account.mailboxes.list("example.com")
    owner = [("key", credentials.key), ("caller_id", "123")]
    assert asked(heard[0]) == ("/api/v1/list/domain", owner)
    assert asked(heard[1]) == ("/api/v1/list/mailbox", [*owner, ("domain", "example.com")])
    assert headers(heard[0])["accept"] == "application/json"


async def test_tasks_are_asked_for_with_key_and_task_id_in_the_query(
    account: Account, heard: list[bytes], credentials: Credentials
) -> None:
    await account.tasks.single(123)
    await account.tasks.bulk(456)
    assert asked(heard[0]) == ("/api/v1/get/mailbox/single", [("key", credentials.key), ("task_id", "123")])
    assert asked(heard[1]) == ("/api/v1/get/mailbox/bulk", [("key", credentials.key), ("task_id", "456")])


async def test_domains_and_labels_travel_in_lower_case_and_in_punycode(account: Account, heard: list[bytes]) -> None:
    await account.domains.create("Straße.Example")
    await account.subdomains.create("EXAMPLE.com", ["Team", "Büro"])
    await account.mailboxes.create("Example.COM", "John")
    await account.mailboxes.list("MÜNCHEN.example")
    bodies = [json.loads(request.split(b"\r\n\r\n", 1)[1]) for request in heard[:3]]
    assert [body["Domain"] for body in bodies] == ["xn--strae-oqa.example", "example.com", "example.com"]
    assert bodies[1]["Params"] == {"sub_domains": ["team", "xn--bro-hoa"]}
    assert bodies[2]["Email_fullname"] == "John"
    assert asked(heard[3])[1][-1] == ("domain", "xn--mnchen-3ya.example")


@pytest.mark.parametrize("name", ["Zoë 🎉", 'a "quoted" \\ name', "half a pair \ud83d"])
async def test_any_display_name_travels_unharmed(account: Account, heard: list[bytes], name: str) -> None:
    await account.mailboxes.create("example.com", "john", display_name=name)
    assert json.loads(heard[0].split(b"\r\n\r\n", 1)[1])["Params"] == {"display_name": name}


async def test_a_name_that_no_domain_can_have_is_not_sent(account: Account, heard: list[bytes]) -> None:
    with pytest.raises(ValueError, match="Codepoint"):
        await account.domains.create("☃☃.example")
    assert heard == []


async def test_cookies_of_one_account_do_not_travel_with_another_key(
    serve: Serve, connect: Connect, respond: Callable[..., bytes], heard: list[bytes]
) -> None:
    url = await serve(respond(SUCCESS, headers="Set-Cookie: session=1; Path=/\r\n"))
    # By name, as cookies of a bare address are refused anyway.
    account = await connect(url.replace("127.0.0.1", "localhost"))
    for _ in range(2):
        await account.domains.list()
        await account.domains.create("example.com")
    assert len(heard) == 4
    assert not any("cookie" in headers(request) for request in heard)


async def test_proxies_of_the_environment_are_left_aside(
    serve: Serve, connect: Connect, respond: Callable[..., bytes], closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_port)
    monkeypatch.setenv("ALL_PROXY", closed_port)
    account = await connect(await serve(respond(SUCCESS)))
    await account.domains.list()
    await account.domains.create("example.com")


@pytest.mark.parametrize("base_url", ["", "www.mailapi.tech/api", "ftp://mailapi.tech", "https:///api"])
async def test_a_base_url_without_scheme_or_host_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        async with MailAPI.open(base_url):
            pass
