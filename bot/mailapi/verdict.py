"""What a reply means: an answer, the provider's no, or something that is neither. Pure functions."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from pydantic import ValidationError

from bot.mailapi.answers import FAILED, Answer, Task, TaskAnswer
from bot.mailapi.errors import KeyRefused, NotFound, OutcomeUnknown, RateLimited, Rejected, Unavailable
from bot.mailapi.exchange import Reply, Silence
from bot.mailapi.loose import Word, Words

AnswerT = TypeVar("AnswerT", bound=Answer)

REFUSALS: dict[int, type[Rejected]] = {
    HTTPStatus.UNAUTHORIZED: KeyRefused,
    HTTPStatus.FORBIDDEN: KeyRefused,
    HTTPStatus.NOT_FOUND: NotFound,
}

DOCUMENTED_REASONS: tuple[tuple[re.Pattern[str], type[Rejected]], ...] = (
    (re.compile(r"invalid api key|unauthori[sz]ed caller", re.IGNORECASE), KeyRefused),
    (re.compile(r"not found for this (api key|account)", re.IGNORECASE), NotFound),
)
"""The reference's own sentences, which tell the meaning where an error comes with a 200."""

TYPE_MISMATCH = re.compile(r"\btype\b.*(match|endpoint)|mismatch", re.IGNORECASE)
"""The reference: "Task type does not match this endpoint."."""

TASK_FAILURES = frozenset({HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY})
"""With these an error body speaks of the task; with any other 4xx it speaks of our request."""


class Contract(Answer):
    """The parts of an answer that tell a success from an error; `message` is what the framework says by itself."""

    status: Word = ""
    reason: Words = None
    message: Words = None


def of_read(outcome: Reply | Silence, model: type[AnswerT]) -> AnswerT:
    """The answer to a read.

    Raises:
        Rejected: the provider said no.
        Unavailable: anything else; ask again.
    """
    if isinstance(outcome, Silence):
        raise Unavailable(outcome.reason)
    return _of_reply(outcome, model, otherwise=Unavailable)


def of_create(outcome: Reply | Silence, model: type[AnswerT]) -> AnswerT:
    """The answer to a create.

    Raises:
        Rejected: the provider said no.
        Unavailable: certainly not applied.
        OutcomeUnknown: anything else, such as a 5xx, a redirect, a proxy's HTML, a success without a task id.
    """
    if isinstance(outcome, Silence):
        raise Unavailable(outcome.reason) if outcome.unsent else OutcomeUnknown(outcome.reason)
    return _of_reply(outcome, model, otherwise=OutcomeUnknown)


def of_task(outcome: Reply | Silence, task_id: int) -> Task:
    """The task that a task endpoint tells of, failed ones included.

    Raises:
        Rejected: the endpoint said no to the question: the task is of the other type, the key is refused, and so on.
        Unavailable: anything else; ask again.
    """
    try:
        return of_read(outcome, TaskAnswer).of_task(task_id)
    except Rejected as error:
        refusal = error
    failure = _failure(outcome, refusal) if isinstance(outcome, Reply) else None
    if failure is None:
        raise refusal
    return failure.of_task(task_id)


def says_other_type(refusal: Rejected) -> bool:
    """Whether a task endpoint refused because the task belongs to the other one."""
    return refusal.status in TASK_FAILURES and bool(TYPE_MISMATCH.search(refusal.reason))


def _failure(reply: Reply, refusal: Rejected) -> TaskAnswer | None:
    """The failure of the task itself, if that is what an error body tells."""
    if reply.status not in TASK_FAILURES or type(refusal) is not Rejected:
        return None
    answer = _parsed(reply, TaskAnswer)
    return answer if answer and answer.status.casefold() in FAILED and not says_other_type(refusal) else None


def _of_reply(reply: Reply, model: type[AnswerT], otherwise: type[Unavailable | OutcomeUnknown]) -> AnswerT:
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _limited(reply)
    refusal = _refusal(reply)
    if refusal is not None:
        raise refusal
    answer = _parsed(reply, model) if _is_success(reply) else None
    if answer is None:
        raise otherwise(f"MailAPI gave no usable answer (HTTP {reply.status}).")
    return answer


def _refusal(reply: Reply) -> Rejected | None:
    """The provider's own no; `None` for anything else, also for a 4xx that a proxy answered with HTML.

    Such a page tells nothing of the provider: a read asks again, a create stays unknown.
    """
    said = _parsed(reply, Contract) if _may_refuse(reply) else None
    if said is None:
        return None
    reason = said.reason or said.message
    # Laravel's own refusals, such as of a field that it does not like, have a message and no status.
    is_frameworks_own = not said.status and reason is not None and not _is_success(reply)
    if said.status.casefold() != "error" and not is_frameworks_own:
        return None
    reason = reason or f"MailAPI gave no reason (HTTP {reply.status})."
    return _kind(reply.status, reason)(reply.status, reason)


def _is_success(reply: Reply) -> bool:
    return HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES


def _may_refuse(reply: Reply) -> bool:
    """Not with 408: a proxy says so when it has lost its patience, and may have passed the request on."""
    is_4xx = HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return _is_success(reply) or (is_4xx and reply.status != HTTPStatus.REQUEST_TIMEOUT)


def _kind(status: int, reason: str) -> type[Rejected]:
    if status >= HTTPStatus.BAD_REQUEST:
        return REFUSALS.get(status, Rejected)
    return next((kind for pattern, kind in DOCUMENTED_REASONS if pattern.search(reason)), Rejected)


def _limited(reply: Reply) -> RateLimited:
    said = _parsed(reply, Contract)
    reason = (said.reason or said.message) if said else None
    return RateLimited(reason or "MailAPI asks for a pause (HTTP 429).", _seconds(reply.retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """The seconds of a Retry-After header, which gives a number or a date; `None` for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _parsed(reply: Reply, model: type[AnswerT]) -> AnswerT | None:
    """The body as `model`, `None` if it is none: a validation error would quote the body, and is not kept."""
    try:
        return model.model_validate_json(reply.body)
    except ValidationError:
        return None
