"""What happened in a run, a line for each step, in order: how a seed is read and compared."""

import hashlib
from collections.abc import Callable


class Trace:
    """Keeps every line, and passes it on where somebody watches."""

    def __init__(self, clock: Callable[[], float], watch: Callable[[str], None] | None) -> None:
        """``clock`` is the run's own time in seconds."""
        self._clock = clock
        self._watch = watch
        self.lines: list[str] = []

    def say(self, who: str, what: str) -> None:
        """Write one step down."""
        line = f"{self._clock():11.6f} {who:12} {what}"
        self.lines.append(line)
        if self._watch is not None:
            self._watch(line)

    @property
    def digest(self) -> str:
        """Name the whole run: equal for equal traces only."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
