"""The key file: the vault sealed under a master secret that lives elsewhere.

Plan: the key file is a JSON envelope of schema, id of the master, nonce and ciphertext
(AES-256-GCM; the rest is bound to it), under a key drawn by HKDF-SHA-256 from the master,
32 random bytes written as 64 hex digits.  The master is a file outside the data folder,
mode 0400, or the systemd credential ``atm-switch-master``, which comes first.
Limits: this guards a copied data folder or backup, not a machine that has been taken.
Why canonical: the envelope must be written exactly as ``save`` writes it, so that no
changed byte passes.  Why a key file is opened before it takes the other's place: one that
only looks written would be found out at the next start.  Why the envelope names its master:
"wrong master" and "damaged" call for different people.
"""

import json
import os
import re
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from atm_switch.adapters.disk import sync
from atm_switch.domain.errors import Refused
from atm_switch.domain.secret import Key
from atm_switch.security.vault import NONCE_BYTES, Vault

CREDENTIAL = "atm-switch-master"
_SCHEMA = 1
_MASTER_BYTES = 32
_HEAD = re.compile(rb'{"schema": 1, "key_id": "(\w+)", "nonce": "(\w+)", "ciphertext": "', re.ASCII)
_TAIL = b'"}\n'
_GROUP_OR_OTHER = 0o077
_OTHER = 0o007


def credentials() -> Path | None:
    """Where systemd put this service's credentials, if it did."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) if directory else None


def create(key_file: Path, master_file: Path, vault: Vault) -> None:
    """Write a new key file, and a new master file unless there is one already.

    An existing master is used as it is, never overwritten.  Raises ``Refused`` where the
    key file exists, the existing master cannot be used, or a file cannot be written.
    """
    if _exists(key_file):
        message = f"the key file {key_file} exists already: use it, or move it away first"
        raise Refused(message)
    if not _exists(master_file):
        _write_master(master_file)
    save(key_file, master_file, None, vault)


def load(key_file: Path, master_file: Path, credentials_directory: Path | None) -> Vault:
    """Open the key file.

    ``credentials_directory`` is systemd's ``$CREDENTIALS_DIRECTORY``, if set.  Raises
    ``Refused`` for a file missing, readable by others or damaged, or another master.
    """
    master = _master(master_file, credentials_directory)
    raw = _read(key_file, "key file", "restore it from its backup", _GROUP_OR_OTHER)
    envelope = _envelope(raw)
    damaged = f"the key file {key_file} is damaged: restore it from its backup"
    if envelope is None:
        raise Refused(damaged)
    if envelope["key_id"] != _derive(master, "id", 8).hex():
        message = f"the key file {key_file} is sealed under another master: supply that master"
        raise Refused(message)
    vault = _open(master, envelope)
    if vault is None:
        raise Refused(damaged)
    return vault


def save(
    key_file: Path, master_file: Path, credentials_directory: Path | None, vault: Vault
) -> None:
    """Seal the vault and replace the key file, at once and durably, mode 0600.

    Raises ``Refused`` as ``load`` does for the master, and where it cannot be written; also
    for keys that could not be read again, with the old file left as it is.
    """
    place(key_file, sealed(key_file, master_file, credentials_directory, vault))


def sealed(
    key_file: Path, master_file: Path, credentials_directory: Path | None, vault: Vault
) -> bytes:
    """Return what the key file must hold for these keys, proved readable.

    Raises ``Refused`` as ``save`` does.
    """
    master = _master(master_file, credentials_directory)
    content = _sealed(master, vault)
    if not _opens_to(vault, master, content):
        message = (
            f"the key file {key_file} is left as it was, for these keys could not be read from "
            "it again: undo the last change, or report it to the makers of this program"
        )
        raise Refused(message)
    return content


def opened(content: bytes, master_file: Path, credentials_directory: Path | None) -> Vault | None:
    """Open the content of a key file; ``None`` where it is damaged or of another master."""
    envelope = _envelope(content)
    master = _master(master_file, credentials_directory)
    return _open(master, envelope) if envelope else None


def place(key_file: Path, content: bytes) -> None:
    """Put content in the key file's place, at once and durably.  Raises ``Refused``."""
    fresh = key_file.with_name(key_file.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        _write_durably(fresh, content, 0o600)
        fresh.replace(key_file)
        sync(key_file.parent)
    except OSError as error:
        message = f"the key file {key_file} cannot be written ({error.strerror}): see to its folder"
        raise Refused(message) from None


def _sealed(master: Key, vault: Vault) -> bytes:
    """Write the whole key file."""
    key_id, nonce = _derive(master, "id", 8).hex(), os.urandom(NONCE_BYTES)
    plain = json.dumps(vault.to_document()).encode()
    sealed = AESGCM(_derive(master, "seal", 32)).encrypt(nonce, plain, _bound(key_id))
    return _render(key_id, nonce.hex(), sealed.hex())


def _opens_to(vault: Vault, master: Key, content: bytes) -> bool:
    """Tell whether a key file holds every key of ``vault``, and opens."""
    envelope = _envelope(content)
    again = _open(master, envelope) if envelope else None
    return again is not None and again.to_document() == vault.to_document()


def _render(key_id: str, nonce: str, ciphertext: str) -> bytes:
    envelope = {"schema": _SCHEMA, "key_id": key_id, "nonce": nonce, "ciphertext": ciphertext}
    return json.dumps(envelope).encode() + b"\n"


def _bound(key_id: str) -> bytes:
    return f"atm-switch key file {_SCHEMA} {key_id}".encode()


def _envelope(raw: bytes) -> dict[str, str] | None:
    """Take an envelope apart; ``None`` unless it is written exactly as we write it."""
    head = _HEAD.match(raw)
    if head is None or not raw.endswith(_TAIL):
        return None
    parts = (*head.groups(), raw[head.end() : -len(_TAIL)])
    key_id, nonce, ciphertext = (part.decode(errors="replace") for part in parts)
    if len(nonce) != 2 * NONCE_BYTES or not all(map(_is_hex, (key_id, nonce, ciphertext))):
        return None
    return {"key_id": key_id, "nonce": nonce, "ciphertext": ciphertext}


def _is_hex(text: str) -> bool:
    """Tell whether octets are written as we write them; a pattern takes ten times as long."""
    try:
        return bool(text) and bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def _open(master: Key, envelope: dict[str, str]) -> Vault | None:
    """Unseal; ``None`` for damage.

    The caller raises, out of reach of the exceptions here: a JSON error carries the whole
    document, keys and all, and an exception keeps hold of the one it was raised in.
    """
    cipher = AESGCM(_derive(master, "seal", 32))
    nonce, sealed = bytes.fromhex(envelope["nonce"]), bytes.fromhex(envelope["ciphertext"])
    try:
        document = json.loads(cipher.decrypt(nonce, sealed, _bound(envelope["key_id"])))
        return Vault.from_document(document) if isinstance(document, dict) else None
    except (InvalidTag, ValueError):
        return None


def _derive(master: Key, purpose: str, length: int) -> bytes:
    info = f"atm-switch key file {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(master.reveal())


def _master(master_file: Path, credentials_directory: Path | None) -> Key:
    """Read the master; the credential first.

    Of the credential only what others may do counts: systemd grants a service user its
    credential by an access list, which shows as a group permission.
    """
    path, forbidden = master_file, _GROUP_OR_OTHER
    if credentials_directory is not None and _exists(credentials_directory / CREDENTIAL):
        path, forbidden = credentials_directory / CREDENTIAL, _OTHER
    remedy = f"restore it from its backup, or pass the systemd credential {CREDENTIAL}"
    raw = _read(path, "master file", remedy, forbidden)
    if not re.fullmatch(rb"[0-9a-f]{64}\n?", raw):
        message = f"the master file {path} is damaged: {remedy}"
        raise Refused(message)
    return Key.from_hex(raw.decode())


def _write_master(master_file: Path) -> None:
    """Make a master that appears whole or not at all, and never in another's place."""
    fresh = master_file.with_name(f"{master_file.name}.{os.getpid()}.new")
    try:
        master_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        _write_durably(fresh, os.urandom(_MASTER_BYTES).hex().encode() + b"\n", 0o400)
        try:
            master_file.hardlink_to(fresh)
        finally:
            fresh.unlink()
        sync(master_file.parent)
    except OSError as error:
        message = (
            f"the master file {master_file} cannot be written ({error.strerror}): "
            "choose a place outside the data folder that may be written"
        )
        raise Refused(message) from None


def _read(path: Path, what: str, remedy: str, forbidden: int) -> bytes:
    """Read a regular file that shows none of the ``forbidden`` permission bits."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_mode & forbidden:
                mode = stat.S_IMODE(state.st_mode)
                message = f"the {what} {path} is open to others (mode {mode:04o}): chmod go= {path}"
                raise Refused(message)
            return file.read()
    except FileNotFoundError:
        message = f"the {what} {path} is missing: {remedy}"
        raise Refused(message) from None
    except OSError as error:
        message = f"the {what} {path} cannot be read ({error.strerror}): {remedy}"
        raise Refused(message) from None


def _exists(path: Path) -> bool:
    """Tell whether something is there; what cannot be looked at fails when it is used."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _write_durably(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist yet, down to the disk, with exactly ``mode``."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
