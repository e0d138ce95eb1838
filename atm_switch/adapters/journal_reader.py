"""Everything that only reads the journal: repeats, listings, dates, the last sequence.

Plan: one read-only connection, used in the thread that made it; every question is one
indexed SELECT that is read to its end at once, so that no read holds back a checkpoint.
Limits: sees committed rows only.  ``in_doubt``, ``reconcile`` and ``verify`` walk long
ways without a limit of time, and belong to the command line, not to the loop.
"""

from datetime import date, datetime
from typing import Final

from atm_switch.adapters.file_reader import FileReader
from atm_switch.adapters.journal_memory import stored_answer
from atm_switch.adapters.journal_report import Reconciliation, reconcile
from atm_switch.adapters.journal_rows import (
    COLUMN_LIST,
    ROWS_MAX,
    JournalRow,
    from_microseconds,
    row_from,
    to_microseconds,
)
from atm_switch.adapters.journal_verify import Verification, verify_journal
from atm_switch.adapters.untold_rows import OF_RRN, UntoldAnswer, untold_answers
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.member import CardRef
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import FindRepeat, KeepCommand, StoredResponse

_SELECT: Final = f"SELECT {COLUMN_LIST} FROM journal_rows "  # noqa: S608 - constants only
_IN_DOUBT: Final = (
    "WHERE kind = 'A' AND NOT EXISTS"
    " (SELECT 1 FROM journal_rows AS ending WHERE ending.ref = journal_rows.seq) ORDER BY seq"
)


class JournalReader(FileReader):
    """Reads a journal.  Every method raises ``JournalUnavailable`` where it cannot."""

    def find_repeat(self, question: FindRepeat, vault: Vault) -> StoredResponse | None:
        """Answer the port's question: the newest stored 0210 under this key."""
        since = to_microseconds(question.since)
        return stored_answer(self._looked_up, question.key, since, vault)

    def tail(self, count: int) -> tuple[JournalRow, ...]:
        """Return the last ``count`` rows, oldest first."""
        return self._rows("ORDER BY seq DESC LIMIT ?", count)[::-1]

    def follow(self, after_seq: int, count_max: int = ROWS_MAX) -> tuple[JournalRow, ...]:
        """Return the rows behind a sequence, oldest first, at most ``count_max``."""
        return self._rows("WHERE seq > ? ORDER BY seq LIMIT ?", after_seq, count_max)

    def show(self, rrn: str) -> tuple[JournalRow, ...]:
        """Return all rows of a retrieval reference number, oldest first."""
        return self._rows("WHERE rrn = ? ORDER BY seq", rrn)

    def untold(self, rrn: str) -> list[UntoldAnswer]:
        """Return which answers under a retrieval reference number did not leave."""
        with self._no_hurry():
            return untold_answers(self._select(OF_RRN, (rrn,)))

    def in_doubt(self) -> tuple[JournalRow, ...]:
        """Return every A without a B: cut off by a crash, or still under way."""
        return self._rows(_IN_DOUBT)

    def last_sequence(self) -> int:
        """Return the sequence of the last row, 0 for none."""
        found = self._select("SELECT coalesce(max(seq), 0) FROM journal_rows")
        return int(found[0][0])

    def next_host_sequence(self) -> int:
        """Return a number from which host references may be counted up after a start.

        Above every number that left before, provided each number that leaves has a row of
        its own and every start counts from here.
        """
        return self.last_sequence() + 1

    def tries(self, ref: CardRef) -> int:
        """Return how many PIN tries of a card are used."""
        found = self._select("SELECT tries FROM pin_tries WHERE pan_digest = ?", (ref.digest,))
        return int(found[0][0]) if found else 0

    def business_date(self, acquirer: str) -> date | None:
        """Return the business date an acquirer was last moved to, if it ever was."""
        found = self._select(
            "SELECT business_date FROM business_dates WHERE acquirer = ?", (acquirer,)
        )
        return date.fromisoformat(found[0][0]) if found else None

    def commands(self, now: datetime) -> tuple[KeepCommand, ...]:
        """Return the commands carried out whose recordings may be fresh, the eldest first."""
        found = self._select(
            "SELECT acquirer, identity, until FROM commands WHERE until > ? ORDER BY until",
            (to_microseconds(now),),
        )
        return tuple(
            KeepCommand(AcquirerId(acquirer), identity, from_microseconds(until))
            for acquirer, identity, until in found
        )

    def reconcile(self, acquirer: str, business_date: date) -> Reconciliation:
        """Count an acquirer's business date by outcome and DE39."""
        with self._no_hurry():
            return reconcile(self._connection, acquirer, business_date)

    def verify(self, vault: Vault) -> Verification:
        """Check the whole journal: chain, sequence, head, file, A without B."""
        with self._no_hurry():
            return verify_journal(self._connection, vault)

    def _rows(self, clause: str, *values: object) -> tuple[JournalRow, ...]:
        with self._no_hurry():
            return tuple(row_from(cells) for cells in self._select(_SELECT + clause, values))
