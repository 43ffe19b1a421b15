"""Wrong input gets one private answer that says what is wrong, with an example; nothing is sent, stored or posted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import Session, select

from sandbox.slack import MAIL
from storage.tables import Request
from tests.flows import stage
from tests.flows.stage import KEY, Mailroom


@pytest_asyncio.fixture(scope="module")
async def mailroom(
    slack_url: str, mailapi_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mailroom]:
    """One bot for the whole table, as nothing of it is to leave a trace."""
    folder = tmp_path_factory.mktemp("wrong_input")
    async with stage.outside(slack_url, mailapi_url, folder, "socket") as mailroom, mailroom.running():
        await mailroom.connected(mailroom.ana)
        yield mailroom


NO_DOMAIN = "is not a domain"
NO_COUNT = "is not a number of mailboxes"
NO_QUOTA = "is not a quota"
NO_ADDRESS = "is not a mail address"
NO_LABEL = "is not a sub-domain label"
ELEVEN = " ".join(f"label{n}" for n in range(11))

WRONG = {
    "unknown command": ("frobnicate", "no command `frobnicate`"),
    "unknown second word": ("mailbox frobnicate", "`/mail mailbox` needs one more word"),
    "group alone": ("domain", "`/mail domain list` or `/mail domain create`"),
    "emoji": ("💌", "no command `💌`"),
    "emoji name": (":tada:", "no command `:tada:`"),
    "very long command": ("x" * 3000, "at most 2,000 characters"),
    "control characters": ("mail\x07box \x1b[31m", "no command"),
    "broadcast": ("<!channel> hello", "no command `&lt;!channel&gt; hello`"),
    "open quote": ('mailbox create john@example.com --name "John', "A quote is open"),
    "open typographic quote": ("mailbox create john@example.com --name “John", "A quote is open"),
    "key after connect": (f"connect {KEY}", "replace it at MailAPI now"),
    "key as an option": (f"connect --key {KEY}", "replace it at MailAPI now"),
    "domain list with two words": ("domain list example com", "one word to look for at most"),
    "two domains": ("domain create a.example b.example", "`b.example` is one word too many"),
    "domain without a dot": ("domain create localhost", NO_DOMAIN),
    "domain with a space": ('domain create "example .com"', NO_DOMAIN),
    "domain with an underscore": ("domain create my_domain.com", NO_DOMAIN),
    "domain with an empty label": ("domain create example..com", NO_DOMAIN),
    "domain that begins with a hyphen": ("domain create -example.com", NO_DOMAIN),
    "domain with a slash": ("domain create example.com/path", NO_DOMAIN),
    "domain with an emoji": ("domain create 💌.example", NO_DOMAIN),
    "domain with a control character": ("domain create exam\x00ple.com", NO_DOMAIN),
    "domain with a broken punycode": ("domain create xn--0.com", NO_DOMAIN),
    "domain with a long label": (f"domain create {'x' * 64}.com", NO_DOMAIN),
    "domain of 300 characters": (f"domain create {'x.' * 150}com", NO_DOMAIN),
    "domain with an option": ("domain create example.com --quota 1", "no option `--quota`"),
    "11 labels": (f"subdomain create example.com {ELEVEN}", "up to 10 sub-domains in a request, and these are 11"),
    "label with a dot": ("subdomain create example.com a.b", NO_LABEL),
    "label with an underscore": ("subdomain create example.com a_b", NO_LABEL),
    "label with an umlaut": ("subdomain create example.com büro", NO_LABEL),
    "label that ends with a hyphen": ("subdomain create example.com team-", NO_LABEL),
    "bad parent": ("subdomain create example team", NO_DOMAIN),
    "no domain to list": ("mailbox list", "Name the one domain"),
    "bad domain to list": ("mailbox list example", NO_DOMAIN),
    "two addresses": ("mailbox create a@example.com b@example.com", "`b@example.com` is one word too many"),
    "name without quotes": (
        "mailbox create john@example.com --name John Doe",
        "A name of several words stands in quotes",
    ),
    "address with a space": ('mailbox create "jo hn@example.com"', "cannot stand before the @"),
    "address with two @": ("mailbox create jo@hn@example.com", "cannot stand before the @"),
    "address with a bad domain": ("mailbox create john@example", NO_DOMAIN),
    "local part of 65 characters": (f"mailbox create {'x' * 65}@example.com", "cannot stand before the @"),
    "quota of 0": ("mailbox create john@example.com --quota 0", NO_QUOTA),
    "negative quota": ("mailbox create john@example.com --quota -1", NO_QUOTA),
    "quota in words": ("mailbox create john@example.com --quota much", NO_QUOTA),
    "quota with an unknown unit": ("mailbox create john@example.com --quota=1TB", NO_QUOTA),
    "huge quota": ("mailbox create john@example.com --quota 9999999999", NO_QUOTA),
    "empty name": ('mailbox create john@example.com --name ""', "`--name` needs a value"),
    "long name": (f"mailbox create john@example.com --name {'x' * 201}", "A name has 1 to 200 visible characters"),
    "invisible name": ("mailbox create john@example.com --name \u202e", "`--name` needs a value"),
    "unknown option": ("mailbox create john@example.com --size 5", "no option `--size`"),
    "bare dashes": ("mailbox create john@example.com -- x", "no option `--`"),
    "count of 0": ("mailbox bulk example.com team 0", NO_COUNT),
    "count of -1": ("mailbox bulk example.com team -1", NO_COUNT),
    "count of 1001": ("mailbox bulk example.com team 1001", "1,001 mailboxes are too many at once"),
    "count in words": ("mailbox bulk example.com team many", NO_COUNT),
    "fraction as count": ("mailbox bulk example.com team 2.5", NO_COUNT),
    "count in other digits": ("mailbox bulk example.com team ٢", NO_COUNT),
    "huge count": (f"mailbox bulk example.com team {'9' * 50}", NO_COUNT),
    "bulk with a bad prefix": ("mailbox bulk example.com te@m 5", "cannot stand before the @"),
    "bulk with a bad domain": ("mailbox bulk example team 5", NO_DOMAIN),
    "bulk with a name": ("mailbox bulk example.com team 5 --name x", "no option `--name`"),
    "option without a value": ("mailbox create john@example.com --quota", "`--quota` needs a value"),
    "option before an option": ("mailbox create john@example.com --name --quota 5", "`--name` needs a value"),
    "prefix and number too long": (f"mailbox bulk example.com {'x' * 63} 10", "longer than 64 characters"),
    "IPv4 address as a domain": ("domain create 192.168.0.1", NO_DOMAIN),
    "option given twice": ("mailbox create john@example.com --quota 5 --quota 6", "twice"),
    "no task": ("task", "Name the one number of the task"),
    "task in words": ("task last", "is not a task number"),
    "negative task": ("task -5", "is not a task number"),
    "two tasks": ("task 1 2", "Name the one number of the task"),
}


@pytest.mark.parametrize(("line", "said"), WRONG.values(), ids=WRONG.keys())
async def test_wrong_input_is_answered_privately_and_does_nothing_else(
    mailroom: Mailroom, line: str, said: str
) -> None:
    await mailroom.at_rest()
    asked, said_before = await _asked(mailroom), await _said(mailroom)
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert said in ack.text
    assert "/mail " in ack.text or "as in" in ack.text, "an example"
    assert ack.payload["response_type"] == "ephemeral"
    assert KEY not in ack.text
    await mailroom.at_rest()
    assert await _asked(mailroom) == asked
    assert await _said(mailroom) == said_before
    assert await _requests(mailroom) == 0


MISSING = {
    "no domain to create": ("domain create", "Create a domain"),
    "empty domain": ('domain create ""', "Create a domain"),
    "sub-domain of nothing": ("subdomain create", "Create sub-domains"),
    "sub-domain without labels": ("subdomain create example.com", "Create sub-domains"),
    "no address": ("mailbox create", "Create a mailbox"),
    "address without a domain": ("mailbox create john", "Create a mailbox"),
    "address without a local part": ("mailbox create @example.com", "Create a mailbox"),
    "bulk without anything": ("mailbox bulk", "Create mailboxes"),
    "bulk without a count": ("mailbox bulk example.com team", "Create mailboxes"),
}


@pytest.mark.parametrize(("line", "title"), MISSING.values(), ids=MISSING.keys())
async def test_what_is_missing_is_asked_for_in_a_form_and_nothing_else_is_done(
    mailroom: Mailroom, line: str, title: str
) -> None:
    asked, said_before = await mailroom.mailapi.requests(), await _said(mailroom)
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert (ack.ok, ack.text) == (True, "")
    form = await mailroom.ben.view()
    assert form is not None
    assert form.title == title
    await mailroom.ben.closes()
    await mailroom.at_rest()
    assert await mailroom.mailapi.requests() == asked
    opened, *others = (await _said(mailroom))[len(said_before) :]
    assert (opened["method"], others) == ("views.open", [])
    assert await _requests(mailroom) == 0


async def test_what_is_typed_in_other_cases_and_with_typographic_signs_is_understood(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail MAILBOX Create <mailto:x@y|no> --name “Jo‘")
    assert "A quote is open" in ack.text
    ack = await mailroom.ben.types(MAIL, "/mail Domain CREATE <http://example|example>")
    assert NO_DOMAIN in ack.text


async def test_a_backslash_at_the_end_is_not_called_an_open_quote(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail domain list \\")
    assert "quote is open" not in ack.text


async def _asked(mailroom: Mailroom) -> list[Any]:
    """What MailAPI was asked for, but the names of the domains, of which the nearest is told."""
    return [request for request in await mailroom.mailapi.requests() if request.endpoint != "list_domain"]


async def _said(mailroom: Mailroom) -> list[Any]:
    """What the bot called Slack for, but to ask who somebody is."""
    return [call for call in await mailroom.slack.calls() if call["method"] != "users.info"]


async def _requests(mailroom: Mailroom) -> int:
    def count(session: Session) -> int:
        return len(session.exec(select(Request)).all())

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(count)
