"""The data folder: one switch's settings, keys, ledger and journal in one place.

Plan: ``init`` makes a folder that works at once, or nothing at all; ``open_folder`` is how
every other command comes to it.  The master that opens the key file lies beside the
folder, never in it, so that a copy of the folder opens nothing.
Limits: one machine, one owner (mode 0700); the terminal kit, which holds a key in the
clear, is written in lab mode only.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from atm_switch.adapters import key_file as sealed_keys
from atm_switch.adapters.csv_import import import_files, link_cards
from atm_switch.adapters.sample_members import sample_files
from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.domain.secret import Key
from atm_switch.security.tdes import check_value
from atm_switch.security.vault import Entropy, Vault, fresh_tdes_key
from atm_switch.settings.example import table_text, toml_value
from atm_switch.settings.load import FILE_NAME, load_settings, read_settings
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Acquirer, Keys, Listener

LAB_ACQUIRER = "009"
LAB_BANK = "BANK CONTOH"
KIT_FILE = "terminal-kit.json"
SAMPLE_FOLDER = "sample"

_KIT_SCHEMA = 1
_KIT_TERMINAL = "S1ABC123"
_KIT_ACCEPTORS = {LAB_ACQUIRER: "BNI000000000001"}
_KIT_LOCATION = "ATM KC HARMONI        JAKARTA       ID  "
_INTRODUCTION = """\
# Settings of this data folder.  Every key there is, with its default and its meaning:
#   atm-switch config example
# After a change:
#   atm-switch config check DIR
"""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """An opened data folder: where it is, what its settings say, where its files are."""

    root: Path
    settings: Settings

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.root / self.settings.ledger.path

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.root / self.settings.journal.path

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
        return sealed_keys.load(self.key_file, self.master_file, _credentials())

    def keep_vault(self, vault: Vault) -> None:
        """Seal the vault and replace the key file.  Raises ``Refused``."""
        sealed_keys.save(self.key_file, self.master_file, _credentials(), vault)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a new folder shall be like; the words are those of ``switch.toml``."""

    listen: str = "127.0.0.1:8583"
    mac: str = "off"
    pin: str = "issuer"
    with_sample: bool = False


def open_folder(path: Path) -> DataFolder:
    """Open a data folder.

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
    return DataFolder(path, load_settings(path))


def init(
    folder: Path, wishes: Wishes, clock: Callable[[], Instant], entropy: Entropy
) -> DataFolder:
    """Make a data folder with fresh keys, an empty ledger and an empty journal.

    Raises ``Refused`` for a folder that is not empty or cannot be made, ``SettingsWrong``
    for impossible wishes.  After any failure everything it made is gone again.
    """
    if wishes.mac != "off":
        raise Refused(
            "--mac required is refused: message authentication is not built yet, it comes "
            "with the key exchange; use --mac off"
        )
    root = folder.resolve()
    name = root.name or "switch"
    master_file = root.parent / f"{name}-{entropy(4).hex()}.master"
    text = _settings_text(wishes, master_file)
    settings = read_settings(text)
    if wishes.with_sample and settings.mode != "lab":
        raise Refused("--sample is for a lab; ATM_MODE says otherwise, leave one of them out")
    with _all_or_nothing(root, master_file):
        opened = DataFolder(root, settings)
        _write(root / FILE_NAME, text)
        vault = _fresh_vault(wishes, entropy)
        sealed_keys.create(opened.key_file, opened.master_file, vault)
        for path, family in ((opened.ledger, "ledger"), (opened.journal, "journal")):
            open_writer(path, family).close()
        if opened.is_lab:
            write_kit(opened, settings.acquirers[0], _acquirer_key(vault, LAB_ACQUIRER))
        if wishes.with_sample:
            _add_sample(opened, vault, clock())
    return DataFolder(folder, settings)


def write_kit(folder: DataFolder, acquirer: Acquirer, pin_key: Key | None) -> Path:
    """Write what a terminal of this bank's lab needs, mode 0600; return where.

    The first bank's kit is ``terminal-kit.json``, another's ``terminal-kit-ID.json``.
    """
    is_first = acquirer.id == folder.settings.acquirers[0].id
    path = folder.root / (KIT_FILE if is_first else f"terminal-kit-{acquirer.id}.json")
    kit: dict[str, str | int] = {
        "schema": _KIT_SCHEMA,
        "profile": folder.settings.listeners[0].profile,
        "acquirer": acquirer.id,
        "terminal": _KIT_TERMINAL,
        "card_acceptor": _KIT_ACCEPTORS.get(acquirer.id, f"BANK{acquirer.id:0>11}"),
        "location": _KIT_LOCATION,
        "channel": acquirer.channels[0],
        "zone": acquirer.zone,
    }
    if pin_key is not None:
        kit["pin_key"] = pin_key.reveal().hex().upper()
        kit["pin_key_check"] = check_value(pin_key)
    path.unlink(missing_ok=True)
    _write(path, json.dumps(kit, indent=2) + "\n")
    return path


def add_acquirer(
    folder: DataFolder, values: Mapping[str, object], entropy: Entropy
) -> tuple[DataFolder, Key | None]:
    """Add a bank to ``switch.toml``, leaving all that is there, and draw its PIN key.

    A bank that is there already, verifies here and lacks a key gets just the key.  Returns
    the folder as it is now, and the key, ``None`` under ``pin = "acquirer"``.  Raises
    ``Refused`` for a bank that is complete, ``SettingsWrong`` for values that cannot be.
    """
    path = folder.root / FILE_NAME
    text = path.read_text(encoding="utf-8")
    vault = folder.vault()
    there = [one for one in folder.settings.acquirers if one.id == values["id"]]
    if there and (there[0].pin != "issuer" or _acquirer_key(vault, there[0].id)):
        raise Refused(f"acquirer {there[0].id} is there already: change it in {path}")
    if not there:
        text = text.rstrip("\n") + "\n\n" + table_text("[[acquirers]]", Acquirer, values)
    settings = read_settings(text)
    key = None
    if there or values["pin"] == "issuer":
        key = fresh_tdes_key(entropy)
        folder.keep_vault(vault.with_pin_key(AcquirerId(str(values["id"])), None, key))
    if not there:
        _replace(path, text)
    return DataFolder(folder.root, settings), key


def _settings_text(wishes: Wishes, master_file: Path) -> str:
    bank = {
        "id": LAB_ACQUIRER,
        "name": LAB_BANK,
        "pin": wishes.pin,
        "mac": wishes.mac,
        "terminals": "any",
    }
    listener = {"listen": wishes.listen, "profile": Listener().profile}
    top = f"{_INTRODUCTION}\nschema = 1\nmode = {toml_value('lab')}\n"
    tables = (
        table_text("[[listeners]]", Listener, listener),
        table_text("[[acquirers]]", Acquirer, bank),
        table_text("[keys]", Keys, {"master_file": f"../{master_file.name}"}),
    )
    return "\n".join((top, *tables))


def _fresh_vault(wishes: Wishes, entropy: Entropy) -> Vault:
    vault = Vault.fresh(entropy)
    if wishes.pin != "issuer":
        return vault
    return vault.with_pin_key(AcquirerId(LAB_ACQUIRER), None, fresh_tdes_key(entropy))


def _acquirer_key(vault: Vault, acquirer: str) -> Key | None:
    return vault.pin_keys.get((AcquirerId(acquirer), None))


def _add_sample(folder: DataFolder, vault: Vault, at: Instant) -> None:
    """Write the sample files and import them, the way an operator would import theirs."""
    sample = folder.root / SAMPLE_FOLDER
    sample.mkdir(mode=0o700)
    for name, text in sample_files(at.jakarta_date(), vault).items():
        _write(sample / name, text)
    members = (sample / "participants.csv", sample / "postings.csv")
    import_files(folder.ledger, members, vault, at.utc)
    link_cards(folder.ledger, sample / "cards.csv", vault, at.utc)


@contextmanager
def _all_or_nothing(root: Path, master_file: Path) -> Iterator[None]:
    """Make the folder; take it and the master away again if the body fails."""
    made = _missing_folders(root)
    try:
        if not made and next(root.iterdir(), None) is not None:
            raise Refused(f"{root} is not empty: name a folder that does not exist yet")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
    except OSError as error:
        raise Refused(f"{root} cannot be made a data folder: {error.strerror}") from None
    try:
        yield
    except BaseException:
        for path in list(root.iterdir()):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for folder in made:
            folder.rmdir()
        master_file.unlink(missing_ok=True)
        raise


def _missing_folders(root: Path) -> list[Path]:
    """List the folders that must be made, innermost first."""
    return [path for path in (root, *root.parents) if not path.exists()]


def _write(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner only."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)


def _replace(path: Path, text: str) -> None:
    """Put a file in another's place at once, with the other's mode."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write(fresh, text)
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)


def _credentials() -> Path | None:
    """Where systemd put this service's credentials, if it did."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")  # noqa: TID251 - read at the edge
    return Path(directory) if directory else None
