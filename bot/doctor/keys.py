from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.mailapi import Credentials
from bot.settings import Settings
from storage import connections, installations, key_file
from storage.encryption import Undecryptable, Vault
from storage.sealed import Place, Text
from storage.tables import Connection, Process

CHECK = "Encryption keys"
_OTHERS = 0o077
_PUT_BACK = (
    "Put back the key with which it was stored (the key file, or one of MAILROOM_ENCRYPTION_KEYS) and start the bot "
    "again, or connect the workspace anew with /mail connect{}."
)
_INSTALLED = " (for Slack's tokens: let somebody install the bot there again, at {})"
_NAMES = {
    connections.PURPOSE: "MailAPI key",
    installations.TOKEN_PURPOSE: "Slack token",
    installations.REFRESH_PURPOSE: "Slack refresh token",
}
"""What is encrypted, by its purpose."""
_SAME_KEYS = (
    "Give all of them the same keys and start them again; docs/operating.md says in which order keys are changed."
)

Accounts = Mapping[str, Credentials]
"""The MailAPI key of each workspace, by the workspace's id."""


def look(settings: Settings, stored: Stored | None) -> tuple[Finding, Accounts]:
    """Whether the encryption keys are there and read what is stored; what they read is for MailAPI's check alone."""
    found = vault(settings, stored)
    if isinstance(found, Finding):
        return found, {}
    if stored is None:
        return unknown(CHECK, "they are well-formed, but the database shows nothing to read with them"), {}
    accounts = _accounts(found, stored)
    unread = _unread(found, stored)
    if unread:
        return wrong(CHECK, unread, _put_back(settings)), accounts
    apart = _apart(stored.processes)
    if apart:
        return wrong(CHECK, f"What one process encrypts, {apart} cannot read.", _SAME_KEYS), accounts
    return fine(CHECK, _read(stored) + _otherwise(found, stored.processes)), accounts


def _accounts(vault: Vault, stored: Stored) -> Accounts:
    found = {each.workspace_id: _credentials(vault, each) for each in stored.connections}
    return {workspace: credentials for workspace, credentials in found.items() if credentials is not None}


def _unread(vault: Vault, stored: Stored) -> str:
    """Which secrets of which workspaces no key reads; empty for none."""
    whose: dict[str, dict[str, None]] = {}
    for place, text in stored.secrets:
        if not _reads(vault, place, text):
            whose.setdefault(_name(place), {})[text.workspace] = None
    return " ".join(f"The stored {name} of {', '.join(each)} cannot be read." for name, each in whose.items())


def _name(place: Place) -> str:
    return _NAMES.get(place.purpose, place.purpose)


def _reads(vault: Vault, place: Place, text: Text) -> bool:
    try:
        vault.unseal(text.sealed, workspace=text.workspace, purpose=place.purpose, row=text.row)
    except Undecryptable:
        return False
    return True


def _put_back(settings: Settings) -> str:
    return _PUT_BACK.format(_INSTALLED.format(settings.install_url) if settings.install_url else "")


def _read(stored: Stored) -> str:
    counts = Counter(_name(place) for place, _ in stored.secrets)
    named = [counted(count, f"stored {name}", f"stored {name}s") for name, count in counts.items()]
    return f"they read {', '.join(named)}" if named else "well-formed; no secret is stored yet"


def _apart(processes: Sequence[Process]) -> str:
    """How many do not know the key with which another one encrypts; empty for none."""
    used = {each.fingerprints[0] for each in processes}
    unknowing = [each for each in processes if used - set(each.fingerprints)]
    return f"{len(unknowing):,} of {len(processes):,} that run" if unknowing else ""


def _otherwise(vault: Vault, processes: Sequence[Process]) -> str:
    others = [each for each in processes if tuple(each.fingerprints) != vault.fingerprints]
    if not others:
        return ""
    return f"; {counted(len(others), 'running process has', 'running processes have')} other keys, or another order"


def vault(settings: Settings, stored: Stored | None) -> Vault | Finding:
    """What decrypts, or why nothing does; a key file that is missing is not made."""
    path = settings.key_file
    if path is None:
        return Vault(settings.encryption_keys())
    try:
        found = key_file.read(path)
    except FileNotFoundError:
        return _without_file(path, stored, _put_back(settings))
    except OSError as error:
        return wrong(CHECK, f"{path} cannot be read: {type(error).__name__}.", "Look at its rights.")
    if path.stat().st_mode & _OTHERS:
        return wrong(CHECK, f"{path} can be read by others on this machine.", f"Run `chmod 600 {path}`.")
    try:
        return Vault(found)
    except ValueError:
        return wrong(CHECK, f"{path} holds no encryption key.", _put_back(settings))


def _without_file(path: Path, stored: Stored | None, advice: str) -> Finding:
    if stored is not None and stored.secrets:
        return wrong(CHECK, f"There is no key file {path}, and what it encrypted is stored.", advice)
    return fine(CHECK, f"no key file yet; the first `mailroom run` makes {path}")


def _credentials(vault: Vault, connection: Connection) -> Credentials | None:
    try:
        key = connections.unsealed(vault, connection)
        return Credentials(key=key, caller_id=connection.caller_id)
    except (Undecryptable, ValueError):
        return None
