from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.mailapi import Credentials
from bot.settings import Settings
from storage import connections, key_file
from storage.encryption import Undecryptable, Vault
from storage.tables import Connection, Process

CHECK = "Encryption keys"
_OTHERS = 0o077
_PUT_BACK = (
    "Put back the key with which it was stored (the key file, or one of MAILROOM_ENCRYPTION_KEYS) and start the bot "
    "again, or connect the workspace anew with /mail connect."
)
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
    accounts = {each.workspace_id: _credentials(found, each) for each in stored.connections}
    unread = [workspace for workspace, credentials in accounts.items() if credentials is None]
    readable = {workspace: credentials for workspace, credentials in accounts.items() if credentials is not None}
    if unread:
        return wrong(CHECK, f"The stored MailAPI key of {', '.join(unread)} cannot be read.", _PUT_BACK), readable
    apart = _apart(stored.processes)
    if apart:
        return wrong(CHECK, f"What one process encrypts, {apart} cannot read.", _SAME_KEYS), readable
    read = counted(len(readable), "stored MailAPI key", "stored MailAPI keys")
    said = f"they read {read}" if readable else "well-formed; no MailAPI key is stored yet"
    return fine(CHECK, said + _otherwise(found, stored.processes)), readable


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
        return _without_file(path, stored)
    except OSError as error:
        return wrong(CHECK, f"{path} cannot be read: {type(error).__name__}.", "Look at its rights.")
    if path.stat().st_mode & _OTHERS:
        return wrong(CHECK, f"{path} can be read by others on this machine.", f"Run `chmod 600 {path}`.")
    try:
        return Vault(found)
    except ValueError:
        return wrong(CHECK, f"{path} holds no encryption key.", _PUT_BACK)


def _without_file(path: Path, stored: Stored | None) -> Finding:
    if stored is not None and (stored.connections or stored.installations):
        return wrong(CHECK, f"There is no key file {path}, and what it encrypted is stored.", _PUT_BACK)
    return fine(CHECK, f"no key file yet; the first `mailroom run` makes {path}")


def _credentials(vault: Vault, connection: Connection) -> Credentials | None:
    try:
        key = vault.unseal(connection.secret or "", workspace=connection.workspace_id, purpose=connections.PURPOSE)
        return Credentials(key=key, caller_id=connection.caller_id)
    except (Undecryptable, ValueError):
        return None
