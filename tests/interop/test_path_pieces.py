"""An inquiry and its row keep to their instructions beside pyiso8583: noise cannot fail it."""

from pathlib import Path

import pytest

from tests.bench.instructions import missing_for_counting
from tests.bench.path_pieces import GOALS, counted
from tests.bench.path_trips import BEHIND, WHOLE, WITHIN


@pytest.mark.skipif(bool(missing_for_counting()), reason=missing_for_counting() or "counted")
def test_inquiry_and_its_row_keep_to_their_instructions(tmp_path: Path) -> None:
    """From the payload to the packed answer, in round trips of pyiso8583 by the same process.

    The pieces are all there is of it, within a twentieth: none of any size is in no piece.
    So does what comes behind it: the row's way into the journal, and the line of log.
    """
    found = counted(tmp_path, ("core", *WHOLE, *WITHIN, *BEHIND, "pyiso8583"))

    assert found["core"] / found["pyiso8583"] <= (GOALS[0].least or 0) <= 1.4
    assert 0.95 <= sum(found[name] for name in WHOLE) / found["core"] <= 1.05
    assert sum(found[name] for name in WITHIN) < found["corridor"]
    behind = sum(found[name] for name in BEHIND)
    assert behind / found["pyiso8583"] <= (GOALS[1].least or 0) <= 0.85
