"""How everything that is said is said: a text for notifications, one emphasised button, words beside every sign."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack import GENERAL, MAIL
from tests.flows.stage import KEY, Mailroom

CLOCK_TIME = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b")
MOMENT = re.compile(r"<!date\^[0-9]+\^[^|>]+\|[^>]+>")
SIGN = re.compile("[\U0001f300-\U0001faff☀-➿]|(?<![a-zA-Z0-9]):[a-z_]+:")
"""Emoji, also as Slack writes them."""
BUTTON = re.compile("[A-Z]")


async def said(mailroom: Mailroom) -> list[dict[str, Any]]:
    """All messages, private answers and forms that the bot has given, as `text` and `blocks`."""
    calls = [call["arguments"] for call in await mailroom.slack.calls()]
    acks = [envelope["ack"] for envelope in await mailroom.slack.envelopes() if isinstance(envelope.get("ack"), dict)]
    found: list[dict[str, Any]] = []
    for part in [*calls, *acks]:
        blocks = part.get("blocks")
        if blocks or "text" in part:
            found.append({"text": part.get("text"), "blocks": _read(blocks or [])})
        if part.get("view"):
            found.append({"text": "a form", "blocks": _read(part["view"])["blocks"]})
    return found


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in blocks."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def words(value: Any) -> Iterator[str]:
    """Every text in blocks."""
    return (part["text"] for part in parts(value) if isinstance(part.get("text"), str))


async def everything_happens(mailroom: Mailroom) -> None:
    """One of each kind of answer."""
    ben, ana = mailroom.ben, mailroom.ana
    await mailroom.mailapi.add_mailbox(KEY, "kim@example.com")
    await mailroom.mailapi.fail_mailbox("team2@example.com", "Mailbox name is reserved.")
    for line in ("", " help", " help mailbox", " status", " nonsense", " mailbox create", " disconnect"):
        await ben.types(MAIL, f"/mail{line}")
    await ben.closes()
    for line, end in {
        "mailbox create john@example.com": "Done",
        "mailbox create kim@example.com": "Failed",
        "mailbox bulk example.com team 3": "Partly done",
        "domain create new.example": "Done",
        "subdomain create example.com team": "Done",
    }.items():
        await ben.types(MAIL, f"/mail {line}")
        await mailroom.root(ben, end, line.split()[2])
    await ben.types(MAIL, "/mail subdomain create example.com support")
    await mailroom.clock_ahead(seconds=3)
    await mailroom.root(ben, "Waiting")
    await ben.types(MAIL, "/mail subdomain create example.com support")
    await ben.types(GENERAL, "/mail mailbox create jane@example.com")
    await mailroom.direct(ben, "jane@example.com", "Done")
    for line, answer in {
        "domain list": "domains",
        "mailbox list example.com": "mailboxes",
        "mailbox list new.example": "no mailboxes",
        "domain list zebra": "zebra",
        "task 1": "Task 1",
        "tasks": "Recent requests",
    }.items():
        await ben.types(MAIL, f"/mail {line}")
        page = await mailroom.private(ben, answer)
        if "Get CSV" in page.buttons:
            await ben.clicks(page, "Get CSV")
    await ana.types(MAIL, "/mail audit")
    await ana.types(MAIL, "/mail disconnect")
    await ana.submits()
    await mailroom.form(ana, "no longer used")
    await mailroom.at_rest()
    for line in ("", " domain list"):
        await ben.types(MAIL, f"/mail{line}")


async def test_everything_that_is_said_is_said_in_our_manner(mailroom: Mailroom) -> None:
    await everything_happens(mailroom)
    messages = await said(mailroom)
    assert len(messages) > 40
    for message in messages:
        shown = list(words(message["blocks"]))
        # Notifications and screen readers get the text; it says something, and does not end in the middle.
        assert message["text"], message
        assert len(message["text"]) > 5, message
        # At most one button is emphasised.
        styles = [part.get("style") for part in parts(message["blocks"]) if part.get("type") == "button"]
        assert sum(style in ("primary", "danger") for style in styles) <= 1, message
        for text in (message["text"], *shown):
            # No emoji, and no time that is not the reader's own.
            assert not SIGN.search(MOMENT.sub("", text)), text
            assert not CLOCK_TIME.search(MOMENT.sub("", text)), text


async def test_the_text_of_a_message_says_its_point(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    root = await mailroom.root(mailroom.ana, "Done")
    completion = await mailroom.completion(mailroom.ben, root)
    assert "3 mailboxes at `example.com`" in root.text
    assert "3 of 3 mailboxes created" in root.text
    assert completion.text == f"<@{mailroom.ben.id}> 3 mailboxes at `example.com`: created."


async def test_buttons_are_verbs_in_title_case_and_forms_and_headings_are_sentences(mailroom: Mailroom) -> None:
    await everything_happens(mailroom)
    for message in await said(mailroom):
        for part in parts(message["blocks"]):
            if part.get("type") == "button":
                text = part["text"]["text"]
                assert all(BUTTON.match(word) for word in text.split()), text
            if part.get("type") == "input":
                label = part["label"]["text"]
                assert label[0].isupper(), label
                assert label[1:] == label[1:].lower() or label == "API key" or "@" in label, label
