"""The audit, shown to those who may see it; who may not is refused, and that is in the audit."""

from functools import partial

import structlog
from sqlmodel import Session

from bot import access
from bot.approvers import Approvers, Rules
from bot.attempts import Attempts
from bot.commands.command import AuditQuery
from bot.origin import Origin
from bot.queries import Tell
from bot.slack_errors import SlackError
from bot.slacks import Slacks
from bot.texts import answers, refusals
from bot.texts import audit as texts
from bot.texts.message import Message
from storage import audit
from storage.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

ACTION = "audit"
"""By which the audit knows that somebody wanted to see it."""


class AuditReader:
    """Shows the audit to approvers and to those who may change the policy."""

    def __init__(self, *, database: Database, attempts: Attempts, approvers: Approvers, slacks: Slacks) -> None:
        self._database = database
        self._approvers = approvers
        self._attempts = attempts
        self._slacks = slacks

    async def admit(self, origin: Origin) -> None:
        """Make sure that this person may see the audit, now; raises `UserError`."""
        actor = await self._attempts.member(origin, ACTION)
        rules = await self._database.read(lambda session: Rules.of(session, origin.workspace))
        if access.may_edit_policy(actor, connected_by=rules.connected_by):
            return
        if not await self._approvers.counts(origin.workspace, rules, actor):
            await self._attempts.refuse(origin, ACTION, refusals.NOT_YOUR_AUDIT, "not an approver")

    async def page(self, query: AuditQuery, origin: Origin) -> Message:
        """A page of the entries that are looked for; raises `UserError`."""
        await self.admit(origin)
        return await self._database.read(partial(_page, query, origin.workspace))

    async def send_csv(self, query: AuditQuery, origin: Origin, tell: Tell) -> None:
        """Send what is looked for to the person as a file; for whom it is has to be made sure of before."""
        try:
            said, file = await self._database.read(partial(_file, query, origin.workspace), at_leisure=True)
            slack = await self._slacks.of(origin.workspace)
            channel = await slack.direct_channel(origin.person)
            await slack.upload(channel, "audit.csv", file, said)
        except DatabaseUnavailable as error:
            log.warning("audit not read", reason=str(error))
            await tell(texts.not_read())
        except SlackError as error:
            log.warning("file not sent", reason=str(error))
            await tell(answers.csv_not_sent())
        else:
            await tell(answers.csv_sent())


def _page(query: AuditQuery, workspace: str, session: Session) -> Message:
    """One that lies behind the end is the last."""
    total = audit.count(session, workspace, query.words)
    number = min(query.page, texts.pages_of(total))
    entries = audit.page(session, workspace, query.words, number=number, size=texts.PAGE)
    return texts.page(entries, total=total, number=number, words=query.words, value=query.at)


def _file(query: AuditQuery, workspace: str, session: Session) -> tuple[str, str]:
    total = audit.count(session, workspace, query.words)
    entries = audit.page(session, workspace, query.words, number=1, size=texts.MOST_IN_FILE)
    return texts.summary(total, query.words, most=texts.MOST_IN_FILE), texts.csv(entries)
