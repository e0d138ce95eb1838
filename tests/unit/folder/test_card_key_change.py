"""Claims about the change of the card key: two calls, no layer too many, none that is lost."""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from atm_switch import card_key_change
from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.card_key_change import (
    SUBJECT,
    CardKeyChange,
    change_card_key,
    require_card_key_read,
    require_same_card_key,
)
from atm_switch.domain.card import Pan
from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Instant
from atm_switch.domain.secret import Key
from atm_switch.folder import DataFolder
from atm_switch.founding import Wishes, init
from atm_switch.key_office import IN_USE, record, record_command
from atm_switch.ledger.card_keys import cards_behind, cards_linked
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.registry_book import card_record, forget, unlink
from atm_switch.security.vault import KEY_BYTES, Vault
from atm_switch.security.vault_document import LAYERS_MAX
from atm_switch.switch.ports import AuditRecord
from tests.doubles.served import Served, make_folder, read_keys_again, run, serve

PIN = "123456"
STRANGER = "9990090000009997"
NOON = Instant(datetime(2026, 6, 30, 5, tzinfo=UTC), 0.0)


@pytest.fixture
def bank(tmp_path: Path) -> DataFolder:
    """Make a folder with the sample cards."""
    return init(tmp_path / "bank", Wishes(with_sample=True), lambda: NOON, os.urandom)


def layers(folder: DataFolder) -> int:
    """Count the card keys laid over the first."""
    return len(folder.vault().card_layers)


def change(folder: DataFolder, *, again: bool = False) -> CardKeyChange:
    """Call the command once."""
    return change_card_key(folder, os.urandom, lambda _moved, _count: None, again=again)


def told(folder: DataFolder) -> list[str]:
    """Read what the audit was told of the card key."""
    reader = AuditReader(folder.journal)
    try:
        return [row.detail for row in reader.since(0, 1000) if row.subject == SUBJECT]
    finally:
        reader.close()


def laid(count: int) -> Callable[[Vault], Vault]:
    """Lay so many layers at once."""

    def lay(vault: Vault) -> Vault:
        for _ in range(count):
            vault = vault.with_card_layer(Key(os.urandom(KEY_BYTES)))
        return vault

    return lay


def test_call_too_many_lays_no_layer(bank: DataFolder) -> None:
    """Begin, move, and a third call: refused with the word that begins another change."""
    begun, moved = change(bank), change(bank)

    with pytest.raises(Refused, match=r"nothing to do: all .* say --again"):
        change(bank)

    assert (True, False, True) == (begun.is_begun, moved.is_begun, moved.moved > 0)
    assert begun.key_id == moved.key_id
    assert (1, 2) == (layers(bank), len(told(bank)))


def test_next_change_is_asked_for_by_its_word(bank: DataFolder) -> None:
    """After a finished change ``again`` begins the next; during one it changes nothing."""
    first = [change(bank), change(bank, again=True)]
    second = [change(bank, again=True), change(bank, again=True)]

    assert [True, False] * 2 == [one.is_begun for one in first + second]
    assert first[1].moved == second[1].moved > 0
    assert 2 == layers(bank)


@pytest.mark.parametrize("again", [False, True])
def test_folder_without_cards_gets_no_layer(tmp_path: Path, *, again: bool) -> None:
    """Where no card would be under the new key, none is made, however often it is asked."""
    folder = init(tmp_path / "bank", Wishes(), lambda: NOON, os.urandom)

    for _ in range(3):
        with pytest.raises(Refused, match="no card is linked yet"):
            change(folder, again=again)

    assert (0, []) == (layers(folder), told(folder))


def test_last_layer_is_said_to_be_the_last(bank: DataFolder) -> None:
    """With all layers laid the next is refused with what to do; file and audit stay."""
    bank.change_keys(laid(LAYERS_MAX))
    change(bank)
    before, kept = bank.key_file.read_bytes(), told(bank)

    with pytest.raises(Refused, match=r"changed 64 times.*begin a new folder"):
        change(bank, again=True)

    assert (before, kept) == (bank.key_file.read_bytes(), told(bank))
    assert LAYERS_MAX == layers(bank)


def test_two_who_begin_lay_one_layer(bank: DataFolder) -> None:
    """A change begun by another meanwhile is not begun over again."""

    def overtaken(count: int) -> bytes:
        bank.change_keys(laid(1))
        return os.urandom(count)

    with pytest.raises(Refused, match="begun just now"):
        change_card_key(bank, overtaken, lambda _moved, _count: None)

    assert 1 == layers(bank)


def test_store_is_closed_after_a_refusal(bank: DataFolder) -> None:
    """What was refused leaves the ledger free for whoever comes next."""
    change(bank)
    change(bank)
    with pytest.raises(Refused):
        change(bank)

    store = open_store("", bank.ledger)
    with store.transaction():
        rows = store.rows("SELECT DISTINCT key_id FROM cards")
    store.close()

    assert [(bank.vault().card_key_ids[0],)] == [tuple(row) for row in rows]


def test_card_written_under_a_key_that_changed_is_told(bank: DataFolder) -> None:
    """What was read before a change of the card key began is not committed behind it."""
    vault = bank.vault()
    require_same_card_key(bank, vault)
    change(bank)

    with pytest.raises(Refused, match="changed meanwhile, nothing was linked; run this again"):
        require_same_card_key(bank, vault)


def test_card_linked_twice_is_told_with_what_to_do(bank: DataFolder) -> None:
    """
    All others are moved, and the audit and whoever called hear of the one that is left; done as
    advised, the change comes to its end with that card under the newest key.
    """
    change(bank)
    refs = bank.vault().card_refs(Pan(sample_pan(bank)))
    newest = refs[0]
    with closing(open_store("", bank.ledger)) as store:
        query = (
            "INSERT INTO cards (pan_digest, key_id, kpj, expiry, pvv, pvki, status, linked_on)"
            " SELECT ?, ?, kpj, expiry, pvv, pvki, status, linked_on FROM cards"
            " WHERE pan_digest = ?"
        )
        store.change(query, (newest.digest, newest.key_id, refs[1].digest))
        count = cards_linked(store)

        with pytest.raises(Refused, match=r"1 left: linked twice.*KPJ \*{7}\d{4}, exp") as caught:
            change(bank)
        unlink(store, refs, date(2026, 6, 30))
        forget(store, refs)
        ended = change(bank)

        assert (1, 0) == (ended.moved, cards_behind(store, bank.vault()))
        assert newest == card_record(store, refs)[0]
    assert "cards unlink" in str(caught.value)
    assert "cards forget; the older one stays" in str(caught.value)
    assert f"{count - 2} cards moved to key {newest.key_id}, 1 linked twice" in told(bank)[1]


def sample_pan(folder: DataFolder) -> str:
    """Return the number of a card of the sample."""
    rows = (folder.root / "sample" / "cards.csv").read_text().splitlines()
    return rows[1].split(",")[0]


def test_key_read_long_ago_is_still_known(bank: DataFolder, monkeypatch: Any) -> None:
    """What the running switch said of its keys is found behind any number of later records."""
    change(bank)
    newest = bank.vault().card_key_ids[0]
    monkeypatch.setattr(card_key_change, "ROWS_LOOKED_AT", 1)
    record(bank, AuditRecord("configuration", "switch", "keys", f"{IN_USE} {newest} (start)"))
    for number in range(12):
        record_command(bank, "test", f"number {number}")

    release = lock_folder(bank.root)
    try:
        require_card_key_read(bank, bank.vault())
        bank.change_keys(laid(1))
        with pytest.raises(Refused, match="has not read the new card key"):
            require_card_key_read(bank, bank.vault())
    finally:
        release()


def test_no_card_is_written_under_a_key_nobody_reads(tmp_path: Path) -> None:
    """
    Between the new key and the SIGHUP ``link`` and ``replace`` are refused with what to do, and
    every inquiry is answered as before; after it they go on.
    """
    folder = make_folder(tmp_path)
    sample = folder / "sample" / "cards.csv"
    rows = [line.split(",") for line in sample.read_text().splitlines()[1:]]
    more = tmp_path / "cards.csv"
    more.write_text(f"{sample.read_text()}\n")
    replace = ("cards", "replace", folder, "--expiry", "2912")
    numbers = f"{rows[1][0]}\n{STRANGER}\n"
    with serve(folder) as served:
        assert 0 == run("cards", "rotate-key", folder).returncode
        early = [run("cards", "link", folder, more), run(*replace, typed=numbers)]
        asked = inquired(folder, served, rows[0][0])
        read_keys_again(folder, served)
        late = [run("cards", "link", folder, more), run(*replace, typed=numbers)]
        again = inquired(folder, served, rows[0][0])

    assert [1, 1] == [one.returncode for one in early]
    assert all("send it SIGHUP (kill -HUP), then run this again" in one.stderr for one in early)
    assert [0, 0] == [one.returncode for one in late], late
    assert [0, 0] == [asked, again]


def inquired(folder: Path, served: Served, pan: str) -> int:
    """Ask for the balance of a card and return how the emulator ended."""
    words = ("inquire", "--connect", served.address, "--kit", folder / "terminal-kit.json")
    told = run(*words, "--pan", pan, "--pin", PIN, module="terminal_emulator")
    return told.returncode


def test_command_tells_each_step_from_outside(tmp_path: Path) -> None:
    """With a running switch: begin, refused before SIGHUP, move, and then nothing to do."""
    folder = make_folder(tmp_path)
    with serve(folder) as served:
        begun = run("cards", "rotate-key", folder)
        early = run("cards", "rotate-key", folder)
        read_keys_again(folder, served)
        moved = run("cards", "rotate-key", folder)
        idle = run("cards", "rotate-key", folder)
        again = run("cards", "rotate-key", folder, "--again")

    codes = [one.returncode for one in (begun, early, moved, idle, again)]
    assert [0, 1, 0, 1, 0] == codes, moved.stderr
    assert "nothing to do" in idle.stderr
    assert "send the switch SIGHUP" in again.stdout
