"""Everything that only reads the audit: the last rows, the rows since, the check.

Plan: as the journal's reader, whose file it shares.
Limits: rows come as they are stored; whether they are as they were written only
``verify`` can tell.
"""

from pathlib import Path
from typing import Final

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST, AuditRow, audit_row_from
from atm_switch.adapters.audit_verify import (
    FIRST_SCHEMA,
    AuditVerification,
    NotedHead,
    verify_audit,
)
from atm_switch.adapters.file_reader import FileReader
from atm_switch.adapters.journal_rows import ROWS_MAX
from atm_switch.adapters.schema import QUERY_SECONDS_MAX
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.security.vault import Vault

_SELECT: Final = f"SELECT {AUDIT_COLUMN_LIST} FROM audit_rows "  # noqa: S608 - constants only


class AuditReader(FileReader):
    """Reads an audit.  Every method raises ``JournalUnavailable`` where it cannot."""

    def __init__(self, path: Path, seconds_max: float = QUERY_SECONDS_MAX) -> None:
        """Open the journal's file.  Raises ``Refused`` also for one that has no audit yet."""
        super().__init__(path, seconds_max)
        try:
            ((version,),) = self._select("PRAGMA user_version")
        except BaseException:
            self.close()
            raise
        if version < FIRST_SCHEMA:
            self.close()
            raise Refused(
                f"{path.name} has no audit; it gets one when the switch is next started"
                " (if it had one before, the file was tampered with)"
            )

    def tail(self, count: int) -> tuple[AuditRow, ...]:
        """Return the last ``count`` rows, oldest first."""
        return self._rows("ORDER BY seq DESC LIMIT ?", count)[::-1]

    def since(self, after_seq: int, count_max: int = ROWS_MAX) -> tuple[AuditRow, ...]:
        """Return the rows behind a sequence, oldest first, at most ``count_max``."""
        return self._rows("WHERE seq > ? ORDER BY seq LIMIT ?", after_seq, count_max)

    def last_sequence(self) -> int:
        """Return the sequence of the last row, 0 for none."""
        found = self._select("SELECT coalesce(max(seq), 0) FROM audit_rows")
        return int(found[0][0])

    def verify(self, vault: Vault, noted: NotedHead | None = None) -> AuditVerification:
        """Check the whole audit, and that a head noted before is still in it."""
        with self._no_hurry():
            return verify_audit(self._connection, vault, noted)

    def _rows(self, clause: str, *values: object) -> tuple[AuditRow, ...]:
        try:
            with self._no_hurry():
                found = self._select(_SELECT + clause, values)
            return tuple(audit_row_from(cells) for cells in found)
        except ValueError:
            raise JournalUnavailable("the audit cannot be read: see audit verify") from None
