"""Rows that nobody needs any more are deleted after a time; what people can still ask about stays as it was."""

from datetime import timedelta

from structlog.testing import capture_logs

from bot.retention import Retention
from sandbox.slack import MAIL
from storage.tables import AuditEntry, Call, Notice, Request
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom

LINES = ("mailbox bulk example.com team 3", "mailbox create john@example.com", "mailbox create joan@example.com")


async def pruned(mailroom: Mailroom, days: float) -> None:
    """Let days pass, and prune as the daily job does."""
    assert mailroom.bot is not None
    await mailroom.passes(days=days)
    keep = timedelta(days=mailroom.settings.mailroom_keep_days)
    with capture_logs() as lines:
        await Retention(database=mailroom.bot.database, clock=mailroom.clock, keep=keep).prune()
    assert [line["event"] for line in lines] == ["pruned"]


async def three_requests(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_mailbox("team2@example.com", "Mailbox could not be provisioned.")
    for number, line in enumerate(LINES, 1):
        await mailroom.ben.types(MAIL, f"/mail {line}")

        async def have_ended(number: int = number) -> bool:
            found = await rows(mailroom, Request)
            return len(found) == number and all(request.ended_at for request in found)

        await mailroom.until(have_ended, "their ends")
    await mailroom.passes(seconds=5)
    await mailroom.at_rest()


async def tasks(mailroom: Mailroom) -> list[str]:
    await mailroom.ben.types(MAIL, "/mail tasks mine")
    told = await mailroom.private(mailroom.ben, "Your recent requests")
    return [line for line in told.visible.splitlines() if line.startswith("•")]


async def test_old_rows_go_and_requests_and_audit_stay(mailroom: Mailroom) -> None:
    await three_requests(mailroom)
    before = [line.partition(", asked by")[0] for line in await tasks(mailroom)]
    audited = len(await rows(mailroom, AuditEntry))
    calls, notices = len(await rows(mailroom, Call)), len(await rows(mailroom, Notice))
    await pruned(mailroom, days=29)
    assert (len(await rows(mailroom, Call)), len(await rows(mailroom, Notice))) == (calls, notices)
    await pruned(mailroom, days=2)
    assert (len(await rows(mailroom, Call)), len(await rows(mailroom, Notice))) == (1, 1)
    assert (len(await rows(mailroom, Request)), len(await rows(mailroom, AuditEntry))) == (3, audited)
    assert [line.partition(", asked by")[0] for line in await tasks(mailroom)] == before


async def test_credentials_are_those_of_what_was_made_also_afterwards(mailroom: Mailroom) -> None:
    await three_requests(mailroom)
    await pruned(mailroom, days=31)
    bulk = await mailroom.root(mailroom.ben, "2 of 3")
    await mailroom.ben.clicks(await mailroom.completion(mailroom.ben, bulk), "Show Credentials")
    view = await mailroom.form(mailroom.ben, "team1@example.com", "team3@example.com")
    assert "team2" not in view.text


async def test_what_was_told_is_not_told_again_and_new_requests_go_on(mailroom: Mailroom) -> None:
    await three_requests(mailroom)
    await pruned(mailroom, days=31)
    said = len(await mailroom.slack.calls("chat.postMessage"))
    await mailroom.passes(days=1)
    await mailroom.at_rest()
    assert len(await mailroom.slack.calls("chat.postMessage")) == said
    await mailroom.ben.types(MAIL, "/mail mailbox create later@example.com")
    await mailroom.root(mailroom.ana, "Done", "later@example.com")


async def test_what_waits_for_a_decision_keeps_its_card_and_copies(mailroom: Mailroom) -> None:
    await mailroom.lays_down(expires_after_hours=300)
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    root = await mailroom.root(mailroom.ana, "Waiting for approval")
    mailroom.settings = mailroom.settings.model_copy(update={"mailroom_keep_days": 1})
    await pruned(mailroom, days=3)
    await mailroom.ana.clicks(root, "Approve")
    await mailroom.root(mailroom.ana, "Done", "new.example")
    assert len(await mailroom.roots(mailroom.ana)) == 1
