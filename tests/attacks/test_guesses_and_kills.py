"""The figure of the PIN guesses in small, so that it cannot rot: three looks, whatever comes.

The long run is ``python -m tests.figures.pin_guesses``.
"""

from pathlib import Path

from tests.doubles.processes import Victim
from tests.figures.pin_guesses import siege_of


def test_guesses_between_kills_get_three_looks(tmp_path: Path) -> None:
    """
    Sixty guesses over six links at a real switch of which what answers, what writes, and both
    are killed in between, fresh cards whose first tries such a kill falls among, and a clock
    ten years off: the journal shows three PINs looked at for each card, and the right PIN
    finds it shut.
    """
    found, killed = siege_of(tmp_path, guesses=60, links=6, kills=3, seed="small")

    assert {Victim.ANSWERING: 2, Victim.WRITER: 2, Victim.BOTH: 2} == killed
    assert 6 == len(found)
    assert [(3, "75")] * 6 == [(one.granted, one.right_pin) for one in found]
    assert [] == [one for one in found if not one.is_held]
