"""The victim of ``test_kill_nine``: writes a journal until it is killed.

Takes the journal's path and the first number as arguments and the vault's document on
stdin.  Each answer is told on stdout after its delivery, one line: ``A sequence number``
for a reservation, ``G sequence number`` for one granted to the hammered card, ``B 0
number`` for an ending.
"""

import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import card_of, ending_of, entry_of

IN_FLIGHT = 48
HAMMERED = card_of(0)
HAMMER_EVERY = 5
TRIES_MAX = 3

Task = tuple[int, JournalQuestion]


class Load:
    """Keeps so many inquiries going, each an A and then its B."""

    def __init__(self, path: Path, vault: Vault, first: int) -> None:
        """Lay out the writer; ``first`` numbers the first inquiry."""
        self._writer = JournalWriter[Task](path, vault, lambda: datetime.now(UTC), os.urandom)
        self._next = first

    def run(self) -> None:
        """Start all inquiries and wait for the end, which comes from outside."""
        self._writer.start(self._deliver)
        for _ in range(IN_FLIGHT):
            self._inquire()
        threading.Event().wait()

    def _inquire(self) -> None:
        number = self._next
        self._next += 1
        card = HAMMERED if number % HAMMER_EVERY == 0 else None
        self._send((number, Reserve(entry_of(number, card), TRIES_MAX)))

    def _send(self, task: Task) -> None:
        self._writer.submit(task[1], task)

    def _deliver(self, batch: list[tuple[Task, Any]]) -> None:
        os.write(1, "".join(_line(task, answer) for task, answer in batch).encode())
        for (number, question), answer in batch:
            if isinstance(question, Reserve):
                self._send((number, Commit(question.entry, ending_of(), answer.sequence)))
            else:
                self._inquire()


def _line(task: Task, answer: Any) -> str:
    number, question = task
    if not isinstance(question, Reserve):
        return f"B 0 {number}\n"
    hammered = question.entry.card == HAMMERED and answer.granted
    return f"{'G' if hammered else 'A'} {answer.sequence} {number}\n"


if __name__ == "__main__":
    Load(Path(sys.argv[1]), Vault.from_document(json.load(sys.stdin)), int(sys.argv[2])).run()
