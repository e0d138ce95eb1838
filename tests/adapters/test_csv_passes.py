"""What the passes of an import are worth."""

import pytest

from atm_switch.ledger.csv_passes import Phase, Step, pass_over

BY_NO_ROWS = {Step.SET_ASIDE, Step.ANALYZE, Step.PAID_AFTER}


@pytest.mark.parametrize("is_postgres", [False, True])
@pytest.mark.parametrize("step", Step)
def test_each_step_that_goes_by_rows_is_worth_something(step: Step, *, is_postgres: bool) -> None:
    """
    Twice the rows are twice the worth; what goes by other rows than the file's is worth none.
    """
    one, twice = (
        pass_over(Phase.BOOKING, step, rows, is_postgres=is_postgres) for rows in (10, 20)
    )

    assert (one.work > 0) is (step not in BY_NO_ROWS)
    assert 2 * one.work == twice.work
