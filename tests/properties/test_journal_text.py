"""The short way to a row's canonical bytes writes what the long way does, or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters.journal_chain import RowChain
from atm_switch.adapters.journal_drafts import drafted, ending_cells, reservation_cells
from atm_switch.adapters.journal_rows import COLUMNS
from atm_switch.adapters.journal_text import usual_text
from atm_switch.switch.ports import Commit, Reservation
from tests.doubles.journal_bench import ending_of, entry_of, fresh_vault

LONG_WAY = RowChain(fresh_vault(), b"text", COLUMNS)
WITHOUT_A = Commit(entry_of(1), ending_of(), None)
BEHIND_A = Commit(entry_of(1), ending_of(), 7)
ROWS: dict[str, tuple[Any, ...]] = {
    "B": ending_cells(drafted(WITHOUT_A), 8, 5, b"sealed"),
    "B behind its A": ending_cells(drafted(BEHIND_A), 8, 5, b"sealed" * 400),
    "B without answer": ending_cells(drafted(WITHOUT_A), 8, 5, None),
    "A": reservation_cells(entry_of(1), Reservation(7, 2, granted=True), 5),
}
CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=5),
    st.text("0", min_size=250, max_size=260),
    st.binary(max_size=40),
    st.sampled_from(["A", "B", "7", "1", b"A", "é", 0, 1]),
)


@pytest.mark.parametrize("cells", ROWS.values(), ids=ROWS)
def test_rows_of_a_request_take_the_short_way(cells: tuple[Any, ...]) -> None:
    """They are the same bytes, so that every journal there is stays right."""
    assert len(COLUMNS) - 1 == len(cells)
    assert LONG_WAY.canonical(cells) == usual_text(cells)


@given(
    st.sampled_from(sorted(ROWS)),
    st.dictionaries(st.integers(0, len(COLUMNS) - 2), CELLS, max_size=4),
)
def test_row_with_any_cells_has_the_same_bytes_or_none(name: str, changes: dict[int, Any]) -> None:
    """
    Whatever stands in its cells, of whatever type: nothing that the long way tells apart is one.
    """
    cells = list(ROWS[name])
    for at, cell in changes.items():
        cells[at] = cell

    assert usual_text(cells) in {None, LONG_WAY.canonical(cells)}
