"""`mailroom keys rotate`: what is stored encrypted gets encrypted with the first key, while the bot works."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session

from bot.alongside import opened
from bot.clock import Clock, utc_now
from bot.settings import NO_KEYS, Settings, SettingsError
from storage import audit, key_file, processes, sealed, workspaces
from storage.database import Database
from storage.encryption import Undecryptable, Vault
from storage.sealed import Place, Text

BATCH = 50
"""How many texts one transaction exchanges: commands come in between."""
ACTION, OPERATOR = "encryption_key", "operator"
"""By which the audit knows that a workspace's secrets got another key, and who did that."""


class Strangers(Exception):
    """Processes run whose keys are not such that the others can be taken away from them; since when each does."""

    def __init__(self, unknowing: Sequence[datetime], otherwise: Sequence[datetime]) -> None:
        super().__init__("other keys are in use")
        self.unknowing = unknowing
        """They do not know the first key, and could not read what it encrypts."""
        self.otherwise = otherwise
        """They know it, and encrypt with another one."""


@dataclass
class Outcome:
    """What came of it; each count by workspace."""

    fingerprints: Sequence[str]
    exchanged: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    """Not encrypted with the first key yet."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """None of the keys reads them."""
    strangers: Strangers | None = None

    @property
    def whole(self) -> bool:
        """Whether everything is encrypted with the first key now."""
        return self.strangers is None and not self.left and not self.unreadable


async def rotate(settings: Settings, *, clock: Clock = utc_now, places: Sequence[Place] = sealed.PLACES) -> Outcome:
    """Encrypt with the first key what another one encrypted; run again, it goes on with what is left.

    Works beside a running bot. Raises `SettingsError` and `DatabaseUnavailable`; what was exchanged before stays so.
    """
    vault = vault_of(settings)
    with opened(settings) as database:
        return await _Rotation(database, vault, clock, places, Outcome(vault.fingerprints)).run()


def vault_of(settings: Settings) -> Vault:
    """The vault with the keys that are set or stand in the key file, of which none is made; raises `SettingsError`."""
    path, keys = settings.key_file, settings.encryption_keys()
    if path is None and not keys:
        raise SettingsError(NO_KEYS)
    try:
        return Vault(keys if path is None else key_file.read(path))
    except FileNotFoundError:
        raise SettingsError(f"There is no key file {path}; the first `mailroom run` makes it.") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path or 'MAILROOM_ENCRYPTION_KEYS'} is wrong: {error}") from None


def put_first(settings: Settings, key: str) -> Path:
    """Put a key in front of those in the key file, which is given; raises `SettingsError` where none is used."""
    path = settings.key_file
    if path is None:
        raise SettingsError(
            "There is no key file here: put what `mailroom keys generate` prints into MAILROOM_ENCRYPTION_KEYS."
        )
    vault_of(settings)  # what cannot be read is not written over
    key_file.put_first(path, key)
    return path


@dataclass
class _Rotation:
    database: Database
    vault: Vault
    clock: Clock
    places: Sequence[Place]
    outcome: Outcome

    async def run(self) -> Outcome:
        """Go over all until there is nothing to exchange: what changed meanwhile is looked at again."""
        try:
            await self.database.read(self._without_strangers)
            while await self._pass(self._exchanged):
                pass
            await self.database.read(self._without_strangers)
        except Strangers as strangers:
            self.outcome.strangers = strangers
            await self._pass(self._only_counted)
        return self.outcome

    async def _pass(self, each: Callable[[Place, Sequence[Text]], Awaitable[bool]]) -> bool:
        """Go over all once; whether anything was to be exchanged."""
        self.outcome.left.clear()
        self.outcome.unreadable.clear()
        found = False
        for place in self.places:
            last = None
            while texts := await self.database.read(self._behind(place, last)):
                found |= await each(place, texts)
                last = texts[-1].key
        return found

    def _behind(self, place: Place, last: Any) -> Callable[[Session], Sequence[Text]]:
        return partial(sealed.texts, place=place, after=last, most=BATCH, now=self.clock())

    async def _only_counted(self, place: Place, texts: Sequence[Text]) -> bool:
        for text in texts:
            self._resealed(place, text)
        return False

    async def _exchanged(self, place: Place, texts: Sequence[Text]) -> bool:
        new = [(text, to) for text in texts if (to := self._resealed(place, text)) is not None and not text.held]
        if new:
            self.outcome.exchanged += await self.database.write(partial(self._exchange, place, new))
        return bool(new)

    def _resealed(self, place: Place, text: Text) -> str | None:
        """What is to stand in its place, which is counted as left; `None` where nothing else is."""
        try:
            resealed = self.vault.resealed(text.sealed, workspace=text.workspace, purpose=place.purpose, row=text.row)
        except Undecryptable:
            self.outcome.unreadable[text.workspace] += 1
            return None
        if resealed == text.sealed:
            return None
        self.outcome.left[text.workspace] += 1
        return resealed

    def _exchange(self, place: Place, new: Sequence[tuple[Text, str]], session: Session) -> Counter[str]:
        self._without_strangers(session)
        for workspace in sorted({text.workspace for text, _ in new}):
            workspaces.lock(session, workspace)  # before the rows with its secrets, as everywhere
        now = self.clock()
        done = Counter(text.workspace for text, to in new if sealed.exchange(session, place, text, to, now=now))
        for workspace in sorted(done):
            self._note(session, workspace, now)
        return done

    def _note(self, session: Session, workspace: str, now: datetime) -> None:
        """Write it into the workspace's audit, together with the last text that was to be exchanged there.

        So it is there once, also where what was broken off is done in several runs.
        """
        counts: Counter[str] = Counter()
        for place in reversed(self.places):  # whatever is still to do comes last, and ends the search at once
            for text in reversed(sealed.of_workspace(session, workspace, place, now=now)):
                standing = self._standing(place, text)
                if standing is None:
                    return
                counts[standing] += 1
        audit.append(session, workspace, at=now, actor=OPERATOR, action=ACTION, outcome="changed", details=counts)

    def _standing(self, place: Place, text: Text) -> str | None:
        """What the audit counts a text as; `None` for one that is to be exchanged."""
        if self.vault.is_newest(text.sealed):
            return "secrets"
        try:
            self.vault.unseal(text.sealed, workspace=text.workspace, purpose=place.purpose, row=text.row)
        except Undecryptable:
            return "unreadable"
        return "in_use" if text.held else None

    def _without_strangers(self, session: Session) -> None:
        first, running = self.vault.fingerprints[0], processes.living(session, now=self.clock())
        unknowing = [each.started_at for each in running if first not in each.fingerprints]
        otherwise = [
            each.started_at for each in running if first in each.fingerprints and first != each.fingerprints[0]
        ]
        if unknowing or otherwise:
            raise Strangers(unknowing, otherwise)


def lines(outcome: Outcome, where: str) -> list[str]:
    """What came of it, for a terminal; `where` is where the keys stand."""
    counts = outcome.exchanged.total(), outcome.left.total(), outcome.unreadable.total()
    return [
        *(_refusal(outcome.strangers) if outcome.strangers else ()),
        "{:,} encrypted anew with the first key, {:,} left, {:,} unreadable.".format(*counts),
        *_advice(outcome),
        *([] if outcome.strangers or outcome.left else _others(outcome, where)),
    ]


def _refusal(strangers: Strangers) -> Iterator[str]:
    if strangers.unknowing:
        yield (
            f"Refused: {_running(strangers.unknowing)} without the first key, and could not read what it encrypts. "
            "Start the bot again with both keys (where several processes run, first all of them with the old key "
            "first, then all with the new one first), and run this again."
        )
    if strangers.otherwise:
        yield (
            f"Refused: {_running(strangers.otherwise)} with the first key, but would still encrypt with another one. "
            "Start the bot again with the new key first, and run this again."
        )
    yield f"A process that was killed counts for {processes.LIVING.total_seconds():.0f} s."


def _running(since: Sequence[datetime]) -> str:
    moments = ", ".join(f"{each:%Y-%m-%d %H:%M:%S} UTC" for each in since)
    return f"{len(since):,} {'process runs' if len(since) == 1 else 'processes run'} (since {moments})"


def _advice(outcome: Outcome) -> Iterator[str]:
    if outcome.left and not outcome.strangers:
        yield f"Left is what is in use at this moment, of {_workspaces(outcome.left)}: run this again in some minutes."
    if outcome.unreadable:
        yield (
            f"None of the keys reads what is stored of {_workspaces(outcome.unreadable)}: put the key with which it "
            "was stored behind the others and run this again, or connect the workspace anew with /mail connect "
            "(one that installed the bot by itself: install it there again first)."
        )


def _workspaces(counter: Counter[str]) -> str:
    return ", ".join(sorted(counter))


def _others(outcome: Outcome, where: str) -> Iterator[str]:
    others = ", ".join(outcome.fingerprints[1:])
    if others:
        yield (
            f"Nothing is encrypted with the others any more: all keys but the first (fingerprints {others}) may be "
            f"taken out of {where}, and the bot started again. Keep them with the backups that are older than this."
        )
    elif not outcome.unreadable:
        yield f"There is one key in {where}, and no other is needed."
