import secrets
from dataclasses import dataclass

from sandbox.slack.clock import Clock
from sandbox.slack.refusal import Refused

CODE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person has allowed: the app in a team or organisation, `place`, with these scopes."""

    place: str
    user: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires: float


class Codes:
    """The codes that were handed out for a consent, each good once for ten minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Consent] = {}

    def issue(self, *, place: str, user: str, scopes: list[str], redirect_uri: str) -> str:
        """A new code; `redirect_uri` is empty where the app has not sent one."""
        code = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(32)}"
        self._issued[code] = Consent(
            place=place,
            user=user,
            scopes=tuple(scopes),
            redirect_uri=redirect_uri,
            expires=self._clock.now() + CODE_SECONDS,
        )
        return code

    def exchange(self, code: str, *, redirect_uri: str) -> Consent:
        """What was allowed, once; raises `invalid_code`, or `bad_redirect_uri`, which leaves the code good."""
        consent = self._issued.get(code)
        if consent is None or consent.expires <= self._clock.now():
            raise Refused("invalid_code")
        if consent.redirect_uri != redirect_uri:
            raise Refused("bad_redirect_uri")
        del self._issued[code]
        return consent
