"""The four endpoints that are asked: two lists and two tasks."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from sandbox.mailapi import accounts, domains, mailboxes, tasks
from sandbox.mailapi.provider import Provider, Serving
from sandbox.mailapi.refusals import (
    DOMAIN_NOT_FOUND,
    INVALID_KEY,
    TASK_FAILED,
    TASK_NOT_FOUND,
    WRONG_CALLER,
    WRONG_TASK_TYPE,
    Refusal,
    Refused,
    documented,
)
from sandbox.mailapi.shapes import Domains, Key, Mailboxes, TaskProgress
from sandbox.mailapi.tasks import Kind, Task

TaskId = Annotated[int, Query(lt=2**63)]
"""SQLite counts no further."""

router = APIRouter(prefix="/api/v1", tags=["Reading"])


@router.get("/list/domain", response_model=Domains, responses=documented(INVALID_KEY, WRONG_CALLER))
async def list_domains(provider: Serving, key: Key, caller_id: int) -> JSONResponse:
    """All domains of the key's owner, by name; sub-domains stand among them as `label.parent`."""
    account = accounts.of_caller(provider.db, key, caller_id)
    listed = domains.listed(provider.db, account)
    return JSONResponse(
        {
            "user_id": str(account.caller_id),
            "total_domain": len(listed),
            "results": _as_php(listed),
            "status": "success",
        }
    )


@router.get(
    "/list/mailbox", response_model=Mailboxes, responses=documented(INVALID_KEY, WRONG_CALLER, DOMAIN_NOT_FOUND)
)
async def list_mailboxes(provider: Serving, key: Key, caller_id: int, domain: str) -> JSONResponse:
    """All mailboxes of one of the owner's domains, by address; those whose turn has come are listed as pending."""
    account = accounts.of_caller(provider.db, key, caller_id)
    name = domain.lower()
    if domains.base(provider.db, account, name) is None:
        raise Refused(DOMAIN_NOT_FOUND)
    listed = mailboxes.listed(provider.db, account.caller_id, name)
    return JSONResponse(
        {"user_id": str(account.caller_id), "domain": name, "results": _as_php(listed), "status": "success"}
    )


_TASK_REFUSALS = documented(TASK_NOT_FOUND, WRONG_TASK_TYPE, TASK_FAILED)


@router.get("/get/mailbox/single", response_model=TaskProgress, responses=_TASK_REFUSALS)
async def get_single(provider: Serving, key: Key, task_id: TaskId) -> JSONResponse:
    """Status and result of a single's task. An unknown key gets 404 too, as no 401 is documented here."""
    return JSONResponse(_progress(provider, _task(provider, key, task_id, "single")))


@router.get("/get/mailbox/bulk", response_model=TaskProgress, responses=_TASK_REFUSALS)
async def get_bulk(provider: Serving, key: Key, task_id: TaskId) -> JSONResponse:
    """Status and results so far of a bulk's task. An unknown key gets 404 too, as no 401 is documented here."""
    return JSONResponse(_progress(provider, _task(provider, key, task_id, "bulk")))


def _task(provider: Provider, key: str, task_id: int, kind: Kind) -> Task:
    task = tasks.find(provider.db, task_id, key=key)
    if task is None:
        raise Refused(TASK_NOT_FOUND)
    if task.kind != kind:
        raise Refused(WRONG_TASK_TYPE)
    if task.state == "failed":
        raise Refused(Refusal(TASK_FAILED.status, task.reason or TASK_FAILED.reason))
    return task


def _progress(provider: Provider, task: Task) -> dict[str, Any]:
    return {
        "Task_id": task.id,
        "total_email": task.total,
        "domain": task.domain,
        "results": _as_php(tasks.results(provider.db, task)),
        "status": task.state,
        "task_id": str(task.id),
    }


def _as_php(results: dict[str, Any]) -> dict[str, Any] | list[Any]:
    """PHP has one type for lists and maps, so an empty map is written as `[]`."""
    return results or []
