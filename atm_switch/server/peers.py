"""How many connections each peer has made to us, and of which of them that changed lately."""

from collections import Counter


class Peers:
    """Counts by host; what nobody has any more is forgotten."""

    def __init__(self) -> None:
        """Begin with none."""
        self._links: Counter[str] = Counter()
        self._changed: set[str] = set()

    def of(self, host: str) -> int:
        """Return how many connections a host has."""
        return self._links[host]

    def came(self, host: str) -> None:
        """Count one more."""
        self._links[host] += 1
        self._changed.add(host)

    def went(self, host: str) -> None:
        """Count one less."""
        self._links[host] -= 1
        if self._links[host] <= 0:
            del self._links[host]
        self._changed.add(host)

    def changes(self) -> set[str]:
        """Return the hosts for which it changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed
