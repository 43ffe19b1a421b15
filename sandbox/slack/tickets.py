"""What Slack hands out with an interaction and takes back for a while: trigger ids and response URLs."""

import secrets
from dataclasses import dataclass

from sandbox.slack.clock import Clock
from sandbox.slack.refusal import Refused

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5


@dataclass(kw_only=True)
class Trigger:
    """Allows one view to be opened or pushed for `user`."""

    team: str
    user: str
    expires: float
    view_id: str | None = None
    used: bool = False


class Triggers:
    """The trigger ids that were handed out. Lifetime and names of errors: views.open in Slack's reference."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Trigger] = {}

    def issue(self, team: str, user: str, view_id: str | None = None) -> str:
        """A new id, good once for three seconds; `view_id` is the modal that it was issued in."""
        self._forget_old()
        trigger_id = f"{int(self._clock.now() * 1000)}.{team[1:]}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(
            team=team, user=user, expires=self._clock.now() + TRIGGER_SECONDS, view_id=view_id
        )
        return trigger_id

    def check(self, trigger_id: str, team: str) -> Trigger:
        """The trigger, not used up yet; raises Slack's name for what is wrong with it."""
        trigger = self._issued.get(trigger_id)
        if trigger is None or trigger.team != team:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if trigger.expires < self._clock.now():
            raise Refused("expired_trigger_id")
        return trigger

    def team_of(self, trigger_id: str) -> str | None:
        """The team in which it was handed out; `None` for an unknown one."""
        trigger = self._issued.get(trigger_id)
        return trigger.team if trigger else None

    def _forget_old(self) -> None:
        oldest = next(iter(self._issued.values()), None)
        # Kept ten minutes beyond its end, so that a late use is told "expired" and not "invalid".
        while oldest and oldest.expires + 600 < self._clock.now():
            self._issued.pop(next(iter(self._issued)))
            oldest = next(iter(self._issued.values()), None)


@dataclass(kw_only=True)
class ResponseUrl:
    """Where an interaction may be answered; `message_ts` is the message that `replace_original` means."""

    team: str
    channel: str
    user: str
    expires: float
    thread_ts: str | None = None
    message_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    """The response URLs that were handed out, by the last part of their path."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}

    def issue(
        self, team: str, channel: str, user: str, *, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """A new key, good five times in half an hour."""
        key = secrets.token_hex(12)
        expires = self._clock.now() + RESPONSE_URL_SECONDS
        self._issued[key] = ResponseUrl(
            team=team, channel=channel, user=user, expires=expires, message_ts=message_ts, thread_ts=thread_ts
        )
        return key

    def use(self, key: str) -> ResponseUrl:
        """Count one use; raises `expired_url` or `used_url` when there is none left."""
        url = self._issued.get(key)
        if url is None or url.expires < self._clock.now():
            raise Refused("expired_url")
        if url.uses >= RESPONSE_URL_USES:
            raise Refused("used_url")
        url.uses += 1
        return url
