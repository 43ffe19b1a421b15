"""Text from outside: nobody can be pinged, no link forged, nothing formatted, in anything that the bot posts."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sandbox.mailapi.faults import EndpointName
from sandbox.slack import MAIL
from tests.flows.stage import KEY, OTHER_KEY, Mailroom

EVIL = (
    "<!channel> <!here> <@U0ANA00001> <#C0GENERAL1> <https://evil.example|good> *bold* _it_ ~no~ `code` ```x``` &amp;"
)
OURS = re.compile(r"<@U0BEN00001>|<@U0ANA00001> connected Mailroom|<#C0\w+>|<!date\^\d+\^[^<>|]*\|[^<>|]*>")
"""What the bot may write by itself: its asker, the channel of a request, a moment."""


def mrkdwn_texts(value: Any) -> Iterator[str]:
    """Every text that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for part in value.values():
            yield from mrkdwn_texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from mrkdwn_texts(part)


async def assert_harmless(mailroom: Mailroom) -> None:
    """No message, answer or form has markup but our own, and all of it is sent without Slack's own parsing."""
    await mailroom.at_rest()
    acks = [envelope.get("ack") for envelope in await mailroom.slack.envelopes()]
    said = [call["arguments"] for call in await mailroom.slack.calls()] + [ack for ack in acks if ack]
    found = [*_parsed(said)]
    assert found
    for part in found:
        for text in (*mrkdwn_texts(part), str(part.get("text") or "")):
            assert not re.search("[<>]", OURS.sub("", text)), text
            outside_code = re.sub(r"`[^`\n]*`", "", text)
            for formatted in ("*bold*", "_it_", "~no~", "```"):
                assert formatted not in outside_code, text
    assert '"verbatim": false' not in json.dumps(found)


def _parsed(said: list[Any]) -> Iterator[dict[str, Any]]:
    for part in said:
        known = {**part}
        for name in ("blocks", "view"):
            if isinstance(known.get(name), str):
                known[name] = json.loads(known[name])
        yield known


async def test_a_display_name_is_shown_as_it_was_typed(mailroom: Mailroom) -> None:
    name = EVIL.replace("&amp;", "").strip()
    await mailroom.ben.types(MAIL, f"/mail mailbox create john@example.com --name '{name}'")
    root = await mailroom.root(mailroom.ben, "Done")
    assert "&lt;!channel&gt;" in root.visible
    (create,) = await mailroom.asked("create_mailbox_single")
    assert "<!channel>" in create["Params"]["display_name"]
    await assert_harmless(mailroom)


async def test_the_reason_of_a_failed_task_is_harmless(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_next_task(EVIL)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    root = await mailroom.root(mailroom.ben, "Failed")
    assert "&lt;!channel&gt;" in (await mailroom.completion(mailroom.ben, root)).text
    await assert_harmless(mailroom)


async def test_the_status_of_a_failed_mailbox_of_many_is_harmless(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_mailbox("team2@example.com", EVIL)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    root = await mailroom.root(mailroom.ben, "Partly done")
    await mailroom.completion(mailroom.ben, root)
    await mailroom.ben.types(MAIL, "/mail task 1")
    await mailroom.private(mailroom.ben, "Task 1")
    await assert_harmless(mailroom)


# The lists come first: a look that succeeds serves the requests of the next moment, too.
REFUSALS: dict[EndpointName, str] = {
    "list_mailbox": "mailbox create jane@example.com",
    "list_domain": "domain create newer.example",
    "create_domain": "domain create new.example",
    "create_subdomain": "subdomain create example.com team",
    "create_mailbox_single": "mailbox create john@example.com",
    "create_mailbox_bulk": "mailbox bulk example.com team 3",
}


async def test_the_reason_of_a_refusal_is_harmless(mailroom: Mailroom) -> None:
    for number, (endpoint, line) in enumerate(REFUSALS.items(), start=1):
        await mailroom.mailapi.fault(endpoint, "status", status=422, reason=EVIL)
        await mailroom.ben.types(MAIL, f"/mail {line}")

        async def has_failed(wanted: int = number) -> bool:
            return sum("Failed" in root.visible for root in await mailroom.roots(mailroom.ben)) == wanted

        await mailroom.until(has_failed, f"the failure of {endpoint}")
    for root in await mailroom.roots(mailroom.ben):
        assert "&lt;!channel&gt;" in (await mailroom.completion(mailroom.ben, root)).text
    await assert_harmless(mailroom)


QUESTIONS: dict[EndpointName, str] = {
    "list_domain": "domain list",
    "list_mailbox": "mailbox list example.com",
    "get_mailbox_single": "task 1",
}


async def test_the_reason_of_a_refused_question_is_harmless(mailroom: Mailroom) -> None:
    for number, (endpoint, line) in enumerate(QUESTIONS.items(), start=1):
        await mailroom.mailapi.fault(endpoint, "status", status=400, reason=f"{EVIL} {number}")
        await mailroom.ben.types(MAIL, f"/mail {line}")
        await mailroom.private(mailroom.ben, "MailAPI says", str(number))
    await assert_harmless(mailroom)


async def test_the_reason_of_a_refused_key_is_harmless_in_the_form_and_in_the_message(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("list_domain", "status", status=401, reason=EVIL)
    await mailroom.connect(mailroom.ana, OTHER_KEY)
    await mailroom.direct(mailroom.ana, "was not connected")
    await mailroom.form(mailroom.ana, "Not connected")
    await assert_harmless(mailroom)


async def test_names_and_words_in_mailapis_lists_are_harmless(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(domain_seconds=3600)
    await mailroom.mailapi.add_domain(KEY, "<!channel>.example.com", status=EVIL, quota=EVIL)
    await mailroom.mailapi.add_mailbox(KEY, "<@u0ana00001>@example.com", quota=EVIL)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "2 domains")
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.private(mailroom.ben, "1 mailbox")
    # The nearest names are what MailAPI lists, too.
    await mailroom.ben.types(MAIL, "/mail mailbox create john@channel.example.com")
    root = await mailroom.root(mailroom.ben, "Failed")
    assert "Did you mean" in (await mailroom.completion(mailroom.ben, root)).text
    await assert_harmless(mailroom)


TYPED = (
    f"'{EVIL}'",
    f"domain create '{EVIL}'",
    f"subdomain create example.com '{EVIL}'",
    f"mailbox create '{EVIL}@example.com'",
    f"mailbox create john@example.com '--{EVIL}' x",
    f"mailbox create john@example.com --quota '{EVIL}'",
    f"mailbox bulk example.com team '{EVIL}'",
    f"task '{EVIL}'",
)


async def test_typed_text_is_harmless_where_it_is_repeated(mailroom: Mailroom) -> None:
    for line in TYPED:
        assert (await mailroom.ben.types(MAIL, f"/mail {line}")).text, line
    await assert_harmless(mailroom)
