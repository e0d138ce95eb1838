"""A failure of the state machine is kept with its history, also one that does not come again."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.chaos import core_against_model
from tests.chaos.core_history import History, Recorded, keep
from tests.chaos.proof import Trial

HOW = settings(
    max_examples=50, deadline=None, database=None, print_blob=True,
    phases=(Phase.generate, Phase.shrink), derandomize=True,
)  # fmt: skip


class Sum(RuleBasedStateMachine):
    """Adds up; more than forty is wrong, so often as is left."""

    left = 0

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.sum = 0

    @rule(number=st.integers(0, 9))
    def add(self, number: int) -> None:
        """Add one number."""
        self.sum += number

    @invariant()
    def is_small(self) -> None:
        """It is at most forty, or was wrong so often before that nobody looks any more."""
        if self.sum > 40 and type(self).left > 0:
            type(self).left -= 1
            raise AssertionError("too much")


@pytest.mark.parametrize("times", [1, 1_000_000])
def test_the_first_run_that_failed_is_kept(times: int, tmp_path: Path) -> None:
    """Its steps add up to more than forty; hypothesis tells its own where it fails each time."""

    class Kept(Recorded, Sum):
        left = times
        history = History()

    with pytest.raises((AssertionError, ExceptionGroup)) as broken:
        run_state_machine_as_test(Kept, settings=HOW)
    keep(tmp_path / "kept" / "history.txt", "how it ran", broken.value, Kept.history)

    text = (tmp_path / "kept" / "history.txt").read_text()
    by_hypothesis, _, first = text.partition("-- the first run that failed")
    added = [
        int(line.removeprefix("state.add(number=").removesuffix(")"))
        for line in first.splitlines()
        if line.startswith("state.add(")
    ]
    assert sum(added) > 40 >= sum(added[:-1])
    assert "AssertionError: too much" in first
    assert by_hypothesis.startswith("how it ran\n")
    assert (times > 1) == ("@reproduce_failure" in by_hypothesis)


def test_a_machine_that_holds_leaves_no_history() -> None:
    """Nothing is kept where nothing fails."""

    class Kept(Recorded, Sum):
        history = History()

    run_state_machine_as_test(Kept, settings=HOW)

    assert [] == Kept.history.first


def test_what_fails_behind_an_interrupt_is_no_history() -> None:
    """Left amid a step a machine's end fails, too; Ctrl-C comes out of it, and nothing is kept."""

    class Left(Recorded, Sum):
        history = History()
        is_amid = False

        @rule()
        def leave(self) -> None:
            """Be left by Ctrl-C, with something under way."""
            self.is_amid = True
            raise KeyboardInterrupt

        def teardown(self) -> None:
            """Find it under way."""
            with self.history.step("end", {}):
                assert not self.is_amid

    with pytest.raises(KeyboardInterrupt):
        run_state_machine_as_test(Left, settings=HOW)

    assert ([], 0) == (Left.history.first, Left.history.failures)


@pytest.mark.parametrize("has_failed", [False, True])
def test_an_interrupt_ends_the_run_against_the_model_with_what_was_found(
    *, has_failed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted, where nothing failed; a run that failed before is told all the same."""

    class Broken(Sum):
        left = 1 if has_failed else 0
        counts: ClassVar = Counter[str]()

        @invariant()
        def is_left(self) -> None:
            """Ctrl-C comes behind the first failure, or at once where there is to be none."""
            if type(self).left == 0 and self.sum > 20:
                raise KeyboardInterrupt

    monkeypatch.setattr(core_against_model, "CoreMachine", Broken)
    monkeypatch.setattr(core_against_model, "KEPT_IN", tmp_path)

    found = core_against_model.measure(Trial(is_long=False, seed=1, root=tmp_path))

    assert not found.is_held
    assert has_failed == ("forbids" in found.got)
    assert has_failed == ("AssertionError: too much" in "\n".join(found.notes))
    assert has_failed != ("0 violations" in found.got)
