"""Linking cards: what is checked, what a second time does, when consent is recorded."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atm_switch.ledger.csv_rejects import BadRows
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

NEXT_DAY = datetime(2025, 7, 1, 5, 0, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with two members."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + SITI_ROW)
    return bench


def links(bench: LedgerBench) -> list[tuple[object, ...]]:
    """Read the links as they are stored, but for the digest."""
    return bench.rows("SELECT kpj, expiry, pvv, pvki, status, consent_on, linked_on FROM cards")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (
            "9990090000000013,2812,12345678901,1234,1,active",
            "column pan (999009******0013): the PA",
        ),
        ("999009000000001,2812,12345678901,1234,1,active", "column pan (999009*****0001): a PAN"),
        ("99900900000x,2812,12345678901,1234,1,active", "column pan (************): a PAN has 16"),
        ("{pan},2813,12345678901,1234,1,active", "column expiry (****): an expiry is YYMM"),
        ("{pan},12/28,12345678901,1234,1,active", "column expiry (12/28): an expiry is YYMM"),
        ("{pan},2812,99988877766,1234,1,active", "column kpj (*******7766): no participant has"),
        ("{pan},2812,12345678901,123,1,active", "column pvv (***): a PVV has four digits"),
        ("{pan},2812,12345678901,1234,12,active", "column pvki (**): a PVKI is one digit"),
        ("{pan},2812,12345678901,,4821,active", "column pvki (****): a PVKI is one digit"),
        ("{pan},2812,12345678901,1234,1,4821", "column status (****): a status is one of act"),
        ("{pan},DEWI LESTARI,12345678901,1234,1,active", "column expiry (DE** LES****): an ex"),
        ("{pan},2812,12345678901,1234,,active", "column pvki: pvv and pvki are given together"),
        ("{pan},2812,12345678901,,1,active", "column pvv: pvv and pvki are given together or not"),
        ("{pan},2812,12345678901,1234,1,stolen", "column status (st****): a status is one of act"),
        ("{pan},2812,12345678901,1234,1", "column row: too few columns: 5, where 6 are needed"),
    ],
)
def test_bad_card_is_named_without_its_pan(bench: LedgerBench, row: str, named: str) -> None:
    """
    A bad card is named by line, column and reason; its PAN shows first six and last four.
    """
    path = bench.file("c.csv", f"{CARDS}{CARD_ROW}{row.format(pan=OTHER_PAN)}\n")

    with pytest.raises(BadRows) as caught:
        bench.link(path)

    assert f"  c.csv line 3, {named}" in str(caught.value)
    assert OTHER_PAN not in str(caught.value)
    assert (2, 0, 0) == bench.counts()


def test_consent_is_recorded_on_import_date(bench: LedgerBench) -> None:
    """
    A linked card has its facts, and consent as of the day in Jakarta.
    """
    late = replace(bench, at=datetime(2025, 6, 30, 18, 0, tzinfo=UTC))

    late.cards()

    expected = ("12345678901", "2812", "1234", "1", "active", "2025-07-01", "2025-07-01")
    assert [expected] == links(bench)


def test_same_pan_again_updates_its_link(bench: LedgerBench) -> None:
    """
    A PAN linked before takes the new facts; there is one link, its consent as of before.
    """
    bench.cards()

    changed = CARD_ROW.replace("2812", "3001").replace("active", "blocked")
    summary = replace(bench, at=NEXT_DAY).cards(changed)

    assert [(0, 1)] == [(file.added, file.updated) for file in summary.files]
    expected = ("12345678901", "3001", "1234", "1", "blocked", "2025-06-30", "2025-07-01")
    assert [expected] == links(bench)


def test_link_to_another_member_needs_new_consent(bench: LedgerBench) -> None:
    """
    Where the card leads to another KPJ, consent is of the day of that link.
    """
    bench.cards()

    replace(bench, at=NEXT_DAY).cards(CARD_ROW.replace("12345678901", "23456789012"))

    expected = ("23456789012", "2812", "1234", "1", "active", "2025-07-01", "2025-07-01")
    assert [expected] == links(bench)


def test_withdrawn_consent_stays_on_a_repeat(bench: LedgerBench) -> None:
    """
    The same file again does not bring back a consent withdrawn since.
    """
    bench.cards()
    with closing(open_store(bench.url, bench.path)) as store:
        store.change("UPDATE cards SET consent_on = NULL")

    summary = bench.cards()

    assert [True] == [file.is_repeat for file in summary.files]
    assert [(None,)] == bench.rows("SELECT consent_on FROM cards")


def test_card_is_unblocked_by_an_earlier_file(bench: LedgerBench) -> None:
    """
    After a file that blocked the card, the one before it may be linked again.
    """
    bench.cards()
    bench.cards(CARD_ROW.replace("active", "blocked"))

    bench.cards()

    assert [("active",)] == bench.rows("SELECT status FROM cards")


def test_unchanged_card_is_counted_as_such(bench: LedgerBench) -> None:
    """
    A row that changes nothing leaves the link as it was.
    """
    bench.cards()
    other = f"{OTHER_PAN},2812,23456789012,1234,1,active\n"

    summary = replace(bench, at=NEXT_DAY).cards(CARD_ROW + other)

    assert [(1, 0, 1)] == [(f.added, f.updated, f.unchanged) for f in summary.files]
    assert "2025-06-30" == links(bench)[0][-1] or "2025-06-30" == links(bench)[1][-1]


def test_card_without_pvv_is_a_warning(bench: LedgerBench) -> None:
    """
    A card without PVV is linked, with a warning that names line, mask and consequence.
    """
    summary = bench.cards(f"{PAN},2812,12345678901,,,active\n")

    expected = (
        "cards.csv line 2 (999009******0012): no PVV, so its PIN cannot be verified here; "
        "inquiries get 57"
    )
    assert ((expected,), 1) == (summary.warnings, summary.warning_count)
    assert (2, 0, 1) == bench.counts()


def test_unknown_pvki_is_a_warning(bench: LedgerBench) -> None:
    """
    A PVV under a key the vault does not have is linked with a warning.
    """
    summary = bench.cards(f"{PAN},2812,12345678901,1234,7,active\n")

    expected = "cards.csv line 2 (999009******0012): there is no PIN verification key with index 7"
    assert (expected,) == summary.warnings


def test_many_warnings_are_counted(bench: LedgerBench) -> None:
    """
    Fifty warnings are kept, all are counted.
    """
    summary = bench.cards(f"{PAN},2812,12345678901,,,active\n" * 60)

    assert (50, 60) == (len(summary.warnings), summary.warning_count)


def test_expired_card_may_be_linked(bench: LedgerBench) -> None:
    """
    A card past its month is linked; the inquiry says 54.
    """
    bench.cards(CARD_ROW.replace("2812", "2001"))

    assert [("2001",)] == bench.rows("SELECT expiry FROM cards")
