"""Whether the ledger is worth asking: not while it fails, but for a question now and then.

Plan: ``FAILURES_MAX`` failures in a row open the breaker; then whoever would ask is refused
at once, and one question every ``AGAIN_SECONDS`` is let through to find out.  The first
answer closes it, so a ledger that is back serves within a second.
Why a failure in between does not put the next question off: a server that hangs takes its
whole time to fail, and may be well long before.
"""

FAILURES_MAX = 5
AGAIN_SECONDS = 0.25


class Breaker:
    """Open or closed; times are monotonic seconds."""

    def __init__(self) -> None:
        """Begin closed."""
        self._failures = 0
        self._ask_at: float | None = None
        self.is_open = False
        """Whether most questions are refused."""

    def admits(self, now: float) -> bool:
        """Tell whether a question may be put now; one that may is taken to be put."""
        if self._ask_at is None:
            return True
        if now < self._ask_at:
            return False
        self._ask_at = now + AGAIN_SECONDS
        return True

    def failed(self, now: float) -> bool:
        """Count a question without an answer; true where that opens the breaker."""
        self._failures += 1
        if self._ask_at is not None or self._failures < FAILURES_MAX:
            return False
        self._ask_at, self.is_open = now + AGAIN_SECONDS, True
        return True

    def succeeded(self) -> bool:
        """Take an answer; true where that closes the breaker."""
        if not self._failures:
            return False
        was_open = self.is_open
        self._failures, self._ask_at, self.is_open = 0, None, False
        return was_open
