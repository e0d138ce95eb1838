"""Where the rows of an import wait, read and typed, until all of them are booked at once.

Plan: rows go in piece by piece, each piece with the place its file has been read to and with
the rows that could not be taken, in one transaction of the staging alone; so an import that
is killed goes on where it was, and no reader of the ledger sees or waits for it.  On SQLite
the staging is a second file beside the ledger, on PostgreSQL unlogged tables of a schema,
whose comment says that it is ours; one of its name without that comment is left alone.
A row's number tells its file and line: ``n = file << LINE_BITS | line``.
Limits: call with the lock of ``csv_import_lock.py``.  What another list of files left behind,
or the same files with other contents, or an earlier run of the machine, is thrown away.
Holds no PAN and no NIK in the clear.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from atm_switch.adapters.sql_dialect import POSTGRESQL, SQLITE, migration_for
from atm_switch.domain.errors import Refused
from atm_switch.ledger.csv_rows import CsvSource, Kind
from atm_switch.ledger.store import Store, Value
from atm_switch.ledger.store_sqlite import SqliteStore, translated

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Other after every start of the machine (proc(5))."""
LINE_BITS: Final = 40
LINE_MASK: Final = (1 << LINE_BITS) - 1
_OURS: Final = "rows of an atm-switch import under way"
_COMMENT: Final = """
SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'atm_switch_staging'
"""
COLUMNS_STAGED: Final = {
    Kind.PARTICIPANTS: (
        "n", "kpj", "person", "nik_sealed", "name", "birth_date", "segment", "status",
    ),
    Kind.POSTINGS: ("n", "kpj", "posted_on", "kind", "amount_sen"),
    Kind.CARDS: (
        "n", "digest", "key_id", "former", "masked", "kpj", "expiry", "pvv", "pvki", "status",
    ),
}  # fmt: skip
_TABLES: Final = """
CREATE TABLE atm_switch_staging.made (marker TEXT NOT NULL);
CREATE TABLE atm_switch_staging.own_rejects (path TEXT NOT NULL);
CREATE TABLE atm_switch_staging.files (
    n INTEGER PRIMARY KEY, read_to INTEGER NOT NULL, prefix BLOB NOT NULL,
    line INTEGER NOT NULL, rows INTEGER NOT NULL, is_done INTEGER NOT NULL
);
-- kpj: of a posting that can be read so far.
CREATE TABLE atm_switch_staging.rejects (n INTEGER PRIMARY KEY, sealed BLOB NOT NULL, kpj TEXT);
CREATE TABLE atm_switch_staging.participants (
    n INTEGER PRIMARY KEY, kpj TEXT, person TEXT, nik_sealed BLOB, name TEXT, birth_date TEXT,
    segment TEXT, status TEXT
);
CREATE TABLE atm_switch_staging.cards (
    n INTEGER PRIMARY KEY, digest BLOB, key_id TEXT, former BLOB, masked TEXT, kpj TEXT,
    expiry TEXT, pvv TEXT, pvki TEXT, status TEXT
);
-- sqlite:
CREATE TABLE atm_switch_staging.postings (
    n INTEGER PRIMARY KEY, kpj TEXT, posted_on TEXT, kind TEXT, amount_sen INTEGER
);
-- postgresql:
CREATE TABLE atm_switch_staging.postings (
    n INTEGER, kpj TEXT, posted_on TEXT, kind TEXT, amount_sen INTEGER
);
"""
_OF_ITS_OWN: Final = " WITH (autovacuum_enabled = false)"
"""On PostgreSQL: ``analyze`` looks at them, and what is thrown away soon needs no sweeping."""
_PUT_PLACE: Final = """
INSERT INTO atm_switch_staging.files (n, read_to, prefix, line, rows, is_done)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (n) DO UPDATE SET
    read_to = excluded.read_to, prefix = excluded.prefix, line = excluded.line,
    rows = excluded.rows, is_done = excluded.is_done
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: bytes, the SHA-256 of those, lines, rows among them."""

    read_to: int = 0
    prefix: bytes = b""
    line: int = 0
    rows: int = 0
    is_done: bool = False

    def done(self, source: CsvSource) -> "Place":
        """Return the end of the file."""
        return Place(source.size, source.sha256, self.line, self.rows, is_done=True)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a piece of a file came to: rows by the columns of its kind, and sealed rejects.

    A reject is a number, the sealed row, and the KPJ of a posting where that can be read.
    """

    rows: Sequence[tuple[Value, ...]]
    rejects: Sequence[tuple[int, bytes, str | None]]


class Staging:
    """The tables an import fills before it books."""

    def __init__(self, store: Store, marker: str) -> None:
        """Find what was left for the same ``marker``, else begin anew.  Raises ``Refused``."""
        self._store = store
        self._file = attach(store) if isinstance(store, SqliteStore) else None
        if self._file is not None:
            marker = f"{marker} {_boot()}"  # what no sync has kept may be torn after the next one
        try:
            self._require_ours()
            if self._marker() != marker:
                self._make(marker)
        except BaseException:
            self.leave()
            raise

    def place(self, number: int) -> Place:
        """Return how far a file was read."""
        found = self._store.rows(
            "SELECT read_to, prefix, line, rows, is_done FROM atm_switch_staging.files WHERE n = ?",
            (number,),
        )
        if not found:
            return Place()
        read_to, prefix, line, rows, is_done = found[0]
        return Place(read_to, bytes(prefix), line, rows, bool(is_done))

    def add(self, number: int, kind: Kind, piece: Piece, place: Place) -> None:
        """Keep a piece and the place it ends at, both or neither."""
        with self._changing():
            if piece.rows:
                self._store.load(
                    f"atm_switch_staging.{kind.value}", COLUMNS_STAGED[kind], piece.rows
                )
            if piece.rejects:
                self._store.load(
                    "atm_switch_staging.rejects", ("n", "sealed", "kpj"), piece.rejects
                )
            self._store.change(
                _PUT_PLACE,
                (number, place.read_to, place.prefix, place.line, place.rows, int(place.is_done)),
            )

    def own_rejects(self) -> frozenset[str]:
        """Return the rejects files an import that was killed may have begun."""
        return frozenset(
            path for (path,) in self._store.rows("SELECT path FROM atm_switch_staging.own_rejects")
        )

    def announce_rejects(self, paths: Sequence[Path]) -> None:
        """Keep in mind that these files are about to be made by this import."""
        with self._changing():
            self._store.change("DELETE FROM atm_switch_staging.own_rejects")
            self._store.change_many(
                "INSERT INTO atm_switch_staging.own_rejects VALUES (?)",
                [(str(path),) for path in paths],
            )

    def analyze(self) -> None:
        """Let PostgreSQL look at what it holds, so that it plans well."""
        if self._store.is_postgres:
            for kind in Kind:
                self._store.change(f"ANALYZE atm_switch_staging.{kind.value}")

    def drop(self) -> None:
        """Throw everything away; the staging is not to be used any more."""
        if self._file is None:
            self._drop_schema()
            return
        self.leave()
        _remove(self._file)

    def leave(self) -> None:
        """Let go of the staging and keep it for the next time."""
        if isinstance(self._store, SqliteStore):
            with suppress(sqlite3.Error):
                self._store.connection.execute("DETACH atm_switch_staging")

    def _require_ours(self) -> None:
        """Raise ``Refused`` where PostgreSQL has a schema of the name that no import made."""
        if self._file is None and any(one != _OURS for (one,) in self._store.rows(_COMMENT)):
            raise Refused(
                "the database has a schema 'atm_switch_staging' that no import made; rename it"
                " (ALTER SCHEMA atm_switch_staging RENAME TO ...), or drop it if nobody needs it,"
                " and import again"
            )

    def _drop_schema(self) -> None:
        self._require_ours()
        self._store.change("DROP SCHEMA IF EXISTS atm_switch_staging CASCADE")

    def _marker(self) -> str:
        try:
            return str(self._store.rows("SELECT marker FROM atm_switch_staging.made")[0][0])
        except (Refused, IndexError):
            return ""

    def _make(self, marker: str) -> None:
        if self._file is not None and isinstance(self._store, SqliteStore):
            self.leave()
            _remove(self._file)
            attach(self._store)
        with self._changing():
            if self._file is None:
                self._drop_schema()
                self._store.change("CREATE SCHEMA atm_switch_staging")
                self._store.change(f"COMMENT ON SCHEMA atm_switch_staging IS '{_OURS}'")
            for statement in _statements(is_postgres=self._file is None):
                self._store.change(statement)
            self._store.change("INSERT INTO atm_switch_staging.made VALUES (?)", (marker,))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold one transaction; on SQLite of the staging's file, never of the ledger's."""
        if not isinstance(self._store, SqliteStore):
            with self._store.transaction():
                yield
            return
        connection = self._store.connection
        with translated():
            connection.execute("BEGIN DEFERRED")
        try:
            yield
            with translated():
                connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def attach(store: SqliteStore) -> Path:
    """Attach the staging's file, made with mode 0600; return where it is."""
    (name,) = (row[2] for row in store.rows("PRAGMA database_list") if row[1] == "main")
    path = Path(f"{name}.import")
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise Refused(f"{path.name} cannot be made: {error.strerror}") from None
    try:
        _attach(store, path)
    except Refused:
        # Whatever a broken machine left there, it is in the files to be imported too.
        _remove(path)
        path.touch(mode=0o600)
        _attach(store, path)
    # Killed, the process leaves to the kernel what it wrote; only a machine that falls loses it,
    # and then its next run begins anew.  So inquiries' syncs never wait for those of an import.
    store.change(f"PRAGMA atm_switch_staging.synchronous = {'OFF' if _boot() else 'NORMAL'}")
    store.rows("PRAGMA threads = 2")
    return path


def _boot() -> str:
    """Tell this run of the machine from any other; empty where it cannot be told."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _attach(store: SqliteStore, path: Path) -> None:
    store.change("ATTACH ? AS atm_switch_staging", (str(path),))
    try:
        store.rows("PRAGMA atm_switch_staging.journal_mode = WAL")
    except Refused:
        store.change("DETACH atm_switch_staging")
        raise


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _statements(*, is_postgres: bool) -> list[str]:
    text = migration_for(POSTGRESQL if is_postgres else SQLITE, _TABLES)
    statements = [one for one in map(str.strip, text.split(";")) if one]
    if not is_postgres:
        return statements
    return [f"{one}{_OF_ITS_OWN}".replace("TABLE", "UNLOGGED TABLE", 1) for one in statements]
