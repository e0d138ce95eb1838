"""Which staged rows may not be booked, and why: each rule one statement over all rows.

Plan: bad rows go to ``csv_judged.py``.  Rules are applied in the order a person would: what a
row says, whom it is for, what it leaves on the account (``csv_balances.py``).
Limits: call within the transaction that books, so that what is judged stays true; holds no
PAN, and a NIK sealed only.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.mask import mask_nik
from atm_switch.domain.money import Money
from atm_switch.domain.posting import PostingKind
from atm_switch.ledger.csv_balances import judge_balances
from atm_switch.ledger.csv_judged import not_judged, open_judged
from atm_switch.ledger.csv_late_rows import judge_late
from atm_switch.ledger.csv_passes import Step
from atm_switch.ledger.csv_reading import nik_purpose, unsealed
from atm_switch.ledger.csv_rejects import Reject, reject_of
from atm_switch.ledger.csv_rows import Kind
from atm_switch.ledger.csv_staging import LINE_BITS
from atm_switch.ledger.open_years import last_closed
from atm_switch.ledger.standing import is_development, is_of_last_day, stands
from atm_switch.ledger.store import Row, Store
from atm_switch.security.vault import Vault

_ROWS_AT_ONCE: Final = 5_000
_ROWS_PER_LOOK: Final = 4_096
_PASSES_MAX: Final = 4
"""How often the KPJ of a file, or of files one after the other, may begin anew."""
_NUMBERED: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS numbered (file BIGINT PRIMARY KEY, import_id BIGINT)
"""
_OTHERS_KPJ: Final = """
INSERT INTO judged (n, wrong, reason, kpj, day, word, name, status, nik_sealed)
SELECT s.n, 'nik', 'this KPJ belongs to another NIK',
       s.kpj, s.birth_date, s.segment, s.name, s.status, s.nik_sealed
FROM atm_switch_staging.participants AS s
LEFT JOIN participants AS held ON held.kpj = s.kpj
LEFT JOIN (
    SELECT kpj, person, row_number() OVER (PARTITION BY kpj ORDER BY n) AS place
    FROM atm_switch_staging.participants WHERE kpj IN (
        SELECT kpj FROM atm_switch_staging.participants GROUP BY kpj HAVING count(*) > 1
    )
) AS first ON first.kpj = s.kpj AND first.place = 1
WHERE s.person <> coalesce(held.person, first.person, s.person)
"""
# Development in the running year would be an advance, which the year's estimate swallows.
_CLOSED: Final = """
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
SELECT n, 'posted_on',
       'the year ' || substr(posted_on, 1, 4) || ' is closed; book it '
           || CASE WHEN kind = 'development' THEN 'as an adjustment ' ELSE '' END
           || 'in the running year, or a whole history as one adjustment of its balance on '
           || CAST(? AS TEXT),
       kpj, posted_on, kind, amount_sen
FROM atm_switch_staging.postings WHERE posted_on < ?
"""
_FOR_NOBODY: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, {{names}})
SELECT s.n, 'kpj', CASE WHEN p.kpj IS NULL THEN 'no participant has this KPJ'
           ELSE 'this KPJ was merged into *******' || substr(p.merged_into, 8)
                || '; use that one' END,
       s.kpj, {{columns}}
FROM atm_switch_staging.{{table}} AS s LEFT JOIN participants AS p ON p.kpj = s.kpj
WHERE (p.kpj IS NULL OR p.merged_into IS NOT NULL)
  AND {not_judged("s")}
"""  # noqa: S608 - a constant
# The columns have nothing that tells a payment from its copy, so a row that equals one that
# stands is a copy unless a person says that it is none.
_BOOKED_BEFORE: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
SELECT p.n, 'row',
       'the same was booked before; another payment goes into a file of its own,'
           || ' imported with --again',
       p.kpj, p.posted_on, p.kind, p.amount_sen
FROM atm_switch_staging.postings AS p
WHERE EXISTS (
    SELECT 1 FROM postings AS held
    WHERE held.year = CAST(substr(p.posted_on, 1, 4) AS BIGINT) AND held.kpj = p.kpj
      AND held.posted_on = p.posted_on AND held.kind = p.kind
      AND held.amount_sen = p.amount_sen AND {stands("held")}
) AND NOT ({is_of_last_day("p")}) AND {not_judged("p")}
"""  # noqa: S608 - a constant
# A year has one development, by whatever amount; so no word books another beside it.
_ONE_DEVELOPMENT: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
SELECT p.n, 'row', 'the development of ' || substr(p.posted_on, 1, 4) || {{told}},
       p.kpj, p.posted_on, p.kind, p.amount_sen
FROM {{rows}} AND {not_judged("p")}
"""  # noqa: S608 - a constant
_DEVELOPED_BEFORE: Final = _ONE_DEVELOPMENT.format(
    told="""' is booked already; take that back first (atm-switch ledger postings, reverse),'
           || ' or book an adjustment'""",
    rows=f"""atm_switch_staging.postings AS p
WHERE {is_of_last_day("p")} AND EXISTS (
    SELECT 1 FROM postings AS held
    WHERE held.year = CAST(substr(p.posted_on, 1, 4) AS BIGINT) AND held.kpj = p.kpj
      AND {is_development("held")}
)""",  # noqa: S608 - constants
)
_DEVELOPED_TWICE: Final = _ONE_DEVELOPMENT.format(
    told="' stands in an earlier row here; leave one of them, or book an adjustment'",
    rows=f"""(
    SELECT p.*, row_number() OVER (PARTITION BY kpj, posted_on ORDER BY n) AS place
    FROM atm_switch_staging.postings AS p
    WHERE {is_of_last_day("p")} AND {not_judged("p")}
) AS p WHERE place > 1""",  # noqa: S608 - constants
)
_IN_AN_EARLIER_FILE: Final = f"""
INSERT INTO judged (n, wrong, reason, kpj, day, word, amount_sen)
SELECT n, 'row',
       'the same stands in another file here; another payment goes into a file of its own,'
           || ' imported with --again',
       kpj, posted_on, kind, amount_sen
FROM (
    SELECT p.*, min(n >> {LINE_BITS}) OVER (
        PARTITION BY kpj, posted_on, kind, amount_sen
    ) AS first_file FROM atm_switch_staging.postings AS p WHERE NOT ({is_of_last_day("p")})
) AS side_by_side
WHERE n >> {LINE_BITS} > first_file AND {not_judged("side_by_side")}
"""  # noqa: S608 - a constant
_NUMBER: Final = f"(SELECT import_id FROM numbered AS f WHERE f.file = (p.n >> {LINE_BITS}))"  # noqa: S608 - a constant
_SOURCE: Final = (
    "(SELECT n AS seq, kpj, posted_on, kind, 'main' AS sub_account, amount_sen,"
    " {import_id} AS import_id,"
    " CAST(NULL AS BIGINT) AS reverses FROM atm_switch_staging.postings AS p{but})"
)
_BAD: Final = f"""
SELECT n, sealed, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM atm_switch_staging.rejects WHERE n > ?
UNION ALL
SELECT n, NULL, wrong, reason, kpj, day, word, name, status, amount_sen, nik_sealed
FROM judged WHERE n > ?
ORDER BY n LIMIT {_ROWS_AT_ONCE}
"""  # noqa: S608 - a constant
_BAD_OF_FILES: Final = f"""
SELECT file, count(*) FROM (
    SELECT n >> {LINE_BITS} AS file FROM atm_switch_staging.rejects
    UNION ALL SELECT n >> {LINE_BITS} FROM judged
) AS bad GROUP BY file
"""  # noqa: S608 - a constant


_AFTER: Final = "SELECT 1 FROM postings WHERE year > ? LIMIT 1"
_LOOKED_AT: Final = "SELECT kpj FROM atm_switch_staging.postings WHERE n % ? = 0 ORDER BY n"


class Judging:
    """Judges the staged rows, and tells of those that are bad."""

    def __init__(self, store: Store, vault: Vault) -> None:
        """Make the tables of the connection, empty."""
        self._store = store
        self._vault = vault
        self._imports: dict[int, int] = {}
        open_judged(store)
        store.change(_NUMBERED)
        store.change("DELETE FROM numbered")

    def number(self, file: int, import_id: int) -> None:
        """Say which import the postings of a file are booked under."""
        self._imports[file] = import_id
        self._store.change("INSERT INTO numbered VALUES (?, ?)", (file, import_id))

    def participants(self) -> None:
        """Judge participants: a KPJ stays with the NIK that has it first."""
        self._store.change(_OTHERS_KPJ)

    def cards(self) -> None:
        """Judge cards: they are for a participant."""
        self._store.change(
            _FOR_NOBODY.format(
                names="name, status", columns="s.expiry, s.pvki, s.masked, s.status", table="cards"
            )
        )

    def postings(self, today: date, *, again: bool) -> list[tuple[Step, Callable[[], object]]]:
        """Return the rules of postings, each a pass over them, to be called in turn.

        Of an open year, for a participant, nowhere else booked or to be.  With ``again`` they
        are booked though they were; but no year is developed twice.
        """
        change, closed = self._store.change, last_closed(self._store)
        day = f"{closed + 1:04d}-01-01"
        names, columns = "amount_sen", "s.posted_on, s.kind, s.amount_sen"
        nobody = _FOR_NOBODY.format(names=names, columns=columns, table="postings")
        has_postings = bool(self._store.rows("SELECT 1 FROM postings LIMIT 1"))
        is_past_closed = bool(self._store.rows(_AFTER, (closed,)))
        rules: list[tuple[bool, Step, Callable[[], object]]] = [
            (closed > 0, Step.CLOSED, partial(change, _CLOSED, (day, day))),
            (True, Step.FOR_NOBODY, partial(change, nobody)),
            (has_postings, Step.DEVELOPED_BEFORE, partial(change, _DEVELOPED_BEFORE)),
            (has_postings and not again, Step.BOOKED_BEFORE, partial(change, _BOOKED_BEFORE)),
            (is_past_closed, Step.LATE, partial(judge_late, self._store, today)),
            (
                not again and len(self._imports) > 1,
                Step.IN_AN_EARLIER_FILE,
                partial(change, _IN_AN_EARLIER_FILE),
            ),
        ]
        return [(step, rule) for is_wanted, step, rule in rules if is_wanted]

    def developments(self) -> None:
        """Judge developments: one of a year, where files hold several.

        It sorts all of them, and hardly a file has such; ``booking.book`` notices by the way.
        """
        self._store.change(_DEVELOPED_TWICE)

    def balances(self, *, is_skipping: bool) -> None:
        """Judge what the good postings leave on their accounts.

        Unless bad rows are skipped, an account that has one is left alone: put right, that row
        may cover what is taken.
        """
        has_bad = bool(self.count())
        judge_balances(self._store, has_bad=has_bad, spares_bad=has_bad and not is_skipping)

    def source(self) -> str:
        """Return the good postings as ``booking.book`` takes them."""
        ids = list(self._imports.values())
        return _SOURCE.format(import_id=ids[0] if len(ids) == 1 else _NUMBER, but=self.but())

    def is_in_order(self) -> bool:
        """Tell by a look here and there whether postings come in the order of their KPJ.

        Only the speed of booking depends on it.
        """
        seen: list[str] = [kpj for (kpj,) in self._store.rows(_LOOKED_AT, (_ROWS_PER_LOOK,))]
        return 1 + sum(one > following for one, following in pairwise(seen)) <= _PASSES_MAX

    def but(self, word: str = "WHERE") -> str:
        """Return the clause that leaves bad rows of ``p`` out, empty where there are none."""
        has_bad = self._store.rows("SELECT 1 FROM judged LIMIT 1")
        return f" {word} {not_judged('p')}" if has_bad else ""

    def count(self) -> int:
        """Count the bad rows, those among them that could not even be read."""
        return sum(self.of_files().values())

    def of_files(self) -> dict[int, int]:
        """Count the bad rows of each file."""
        return dict(self._store.rows(_BAD_OF_FILES))

    def bad(self) -> Iterator[tuple[int, Reject]]:
        """Yield all bad rows with their numbers, in the order of files and lines."""
        after = -1
        while rows := self._store.rows(_BAD, (after, after)):
            for row in rows:
                after = row[0]
                sealed = row[1]
                yield after, unsealed(self._vault, sealed) if sealed else self._reject(row)

    def _reject(self, row: Row) -> Reject:
        _, _, wrong, reason, kpj, day, word, name, status, sen, nik_sealed = row
        if sen is not None:
            amount = Money(-sen if word == PostingKind.CLAIM.value else sen)
            return reject_of(Kind.POSTINGS, wrong, reason, (kpj, day, word, amount.plain()))
        if nik_sealed is None:
            cells = (name, day, kpj, "****", word, status)
            return reject_of(Kind.CARDS, wrong, reason, cells)
        nik = self._vault.unseal(nik_purpose(Kpj(kpj).digits), bytes(nik_sealed)).decode()
        one = reject_of(Kind.PARTICIPANTS, wrong, reason, (kpj, nik, name, day, word, status))
        return Reject(wrong, reason, mask_nik(nik), one.cells)
