"""Claims about the breaker, for any history of failures and answers."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from atm_switch.switch.breaker import AGAIN_SECONDS, FAILURES_MAX, Breaker


class BreakerMachine(RuleBasedStateMachine):
    """Held against two numbers: failures in a row, and when a question was let through last."""

    def __init__(self) -> None:
        """Begin well."""
        super().__init__()
        self.breaker, self.now, self.failures = Breaker(), 0.0, 0
        self.quiet_since: float | None = None

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule()
    def fail(self) -> None:
        """A question has no answer."""
        self.failures += 1
        opens = self.failures == FAILURES_MAX
        assert opens == self.breaker.failed(self.now)
        if opens:
            self.quiet_since = self.now

    @rule()
    def succeed(self) -> None:
        """A question has an answer, whenever it was asked."""
        assert (self.failures >= FAILURES_MAX) == self.breaker.succeeded()
        self.failures, self.quiet_since = 0, None

    @rule()
    def ask(self) -> None:
        """Closed lets all through; open one in every half second, and never later."""
        admitted = self.breaker.admits(self.now)

        if self.quiet_since is None:
            assert admitted
        else:
            assert admitted == (self.now >= self.quiet_since + AGAIN_SECONDS)
            self.quiet_since = self.now if admitted else self.quiet_since

    @invariant()
    def is_open_after_so_many_failures(self) -> None:
        """Nothing else opens it."""
        assert (self.failures >= FAILURES_MAX) == self.breaker.is_open


TestBreaker = BreakerMachine.TestCase


@given(st.floats(0, 1e9), st.integers(FAILURES_MAX, 100))
def test_ledger_that_is_back_is_found_within_a_second(now: float, failures: int) -> None:
    """However often it failed, a moment later a question goes through and closes it."""
    breaker = Breaker()
    for _ in range(failures):
        breaker.failed(now)

    assert breaker.admits(now + 1.0)
    assert breaker.succeeded()
    assert breaker.admits(now + 1.0)


def test_open_breaker_lets_one_question_through_in_a_quarter_of_a_second() -> None:
    """The one that went through puts the next off, whoever asks meanwhile."""
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        breaker.failed(100.0)

    asked = [at / 20 for at in range(2_000, 2_016)]

    assert [100.25, 100.5, 100.75] == [at for at in asked if breaker.admits(at)]
