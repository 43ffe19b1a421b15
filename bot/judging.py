"""Whether a yes counts: rules over what Slack and the rows said of a request and of those who decide."""

from dataclasses import dataclass

from bot import access
from bot.approvers import Rules
from bot.case import Case
from bot.policy import Gate
from bot.texts import deciding
from storage.decisions import CONFIRMED
from storage.tables import Request

NEEDS_APPROVAL = (deciding.NEEDS_APPROVAL_NOW, "needs approval")


@dataclass(frozen=True)
class Judges:
    """Who counts as an approver under one version of the rules, as far as Slack was asked."""

    rules: Rules
    approve: dict[str, bool]

    def know(self, case: Case) -> bool:
        """Whether Slack was asked about all who have decided."""
        return all(decision.person in self.approve for decision in case.decisions)

    def counts(self, request: Request, case: Case, person: str) -> bool:
        """Whether somebody's yes counts by today's policy."""
        return access.may_decide(
            case.ruling, asker=request.asker, person=person, approver=self.approve.get(person, False)
        )

    def counting(self, request: Request, case: Case) -> int:
        """How many have said yes whose yes counts."""
        return sum(self.counts(request, case, yes.person) for yes in case.yes)

    def no_more(self, request: Request, case: Case) -> list[str]:
        """Whose earlier yes counts no more."""
        return [yes.person for yes in case.yes if not self.counts(request, case, yes.person)]

    def so_far(self, request: Request, case: Case) -> str:
        """How many approvals there are, in words."""
        return deciding.counted(self.counting(request, case), case.ruling.needed)


def not_his(request: Request, case: Case, person: str, verdict: str, *, approver: bool) -> tuple[str, str] | None:
    """Why this is not this person's to decide, if so: what he is told, and the audit's word for it."""
    approves = case.ruling.gate is Gate.APPROVE
    if verdict == CONFIRMED:
        if person != request.asker:
            return deciding.NOT_YOURS_TO_CONFIRM, "not the asker"
        return NEEDS_APPROVAL if approves else None
    if not approves:
        return deciding.ONLY_TO_CONFIRM, "needs a confirmation"
    if access.may_decide(case.ruling, asker=request.asker, person=person, approver=approver):
        return None
    return (deciding.NOT_YOUR_OWN, "his own") if approver else (deciding.NOT_AN_APPROVER, "not an approver")
