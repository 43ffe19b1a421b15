"""Which deliveries are listened for; all else is acknowledged, or Slack would deliver it again."""

import re
from dataclasses import dataclass
from functools import partial

import structlog
from slack_bolt.async_app import AsyncApp

from bot.listeners.audit import AuditClicks
from bot.listeners.clicks import Clicks
from bot.listeners.decisions import Decisions
from bot.listeners.dispatch import Dispatch
from bot.listeners.doors import ChoicesDoor, ClickDoor, ClosedDoor, CommandDoor, FormDoor, MentionDoor, NoDoor
from bot.listeners.guard import Guard
from bot.listeners.mentions import Mentions
from bot.listeners.policy import PolicyForms
from bot.listeners.removals import Removals
from bot.listeners.submissions import Submissions
from bot.texts import answers, audit, deciding, forms, lists, policies, policy_forms, standing, thread

log = structlog.get_logger(__name__)

ANYTHING = re.compile(".*")
CREATE_HERE = "create_mailboxes_here"
"""The callback id of the message shortcut, as the manifest names it."""


@dataclass(frozen=True)
class Handlers:
    """What happens at each kind of delivery."""

    dispatch: Dispatch
    clicks: Clicks
    audit: AuditClicks
    submissions: Submissions
    decisions: Decisions
    policy: PolicyForms
    mentions: Mentions
    removals: Removals


def register(app: AsyncApp, guard: Guard, handlers: Handlers) -> None:
    """Listen for the command, the mention, the shortcut, the forms and the buttons."""
    dispatch, clicks, submissions = handlers.dispatch, handlers.clicks, handlers.submissions
    decisions, policy = handlers.decisions, handlers.policy

    async def typed(door: CommandDoor) -> None:
        await dispatch.line(door, str(door.body.get("text") or ""))

    app.command("/mail")(guard(CommandDoor, typed))
    app.event("app_mention")(guard(MentionDoor, handlers.mentions.mentioned))
    removed = partial(guard, NoDoor, counted=False, installed=False)  # the workspace has no bot by then
    app.event("app_uninstalled")(removed(handlers.removals.uninstalled))
    app.event("tokens_revoked")(removed(handlers.removals.revoked))
    app.event("team_access_revoked")(removed(handlers.removals.taken_away))
    app.shortcut(CREATE_HERE)(guard(ClickDoor, clicks.create_here))
    for action, handle in {
        answers.OPEN_FORM: clicks.open_form,
        answers.CONNECT: clicks.connect,
        answers.RUN_AGAIN: clicks.run_again,
        standing.RUN: clicks.run_line,
        lists.TURN: clicks.turn_page,
        lists.GET_CSV: clicks.get_csv,
        audit.TURN: handlers.audit.turn_page,
        audit.GET_CSV: handlers.audit.get_csv,
        thread.SHOW_CREDENTIALS: clicks.show_credentials,
        thread.KEEP_WATCHING: clicks.steer,
        thread.LOOK_AGAIN: clicks.steer,
        thread.SEND_AGAIN: clicks.steer,
        deciding.APPROVE: decisions.approve,
        deciding.CONFIRM: decisions.confirm,
        deciding.REJECT: decisions.open_rejection,
        deciding.CANCEL: decisions.cancel,
        deciding.ASK_AGAIN: decisions.ask_again,
        policies.CHANGE: policy.open_form,
    }.items():
        # A message with several buttons of one action tells them apart behind a colon.
        app.action(re.compile(rf"{action}(:.*)?"))(guard(ClickDoor, handle))
    app.view(forms.CONNECT)(guard(FormDoor, submissions.connect))
    app.view(re.compile(rf"{forms.OPERATION}.*"))(guard(FormDoor, submissions.operation))
    app.view(standing.DISCONNECT)(guard(FormDoor, submissions.disconnect))
    app.view(deciding.REJECTION)(guard(FormDoor, decisions.reject))
    app.view_closed(deciding.REJECTION)(guard(ClosedDoor, decisions.rejection_closed, counted=False))
    app.view(re.compile(rf"{policy_forms.POLICY}.*"))(guard(FormDoor, policy.submit))
    app.options(policy_forms.FIND_GROUP)(guard(ChoicesDoor, policy.choices, counted=False))
    app.options(forms.FIND_DOMAIN)(guard(ChoicesDoor, submissions.choices, counted=False))
    for listen in (app.action, app.view, app.view_closed, app.shortcut, app.options, app.command, app.event):
        listen(ANYTHING)(guard(NoDoor, _not_ours, counted=False, installed=False))


async def _not_ours(door: NoDoor) -> None:
    """Something that no listener is for."""
    log.info("nothing listens for this", type=str(door.body.get("type"))[:40])
    await door.ack()
