"""How long to wait before trying again what failed: longer each time, and never all at once."""

from collections.abc import Callable
from dataclasses import dataclass

_DOUBLINGS_MAX = 30


@dataclass(frozen=True, slots=True)
class Retries:
    """Pauses between attempts to connect, in seconds; ``chance`` gives 0 to 1."""

    chance: Callable[[], float]
    first: float = 0.1
    longest: float = 5.0

    def pause(self, failures: int) -> float:
        """Return the pause after so many failures in a row: half of it is chance."""
        whole = min(self.longest, self.first * 2.0 ** min(failures, _DOUBLINGS_MAX))
        return whole * (0.5 + self.chance() / 2)
