"""Check the chains of every node of a journal, or an audit, on PostgreSQL.

Plan: one snapshot; each node's rows in order against the links stored before them, then its
head; the schema's own guards.  A row without a head of its node is a finding, too.
Limits: what no chain can find (``journal_chain``); a node that was taken out whole, rows and
heads, is not missed unless its head was noted.
"""

from collections.abc import Iterator
from typing import Any, Final

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST
from atm_switch.adapters.audit_verify import AuditVerification, NotedHead
from atm_switch.adapters.journal_chain import BEGINNING, Head, RowChain, chains_of
from atm_switch.adapters.journal_rows import COLUMN_LIST, row_from
from atm_switch.adapters.journal_verify import FINDINGS_MAX, Fault, Finding, Verification, Walk
from atm_switch.adapters.postgres_batch import AUDIT, JOURNAL
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_purge import floor_of
from atm_switch.adapters.postgres_reader import PostgresReader
from atm_switch.security.vault import Vault

GUARDS: Final = frozenset({
    "journal_rows_are_only_added", "audit_rows_are_only_added", "heads_are_not_deleted",
    "journal_rows_are_events", "audit_rows_are_events", "journal_rows_above_the_floor_stay",
})  # fmt: skip
_GUARDS_THERE: Final = (
    "SELECT tgname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal"
    " AND tgenabled = 'O'"
)
_NODES: Final = (
    "SELECT node FROM heads UNION SELECT DISTINCT node FROM journal_rows"
    " UNION SELECT DISTINCT node FROM audit_rows ORDER BY 1"
)
_HEAD: Final = "SELECT seq, chain, seal FROM heads WHERE node = $1 AND book = $2"
ROWS_AT_ONCE: Final = 5_000


def verify_journals(reader: PostgresReader, vault: Vault) -> dict[str, Verification]:
    """Check every node's journal.  Raises ``JournalUnavailable`` where it cannot be read."""
    with reader.snapshot() as session:
        is_guarded = _is_guarded(session)
        found = {}
        for (node,) in session.rows(_NODES):
            walk = Walk(chains_of(vault, node)[0])
            if not is_guarded:
                walk.note(Fault.GUARD_MISSING, 0)
            try:
                walk.last = floor_of(session, node, walk.chain)
            except ValueError:
                walk.note(Fault.WRONG_FLOOR, 0)
            for cells in _rows(session, node, "journal_rows", COLUMN_LIST):
                walk.step(row_from(cells))
            if not _is_head(session, node, JOURNAL, walk.chain, walk.last):
                walk.note(Fault.WRONG_HEAD, walk.last.seq)
            found[node] = walk.end()
    return found


def verify_audits(
    reader: PostgresReader, vault: Vault, noted: NotedHead | None = None
) -> dict[str, AuditVerification]:
    """Check every node's audit, and that a head noted before is still in one of them.

    Raises ``JournalUnavailable`` where it cannot be read.
    """
    is_met = noted is None or noted.is_of(BEGINNING)
    with reader.snapshot() as session:
        is_guarded = _is_guarded(session)
        found = {}
        for (node,) in session.rows(_NODES):
            findings = [] if is_guarded else [Finding(Fault.GUARD_MISSING, 0)]
            chain, last, rows = chains_of(vault, node)[1], BEGINNING, 0
            for cells in _rows(session, node, "audit_rows", AUDIT_COLUMN_LIST):
                seq, link = cells[0], cells[-1]
                if seq != last.seq + 1:
                    findings.append(Finding(Fault.SEQUENCE_GAP, seq))
                if chain.link_cells(last.chain, cells) != link:
                    findings.append(Finding(Fault.WRONG_LINK, seq))
                last, rows = Head(seq, link), rows + 1
                is_met = is_met or (noted is not None and noted.is_of(last))
            if not _is_head(session, node, AUDIT, chain, last):
                findings.append(Finding(Fault.WRONG_HEAD, last.seq))
            found[node] = AuditVerification(rows, last, tuple(findings[:FINDINGS_MAX]))
    if not is_met and noted is not None:
        missing = Finding(Fault.NOTED_HEAD_MISSING, noted.seq)
        found[""] = AuditVerification(0, BEGINNING, (missing,))
    return found


def _is_guarded(session: PostgresSession) -> bool:
    return {name for (name,) in session.rows(_GUARDS_THERE)} >= GUARDS


def _rows(
    session: PostgresSession, node: str, table: str, columns: str
) -> Iterator[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM {table} WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT $3"  # noqa: S608 - constants
    seen = 0
    while page := session.rows(query, node, seen, ROWS_AT_ONCE):
        yield from page
        seen = page[-1][0]


def _is_head(session: PostgresSession, node: str, book: str, chain: RowChain, last: Head) -> bool:
    stored = session.rows(_HEAD, node, book)
    if not stored:
        return last == BEGINNING
    seq, link, seal = stored[0]
    return chain.is_sealed(Head(seq, link), seal) and Head(seq, link) == last
