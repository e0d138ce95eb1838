"""What the check of a journal says of references and floors, and what a doubt's ending is."""

from collections.abc import Sequence
from typing import Any

import pytest

from atm_switch.adapters.journal_chain import BEGINNING, JournalChain
from atm_switch.adapters.journal_doubts import (
    OF_FILE,
    REASON,
    ROWS_AT_ONCE,
    Settled,
    SettleDoubts,
    doubtful_ending,
    settle,
)
from atm_switch.adapters.journal_drafts import drafted, ending_cells, reservation_cells
from atm_switch.adapters.journal_rows import COLUMNS, Cell, JournalRow, cells_of, row_from
from atm_switch.adapters.journal_verify import FINDINGS_MAX, Fault, Finding, Walk
from atm_switch.switch.ports import Commit, Reservation
from tests.doubles.journal_bench import ending_of, entry_of, fresh_vault

CHAIN = JournalChain(fresh_vault())


def received(seq: int) -> tuple[Cell, ...]:
    """The cells of an A."""
    return reservation_cells(entry_of(seq), Reservation(seq, 2, granted=True), 5)


def ended(seq: int, ref: int | None) -> tuple[Cell, ...]:
    """The cells of a B."""
    return ending_cells(drafted(Commit(entry_of(seq), ending_of(), ref)), seq, 5, b"sealed")


def walked(*rows: Sequence[Cell]) -> Walk:
    """Walk over rows, each with its right link."""
    walk = Walk(CHAIN)
    for cells in rows:
        link = CHAIN.link_cells(walk.last.chain, tuple(cells))
        walk.step(row_from((*cells, link)))
    return walk


def test_ending_names_a_request_that_is_under_way() -> None:
    """Once: a second ending, or one of no request, is found though its link is right."""
    walk = walked(
        received(1), received(2), received(3), ended(4, 2), ended(5, None), ended(6, 2),
        ended(7, 99),
    )  # fmt: skip

    found = walk.end()

    assert (7, walk.last, (1, 3)) == (found.rows, found.head, found.in_doubt)
    assert (
        Finding(Fault.WRONG_REFERENCE, 6),
        Finding(Fault.WRONG_REFERENCE, 7),
    ) == found.findings


def test_no_more_findings_are_named_than_there_is_room_for() -> None:
    """The walk counts on."""
    walk = Walk(CHAIN)

    for at in range(FINDINGS_MAX + 1):
        walk.note(Fault.WRONG_LINK, at)

    assert FINDINGS_MAX == len(walk.end().findings)
    assert Finding(Fault.WRONG_LINK, FINDINGS_MAX - 1) == walk.end().findings[-1]


def test_ending_of_a_doubt_says_of_the_request_what_is_known() -> None:
    """Whose it was, and nothing of an outcome: no code, no answer, no try given back."""
    reserved = row_from((*received(3), bytes(32)))

    row = doubtful_ending(reserved, 8, 9)

    assert (8, "B", 3, 9, b"") == (row.seq, row.kind, row.ref, row.written_at, row.chain)
    assert ("in_doubt", "", REASON, "", "", 0) == (
        row.outcome, row.response_code, row.reason, row.kpj_masked, row.host_reference,
        row.elapsed_us,
    )  # fmt: skip
    assert (0, None, None, None) == (
        row.resets_tries, row.pin_tries, row.pin_granted, row.response
    )  # fmt: skip
    of_the_request = slice(COLUMNS.index("acquirer"), COLUMNS.index("pin_tries"))
    assert cells_of(reserved)[of_the_request] == cells_of(row)[of_the_request]
    assert reserved.received_at == row.received_at


class Book:
    """What a journal's file answers, and what it was asked."""

    def __init__(self, mark: list[int], first: list[int]) -> None:
        """The mark there is, and the first row behind it."""
        self._rows = {OF_FILE.mark: mark, OF_FILE.first: first}
        self.asked: list[tuple[Any, ...]] = []

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Answer."""
        self.asked.append((sql, *values))
        return [(one,) for one in self._rows.get(sql, [])]


@pytest.mark.parametrize(
    ("mark", "first", "upto"),
    [
        ([0], [1], ROWS_AT_ONCE),
        ([], [1], ROWS_AT_ONCE),
        ([500], [501], 500 + ROWS_AT_ONCE),
        ([500], [10_001], 10_000 + ROWS_AT_ONCE),
        ([500], [], 20_000),
        ([19_999], [20_000], 20_000),
    ],
)
def test_search_for_doubts_begins_at_what_is_left(
    mark: list[int], first: list[int], upto: int
) -> None:
    """Behind the mark, or behind what was purged; one page of rows, not beyond the last."""
    book = Book(mark, first)
    begun = next(iter(mark), 0)

    settled = settle(SettleDoubts(20_000), 20_001, OF_FILE, book.run, _nothing)

    assert Settled(upto, 20_001) == settled
    assert [
        (OF_FILE.mark,),
        (OF_FILE.first, begun),
        (OF_FILE.in_doubt, begun, upto),
        (OF_FILE.move, upto),
    ] == book.asked


@pytest.mark.parametrize("through", [0, 7])
def test_where_all_is_settled_nothing_is_looked_for(through: int) -> None:
    """How far it is, and nothing is written."""
    book = Book([7], [])

    assert Settled(7, 9) == settle(SettleDoubts(through), 9, OF_FILE, book.run, _nothing)
    assert [(OF_FILE.mark,)] == book.asked


def _nothing(_row: JournalRow) -> None:
    raise AssertionError


def test_walk_begins_at_the_beginning() -> None:
    """Where there is no floor."""
    assert BEGINNING == Walk(CHAIN).last
