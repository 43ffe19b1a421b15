import ssl
from types import TracebackType
from typing import Any, Literal, Self

import httpx
from pydantic import TypeAdapter

from sandbox.mailapi.control import Creations
from sandbox.mailapi.domains import DEFAULT_QUOTA
from sandbox.mailapi.faults import EndpointName, FaultKind
from sandbox.mailapi.record import RecordedRequest
from sandbox.mailapi.refusals import TASK_FAILED

_RECORDED = TypeAdapter(list[RecordedRequest])
_ENDED = TypeAdapter(dict[int, float])


class MailAPIControl:
    """Tells a running sandbox what to do, through its control endpoint.

    `base_url` is the server's, without `/api`. Raises `httpx.HTTPStatusError` for what the sandbox cannot do.
    """

    def __init__(self, base_url: str) -> None:
        # On loopback there is no TLS, and loading the certificates for it would take longer than a test.
        no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(base_url=f"{base_url}/_control", trust_env=False, verify=no_certificates)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def add_account(self, key: str, caller_id: int) -> None:
        """Make a key of 32 letters and digits valid; keys of one caller id see the same domains."""
        await self._post("/accounts", key=key, caller_id=caller_id)

    async def forget_key(self, key: str) -> None:
        """Make the key invalid: 401 where that is documented, 404 for its tasks and for sub-domains."""
        await self._post("/accounts/forget", key=key)

    async def set_speed(
        self,
        *,
        mailbox_seconds: float | None = None,
        domain_seconds: float | None = None,
        workers: int | None = None,
    ) -> None:
        """Change how fast the queue is worked off, for what is in it already too."""
        await self._post("/speed", mailbox_seconds=mailbox_seconds, domain_seconds=domain_seconds, workers=workers)

    async def advance_clock(self, seconds: float) -> None:
        """Move the provider's time: windows, verifications, tasks and dates go by it."""
        await self._post("/clock", seconds=seconds)

    async def hold_queue(self) -> None:
        """Let nothing be worked off or verified until `release_queue`; requests are accepted as before."""
        await self._post("/queue/hold")

    async def release_queue(self) -> None:
        """Let what waits be worked off."""
        await self._post("/queue/release")

    async def fail_next_task(self, reason: str = TASK_FAILED.reason) -> None:
        """Let the next task that is taken out of the queue fail as a whole."""
        await self._post("/failures/task", reason=reason)

    async def fail_mailbox(self, address: str, status: str | None) -> None:
        """Let the address fail whenever it is asked for, until it is healed with `None`.

        In a bulk `status` is the mailbox's own and the task is completed; a single's task fails with it as reason.
        """
        await self._post("/failures/mailbox", address=address, status=status)

    async def number_tasks_from(self, task_id: int) -> None:
        """Give the next task this id."""
        await self._post("/next-task-id", task_id=task_id)

    async def set_credentials(self, address: str, credentials: dict[str, Any] | None) -> None:
        """What `imap_credentials` shows of the address."""
        await self._post("/credentials", address=address, credentials=credentials)

    async def add_domain(self, key: str, name: str, *, status: str = "verified", quota: str = DEFAULT_QUOTA) -> None:
        """Plant a domain, or change the one that is there; a pending one gets verified as any other."""
        await self._post("/domains", key=key, name=name, status=status, quota=quota)

    async def add_mailbox(self, key: str, address: str, quota: str = "1024MB") -> None:
        """Plant an active mailbox under a domain that is there; it counts as created once."""
        await self._post("/mailboxes", key=key, address=address, quota=quota)

    async def fault(
        self,
        endpoint: EndpointName | Literal["any"],
        kind: FaultKind,
        times: int | None = 1,
        **options: float | str | bool | None,
    ) -> None:
        """Let the next `times` requests go wrong, all of them if `None`; `options` are the fields of `Fault`."""
        await self._post("/faults", endpoint=endpoint, kind=kind, times=times, **options)

    async def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        (await self._http.delete("/faults")).raise_for_status()

    async def requests(self) -> list[RecordedRequest]:
        """Every request to the eight endpoints, in order; of the reads the latest 20 000."""
        return _RECORDED.validate_json(await self._get("/requests"))

    async def creates(self) -> list[RecordedRequest]:
        """The creates that were applied, in order, whatever their clients were shown."""
        return _RECORDED.validate_json(await self._get("/creates"))

    async def ended(self) -> dict[int, float]:
        """When each completed task ended, in seconds since 1970 by the provider's clock, by the task's id."""
        return _ENDED.validate_json(await self._get("/tasks/ended"))

    async def mailboxes(self, domain: str | None = None) -> dict[str, int]:
        """How many times each address was created; those not worked off yet are left out."""
        return (await self._state(domain)).mailboxes

    async def domains(self) -> dict[str, str]:
        """Every domain and sub-domain with its status."""
        return (await self._state()).domains

    async def reset(self) -> None:
        """Forget everything but the speed: accounts, state, faults and the record."""
        await self._post("/reset")

    async def _state(self, domain: str | None = None) -> Creations:
        response = await self._http.get("/state", params={"domain": domain} if domain else None)
        return Creations.model_validate_json(response.raise_for_status().content)

    async def _get(self, path: str) -> bytes:
        return (await self._http.get(path)).raise_for_status().content

    async def _post(self, path: str, **body: Any) -> None:
        (await self._http.post(path, json=body)).raise_for_status()
