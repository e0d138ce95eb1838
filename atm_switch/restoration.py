"""A data folder made of a backup, and an older one brought up to date.

Plan: ``restore`` believes nothing of the backup: its files are compared with the manifest,
the manifest with the vault, the journal and the audit with their chains, the ledger with
SQLite's own check.  Only a folder that stands all of it gets its name, with a record in its
audit that says where it came from.  What its settings name is looked at only behind the
seal, but for the key file in it and the master, by which the seal is proved.
Limits: who holds master and vault can make a backup that passes.  Journal and ledger are not
compared with each other, nor anything with what is on PostgreSQL.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from atm_switch.adapters import key_file as sealed_keys
from atm_switch.adapters.audit_book import write_record
from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.file_copy import is_whole, schema_of
from atm_switch.adapters.folder_lock import held_at_rest
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.schema import migrations_of, open_writer
from atm_switch.backup import Manifest, is_sealed_by, settle, unpacked
from atm_switch.domain.errors import Refused
from atm_switch.folder import DataFolder, command_actor, open_folder, replace_file
from atm_switch.ledger.opening import open_store
from atm_switch.named_files import Kind, require_held, require_settings
from atm_switch.security.vault import Vault
from atm_switch.settings.example import toml_value
from atm_switch.settings.load import FILE_NAME
from atm_switch.switch.ports import AuditRecord

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to restore: the backup, the folder to make, another place of its master."""

    file: Path
    target: Path
    master_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was made: the folder, what the backup held, the rows in doubt of a journal in it."""

    folder: DataFolder
    manifest: Manifest
    in_doubt: int


def restore(wish: Wish, clock: Callable[[], datetime], tell: Tell) -> Restored:
    """Make the folder of a backup.  Raises ``Refused`` and ``SettingsWrong``; nothing stays."""
    target = wish.target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"{target} is there already: name a folder that does not exist yet")
    tell("unpacking")
    with unpacked(wish.file, target) as (root, manifest, seal):
        require_settings(manifest.names)
        if wish.master_file is not None:
            _name_master(root, wish.master_file)
        folder = open_folder(root)
        require_held(folder, manifest.names, frozenset({Kind.KEYS}))  # none of elsewhere is opened
        vault = _vault(folder, target)
        if not is_sealed_by(manifest, seal, vault):
            raise Refused("the backup is not sealed with its own keys: somebody put it together")
        require_held(folder, manifest.names)
        _bring_up_to_date(folder)
        in_doubt = _check(folder, vault, tell)
        detail = f"from a backup made {manifest.made_at}"
        made = AuditRecord("command", command_actor(), "restore", detail)
        write_record(folder.journal_place, vault, clock, os.urandom, made)
        settle(root, target)
    return Restored(DataFolder(target, folder.settings), manifest, in_doubt)


def migrate(folder: DataFolder) -> Iterator[tuple[str, int, int]]:
    """Bring journal and ledger to this release's schema: name, version before, version now.

    A ledger on PostgreSQL is brought up to date too; its version is not told.  Raises
    ``Refused`` where a switch serves the folder, or its writer does not end, or a file is of a
    later release.
    """
    with held_at_rest(folder.root):
        versions = dict(_versions(folder))
        _bring_up_to_date(folder)
        if folder.settings.ledger.url:
            open_store(folder.settings.ledger.url, folder.ledger).close()
        for name, now in _versions(folder):
            yield name, versions[name], now


def outdated(folder: DataFolder) -> Iterator[tuple[str, int, int]]:
    """Name the files whose schema is not this release's: name, version, version wanted."""
    wanted = {folder.journal.name: "journal", folder.ledger.name: "ledger"}
    for name, version in _versions(folder):
        newest = migrations_of(wanted[name])[-1][0]
        if version != newest:
            yield name, version, newest


def _versions(folder: DataFolder) -> Iterator[tuple[str, int]]:
    for path, _family in folder.databases:
        yield path.name, schema_of(path)


def _bring_up_to_date(folder: DataFolder) -> None:
    for path, family in folder.databases:
        open_writer(path, family, migrates=True).close()


def _name_master(root: Path, master_file: Path) -> None:
    """Have the settings name the master's new place."""
    path = root / FILE_NAME
    line = f"master_file = {toml_value(str(master_file.resolve()))}"
    text, count = re.subn(
        r"(?m)^\s*master_file\s*=.*$", lambda _: line, path.read_text(encoding="utf-8")
    )
    replace_file(path, text if count else f"{text.rstrip()}\n\n[keys]\n{line}\n")


def _vault(folder: DataFolder, target: Path) -> Vault:
    """Open the vault with the master where it will be seen from the folder's own place."""
    # normalised, for the folder is not at its place yet and ".." needs what it leaves
    master = Path(os.path.normpath(target.absolute() / folder.settings.keys.master_file))
    try:
        return sealed_keys.load(folder.key_file, master, sealed_keys.credentials())
    except Refused as wrong:
        raise Refused(f"{wrong}; or name it with --master FILE") from None


def _check(folder: DataFolder, vault: Vault, tell: Tell) -> int:
    """Check everything that is in the folder; return how many rows are in doubt."""
    in_doubt = 0
    if not folder.settings.journal.url:
        in_doubt = _check_journal(folder, vault, tell)
    if not folder.settings.ledger.url:
        tell("checking the ledger")
        if not is_whole(folder.ledger):
            raise Refused("the ledger of this backup is damaged: use another backup")
    return in_doubt


def _check_journal(folder: DataFolder, vault: Vault, tell: Tell) -> int:
    tell("checking the journal")
    with JournalReader(folder.journal) as journal:
        found = journal.verify(vault)
    tell("checking the audit")
    with AuditReader(folder.journal) as audit:
        is_audit_sound = audit.verify(vault).is_sound
    if not found.is_sound or not is_audit_sound:
        raise Refused("the journal of this backup is not as it was written: use another backup")
    return len(found.in_doubt)
