"""Secrets at rest: whose they are, with which keys they are read, and the file in which a key is kept."""

import base64
import errno
import hashlib
import json
import os
import re
import stat
import traceback
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storage import key_file
from storage.encryption import Undecryptable, Vault, fingerprint, generate_key

VALUE = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
KEY, OTHER = generate_key(), generate_key()


def sealed(vault: Vault) -> str:
    return vault.seal(VALUE, workspace="T1", purpose="mailapi-key")


def test_a_value_comes_back_for_its_workspace_and_purpose() -> None:
    vault = Vault([KEY])
    assert vault.unseal(sealed(vault), workspace="T1", purpose="mailapi-key") == VALUE


def test_what_is_stored_shows_nothing_of_the_value_and_is_different_each_time() -> None:
    vault = Vault([KEY])
    assert VALUE not in sealed(vault)
    assert sealed(vault) != sealed(vault)


@pytest.mark.parametrize(("workspace", "purpose"), [("T2", "mailapi-key"), ("T1", "bot-token"), ("", "")])
def test_a_value_that_was_copied_to_another_place_is_refused(workspace: str, purpose: str) -> None:
    vault = Vault([KEY])
    with pytest.raises(Undecryptable, match="another workspace, row or purpose"):
        vault.unseal(sealed(vault), workspace=workspace, purpose=purpose)


def test_a_value_is_read_in_its_row_alone_unless_it_was_stored_before_rows_were_bound() -> None:
    vault = Vault([KEY])
    own = vault.seal(VALUE, workspace="T1", purpose="p", row="a")
    assert vault.unseal(own, workspace="T1", purpose="p", row="a") == VALUE
    for row in ("b", ""):
        with pytest.raises(Undecryptable, match="another workspace, row or purpose"):
            vault.unseal(own, workspace="T1", purpose="p", row=row)
    before = vault.seal(VALUE, workspace="T1", purpose="p")
    assert vault.unseal(before, workspace="T1", purpose="p", row="a") == VALUE
    renewed = Vault([OTHER, KEY]).resealed(before, workspace="T1", purpose="p", row="a")
    with pytest.raises(Undecryptable):
        Vault([OTHER]).unseal(renewed, workspace="T1", purpose="p", row="b")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "nonsense",
        "gAAAAA==",
        sealed(Vault([OTHER])),
        sealed(Vault([KEY]))[:-4] + "AAA=",
        Fernet(KEY).encrypt(b"no JSON").decode(),
    ],
    ids=["nothing", "nonsense", "cut", "another key", "changed", "another program's"],
)
def test_what_cannot_be_read_is_refused(stored: str) -> None:
    with pytest.raises(Undecryptable):
        Vault([KEY]).unseal(stored, workspace="T1", purpose="mailapi-key")


@pytest.mark.parametrize(
    "content",
    [[], {}, "text", None, {"v": 2, "workspace": "T1", "purpose": "p", "value": "x"}, {"v": 1, "workspace": "T1"}],
)
def test_what_was_encrypted_in_another_form_is_refused(content: object) -> None:
    stored = Fernet(KEY).encrypt(json.dumps(content).encode()).decode()
    with pytest.raises(Undecryptable):
        Vault([KEY]).unseal(stored, workspace="T1", purpose="p")


def test_the_first_key_encrypts_and_all_of_them_decrypt() -> None:
    old, both, new = Vault([OTHER]), Vault([KEY, OTHER]), Vault([KEY])
    assert both.unseal(sealed(old), workspace="T1", purpose="mailapi-key") == VALUE
    assert both.unseal(sealed(new), workspace="T1", purpose="mailapi-key") == VALUE
    assert new.unseal(sealed(both), workspace="T1", purpose="mailapi-key") == VALUE
    with pytest.raises(Undecryptable):
        old.unseal(sealed(both), workspace="T1", purpose="mailapi-key")


@pytest.mark.parametrize("keys", [["not-a-key"], [KEY, KEY[:-2]], [""], [], ["schlüssel"]])
def test_a_vault_takes_no_other_keys_than_fernet_keys_and_says_nothing_of_them(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="mailroom keys generate") as refusal:
        Vault(keys)
    told = "".join(traceback.format_exception(refusal.value)).replace(__file__, "")
    told += repr(refusal.value.__context__) + repr(refusal.value.__cause__)
    assert not [key for key in keys if key and key in told]


def test_neither_the_vault_nor_its_refusals_show_a_key_or_a_value() -> None:
    vault = Vault([KEY, OTHER])
    with pytest.raises(Undecryptable) as refusal:
        vault.unseal(sealed(vault), workspace="T2", purpose="mailapi-key")
    told = repr(vault) + str(vault) + "".join(traceback.format_exception(refusal.value))
    told += repr(refusal.value.__context__) + repr(refusal.value.__cause__)
    assert not [secret for secret in (KEY, OTHER, VALUE) if secret in told]


def test_a_value_that_the_first_key_encrypted_is_left_and_another_is_encrypted_anew() -> None:
    old, both, new = Vault([OTHER]), Vault([KEY, OTHER]), Vault([KEY])
    there = sealed(new)
    assert both.resealed(there, workspace="T1", purpose="mailapi-key") == there
    anew = both.resealed(sealed(old), workspace="T1", purpose="mailapi-key")
    assert new.unseal(anew, workspace="T1", purpose="mailapi-key") == VALUE
    for workspace, purpose in (("T2", "mailapi-key"), ("T1", "bot-token")):
        with pytest.raises(Undecryptable):
            both.resealed(sealed(old), workspace=workspace, purpose=purpose)


def test_a_fingerprint_tells_keys_apart_and_shows_nothing_of_them() -> None:
    both = Vault([KEY, OTHER])
    assert both.fingerprints == (fingerprint(KEY), fingerprint(OTHER))
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(KEY))
    assert len(set(both.fingerprints)) == 2
    raw = base64.urlsafe_b64decode(KEY)
    assert fingerprint(KEY) not in {raw.hex()[:16], hashlib.sha256(raw).hexdigest()[:16]}


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "mailroom.key"
    keys, made = key_file.read_or_make(file)
    assert made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key_file.read_or_make(file) == (keys, False)
    assert sealed(Vault(keys))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "written", [f"  {KEY}\n\n{OTHER}\n", f"{KEY},{OTHER}", f"{KEY}, {OTHER}\r\n"], ids=["lines", "comma", "both"]
)
def test_a_key_file_that_an_operator_wrote_is_read_as_it_is(tmp_path: Path, written: str) -> None:
    file = tmp_path / "mailroom.key"
    file.write_text(written)
    assert key_file.read_or_make(file) == ([KEY, OTHER], False)


def test_a_key_is_put_in_front_of_a_key_file_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "mailroom.key"
    file.write_text(KEY)
    file.chmod(0o644)
    key_file.put_first(file, OTHER)
    assert key_file.read(file) == [OTHER, KEY]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_key_file_stays_its_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for an administrator, who may give files away."""
    file, given = tmp_path / "mailroom.key", []
    file.write_text(KEY)
    owner = file.stat()
    monkeypatch.setattr(os, "chown", lambda *to: given.append(to[1:]))
    monkeypatch.setattr(Path, "stat", lambda path: owner if path == file else os.stat_result([0o100600] + [7] * 9))
    key_file.put_first(file, OTHER)
    assert given == [(owner.st_uid, owner.st_gid)]


def test_a_disk_that_is_full_leaves_the_key_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "mailroom.key"
    file.write_text(KEY)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        key_file.put_first(file, OTHER)
    assert key_file.read(file) == [KEY]
    assert list(tmp_path.iterdir()) == [file]


def test_processes_that_make_a_key_at_once_all_get_the_same_whole_key(tmp_path: Path) -> None:
    processes = get_context("forkserver")
    with processes.Pool(4) as pool:
        for round_ in range(10):
            found = pool.map(key_file.read_or_make, [tmp_path / f"{round_}.key"] * 8, chunksize=1)
            assert len({tuple(keys) for keys, _ in found}) == 1
            assert [made for _, made in found].count(True) == 1
            assert sealed(Vault(found[0][0]))
    assert {file.suffix for file in tmp_path.iterdir()} == {".key"}
