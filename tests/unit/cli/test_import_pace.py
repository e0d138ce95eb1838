"""How long the rest of a phase takes, by the passes that are done."""

from atm_switch.cli.import_pace import Pace


def test_no_time_left_is_told_before_a_pass_is_done() -> None:
    """
    For none is known then.
    """
    pace = Pace(100.0)
    pace.note(0, 4, 100.0)

    assert pace.seconds_left(130.0) is None
    assert "checking, pass 1 of 4" == pace.told("checking")


def test_time_left_goes_by_the_passes_done_and_runs_down() -> None:
    """
    One pass of four took ten seconds: thirty are left, and five seconds later twenty-five.
    """
    pace = Pace(100.0)
    pace.note(1, 4, 110.0)

    assert (30.0, 25.0) == (pace.seconds_left(110.0), pace.seconds_left(115.0))
    assert 50.0 == pace.rate(500, 110.0)
    assert "booking, pass 2 of 4" == pace.told("booking")


def test_guess_that_is_over_is_not_told() -> None:
    """
    A pass that takes longer than all that should be left has no time left that is known; after
    the last pass nothing is left.
    """
    pace = Pace(100.0)
    pace.note(1, 2, 110.0)
    assert pace.seconds_left(121.0) is None

    pace.note(2, 2, 125.0)
    assert 0.0 == pace.seconds_left(125.0)
    assert "booking, pass 2 of 2" == pace.told("booking")
