from collections.abc import Mapping
from pathlib import Path

from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.mailapi import Credentials
from bot.settings import Settings
from storage import connections
from storage.encryption import Undecryptable, Vault
from storage.tables import Connection

CHECK = "Encryption keys"
_OTHERS = 0o077
_PUT_BACK = (
    "Put back the key with which it was stored (the key file, or one of MAILROOM_ENCRYPTION_KEYS) and start the bot "
    "again, or connect the workspace anew with /mail connect."
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
    read = counted(len(readable), "stored MailAPI key", "stored MailAPI keys")
    return fine(CHECK, f"they read {read}" if readable else "well-formed; no MailAPI key is stored yet"), readable


def vault(settings: Settings, stored: Stored | None) -> Vault | Finding:
    """What decrypts, or why nothing does; a key file that is missing is not made."""
    keys, file = settings.encryption_keys(), settings.sqlite_file
    if keys or file is None:
        return Vault(keys)
    path = file.with_suffix(".key")
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return _without_file(path, stored)
    except (OSError, ValueError) as error:
        return wrong(CHECK, f"{path} cannot be read: {type(error).__name__}.", "Look at its rights.")
    if path.stat().st_mode & _OTHERS:
        return wrong(CHECK, f"{path} can be read by others on this machine.", f"Run `chmod 600 {path}`.")
    try:
        return Vault([key])
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
