"""What is said in direct messages is said to full members alone, whomever the policy names."""

from sqlmodel import Session, select

from sandbox.slack import EVE, GENERAL, GUS
from sandbox.slack.person import Person
from storage.states import NoticeState
from storage.tables import Notice
from tests.flows.deciding import CAT, asks
from tests.flows.policies import GATES, POSTMASTERS, changed, cleo_of
from tests.flows.stage import Mailroom
from tests.flows.test_lost_answers import a_minute

CHANGED = "changed what needs whose approval"


async def read(*people: Person) -> list[str]:
    """What Mailroom has told these people directly."""
    return [message.visible for person in people for message in await person.direct_messages()]


async def dropped(mailroom: Mailroom) -> set[str]:
    """For whom there was something that he never gets."""

    def find(session: Session) -> set[str]:
        query = select(Notice.recipient).where(Notice.state == NoticeState.DROPPED)
        return {person for person in session.exec(query).all() if person}

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(find)


async def test_guests_and_people_of_other_organisations_hear_of_no_change_of_the_policy(gated: Mailroom) -> None:
    cleo, ivy = await cleo_of(gated), await gated.slack.add_user("U0IVY00001", "ivy", is_ultra_restricted=True)
    await gated.slack.add_group(POSTMASTERS, "postmasters", [ivy.id])
    await gated.lays_down(people=(GUS, EVE), groups=(POSTMASTERS,), channels=("C0SECRET01",))
    await gated.direct(cleo, CHANGED)
    await changed(gated, gated.ana, GATES, **{"Domains need": "Nothing"})
    await gated.direct(cleo, "Domains: approval → nothing needed")
    await gated.at_rest()
    assert await read(gated.slack.person(GUS), gated.slack.person(EVE), ivy) == []


async def test_who_became_a_guest_hears_of_changes_no_more(gated: Mailroom) -> None:
    cleo, cat = await cleo_of(gated), await gated.slack.add_user(CAT, "cat")
    await gated.lays_down(people=(CAT,))
    await gated.direct(cat, CHANGED)
    await gated.slack.set_user(CAT, is_restricted=True)
    await gated.passes(seconds=61)
    before = await read(cat)
    await changed(gated, gated.ana, GATES, **{"Domains need": "Nothing"})
    await gated.direct(cleo, "Domains: approval → nothing needed")
    await gated.at_rest()
    assert await read(cat) == before
    assert await dropped(gated) == {CAT}


async def test_while_slack_does_not_say_who_somebody_is_he_is_told_nothing_and_later_all(gated: Mailroom) -> None:
    cat = await gated.slack.add_user(CAT, "cat")
    await gated.slack.fault("users.info", "error", times=2, where={"user": CAT})
    await gated.lays_down(people=(CAT,))
    await gated.at_rest()
    assert await read(cat) == []
    assert await dropped(gated) == set()
    for _ in range(3):
        await gated.passes(seconds=20)
    await gated.direct(cat, CHANGED)


async def test_a_question_about_a_lost_answer_goes_to_no_guest_directly(mailroom: Mailroom) -> None:
    await mailroom.lays_down(people=(GUS, EVE), mailboxes="none")
    await mailroom.mailapi.fault("create_mailbox_single", "reset_before")
    await mailroom.ben.types(GENERAL, "/mail mailbox create john@example.com")
    await mailroom.made("create_mailbox_single")
    await a_minute(mailroom)
    await mailroom.direct(mailroom.ana, "MailAPI's answer", "was lost")
    await mailroom.at_rest()
    assert await read(mailroom.slack.person(GUS), mailroom.slack.person(EVE)) == []


async def test_the_card_of_an_approver_who_became_a_guest_changes_no_more(gated: Mailroom) -> None:
    cat = await gated.slack.add_user(CAT, "cat")
    await gated.lays_down(people=(CAT,))
    card = await asks(gated)
    await gated.direct(cat, "Waiting for approval")
    await gated.slack.set_user(CAT, is_restricted=True)
    await gated.passes(seconds=61)
    await gated.ben.clicks(card, "Cancel")
    await gated.root(gated.ben, "Cancelled")
    await gated.at_rest()
    assert not any("Cancelled" in said for said in await read(cat))
