"""The data folder: one switch's settings, keys, ledger and journal in one place.

Plan: ``open_folder`` is how every command but ``init`` comes to it.  The master that opens
the key file lies beside the folder, never in it, so that a copy of the folder opens
nothing.
Limits: one machine, one owner (mode 0700).
"""

import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from atm_switch.adapters import key_file as sealed_keys
from atm_switch.adapters.disk import text_of
from atm_switch.adapters.folder_lock import held_at_rest, is_served, keys_locked
from atm_switch.adapters.journal_place import JournalPlace
from atm_switch.adapters.schema import is_outdated, open_writer
from atm_switch.adapters.shared_keys import SharedKeys, held_keys
from atm_switch.domain.errors import Refused
from atm_switch.ledger.opening import LedgerPlace
from atm_switch.profile.judge import masks_in_vain
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Profile
from atm_switch.profile.shipped import profile_text, shipped_profiles
from atm_switch.security.vault import Vault
from atm_switch.server.tls import TlsFiles, tls_problems
from atm_switch.settings.dialling import OutgoingLine
from atm_switch.settings.listener import Listener
from atm_switch.settings.load import FILE_NAME, read_settings, settings_text
from atm_switch.settings.model import Contradiction, Settings
from atm_switch.settings.sections import Acquirer

_ROOT = b"one switch"  # what two copies of one vault make the same hash of


@dataclass(frozen=True, slots=True)
class DataFolder:
    """An opened data folder: where it is, what its settings say, where its files are."""

    root: Path
    settings: Settings
    text: str = ""
    """What they were read from."""

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.root / self.settings.ledger.path

    @property
    def ledger_place(self) -> LedgerPlace:
        """Where the ledger is and how it is read."""
        rules = self.settings.ledger
        return LedgerPlace(
            self.ledger, rules.url, rules.read_url, rules.connections, rules.query_seconds_max
        )

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.root / self.settings.journal.path

    @property
    def databases(self) -> list[tuple[Path, str]]:
        """The SQLite files of the folder, each with the family of its schema."""
        rules = self.settings
        there = [] if rules.journal.url else [(self.journal, "journal")]
        return there if rules.ledger.url else [*there, (self.ledger, "ledger")]

    @property
    def journal_place(self) -> JournalPlace:
        """Where the journal is, and as whom this machine writes it."""
        rules = self.settings.journal
        return JournalPlace(self.journal, rules.url, rules.node)

    @property
    def rates(self) -> Path | None:
        """The operator's own table of development rates, if the settings name one."""
        rates = self.settings.ledger.rates
        return self.root / rates if rates else None

    @property
    def key_file(self) -> Path:
        """The sealed key file."""
        return self.root / self.settings.keys.file

    @property
    def master_file(self) -> Path:
        """The master's file, outside the folder."""
        return self.root / self.settings.keys.master_file

    @property
    def is_lab(self) -> bool:
        """Whether test cards and terminal kits are allowed."""
        return self.settings.mode == "lab"

    def vault(self) -> Vault:
        """Open the key file.  Raises ``Refused`` as ``key_file.load`` does."""
        return sealed_keys.load(self.key_file, self.master_file, sealed_keys.credentials())

    def change_keys(self, change: Callable[[Vault], Vault]) -> Vault:
        """Read the vault, change it, seal it; return it once it is on disk.

        One process at a time, so that no change is lost; where the journal is on PostgreSQL
        one process of all machines, and it is durable there first.  Raises ``Refused``.
        """
        files = self.key_file, self.master_file, sealed_keys.credentials()
        with keys_locked(self.root):
            if not self.settings.journal.url:
                vault = change(self.vault())
                sealed_keys.save(*files, vault)
                return vault
            with held_keys(self.settings.journal.url) as shared:
                self._take(shared)
                vault = change(self.vault())
                content = sealed_keys.sealed(*files, vault)
                shared.put(content)
            sealed_keys.place(self.key_file, content)
        return vault

    def pull_keys(self) -> None:
        """Take up the keys other machines have changed; without any there, give them ours.

        Nothing to do where the journal is a file.  Raises ``Refused``, also for keys of
        another folder than the one this was copied from.
        """
        if self.settings.journal.url:
            with keys_locked(self.root), held_keys(self.settings.journal.url) as shared:
                self._take(shared)

    def _take(self, shared: SharedKeys) -> None:
        own = self.key_file.read_bytes()
        if shared.content is None:
            shared.put(own)
        elif shared.content != own:
            theirs = sealed_keys.opened(shared.content, self.master_file, sealed_keys.credentials())
            if theirs is None:
                raise Refused(
                    "the keys on PostgreSQL are sealed under another master; use the master of "
                    "the machine that is there"
                )
            if theirs.fingerprint(_ROOT) != self.vault().fingerprint(_ROOT):
                raise Refused(
                    "the keys on PostgreSQL are of another switch; copy the folder of the machine "
                    "that is there, or name another database in journal.url"
                )
            sealed_keys.place(self.key_file, shared.content)


def open_folder(path: Path, text: str | None = None) -> DataFolder:
    """Open a data folder, with the settings of a ``text`` that was handed down in place of its own.

    Raises ``Refused`` for anything else, ``SettingsWrong`` for settings that cannot be used.
    """
    if not path.exists():
        raise Refused(f"{path} does not exist: make a data folder with atm-switch init {path}")
    if not path.is_dir():
        raise Refused(f"{path} is no folder: name the folder that atm-switch init made")
    if not (path / FILE_NAME).is_file():
        raise Refused(
            f"{path} is no data folder, it has no {FILE_NAME}: make one with atm-switch init DIR"
        )
    text = settings_text(path) if text is None else text
    return DataFolder(path, read_settings(text), text)


def open_to_write(path: Path) -> DataFolder:
    """Open a data folder and bring its files up to date.  Raises ``Refused`` as both do."""
    opened = open_as_it_is(path)
    bring_up_to_date(opened)
    return opened


def open_as_it_is(path: Path) -> DataFolder:
    """Open a data folder for a command that is to bring its files up to date, but not yet.

    Raises ``Refused`` as ``open_folder`` does, and while a switch is at work with files of an
    older release: it is of that release, and knows nothing of a newer schema.
    """
    opened = open_folder(path)
    old = [file.name for file, _ in _outdated(opened)]
    if old and is_served(path):
        raise Refused(
            f"the switch that serves {path} is of an older release, and so is {' and '.join(old)}: "
            "stop it, then start this one or bring the files up to date with atm-switch migrate DIR"
        )
    return opened


def bring_up_to_date(folder: DataFolder) -> None:
    """Bring a folder's files to this release's schema; no switch may be at work with them."""
    if _outdated(folder):
        with held_at_rest(folder.root):
            for file, family in _outdated(folder):
                open_writer(file, family, migrates=True).close()


def _outdated(folder: DataFolder) -> list[tuple[Path, str]]:
    return [one for one in folder.databases if is_outdated(*one)]


def profile_of(name: str, root: Path) -> Profile:
    """Load a profile by name, or its file by the path from ``root``.  Raises ``ProfileWrong``."""

    def read(wanted: str) -> str:
        return profile_text(wanted) if is_shipped(wanted, root) else text_of(root / wanted)

    return load_profile(name, read)


def is_shipped(name: object, root: Path) -> bool:
    """Tell whether a profile's name is of one that ships, not of a file below ``root``."""
    text = name if isinstance(name, str) and "\0" not in name else ""  # ``extends = 5`` is no file
    return name in shipped_profiles() or not ((root / text).is_file() or text.endswith(".toml"))


def unmaskable(
    profile: Profile, way: Listener | OutgoingLine, banks: Sequence[Acquirer]
) -> Iterator[str]:
    """Name the banks of a way that are shown the KPJ masked where the profile has digits only."""
    if masks_in_vain(profile):
        yield from (
            f"{profile.name} has only digits in the place of the KPJ, and bank {bank.id} is shown "
            "it masked: give kpj the class ans in layouts.inquiry_response, or set "
            f"unmasked_kpj = true for {bank.id}"
            for bank in banks
            if not bank.unmasked_kpj and way.acquirer in (None, bank.id)
        )


def tls_files_of(listener: Listener, root: Path) -> TlsFiles | None:
    """Say where a listener's TLS files are; ``None`` without TLS."""
    if not listener.has_tls:
        return None
    return TlsFiles(
        certificate=root / listener.tls_certificate,
        key=root / listener.tls_key,
        client_ca=root / listener.tls_client_ca,
        crl=root / listener.tls_crl if listener.tls_crl else None,
    )


def line_tls_files_of(line: OutgoingLine, root: Path) -> TlsFiles | None:
    """Say where the files are that a bank is dialled with; ``None`` without TLS."""
    if not line.has_tls:
        return None
    return TlsFiles(root / line.tls_certificate, root / line.tls_key, root / line.tls_ca)


def hsm_tls_files_of(settings: Settings, root: Path) -> TlsFiles | None:
    """Say where the files are that the HSM is reached with; ``None`` without TLS."""
    hsm = settings.hsm
    if not hsm.has_tls:
        return None
    return TlsFiles(root / hsm.tls_certificate, root / hsm.tls_key, root / hsm.tls_ca)


def tls_doubts(settings: Settings, root: Path) -> Iterator[Contradiction]:
    """Name every TLS file that cannot be used, in date or not, at the key that names it."""
    ours, theirs = enumerate(settings.listeners), enumerate(settings.lines)
    doors = ((("listeners", at), "", tls_files_of(one, root)) for at, one in ours)
    lines = ((("lines", at), "client_", line_tls_files_of(one, root)) for at, one in theirs)
    hsm = ("hsm",), "client_", hsm_tls_files_of(settings, root)
    for place, prefix, files in (*doors, *lines, hsm):
        for problem in tls_problems(files) if files else ():
            if not problem.is_of_date:
                part = problem.part.removeprefix(prefix)
                yield Contradiction((*place, f"tls_{part}"), problem.text)


def write_private(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner only."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)


def replace_file(path: Path, text: str) -> None:
    """Put a file in another's place at once, with the other's mode."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    write_private(fresh, text)
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)


def command_actor() -> str:
    """Name the person at the keyboard, as far as the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"user {name} (uid {os.getuid()})"
