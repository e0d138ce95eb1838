"""A data folder as one file that can be kept elsewhere, and a folder made of it again.

Plan: a backup is a tar of the manifest and of what ``switch.toml`` names inside the folder:
settings, sealed keys, journal, ledger, rates, profiles, certificates.  The manifest has
every file's SHA-256 and is sealed under the vault, so that a backup can be neither damaged
nor put together by somebody else without notice.  A running switch goes on meanwhile.
``restore`` makes a folder whole or not at all: it is built beside its place, everything is
checked there, journal and audit too, and then it takes its name.
Limits: never in a backup: the master, private TLS keys, passwords, a lab's kit and sample.
A journal or ledger on PostgreSQL is backed up with PostgreSQL's own tools.  The journal is
copied before the ledger, each as of a moment of its own: what the ledger was told in between
is in the backup, without its record in the audit.
Why the key file is read before and after: keys that changed in between may not open the
rows that were copied, so the copy is made again.
Why it is said what moved back: PIN tries, stored answers and keys are as they were then.
"""

import hashlib
import hmac
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from atm_switch.adapters.file_copy import Report, copy_database, schema_of
from atm_switch.domain.errors import Refused
from atm_switch.folder import DataFolder
from atm_switch.named_files import contents, is_inside, require_held, require_inside, require_whole
from atm_switch.security.vault import Vault

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 1 << 20
COPIES_MAX: Final = 5
"""How often a copy is made again because a key changed meanwhile."""

_LABEL: Final = b"atm-switch backup 1\x00"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a backup; ``schema`` is 0 for what is no database."""

    name: str
    size: int
    sha256: str
    schema: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and when it was made (ISO 8601, UTC)."""

    made_at: str
    parts: tuple[Part, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of all files it holds."""
        return frozenset(one.name for one in self.parts)

    def text(self) -> bytes:
        """Write it as the bytes that are sealed."""
        document = {"format": FORMAT, "made_at": self.made_at}
        document |= {"parts": [asdict(one) for one in self.parts]}
        return json.dumps(document, sort_keys=True).encode()

    def sealed(self, vault: Vault) -> bytes:
        """Write it with its seal, as it stands in the backup."""
        return self.text() + b"\n" + seal_of(self.text(), vault).encode() + b"\n"


def seal_of(text: bytes, vault: Vault) -> str:
    """Return what only a holder of the vault can write below a manifest."""
    return vault.fingerprint(_LABEL + text).hex()


def read_manifest(raw: bytes) -> tuple[Manifest, str]:
    """Read a manifest and its seal.  Raises ``Refused`` for anything else."""
    text, _, seal = raw.rstrip(b"\n").partition(b"\n")
    try:
        document: dict[str, Any] = json.loads(text)
        parts = tuple(Part(**one) for one in document["parts"])
        manifest = Manifest(str(document["made_at"]), parts)
        is_ours = document["format"] == FORMAT and manifest.text() == text and seal.isascii()
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours or not all(is_inside(one.name) for one in parts):
        raise Refused("this is no backup of atm-switch, or one of a later release")
    return manifest, seal.decode()


def back_up(folder: DataFolder, out: Path, at: datetime, report: Report) -> Manifest:
    """Write a backup of ``folder`` to the new file ``out`` (mode 0600), synced.

    Raises ``Refused`` where ``out`` is there already or cannot be written, where a database or
    the key file lies outside the folder, where settings or a profile cannot be in it, and
    where keys keep changing; nothing is left of it then.
    """
    if out.exists():
        raise Refused(f"{out} is there already: name a new file")
    require_inside(folder)
    vault = folder.vault()  # a backup nobody could open is none
    require_whole(folder)  # said before a long copy; what is copied is looked at again
    fresh = out.with_name(out.name + ".new")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=out.parent) as name:
            copies = Path(name)
            _copy_steadily(folder, copies, report)
            parts = tuple(_part(copies, path) for path in _files_below(copies))
            manifest = Manifest(at.isoformat(timespec="seconds"), parts)
            require_held(folder, manifest.names)  # what no folder could be made of is no backup
            _write_tar(fresh, copies, manifest, vault)
            fresh.replace(out)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


@contextmanager
def unpacked(file: Path, beside: Path) -> Iterator[tuple[Path, Manifest, str]]:
    """Lend a new folder beside ``beside`` with the content of a backup, and its seal.

    Every file is as the manifest says.  Raises ``Refused`` for a damaged backup.  Whatever
    is still there at the end is taken away.
    """
    try:
        holder = tempfile.TemporaryDirectory(prefix=".restore-", dir=beside.resolve().parent)
    except OSError as error:
        raise Refused(f"{beside.parent} cannot be written: {error.strerror}") from None
    with holder as name:
        root = Path(name) / "folder"
        root.mkdir(mode=0o700)
        try:
            with tarfile.open(file) as tar:
                manifest, seal = _read_head(tar)
                _take_out(tar, manifest, root)
        except (tarfile.TarError, OSError, EOFError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged or no backup"
            raise Refused(f"{file} cannot be read: {reason or error}") from None
        yield root, manifest, seal


def is_sealed_by(manifest: Manifest, seal: str, vault: Vault) -> bool:
    """Tell whether a backup was made by a switch with this vault's keys."""
    return hmac.compare_digest(seal_of(manifest.text(), vault), seal)


def settle(root: Path, target: Path) -> None:
    """Give a restored folder its place.  Raises ``Refused`` where something is there."""
    try:
        if target.is_dir():
            target.rmdir()  # an empty one may stand there
        root.rename(target)
    except OSError as error:
        raise Refused(f"{target} cannot be made: {error.strerror}; name a new folder") from None


def _copy_steadily(folder: DataFolder, copies: Path, report: Report) -> None:
    """Copy everything, again if the key file changed meanwhile."""
    for _ in range(COPIES_MAX):
        before = folder.key_file.read_bytes()
        _copy_all(folder, copies, report)
        if before == folder.key_file.read_bytes():
            return
        shutil.rmtree(copies)
        copies.mkdir(mode=0o700)
    raise Refused("keys kept changing while the copy was made: try again in a minute")


def _copy_all(folder: DataFolder, copies: Path, report: Report) -> None:
    settings = folder.settings
    bases = [] if settings.journal.url else [settings.journal.path]
    bases += [] if settings.ledger.url else [settings.ledger.path]
    for name in bases:
        (copies / name).parent.mkdir(parents=True, exist_ok=True)
        copy_database(folder.root / name, copies / name, report)
    for name, content in contents(folder):
        (copies / name).parent.mkdir(parents=True, exist_ok=True)
        (copies / name).write_bytes(content)


def _part(root: Path, path: Path) -> Part:
    schema = schema_of(path) if _is_database(path) else 0
    return Part(str(path.relative_to(root)), path.stat().st_size, _digest(path), schema)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def _write_tar(out: Path, copies: Path, manifest: Manifest, vault: Vault) -> None:
    head = copies / MANIFEST
    head.write_bytes(manifest.sealed(vault))
    out.unlink(missing_ok=True)
    descriptor = os.open(out, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        packed = out.name.removesuffix(".new").endswith((".gz", ".tgz"))
        with tarfile.open(fileobj=file, mode="w:gz" if packed else "w") as tar:
            for name in (MANIFEST, *(one.name for one in manifest.parts)):
                tar.add(copies / name, arcname=name, filter=_anonymous)
        file.flush()
        os.fsync(file.fileno())


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _read_head(tar: tarfile.TarFile) -> tuple[Manifest, str]:
    head = tar.next()
    file = tar.extractfile(head) if head is not None and head.name == MANIFEST else None
    if file is None or head is None or head.size > MANIFEST_BYTES_MAX:
        raise Refused("this is no backup of atm-switch: its first file is no manifest")
    return read_manifest(file.read())


def _take_out(tar: tarfile.TarFile, manifest: Manifest, root: Path) -> None:
    """Write the files the manifest names, and no others; compare each with it."""
    for part in manifest.parts:
        member = tar.next()
        file = tar.extractfile(member) if member is not None and member.isreg() else None
        if file is None or member is None or (member.name, member.size) != (part.name, part.size):
            raise Refused(f"the backup is damaged: {part.name} is not as its manifest says")
        path = root / part.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        if _digest(path) != part.sha256:
            raise Refused(f"the backup is damaged: {part.name} is not as its manifest says")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_below(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())
