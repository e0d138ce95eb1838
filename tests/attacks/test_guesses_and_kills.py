"""The figure of the PIN guesses in small, so that it cannot rot: three looks, whatever comes.

The long run is ``python -m tests.figures.pin_guesses``.
"""

from pathlib import Path

from tests.figures.pin_guesses import siege_of


def test_guesses_between_kills_get_three_looks(tmp_path: Path) -> None:
    """
    Sixty guesses over six links at a real switch that is killed in between, fresh cards
    whose first tries a kill falls among, and a clock ten years off: the journal shows three
    PINs looked at for each card, and the right PIN finds it shut.
    """
    found = siege_of(tmp_path, guesses=60, links=6, kills=2, seed="small")

    assert 5 == len(found)
    assert [(3, "75")] * 5 == [(one.granted, one.right_pin) for one in found]
    assert [] == [one for one in found if not one.is_held]
