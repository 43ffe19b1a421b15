"""What the provider answers instead of doing something: every documented code with its documented reason."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sandbox.mailapi.shapes import ErrorContract


@dataclass(frozen=True)
class Refusal:
    """A code and the reason that goes with it."""

    status: int
    reason: str


class Refused(Exception):
    """Ends a request with the error contract."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


INVALID_KEY = Refusal(401, "Invalid API key.")
WRONG_CALLER = Refusal(403, "Unauthorized caller.")
DOMAIN_EXISTS = Refusal(409, "Domain already exists for this account.")
DOMAIN_NOT_FOUND = Refusal(404, "Domain not found for this account.")
PARENT_NOT_FOUND = Refusal(404, "Parent domain was not found.")
TOO_MANY_LABELS = Refusal(422, "Maximum 10 sub-domains are allowed per request.")
BAD_LABEL = Refusal(422, "Sub-domain labels accept letters, numbers, and hyphens.")
ONCE_PER_HOUR = Refusal(429, "Sub-domain requests are limited to once per hour for this domain and API key.")
TASK_NOT_FOUND = Refusal(404, "Task ID was not found for this API key.")
WRONG_TASK_TYPE = Refusal(422, "Task type does not match this endpoint.")
TASK_FAILED = Refusal(422, "Task processing failed.")


def documented(*refusals: Refusal) -> dict[int | str, dict[str, Any]]:
    """The refusals as FastAPI's `responses`, so that `/docs` shows them."""
    by_status: dict[int | str, list[str]] = {}
    for refusal in refusals:
        by_status.setdefault(refusal.status, []).append(refusal.reason)
    return {
        status: {"model": ErrorContract, "description": " / ".join(reasons)} for status, reasons in by_status.items()
    }


def install(app: FastAPI) -> None:
    """Answer every refusal with the error contract, FastAPI's own refusals included."""
    app.exception_handler(Refused)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_unknown_route)


def contract(status: int, reason: str) -> JSONResponse:
    """The documented error contract under the given code."""
    return JSONResponse({"status": "error", "reason": reason}, status)


async def _refused(_: Request, refused: Refused) -> JSONResponse:
    return contract(refused.refusal.status, refused.refusal.reason)


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    return contract(422, _complaint(error.errors()[0]))


async def _unknown_route(_: Request, error: HTTPException) -> JSONResponse:
    return contract(error.status_code, f"{error.detail}.")


def _complaint(error: dict[str, Any]) -> str:
    """Names the first field that is wrong; never repeats what was sent, as that may be the key."""
    field = ".".join(str(part) for part in error["loc"][1:])
    match error["type"]:
        case "json_invalid":
            return "The body is not JSON."
        case "missing":
            return f"The {field or 'body'} field is required."
        case _:
            return f"The {field} field is invalid: {error['msg']}."
