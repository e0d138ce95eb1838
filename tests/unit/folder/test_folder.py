"""Making, opening and extending a data folder, on real files."""

import json
import os
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, Kpj, TerminalId
from atm_switch.domain.instant import Instant
from atm_switch.domain.money import Money
from atm_switch.folder import DataFolder, open_folder
from atm_switch.founding import Wishes, add_acquirer, init
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.sample_members import sample_cards
from atm_switch.line_keys import KIT_FILE, write_kit
from atm_switch.security.key_ring import KeyName, KeyUsage
from atm_switch.security.tdes import check_value
from atm_switch.settings.load import SettingsWrong
from atm_switch.start_up import dialects_of
from tests.doubles.line_keys import pin_key

NOON = Instant(datetime(2026, 6, 30, 5, tzinfo=UTC), 0.0)
BANK, ANY_ATM = AcquirerId("009"), TerminalId("S1ABC123")


def made(path: Path, wishes: Wishes | None = None) -> DataFolder:
    """Make a data folder with real chance and a clock that stands."""
    return init(path, wishes or Wishes(), lambda: NOON, os.urandom)


def mode_of(path: Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_new_folder_opens_at_once(tmp_path: Path) -> None:
    """What init made needs no edit: settings load and the keys open."""
    made(tmp_path / "bank")

    opened = open_folder(tmp_path / "bank")

    assert "127.0.0.1:8583" == opened.settings.listeners[0].listen
    assert pin_key(opened.vault(), BANK, ANY_ATM) is not None
    assert opened.ledger.is_file()
    assert opened.journal.is_file()


def test_folder_read_anew_brings_no_new_dialects(tmp_path: Path) -> None:
    """A SIGHUP leaves nothing behind where the profiles are as they were."""
    root = made(tmp_path / "bank").root

    before, after = dialects_of(open_folder(root)), dialects_of(open_folder(root))

    assert before
    assert all(before[name] is after[name] for name in before)


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """The folder is 0700, its files 0600, and the master beside it 0400."""
    folder = made(tmp_path / "bank")

    files = [path for path in (tmp_path / "bank").iterdir() if path.is_file()]

    assert 0o700 == mode_of(tmp_path / "bank")
    assert {0o600} == {mode_of(path) for path in files}
    assert 0o400 == mode_of(folder.master_file)


def test_master_lies_outside_the_folder(tmp_path: Path) -> None:
    """A copy of the folder alone opens nothing."""
    folder = made(tmp_path / "bank")

    assert tmp_path == folder.master_file.resolve().parent
    assert folder.master_file.name.startswith("bank-")


def test_folder_still_opens_after_a_move(tmp_path: Path) -> None:
    """The master is named relative to the folder, so both can move together."""
    made(tmp_path / "here" / "bank")

    (tmp_path / "here").rename(tmp_path / "there")

    assert open_folder(tmp_path / "there" / "bank").vault() is not None


def test_kit_holds_the_banks_pin_key(tmp_path: Path) -> None:
    """The terminal enciphers under the key the switch deciphers with."""
    folder = made(tmp_path / "bank")
    kit = json.loads((tmp_path / "bank" / KIT_FILE).read_text())

    key = pin_key(folder.vault(), BANK, ANY_ATM)

    assert key is not None
    assert key.reveal().hex().upper() == kit["pin_key"]
    assert check_value(key) == kit["pin_key_check"]
    assert (15, 40) == (len(kit["card_acceptor"]), len(kit["location"]))


def test_no_key_where_the_bank_verifies(tmp_path: Path) -> None:
    """Under pin = acquirer the switch has no PIN key, and neither has the kit."""
    folder = made(tmp_path / "bank", Wishes(pin="acquirer"))

    assert pin_key(folder.vault(), BANK, ANY_ATM) is None
    assert "pin_key" not in json.loads((tmp_path / "bank" / KIT_FILE).read_text())


def test_sample_members_are_in_the_ledger(tmp_path: Path) -> None:
    """The first sample card leads to the published member, whose statement adds up."""
    folder = made(tmp_path / "bank", Wishes(with_sample=True))
    first = sample_cards(NOON.jakarta_date())[0]

    with closing(SqliteRegistry(folder.ledger)) as registry:
        card = registry.card(folder.vault().card_ref(first.pan))
    with closing(SqliteLedger(folder.ledger)) as ledger:
        account = ledger.account(Kpj("12345678901"), NOON.jakarta_date())

    assert card is not None
    assert Kpj("12345678901") == card.kpj
    assert NOON.jakarta_date() == card.consent_on
    assert account is not None
    assert Money(1_940_947_047) == account[1].opening


def test_sample_files_are_the_owners(tmp_path: Path) -> None:
    """The sample's CSV files and card list lie beside the ledger, closed to others."""
    made(tmp_path / "bank", Wishes(with_sample=True))
    sample = tmp_path / "bank" / "sample"

    names = {path.name for path in sample.iterdir()}

    assert {"participants.csv", "postings.csv", "cards.csv", "cards.txt"} == names
    assert {0o600} == {mode_of(path) for path in sample.iterdir()}


def test_full_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder with anything in it is refused and stays as it was."""
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "letter.txt").write_text("mine")

    with pytest.raises(Refused, match="not empty"):
        made(tmp_path / "bank")

    assert ["bank"] == [path.name for path in tmp_path.iterdir()]
    assert ["letter.txt"] == [path.name for path in (tmp_path / "bank").iterdir()]


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    """An empty folder that is there already is used, and closed to others."""
    (tmp_path / "bank").mkdir(mode=0o755)

    made(tmp_path / "bank")

    assert 0o700 == mode_of(tmp_path / "bank")


def test_required_mac_comes_with_its_keys(tmp_path: Path) -> None:
    """Where a MAC is required, vault and kit hold the same MAC key and exchange key."""
    folder = made(tmp_path / "bank", Wishes(mac="required"))
    kit = json.loads((tmp_path / "bank" / KIT_FILE).read_text())

    keys = folder.vault().keys

    for usage in (KeyUsage.PIN, KeyUsage.MAC, KeyUsage.EXCHANGE):
        held = keys[KeyName(usage, BANK)].in_use
        assert held.token.reveal().hex().upper() == kit[f"{usage.value}_key"]
        assert held.check == kit[f"{usage.value}_key_check"]


@pytest.mark.parametrize("draws", range(1, 7))
def test_half_made_folder_is_taken_away(draws: int, tmp_path: Path) -> None:
    """Wherever it fails, no folder, no key and no master is left."""
    left = draws

    def failing(count: int) -> bytes:
        nonlocal left
        left -= 1
        if not left:
            raise OSError(28, "No space left on device")
        return os.urandom(count)

    with pytest.raises(OSError, match="No space left"):
        init(tmp_path / "new" / "bank", Wishes(), lambda: NOON, failing)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["missing", "a_file", "empty"])
def test_other_places_are_no_data_folder(name: str, tmp_path: Path) -> None:
    """Whatever is not a data folder is refused with the command that makes one."""
    (tmp_path / "a_file").touch()
    (tmp_path / "empty").mkdir()

    with pytest.raises(Refused, match="atm-switch init"):
        open_folder(tmp_path / name)


def test_added_bank_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Comments and values of the operator stay; the bank is appended with its own key."""
    folder = made(tmp_path / "bank")
    before = (tmp_path / "bank" / "switch.toml").read_text()

    added, vault = add_acquirer(
        folder, {"id": "014", "name": "BANK LAIN", "pin": "issuer"}, os.urandom
    )

    assert (tmp_path / "bank" / "switch.toml").read_text().startswith(before)
    assert ["009", "014"] == [one.id for one in open_folder(tmp_path / "bank").settings.acquirers]
    kept = pin_key(added.vault(), AcquirerId("014"), ANY_ATM)
    key = pin_key(vault, AcquirerId("014"), ANY_ATM)
    assert key is not None
    assert kept is not None
    assert key.reveal() == kept.reveal()


def test_added_bank_gets_a_kit_of_its_own(tmp_path: Path) -> None:
    """The first bank's kit is not touched by another's."""
    values = {"id": "014", "name": "BANK LAIN", "pin": "issuer"}
    added, vault = add_acquirer(made(tmp_path / "bank"), values, os.urandom)

    path = write_kit(added, added.settings.acquirers[1], vault)

    assert "terminal-kit-014.json" == path.name
    assert "014" == json.loads(path.read_text())["acquirer"]
    assert "009" == json.loads((tmp_path / "bank" / KIT_FILE).read_text())["acquirer"]


def test_complete_bank_is_not_added_again(tmp_path: Path) -> None:
    """A bank that has all it needs keeps its key."""
    folder = made(tmp_path / "bank")

    with pytest.raises(Refused, match="there already"):
        add_acquirer(folder, {"id": "009", "name": "X", "pin": "issuer"}, os.urandom)


def test_bank_without_key_is_given_one(tmp_path: Path) -> None:
    """Whoever turns pin from acquirer to issuer gets the key that is missing."""
    made(tmp_path / "bank", Wishes(pin="acquirer"))
    settings = tmp_path / "bank" / "switch.toml"
    settings.write_text(settings.read_text().replace('pin = "acquirer"', 'pin = "issuer"'))

    changed, vault = add_acquirer(
        open_folder(tmp_path / "bank"), {"id": "009", "name": "X", "pin": "issuer"}, os.urandom
    )

    assert pin_key(vault, BANK, ANY_ATM) is not None
    assert pin_key(changed.vault(), BANK, ANY_ATM) is not None
    assert 1 == len(changed.settings.acquirers)


def test_impossible_bank_changes_nothing(tmp_path: Path) -> None:
    """A name that cannot be is refused before file and keys are touched."""
    folder = made(tmp_path / "bank")
    before = (tmp_path / "bank" / "switch.toml").read_bytes()

    with pytest.raises(SettingsWrong):
        add_acquirer(folder, {"id": "014", "name": "", "pin": "issuer"}, os.urandom)

    assert before == (tmp_path / "bank" / "switch.toml").read_bytes()
