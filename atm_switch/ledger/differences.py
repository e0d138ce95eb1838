"""Where the books do not agree: what ``reconcile.py`` finds, and how much of it is kept."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

DIFFERENCES_MAX: Final = 100
"""Of each kind are kept."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the books do not agree; the KPJ masked, amounts in sen."""

    kind: str
    kpj: str
    expected: str
    got: str


class Tally:
    """Counts differences, and keeps the first of each kind: there may be forty million."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self.first: list[Difference] = []
        self._shown: Counter[str] = Counter()

    def take(self, one: Difference) -> None:
        """Count it, and keep it if it is of the first."""
        kind = "totals" if one.kind.startswith("totals of") else one.kind
        self.count += 1
        self._shown[kind] += 1
        if self._shown[kind] <= DIFFERENCES_MAX:
            self.first.append(one)
