"""People decide in the same moment: one call each, nobody is stuck, and everybody is told what is true."""

from collections import Counter
from collections.abc import Callable
from itertools import cycle

from sandbox.slack import MAIL
from sandbox.slack.person import Deed, Person
from storage.states import RequestState
from tests.races.arena import Arena, Outcome, Race, Round

Record = Callable[[str, object], None]

APPROVED = "Approved. It is carried out now; the result follows in its thread."
ONE_OF_TWO = "Your approval counts: 1 of 2."
CANCELLED = "Cancelled. Nothing was created."
REJECTED = "Rejected. Nothing was created, and the person who asked is told."
NOT_AN_APPROVER = "Only approvers may decide this"
REPLACED = 12
"""How often the key is replaced while a batch is carried out."""
DECIDED = "Too late. "


async def test_of_two_approvers_at_once_one_decides_and_the_other_is_told_who(
    arena: Arena, rounds: int, record_property: Record
) -> None:
    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        return one_decided(arena, outcome)

    await arena.lays_down(needed=1)
    race = Race(deeds=both_approve(arena), judge=judge, answered=one_each(arena.ana, arena.cem))
    record_property("race", str(await arena.run(race, rounds)))


async def test_two_approvals_at_once_both_count_where_two_are_needed(
    arena: Arena, rounds: int, record_property: Record
) -> None:
    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        return both_counted(arena, outcome)

    await arena.lays_down(needed=2)
    race = Race(deeds=both_approve(arena), judge=judge, answered=one_each(arena.ana, arena.cem))
    record_property("race", str(await arena.run(race, rounds)))


async def test_an_approval_and_the_askers_cancel_at_once_one_wins(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    ana, ben = arena.ana, arena.ben

    def judge(outcome: Outcome) -> str:
        if outcome.state is RequestState.CANCELLED:
            nothing_sent(outcome)
            assert outcome.of(ben) == (CANCELLED,)
            told_of(outcome, ana, f"Cancelled by <@{ben.id}>")
            assert outcome.decisions == ()
            return "cancelled"
        carried_out(outcome)
        assert outcome.of(ana) == (APPROVED,)
        told_of(outcome, ben, f"Approved by <@{ana.id}>")
        return "approved"

    first = cycle([False, True])

    def deeds(played: Round) -> list[Deed]:
        both = [ana.clicking(played.root, "Approve"), ben.clicking(played.root, "Cancel")]
        return both[::-1] if next(first) else both

    await arena.lays_down(needed=1)
    race = Race(deeds=deeds, judge=judge, answered=one_each(ana, ben))
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_an_approval_and_a_rejection_at_once_one_wins(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    ana = arena.ana

    async def prepare(played: Round) -> None:
        if await played.rejecter.view():  # what came of the round before
            await played.rejecter.closes(everything=True)
        while not await played.rejecter.view():  # a form opens within 3 s or not at all
            await played.rejecter.clicks(played.root, "Reject")
        await played.rejecter.fills(Reason="Not *ours*")

    def judge(outcome: Outcome) -> str:
        rejecter = outcome.round.rejecter
        if outcome.state is RequestState.REJECTED:
            nothing_sent(outcome)
            assert outcome.of(rejecter) == (REJECTED,)
            told_of(outcome, ana, f"Rejected by <@{rejecter.id}>")
            assert outcome.decisions == ((rejecter.id, "rejected"),)
            return "rejected"
        carried_out(outcome)
        assert outcome.of(ana) == (APPROVED,)
        told_of(outcome, rejecter, f"Approved by <@{ana.id}>")
        assert outcome.decisions == ((ana.id, "approved"),)
        return "approved"

    first = cycle([False, True])

    def deeds(played: Round) -> list[Deed]:
        both = [ana.clicking(played.root, "Approve"), played.rejecter.submitting()]
        return both[::-1] if next(first) else both

    await arena.lays_down(needed=1)
    answered = lambda played: {ana: 1, played.rejecter: 1}  # noqa: E731
    race = Race(prepare=prepare, deeds=deeds, judge=judge, answered=answered)
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_the_same_click_delivered_three_times_is_one_decision(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    ana = arena.ana

    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        assert outcome.of(ana) == (APPROVED,) * 3
        assert outcome.decisions == ((ana.id, "approved"),)
        assert attempts(outcome, ana) == {"done": 1}
        return "once"

    await arena.lays_down(needed=1)
    deeds = lambda played: [ana.clicking(played.root, "Approve")]  # noqa: E731
    race = Race(deeds=deeds, judge=judge, answered=lambda _: {ana: 3}, repeated=3)
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_two_clicks_delivered_three_times_each_are_two_decisions(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    """A copy that comes when the other click has been counted says what is true then."""
    people = (arena.ana, arena.cem)

    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        assert sorted(outcome.decisions) == sorted((person.id, "approved") for person in people)
        for person in people:
            assert len(outcome.of(person)) == 3
            assert set(outcome.of(person)) <= {ONE_OF_TWO, APPROVED}
            assert attempts(outcome, person) == {"done": 1}
        return "two"

    await arena.lays_down(needed=2)
    answered = lambda _: dict.fromkeys(people, 3)  # noqa: E731
    race = Race(deeds=both_approve(arena), judge=judge, answered=answered, repeated=3)
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_two_approvals_while_the_policy_asks_for_one_more(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    """One had decided before, or both had to: what was said is what happened."""

    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        if len(outcome.decisions) == 1:
            one_decided(arena, outcome)
            return "one was enough"
        both_counted(arena, outcome)
        return "two were needed"

    async def beside() -> None:
        await arena.lays_down(needed=2)

    async def begin() -> None:
        await arena.lays_down(needed=1)

    race = Race(
        begin=begin, deeds=both_approve(arena), judge=judge, beside=beside, answered=one_each(arena.ana, arena.cem)
    )
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_who_loses_the_right_to_approve_in_that_moment_has_approved_before_or_not_at_all(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    """The audit's order is the order in which things happened."""
    ana, cem = arena.ana, arena.cem

    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        ((person, _),) = outcome.decisions
        if person == ana.id:
            assert outcome.of(ana) == (APPROVED,)
            assert outcome.of(cem)[0].startswith((DECIDED + f"Approved by <@{ana.id}> ", NOT_AN_APPROVER))
            return "won by who may"
        one_decided(arena, outcome)
        approved = next(seq for seq, actor, _, how in outcome.audited if (actor, how) == (cem.id, "done"))
        assert approved < outcome.policy_changed
        return "won before"

    async def named(*people: Person) -> None:
        await arena.lays_down(people=tuple(person.id for person in people), admins=False, connector=False)

    race = Race(
        begin=lambda: named(ana, cem),
        deeds=both_approve(arena),
        judge=judge,
        beside=lambda: named(ana),
        answered=one_each(ana, cem),
    )
    record_property("race", str(await arena.run(race, few_rounds)))


async def test_approvals_while_the_key_is_given_up_end_every_request(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    """Each was sent before, or never, and what was sent is watched to its end; nothing waits for ever for a lock."""
    ana, cem = arena.ana, arena.cem

    def judge(outcome: Outcome) -> str:
        assert outcome.unacknowledged == ()
        assert len(outcome.of(ana)) == len(outcome.of(cem)) == 1
        if outcome.state is RequestState.DONE:
            one_decided(arena, outcome)
            assert outcome.sent
        else:
            assert outcome.state in (RequestState.CANCELLED, RequestState.FAILED)
            assert not outcome.sent
        return outcome.state.value

    async def begin() -> None:
        await arena.connected()
        await ana.types(MAIL, "/mail disconnect")

    async def disconnect() -> None:
        assert await ana.submits() == {}

    await arena.lays_down(needed=1)
    race = Race(begin=begin, deeds=both_approve(arena), judge=judge, beside=disconnect, answered=one_each(ana, cem))
    try:
        record_property("race", str(await arena.run(race, few_rounds)))
    finally:
        await arena.connected()


async def test_approvals_while_the_key_is_replaced_again_and_again(
    arena: Arena, few_rounds: int, record_property: Record
) -> None:
    """What was sent with one key is watched with it, and what is sent next goes with the other."""

    def judge(outcome: Outcome) -> str:
        carried_out(outcome)
        return one_decided(arena, outcome)

    async def beside() -> None:
        for _ in range(REPLACED):
            await arena.connects()

    await arena.lays_down(needed=1)
    race = Race(deeds=both_approve(arena), judge=judge, beside=beside, answered=one_each(arena.ana, arena.cem))
    record_property("race", str(await arena.run(race, few_rounds)))


def both_approve(arena: Arena) -> Callable[[Round], list[Deed]]:
    """By turns the one or the other first."""
    turns = cycle([(arena.ana, arena.cem), (arena.cem, arena.ana)])
    return lambda played: [person.clicking(played.root, "Approve") for person in next(turns)]


def one_each(*people: Person) -> Callable[[Round], dict[Person, int]]:
    return lambda _: dict.fromkeys(people, 1)


def one_decided(arena: Arena, outcome: Outcome) -> str:
    """One was told that he did, and the other who did; nothing else was counted."""
    winner, loser = (arena.ana, arena.cem) if outcome.of(arena.ana) == (APPROVED,) else (arena.cem, arena.ana)
    assert outcome.of(winner) == (APPROVED,)
    told_of(outcome, loser, f"Approved by <@{winner.id}> ")
    assert outcome.decisions == ((winner.id, "approved"),)
    assert attempts(outcome, winner) == {"done": 1}
    assert attempts(outcome, loser) == {"refused": 1}
    return "won by Ana" if winner is arena.ana else "won by the other"


def both_counted(arena: Arena, outcome: Outcome) -> str:
    """The first was told that one more is needed, the second that it goes on."""
    first, second = (arena.ana, arena.cem) if outcome.of(arena.ana) == (ONE_OF_TWO,) else (arena.cem, arena.ana)
    assert outcome.of(first) == (ONE_OF_TWO,)
    assert outcome.of(second) == (APPROVED,)
    assert outcome.decisions == ((first.id, "approved"), (second.id, "approved"))
    assert attempts(outcome, first) == attempts(outcome, second) == {"done": 1}
    assert f"Approved by <@{first.id}> and <@{second.id}>" in outcome.root.visible
    return "Ana first" if first is arena.ana else "the other first"


def carried_out(outcome: Outcome) -> None:
    """It was sent and has ended; the card has no buttons, and the thread says each thing once."""
    assert outcome.unacknowledged == ()
    assert outcome.state is RequestState.DONE
    assert outcome.sent
    assert "Approve" not in outcome.root.buttons
    assert "Done" in outcome.root.visible
    assert outcome.said("It is carried out now") == 1
    assert outcome.said("created") == 1


def nothing_sent(outcome: Outcome) -> None:
    """It has ended without a call, which the card and the thread say."""
    assert outcome.unacknowledged == ()
    assert "Approve" not in outcome.root.buttons
    assert outcome.said("Nothing was created") == 1
    assert not outcome.sent
    assert outcome.said("It is carried out now") == 0


def told_of(outcome: Outcome, person: Person, what: str) -> None:
    """He was too late, and was told once what had happened and who had done it."""
    (answer,) = outcome.of(person) or ("nothing",)
    assert answer.startswith(DECIDED + what)


def attempts(outcome: Outcome, person: Person) -> Counter[str]:
    """How a person's attempts to approve stand in the audit."""
    return Counter(how for _, actor, action, how in outcome.audited if (actor, action) == (person.id, "approved"))
