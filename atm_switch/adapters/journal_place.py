"""Where the journal is: a SQLite file of the data folder, or a PostgreSQL database.

Plan: commands and the switch open it here and see the same, whichever it is.  A file has
one node, which has no name.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from math import inf
from pathlib import Path
from typing import Protocol, Self

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.audit_rows import AuditRow
from atm_switch.adapters.audit_verify import AuditVerification, NotedHead
from atm_switch.adapters.disk import free_bytes
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_report import Reconciliation
from atm_switch.adapters.journal_rows import ROWS_MAX, JournalRow
from atm_switch.adapters.journal_verify import Verification
from atm_switch.adapters.postgres_reader import AuditPages, Ends, JournalPages, Told
from atm_switch.adapters.postgres_verify import verify_audits, verify_journals
from atm_switch.adapters.untold_rows import UntoldAnswer
from atm_switch.security.vault import Vault

OF_FILE = ""
"""The node of a file."""
COMMANDS = "commands"
"""What a machine's commands add to its node's name to write as one of their own."""


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Where the journal is; ``url`` empty: in the file ``path``.

    ``node`` is who writes it, where it is on PostgreSQL.
    """

    path: Path
    url: str = ""
    node: str = OF_FILE

    def of_commands(self) -> "JournalPlace":
        """Return the place as commands write to it, beside a running switch."""
        return JournalPlace(self.path, self.url, f"{self.node}/{COMMANDS}")

    def free_bytes(self) -> float:
        """Return the room there is for it; infinite where that is PostgreSQL's."""
        return inf if self.url else free_bytes(self.path)


class Pages(Protocol):
    """The rows of a journal, of all its nodes."""

    def tail(self, count: int) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        """Return the last ``count`` rows, oldest first, and where every node ends."""

    def follow(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        """Return the rows behind those seen, and where that ends."""

    def show(self, rrn: str) -> tuple[Told[JournalRow], ...]:
        """Return all rows of a retrieval reference number, oldest first."""

    def untold(self, rrn: str) -> list[UntoldAnswer]:
        """Return which answers under a retrieval reference number did not leave."""

    def reconcile(self, acquirer: str, business_date: date) -> Reconciliation:
        """Count an acquirer's business date by outcome and DE39."""

    def verify(self, vault: Vault) -> Mapping[str, Verification]:
        """Check every node's chain."""


class AuditBook(Protocol):
    """The records of an audit, of all its nodes."""

    def tail(self, count: int) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        """Return the last ``count`` rows, oldest first, and where every node ends."""

    def since(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        """Return the rows behind those seen, and where that ends."""

    def verify(self, vault: Vault, noted: NotedHead | None) -> Mapping[str, AuditVerification]:
        """Check every node's chain, and that a head noted before is still in one."""


def open_pages(place: JournalPlace) -> AbstractContextManager[Pages]:
    """Open a journal to read.  Raises ``Refused``."""
    return _SharedPages(place.url) if place.url else _FilePages(place.path)


def open_audit(place: JournalPlace) -> AbstractContextManager[AuditBook]:
    """Open an audit to read.  Raises ``Refused``."""
    return _SharedAudit(place.url) if place.url else _FileAudit(place.path)


class _SharedPages(JournalPages):
    verify = verify_journals


class _SharedAudit(AuditPages):
    verify = verify_audits


class _FilePages:
    def __init__(self, path: Path) -> None:
        self._reader = JournalReader(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._reader.close()

    def tail(self, count: int) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        rows = self._reader.tail(count)
        return _told(rows), {OF_FILE: rows[-1].seq if rows else self._reader.last_sequence()}

    def follow(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[JournalRow], ...], Ends]:
        rows = self._reader.follow(seen.get(OF_FILE, 0), count_max)
        return _told(rows), {OF_FILE: rows[-1].seq} if rows else seen

    def show(self, rrn: str) -> tuple[Told[JournalRow], ...]:
        return _told(self._reader.show(rrn))

    def untold(self, rrn: str) -> list[UntoldAnswer]:
        return self._reader.untold(rrn)

    def reconcile(self, acquirer: str, business_date: date) -> Reconciliation:
        return self._reader.reconcile(acquirer, business_date)

    def verify(self, vault: Vault) -> Mapping[str, Verification]:
        return {OF_FILE: self._reader.verify(vault)}


class _FileAudit:
    def __init__(self, path: Path) -> None:
        self._reader = AuditReader(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._reader.close()

    def tail(self, count: int) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        rows = self._reader.tail(count)
        told = tuple(Told(OF_FILE, row) for row in rows)
        return told, {OF_FILE: rows[-1].seq if rows else self._reader.last_sequence()}

    def since(
        self, seen: Ends, count_max: int = ROWS_MAX
    ) -> tuple[tuple[Told[AuditRow], ...], Ends]:
        rows = self._reader.since(seen.get(OF_FILE, 0), count_max)
        told = tuple(Told(OF_FILE, row) for row in rows)
        return told, {OF_FILE: rows[-1].seq} if rows else seen

    def verify(self, vault: Vault, noted: NotedHead | None) -> Mapping[str, AuditVerification]:
        return {OF_FILE: self._reader.verify(vault, noted)}


def _told(rows: tuple[JournalRow, ...]) -> tuple[Told[JournalRow], ...]:
    return tuple(Told(OF_FILE, row) for row in rows)
