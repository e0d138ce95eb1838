"""Make a data folder, and add a bank to one.

Plan: ``init`` makes a folder that works at once, or nothing at all.
Limits: the terminal kit, which holds keys in the clear, is written in lab mode only.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atm_switch.adapters import key_file as sealed_keys
from atm_switch.adapters.audit_book import write_record
from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder, command_actor, replace_file, write_private
from atm_switch.ledger.csv_import import import_files, link_cards
from atm_switch.ledger.sample_members import sample_files
from atm_switch.ledger.store_sqlite import SqliteStore
from atm_switch.line_keys import LAB_ACQUIRER, missing_usages, with_fresh_keys, write_kit
from atm_switch.security.vault import Entropy, Vault
from atm_switch.settings.example import table_text, toml_value
from atm_switch.settings.listener import Listener
from atm_switch.settings.load import FILE_NAME, read_settings
from atm_switch.settings.sections import Acquirer, Keys
from atm_switch.settings.shapes import is_loopback, split_address
from atm_switch.switch.ports import AuditRecord

LAB_BANK = "BANK CONTOH"
SAMPLE_FOLDER = "sample"

_INTRODUCTION = """\
# Settings of this data folder.  Every key there is, with its default and its meaning:
#   atm-switch config example
# After a change:
#   atm-switch config check DIR
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a new folder shall be like; the words are those of ``switch.toml``."""

    listen: str = "127.0.0.1:8583"
    mac: str = "off"
    pin: str = "issuer"
    with_sample: bool = False


def init(
    folder: Path, wishes: Wishes, clock: Callable[[], Instant], entropy: Entropy
) -> DataFolder:
    """Make a data folder with fresh keys, an empty ledger and an empty journal.

    Raises ``Refused`` for a folder that is not empty or cannot be made, ``SettingsWrong``
    for impossible wishes.  After any failure everything it made is gone again.
    """
    root = folder.resolve()
    name = root.name or "switch"
    master_file = root.parent / f"{name}-{entropy(4).hex()}.master"
    text = _settings_text(wishes, master_file)
    settings = read_settings(text)
    if wishes.with_sample and settings.mode != "lab":
        raise Refused("--sample is for a lab; ATM_MODE says otherwise, leave one of them out")
    with _all_or_nothing(root, master_file):
        opened = DataFolder(root, settings)
        write_private(root / FILE_NAME, text)
        vault = with_fresh_keys(Vault.fresh(entropy), settings.acquirers[0], opened, entropy)
        sealed_keys.create(opened.key_file, opened.master_file, vault)
        for path, family in ((opened.ledger, "ledger"), (opened.journal, "journal")):
            open_writer(path, family).close()
        if opened.is_lab:
            write_kit(opened, settings.acquirers[0], vault)
        if wishes.with_sample:
            _add_sample(opened, vault, clock())
        # The first record: an audit that is empty cannot be told from one that was wiped.
        made = AuditRecord("command", command_actor(), root.name, f"init, mac {wishes.mac}")
        write_record(opened.journal_place, vault, lambda: clock().utc, entropy, made)
    return DataFolder(folder, settings)


def add_acquirer(
    folder: DataFolder, values: Mapping[str, object], entropy: Entropy
) -> tuple[DataFolder, Vault]:
    """Add a bank to ``switch.toml``, leaving all that is there, and draw the keys it needs.

    A bank that is there already and lacks keys gets just these.  Returns the folder and
    the vault as they are now.  Raises ``Refused`` for a bank that is complete,
    ``SettingsWrong`` for values that cannot be.
    """
    path = folder.root / FILE_NAME
    text = path.read_text(encoding="utf-8")
    there = [one for one in folder.settings.acquirers if one.id == values["id"]]
    if there and not missing_usages(there[0], folder, folder.vault()):
        raise Refused(f"acquirer {there[0].id} is there already: change it in {path}")
    if not there:
        text = text.rstrip("\n") + "\n\n" + table_text("[[acquirers]]", Acquirer, values)
    opened = DataFolder(folder.root, read_settings(text))
    bank = next(one for one in opened.settings.acquirers if one.id == values["id"])
    if opened.settings.hsm.engine == "software":
        vault = folder.change_keys(lambda old: with_fresh_keys(old, bank, opened, entropy))
    else:
        vault = folder.vault()  # keys are made in the HSM
    if not there:
        replace_file(path, text)
    return opened, vault


def _settings_text(wishes: Wishes, master_file: Path) -> str:
    bank = {
        "id": LAB_ACQUIRER,
        "name": LAB_BANK,
        "pin": wishes.pin,
        "mac": wishes.mac,
        "terminals": "any",
    }
    listener: dict[str, object] = {"listen": wishes.listen, "profile": Listener().profile}
    if not is_loopback(split_address(wishes.listen)[0]):
        listener["plaintext"] = True  # a lab has no certificates yet; init says so
    top = f"{_INTRODUCTION}\nschema = 1\nmode = {toml_value('lab')}\n"
    tables = (
        table_text("[[listeners]]", Listener, listener),
        table_text("[[acquirers]]", Acquirer, bank),
        table_text("[keys]", Keys, {"master_file": f"../{master_file.name}"}),
    )
    return "\n".join((top, *tables))


def _add_sample(folder: DataFolder, vault: Vault, at: Instant) -> None:
    """Write the sample files and import them, the way an operator would import theirs."""
    sample = folder.root / SAMPLE_FOLDER
    sample.mkdir(mode=0o700)
    for name, text in sample_files(at.jakarta_date(), vault).items():
        write_private(sample / name, text)
    members = (sample / "participants.csv", sample / "postings.csv")
    with closing(SqliteStore(folder.ledger)) as store:
        import_files(store, members, vault, at.utc)
        link_cards(store, sample / "cards.csv", vault, at.utc)


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
