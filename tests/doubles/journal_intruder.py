"""Somebody who has the journal's file and SQLite, but not the keys."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from atm_switch.adapters.journal_rows import COLUMNS
from atm_switch.adapters.journal_verify import GUARDS, Verification, verify_journal
from atm_switch.security.vault import Vault


def opened_up(journal: Path) -> sqlite3.Connection:
    """Copy a journal into memory and take its defences down, as an intruder can."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(sqlite3.connect(journal)) as source:
        source.backup(connection)
    for guard in GUARDS:
        connection.execute(f"DROP TRIGGER {guard}")
    connection.execute("DROP INDEX journal_rows_by_ref")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    return connection


def verify(connection: sqlite3.Connection, vault: Vault) -> Verification:
    """Verify, with the guards put back, so that only the tampering can show."""
    connection.execute("PRAGMA ignore_check_constraints = OFF")
    for guard in GUARDS:
        connection.execute(
            f"CREATE TRIGGER {guard} BEFORE UPDATE ON journal_rows WHEN 0 BEGIN SELECT 1; END"
        )
    return verify_journal(connection, vault)


def changed(cell: Any, column: str, place: int) -> Any:
    """Change a cell as little as can be: one bit, one letter, by one, or from nothing."""
    if cell is None:
        blobs = {"card_digest", "response"}
        numbers = {"ref", "pin_tries", "pin_granted", "elapsed_us", "resets_tries"}
        return b"\x00" if column in blobs else 1 if column in numbers else "x"
    if isinstance(cell, int):
        return cell + 1_000
    if isinstance(cell, str):
        at = place % len(cell) if cell else 0
        return cell[:at] + ("y" if cell[at : at + 1] == "x" else "x") + cell[at + 1 :]
    flipped = bytearray(cell)
    flipped[place // 8 % len(flipped)] ^= 1 << place % 8
    return bytes(flipped)


def copy_statement(*left_out: str, over: bool = False) -> str:
    """Write the SQL that copies a row, to a sequence and from one, but for some columns."""
    verb = "INSERT OR REPLACE" if over else "INSERT"
    columns = ", ".join(column for column in COLUMNS if column not in left_out)
    return (
        f"{verb} INTO journal_rows (seq, {columns})"  # noqa: S608 - constants only
        f" SELECT ?, {columns} FROM journal_rows WHERE seq = ?"
    )
