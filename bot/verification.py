"""`mailroom audit verify`: whether the audit is as it was written."""

import re
from collections.abc import Mapping
from functools import partial

from sqlmodel import Session

from bot.alongside import opened
from bot.settings import Settings, SettingsError
from storage import audit, workspaces
from storage.audit import Head, Verdict

_HEAD = re.compile(r"([0-9]{1,9}):([0-9a-f]{64})")


async def verify(settings: Settings, workspace: str | None, head: str | None) -> Mapping[str, Verdict]:
    """What is found of each workspace's audit, or of one's; `head` is `SEQ:HASH`, as it was logged.

    Works beside a running bot. Raises `SettingsError` and `DatabaseUnavailable`.
    """
    known = _head(head) if head else None
    with opened(settings) as database:
        chosen = await database.read(partial(_chosen, workspace))
        if known is not None and len(chosen) != 1:
            raise SettingsError(f"--head needs --workspace, since there are {len(chosen)} workspaces.")
        return {each: await database.read(partial(_verdict, each, known), at_leisure=True) for each in chosen}


def line(workspace: str, verdict: Verdict) -> str:
    """What was found, for a terminal."""
    counted = f"{verdict.entries:,} {'entry' if verdict.entries == 1 else 'entries'}"
    if verdict.whole:
        end = f", head {verdict.head.seq}:{verdict.head.hash}" if verdict.entries else ""
        return f"{workspace}: {counted}, whole{end}"
    broken = f"entry {verdict.first_broken} is the first that is not as it was written"
    missing = f"{verdict.missing:,} missing at the end"
    found = [broken] * (verdict.first_broken is not None) + [missing] * bool(verdict.missing)
    return f"{workspace}: {counted}, {' and '.join(found)}"


def _head(text: str) -> Head:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise SettingsError("--head is wrong: it is SEQ:HASH, as the bot logs it and this command prints it.")
    return Head(int(found[1]), found[2])


def _chosen(workspace: str | None, session: Session) -> list[str]:
    known = list(workspaces.known(session))
    if workspace is None:
        return known
    if workspace not in known:
        raise SettingsError(f"There is no workspace {workspace} in this database. It has {', '.join(known) or 'none'}.")
    return [workspace]


def _verdict(workspace: str, known: Head | None, session: Session) -> Verdict:
    return audit.verify(session, workspace, known=known)
