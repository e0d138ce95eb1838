"""The switch with a journal that forgets: what durability costs is measured against it.

    python -m tests.bench.unjournaled DIR     as ``atm-switch serve DIR``

Plan: the writer takes every question and answers it at the next ring, without a thread, a
file or a sync; all else is the switch as it is.
"""

import sys
from typing import Any

from atm_switch import journaling, writer_apart
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.journal_writer import JournalWriter, OnBatch
from atm_switch.cli import main
from atm_switch.switch.effects import Ticket
from atm_switch.switch.ports import Reservation, Reserve


class ForgetfulWriter(JournalWriter[Ticket]):
    """Says that everything is written."""

    def start(self, on_batch: OnBatch[Ticket]) -> None:
        """Begin to forget."""
        self._on_batch = on_batch
        self._taken: list[tuple[Ticket, Any]] = []
        self._count = 0
        self._is_open = True

    def submit(self, question: Any, token: Ticket, *, rings: bool = True) -> None:
        """Take a question."""
        answer: Any = None
        if isinstance(question, SettleDoubts):
            answer = Settled(0, 0)
        elif isinstance(question, Reserve):
            self._count += 1
            answer = Reservation(self._count, 1, granted=True)
        self._taken.append((token, answer))
        if rings:
            self.ring()

    def ring(self) -> None:
        """Answer what was taken."""
        taken, self._taken = self._taken, []
        if taken:
            self._on_batch(taken)

    def stop(self) -> None:
        """End."""
        self._is_open = False


def forget() -> None:
    """Have the switch of this process write with it.

    Raises ``LookupError`` where the switch takes its writer from elsewhere by now.
    """
    if getattr(journaling, "JournalWriter", None) is not JournalWriter:
        raise LookupError("journaling.py makes no JournalWriter any more")
    vars(journaling)["JournalWriter"] = ForgetfulWriter
    vars(writer_apart)["is_wanted"] = lambda _settings: False


if __name__ == "__main__":
    forget()
    sys.exit(main(["serve", sys.argv[1]]))
