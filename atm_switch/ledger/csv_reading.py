"""Pieces of a CSV file into rows for the staging, fast where every line is as it should be.

Plan: one expression reads a whole piece; what comes again (days) is judged once.  A piece
with any line that does not fit, be it a quote or a space, is read line by line with
``csv_rows.py`` and ``csv_values.py``, which name what is wrong.
Limits: a NIK leaves as keyed hash and sealed, a PAN as keyed hash and mask; a row that cannot
be taken is sealed as a whole, those of cards masked before, for a PAN may stand anywhere.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Final

from atm_switch.domain.identifiers import Nik
from atm_switch.ledger.csv_pieces import RawPiece
from atm_switch.ledger.csv_rejects import ROW, Reject, reject_of
from atm_switch.ledger.csv_rows import CsvRow, CsvSource, Kind, rows_in
from atm_switch.ledger.csv_staging import LINE_BITS, Piece
from atm_switch.ledger.csv_values import (
    BadCell,
    born_on,
    card_of,
    is_name,
    kpj_of,
    participant_of,
    posted_on,
    posting_of,
)
from atm_switch.ledger.store import Value
from atm_switch.security.vault import NONCE_BYTES, Vault

StagedRow = tuple[Value, ...]

_FIRST: Final = itemgetter(0)
_REJECT: Final = "import reject"
_DAY: Final = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_ALL_EQUAL: Final = frozenset(str(digit) * 11 for digit in range(10))
"""What looks like a KPJ and is none."""
_POSTINGS: Final = re.compile(
    rf"^([0-9]{{11}}),{_DAY},(contribution|development|claim|adjustment),"
    r"((?:(?<=adjustment,)-)?[1-9][0-9]{0,11}\.[0-9]{2})\r?\n",
    re.MULTILINE,
)
_PARTICIPANTS: Final = re.compile(
    rf'^([0-9]{{11}}),([0-9]{{16}}),([^",\r\n]{{1,100}}),{_DAY},(PU|BPU|PMI),([ANK])\r?\n',
    re.MULTILINE,
)


def nik_purpose(kpj: str) -> str:
    """Return what ``nik_sealed`` is bound to, so that no row's NIK passes for another's."""
    return f"nik {kpj}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pieces of one file, the ``number``-th of the import."""

    source: CsvSource
    number: int
    vault: Vault
    today: date
    nonce: Callable[[int], bytes]

    def read(self, piece: RawPiece) -> tuple[Piece, int]:
        """Return what becomes of a piece, and how many rows it has.  Raises ``Refused``."""
        rows = self._fast(piece)
        if rows is not None:
            return Piece(rows, ()), len(rows)
        return self._careful(piece)

    def _fast(self, piece: RawPiece) -> list[StagedRow] | None:
        if self.source.kind is Kind.CARDS or not piece.raw.isascii():
            return None
        text = piece.raw.decode("ascii")
        if not text.endswith("\n"):
            text += "\n"
        is_postings = self.source.kind is Kind.POSTINGS
        found = (_POSTINGS if is_postings else _PARTICIPANTS).findall(text)
        if len(found) != text.count("\n") or not _ALL_EQUAL.isdisjoint(map(_FIRST, found)):
            return None
        first = self._n(piece.first)
        try:
            if is_postings:
                return self._postings(found, first)
            return self._participants(found, first)
        except ValueError:
            return None

    def _postings(self, found: list[tuple[str, str, str, str]], first: int) -> list[StagedRow]:
        for day in {day for _, day, _, _ in found}:
            posted_on(day, self.today)
        return [
            (n, kpj, day, kind, -int(amount.replace(".", "")))
            if kind == "claim"
            else (n, kpj, day, kind, int(amount.replace(".", "")))
            for n, (kpj, day, kind, amount) in enumerate(found, first)
        ]

    def _participants(self, found: list[tuple[str, ...]], first: int) -> list[StagedRow]:
        for day in {row[3] for row in found}:
            born_on(day, self.today)
        rows: list[StagedRow] = []
        for n, (kpj, nik, name, *facts) in enumerate(found, first):
            if name != name.strip() or not is_name(name):
                raise ValueError
            rows.append((n, kpj, *self._hidden(kpj, Nik(nik)), name, *facts))
        return rows

    def _careful(self, piece: RawPiece) -> tuple[Piece, int]:
        rows: list[StagedRow] = []
        rejects: list[tuple[int, bytes, str | None]] = []
        stage = self._stager()
        for row in rows_in(self.source, piece.lines(), piece.first):
            n = self._n(row.line)
            try:
                if row.fault:
                    raise BadCell(ROW, row.fault)  # noqa: TRY301 - as any cell of it
                rows.append((n, *stage(row)))
            except BadCell as bad:
                rejects.append((n, self._sealed(bad, row.cells), self._account(row)))
        return Piece(rows, rejects), len(rows) + len(rejects)

    def _stager(self) -> Callable[[CsvRow], StagedRow]:
        return {
            Kind.PARTICIPANTS: self._participant,
            Kind.POSTINGS: self._posting,
            Kind.CARDS: self._card,
        }[self.source.kind]

    def _participant(self, row: CsvRow) -> StagedRow:
        one = participant_of(row.cells, self.today)
        kpj, born = one.kpj.digits, one.birth_date.isoformat()
        hidden = self._hidden(kpj, one.nik)
        return (kpj, *hidden, one.name, born, one.segment.value, one.status.value)

    def _posting(self, row: CsvRow) -> StagedRow:
        one = posting_of(row.cells, self.today)
        return (one.kpj.digits, one.posted_on.isoformat(), one.kind.value, one.amount.sen)

    def _card(self, row: CsvRow) -> StagedRow:
        one = card_of(row.cells)
        ref, *former = self.vault.card_refs(one.pan)
        older = b"".join(each.digest for each in former)
        facts = (one.kpj.digits, one.expiry.yymm, one.pvv, one.pvki, one.status.value)
        return (ref.digest, ref.key_id, older, one.pan.masked, *facts)

    def _hidden(self, kpj: str, nik: Nik) -> tuple[str, bytes]:
        sealed = self.vault.seal(nik_purpose(kpj), nik.digits.encode(), self.nonce(NONCE_BYTES))
        return self.vault.person_ref(nik), sealed

    def _sealed(self, bad: BadCell, cells: Iterable[str]) -> bytes:
        reject = reject_of(self.source.kind, bad.column, bad.reason, tuple(cells))
        document = json.dumps([reject.column, reject.reason, reject.shown, list(reject.cells)])
        return self.vault.seal(_REJECT, document.encode(), self.nonce(NONCE_BYTES))

    def _account(self, row: CsvRow) -> str | None:
        """Return the KPJ a posting is for that cannot be taken, where it says so."""
        if self.source.kind is not Kind.POSTINGS:
            return None
        try:
            return kpj_of(row.cells[0]).digits
        except ValueError:
            return None

    def _n(self, line: int) -> int:
        return (self.number << LINE_BITS) | line


def unsealed(vault: Vault, sealed: bytes) -> Reject:
    """Open a row that could not be taken."""
    column, reason, shown, cells = json.loads(vault.unseal(_REJECT, bytes(sealed)))
    return Reject(column, reason, shown, tuple(cells))
