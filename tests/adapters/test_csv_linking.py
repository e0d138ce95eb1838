"""What was said at the officer's desk outlives the files that come later."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from atm_switch.domain.card import Expiry, Pan
from atm_switch.domain.secret import Key
from atm_switch.ledger import registry_book
from atm_switch.ledger.csv_import import ImportOptions
from atm_switch.ledger.opening import open_store
from tests.doubles.ledger_bench import (
    BUDI_ROW,
    CARD_ROW,
    CARDS,
    OTHER_PAN,
    PAN,
    SITI_ROW,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

THE_DAY = date(2025, 6, 30)
NEXT_DAY = datetime(2025, 7, 1, 5, 0, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with two members, one of them with a card."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + SITI_ROW)
    bench.cards()
    return bench


def at_the_desk(bench: LedgerBench, act: Callable[..., object], *what: object) -> None:
    """Let an officer do something with the card of ``CARD_ROW``."""
    with closing(open_store(bench.url, bench.path)) as store:
        act(store, bench.vault.card_refs(Pan(PAN)), *what)


def test_file_does_not_bring_back_a_withdrawn_consent(bench: LedgerBench) -> None:
    """
    Another file with the card brings its facts; consent stays withdrawn, with its evidence,
    also where the card leads to another member, and a warning says so.
    """
    at_the_desk(bench, registry_book.withdraw_consent, THE_DAY, "letter 7")

    summary = bench.cards(CARD_ROW.replace("2812", "3001"))
    bench.cards(CARD_ROW.replace("12345678901", "23456789012"))

    told = (
        "cards.csv line 2 (999009******0012): consent was withdrawn on 2025-06-30 and stays so "
        "until atm-switch cards consent --given"
    )
    assert ((told,), 1) == (summary.warnings, summary.warning_count)
    facts = "SELECT kpj, expiry, consent_on, withdrawn_on, consent_evidence FROM cards"
    assert [("23456789012", "2812", None, "2025-06-30", "letter 7")] == bench.rows(facts)


def test_card_without_consent_gets_none_by_file(bench: LedgerBench) -> None:
    """
    A card that took over no consent from the one it replaced has none after a file either.
    """
    with closing(open_store(bench.url, bench.path)) as store:
        store.change("UPDATE cards SET consent_on = NULL")

    summary = bench.cards(CARD_ROW.replace("2812", "3001"))

    assert "consent is not there and stays so" in summary.warnings[0]
    assert [("3001", None)] == bench.rows("SELECT expiry, consent_on FROM cards")


def test_file_does_not_lift_a_block_of_the_desk(bench: LedgerBench) -> None:
    """
    A card blocked at the desk stays blocked, whatever file says active, until it is unblocked
    there.
    """
    at_the_desk(bench, registry_book.block, THE_DAY)

    summary = bench.cards(CARD_ROW.replace("2812", "3001"))

    assert (
        "it was blocked on 2025-06-30 and stays so until atm-switch cards unblock"
        in (summary.warnings[0])
    )
    assert [("3001", "blocked")] == bench.rows("SELECT expiry, status FROM cards")
    at_the_desk(bench, registry_book.unblock)
    bench.cards(CARD_ROW.replace("2812", "3002"))
    assert [("3002", "active")] == bench.rows("SELECT expiry, status FROM cards")


def test_file_does_not_revive_a_replaced_card(bench: LedgerBench) -> None:
    """
    A lost card in a file stays blocked and replaced, and the row is told.
    """
    refs = bench.vault.card_refs(Pan(OTHER_PAN))
    new = registry_book.NewCard(refs, Expiry("3001"), "1234", "1")
    at_the_desk(bench, registry_book.replace, new, THE_DAY)

    summary = bench.cards(CARD_ROW.replace("2812", "3001"))

    assert "it was replaced on 2025-06-30 and stays blocked" in summary.warnings[0]
    states = "SELECT status, replaced_on FROM cards ORDER BY status"
    assert [("active", None), ("blocked", "2025-06-30")] == bench.rows(states)


def test_unlinked_card_is_linked_again_by_a_word_only(bench: LedgerBench) -> None:
    """
    A file leaves an unlinked card as it is; with relink it leads to its KPJ again.
    """
    at_the_desk(bench, registry_book.unlink, THE_DAY)

    summary = bench.cards(CARD_ROW.replace("2812", "3001"))

    assert "it was unlinked on 2025-06-30 and stays so; --relink" in summary.warnings[0]
    assert [1] == [file.unchanged for file in summary.files]
    state = "SELECT expiry, unlinked_on, consent_on FROM cards"
    assert [("2812", "2025-06-30", "2025-06-30")] == bench.rows(state)
    again = bench.link(bench.folder / "cards.csv", ImportOptions(relink=True))
    assert ((), [1]) == (again.warnings, [file.updated for file in again.files])
    assert [("3001", None, "2025-06-30")] == bench.rows(state)


def test_update_of_a_card_keeps_the_evidence_of_its_consent(bench: LedgerBench) -> None:
    """
    Where the consent stands, what proves it stands too; with a new consent it is gone.
    """
    at_the_desk(bench, registry_book.give_consent, THE_DAY, "form 118")
    evidence = "SELECT consent_evidence FROM cards"

    replace(bench, at=NEXT_DAY).cards(CARD_ROW.replace("2812", "3001"))

    assert [("form 118",)] == bench.rows(evidence)
    replace(bench, at=NEXT_DAY).cards(CARD_ROW.replace("12345678901", "23456789012"))
    assert [(None,)] == bench.rows(evidence)


def test_block_said_while_a_file_is_linked_stands(bench: LedgerBench) -> None:
    """
    A file whose row meets a block that is about to be committed waits, and keeps the block.
    """
    path = bench.file("cards.csv", CARDS + CARD_ROW.replace("2812", "3001"))
    linking = threading.Thread(target=bench.link, args=(path,))

    def link_meanwhile(_held: registry_book.CardRecord) -> None:
        linking.start()
        if bench.url:
            wait_for_a_waiter(bench)

    at_the_desk(bench, registry_book.block, THE_DAY, link_meanwhile)
    linking.join()

    facts = "SELECT expiry, status, blocked_on FROM cards"
    assert [("3001", "blocked", "2025-06-30")] == bench.rows(facts)


def wait_for_a_waiter(bench: LedgerBench) -> None:
    """Return when somebody waits for a lock of the bench's PostgreSQL."""
    waiting = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 60
    while not bench.rows(waiting):
        assert time.monotonic() < until, "nobody waited"


def test_file_during_a_change_of_the_card_key_links_nothing_twice(bench: LedgerBench) -> None:
    """
    A file finds the card of the old key, keeps its block, and is the one record of it.
    """
    at_the_desk(bench, registry_book.block, THE_DAY)
    newer = replace(bench, vault=bench.vault.with_card_layer(Key(bytes(range(32)))))

    summary = newer.cards(CARD_ROW.replace("2812", "3001"))

    assert [(0, 1)] == [(file.added, file.updated) for file in summary.files]
    facts = "SELECT key_id, expiry, status FROM cards"
    assert [(newer.vault.card_key_ids[0], "3001", "blocked")] == bench.rows(facts)


def test_nobody_is_warned_of_pins_that_are_verified_elsewhere(bench: LedgerBench) -> None:
    """
    Where no PIN is verified here, a card without PVV is no matter.
    """
    path = bench.file("cards.csv", f"{CARDS}{PAN},2812,12345678901,,,active\n")

    assert () == bench.link(path, ImportOptions(verifies_pins=False)).warnings
