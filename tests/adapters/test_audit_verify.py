"""The check of an audit: what it names, where, and what it must not accuse."""

import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.audit_verify import NotedHead, verify_audit
from atm_switch.adapters.journal_chain import GENESIS, AuditChain, Head, JournalChain
from atm_switch.adapters.journal_verify import FINDINGS_MAX, Fault, Finding
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import KeepRecord
from tests.doubles.audit_bench import Book, book_of, record_of
from tests.doubles.audit_intruder import Intruder
from tests.doubles.journal_bench import JournalBench, fresh_vault

RECORDS = 24
VAULT = fresh_vault()
VAULT_OF_FIRST_RELEASE = Path(__file__).parents[1] / "vectors" / "first_release_vault.json"


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    """Write a book of some records, for copies to be made of."""
    written = book_of(RECORDS, VAULT)
    yield written
    written.connection.close()


@pytest.fixture
def hand(book: Book) -> Iterator[Intruder]:
    """Give a fresh copy to work on."""
    with closing(book.copy()) as connection:
        yield Intruder(connection, Random(1), book)  # noqa: S311 - not for keys


def findings(hand: Intruder, noted: NotedHead | None = None) -> tuple[Finding, ...]:
    """Verify what came of it."""
    return verify_audit(hand.connection, VAULT, noted).findings


def test_untouched_audit_is_sound(hand: Intruder) -> None:
    """
    Every row is counted, the head is the last row's, nothing is found.
    """
    found = verify_audit(hand.connection, VAULT, NotedHead.of(hand.book.head))

    assert (RECORDS, hand.book.head, ()) == (found.rows, found.head, found.findings)
    assert found.is_sound


def test_guards_put_back_are_no_finding(hand: Intruder) -> None:
    """
    Guards taken down and put back word for word stand as before: what the tests of
    tampering find is the tampering.
    """
    with hand.unguarded():
        pass

    assert () == findings(hand)


@pytest.mark.parametrize("column", ["at", "kind", "actor", "subject", "detail", "chain"])
def test_changed_cell_is_named_by_row(hand: Intruder, column: str) -> None:
    """
    A change in any column is a wrong link at its row; one of a link, behind it as well.
    """
    told = {"at": 1, "kind": "stop", "chain": GENESIS}.get(column, "x")
    with hand.unguarded():
        hand.ask(f"UPDATE audit_rows SET {column} = ? WHERE seq = 7", told)  # noqa: S608 - constants

    wrong = [7, 8] if column == "chain" else [7]

    assert tuple(Finding(Fault.WRONG_LINK, seq) for seq in wrong) == findings(hand)


def test_emptied_detail_is_found(hand: Intruder) -> None:
    """
    A detail taken out leaves a wrong link: empty is not the same as never told.
    """
    with hand.unguarded():
        hand.ask("UPDATE audit_rows SET detail = '' WHERE seq = 2")

    assert (Finding(Fault.WRONG_LINK, 2),) == findings(hand)


def test_deleted_row_leaves_a_gap(hand: Intruder) -> None:
    """
    A row gone from the middle is a gap and a wrong link behind it.
    """
    with hand.unguarded():
        hand.ask("DELETE FROM audit_rows WHERE seq = 5")

    assert {Finding(Fault.SEQUENCE_GAP, 6), Finding(Fault.WRONG_LINK, 6)} == set(findings(hand))


def test_cut_tail_contradicts_the_head(hand: Intruder) -> None:
    """
    The rows left are sound, and the head names one that is not there.
    """
    with hand.unguarded():
        hand.ask("DELETE FROM audit_rows WHERE seq > 20")

    assert (Finding(Fault.WRONG_HEAD, 20),) == findings(hand)


def test_head_mended_by_hand_has_no_seal(hand: Intruder) -> None:
    """
    A head set back to the last row left has a seal of something else.
    """
    with hand.unguarded():
        hand.ask("DELETE FROM audit_rows WHERE seq > 20")
        hand.head_follows()

    assert (Finding(Fault.WRONG_HEAD, 20),) == findings(hand)


def test_seal_of_the_journal_does_not_fit() -> None:
    """
    Both chains live in one file with one vault, and neither's seals or links are the other's.
    """
    head = Head(7, bytes(range(32)))

    journal, audit = JournalChain(VAULT), AuditChain(VAULT)

    assert not audit.is_sealed(head, journal.seal(head))
    assert not journal.is_sealed(head, audit.seal(head))


@pytest.mark.parametrize("with_rows", [True, False])
def test_audit_without_head_is_not_sound(hand: Intruder, *, with_rows: bool) -> None:
    """
    A head is never missing in an audit that has begun, not even where no row is.
    """
    with hand.unguarded():
        hand.ask("DELETE FROM audit_head")
        if not with_rows:
            hand.ask("DELETE FROM audit_rows")

    assert (Finding(Fault.WRONG_HEAD, RECORDS if with_rows else 0),) == findings(hand)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER audit_rows_are_not_changed",
        "DROP TRIGGER audit_head_is_not_deleted",
        "CREATE TRIGGER own AFTER INSERT ON audit_rows BEGIN SELECT 1; END",
        "CREATE TRIGGER own AFTER UPDATE ON AUDIT_HEAD BEGIN SELECT 1; END",
        "ALTER TABLE audit_rows ADD COLUMN note TEXT",
    ],
    ids=["guard of rows", "guard of the head", "own trigger", "in capitals", "own column"],
)
def test_schema_that_is_not_ours_is_found(hand: Intruder, statement: str) -> None:
    """
    A guard gone, a trigger or a column more: with every row right the audit is not sound.
    """
    hand.ask(statement)

    assert (Finding(Fault.GUARD_MISSING, 0),) == findings(hand)


def test_hollow_guard_is_found(hand: Intruder) -> None:
    """
    A trigger of the right name that stops nothing is no guard.
    """
    hand.ask("DROP TRIGGER audit_rows_are_not_changed")
    hand.ask(
        "CREATE TRIGGER audit_rows_are_not_changed BEFORE UPDATE ON audit_rows BEGIN SELECT 1; END"
    )

    assert (Finding(Fault.GUARD_MISSING, 0),) == findings(hand)


def test_table_dropped_is_damage(hand: Intruder) -> None:
    """
    A table taken away is a finding, though SQLite calls it a mistake of the query.
    """
    hand.ask("DROP TABLE audit_head")

    assert {Fault.GUARD_MISSING, Fault.FILE_DAMAGED} == {one.fault for one in findings(hand)}


def test_cell_the_schema_does_not_take_is_damage(hand: Intruder) -> None:
    """
    A detail longer than the table allows is found by SQLite's own check, beside its wrong link.
    """
    with hand.unguarded():
        hand.ask("PRAGMA ignore_check_constraints = ON")
        hand.ask("UPDATE audit_rows SET detail = ? WHERE seq = 7", "x" * 201)
        hand.ask("PRAGMA ignore_check_constraints = OFF")

    assert (Finding(Fault.FILE_DAMAGED, 0), Finding(Fault.WRONG_LINK, 7)) == findings(hand)


def test_text_that_is_no_text_is_found(hand: Intruder) -> None:
    """
    Bytes that no decoder takes end the walk as a finding, not as a crash.
    """
    with hand.unguarded():
        hand.ask("UPDATE audit_rows SET detail = CAST(x'ff' AS TEXT) WHERE seq = 3")

    assert Fault.FILE_DAMAGED in {finding.fault for finding in findings(hand)}


def test_other_keys_find_every_link_wrong(hand: Intruder) -> None:
    """
    Under another vault no link is right.
    """
    found = verify_audit(hand.connection, fresh_vault()).findings

    assert RECORDS == sum(finding.fault is Fault.WRONG_LINK for finding in found)


def test_hindered_walk_accuses_nobody(hand: Intruder) -> None:
    """
    A walk that was interrupted is an error and no finding.
    """
    hand.connection.set_progress_handler(lambda: 1, 10)

    with pytest.raises(sqlite3.OperationalError):
        findings(hand)


def test_file_of_noise_is_found(tmp_path: Path) -> None:
    """
    A file that is no database at all is a finding, never a crash.
    """
    (tmp_path / "noise.db").write_bytes(b"\xa5" * 8192)

    with closing(sqlite3.connect(tmp_path / "noise.db", isolation_level=None)) as connection:
        found = verify_audit(connection, VAULT)

    assert (Finding(Fault.FILE_DAMAGED, 0),) == found.findings


def test_findings_are_bounded() -> None:
    """
    However much is wrong, no more than ``FINDINGS_MAX`` are named.
    """
    book = book_of(FINDINGS_MAX + 20, VAULT)
    with closing(book.connection) as connection:
        found = verify_audit(connection, fresh_vault())

    assert (FINDINGS_MAX, FINDINGS_MAX + 20) == (len(found.findings), found.rows)


def test_verify_goes_on_beside_a_writer(tmp_path: Path) -> None:
    """
    A running switch is verified as of one moment, and nothing is accused.
    """
    with JournalBench(tmp_path / "journal.db") as bench, AuditReader(bench.path) as reader:
        tokens = [bench.send(KeepRecord(record_of(number))) for number in range(2_000)]
        found = [reader.verify(bench.vault) for _ in range(5)]
        for token in tokens:
            token.result(30)

    assert all(one.is_sound for one in found)


def test_chain_prints_no_key() -> None:
    """
    The repr of what holds the chain's key is its type.
    """
    assert "<AuditChain>" == repr(AuditChain(VAULT))


def test_first_link_is_known() -> None:
    """
    A link is HMAC-SHA-256 over label, link before and cells, as it was and stays: a later
    release that computed it otherwise would accuse every older audit.
    """
    document = json.loads(VAULT_OF_FIRST_RELEASE.read_text())
    key = hmac.digest(
        bytes.fromhex(document["fingerprint_key"]), b"atm-switch audit chain 1", "sha256"
    )
    words = b"seq=i1:1,at=i3:256,kind=s5:start,actor=s6:switch,subject=s4:bank,detail=s0:,"

    cells = (1, 256, "start", "switch", "bank", "", b"")
    link = AuditChain(Vault.from_document(document)).link_cells(GENESIS, cells)

    assert hmac.digest(key, b"row\0" + bytes(32) + words, "sha256") == link
