"""What an import does in its one transaction: judge all that is staged, book what is good.

Plan: participants first, for postings of the same import may be theirs; every bad row goes
to ``Rejects``; with one and nowhere to set it aside the transaction ends in ``BadRows``.
Nobody else books from the first judgement to the last posting, so that what is judged
stays true; whoever wants to waits a little and is told to come back.
Limits: the ledger's write lock is held from here on; inquiries are answered meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.booking import book
from atm_switch.ledger.csv_judging import Judging
from atm_switch.ledger.csv_linking import LinkedRow, link_staged
from atm_switch.ledger.csv_meter import Meter
from atm_switch.ledger.csv_passes import Pass, Phase, Step, pass_over
from atm_switch.ledger.csv_rejects import BAD_ROWS_SHOWN, BadRows, Rejects
from atm_switch.ledger.csv_rows import CsvSource, Kind
from atm_switch.ledger.csv_staging import LINE_BITS, LINE_MASK
from atm_switch.ledger.csv_summary import ImportedFile
from atm_switch.ledger.csv_tables import (
    Change,
    born_otherwise,
    paid_after_claim,
    set_participants,
    unexpected,
)
from atm_switch.ledger.open_years import take_turn
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault

WARNINGS_SHOWN: Final = 50
ROWS_WORTH_A_LOOK: Final = 10_000
Check = tuple[Step, Callable[[], object]]
_BOOKING: Final = (Step.POSTINGS, Step.YEAR_TOTALS, Step.ACCOUNTS)
"""The passes of ``book``, in turn."""
_KINDS: Final = {
    **dict.fromkeys(
        (Step.OTHERS_KPJ, Step.STATUS, Step.SET_PARTICIPANTS, Step.BIRTHS), Kind.PARTICIPANTS
    ),
    **dict.fromkeys((Step.CARDS, Step.LINK), Kind.CARDS),
}
"""The kind of rows a step goes over where that is not postings."""


@dataclass(slots=True)
class ImportBooking:
    """Judges and books one import; ``at`` is now, in UTC.

    ``verifies_pins``: whether this switch verifies PINs for anybody.  ``relink``: whether
    cards that were unlinked are linked again.  ``again``: whether postings that equal one
    booked before are booked too.  ``is_careful``: whether the developments of a year are
    counted before they are booked; ``DevelopedTwice`` asks for that.
    """

    store: Store
    vault: Vault
    at: datetime
    rejects: Rejects
    verifies_pins: bool = True
    relink: bool = False
    again: bool = False
    is_careful: bool = False
    warnings: list[str] = field(default_factory=list)
    warning_count: int = 0
    _sources: Sequence[CsvSource] = ()
    _files: Sequence[ImportedFile] = ()

    def run(
        self,
        sources: Sequence[CsvSource],
        files: Sequence[ImportedFile],
        today: date,
        meter: Meter,
    ) -> None:
        """Do it, within the caller's transaction.

        Raises ``BadRows``, ``Refused``, and ``DevelopedTwice`` before there was any bad row.
        """
        self._sources, self._files = sources, files
        judging = Judging(self.store, self.vault)
        take_turn(self.store)
        ids = self._begin(judging)
        kinds = {file.kind for file in files if not file.is_repeat}
        checks = self._checks(judging, kinds, today)
        has_cards, has_postings = Kind.CARDS in kinds, Kind.POSTINGS in kinds
        meter.plan(self._passes([step for step, _ in checks], kinds))
        for _, check in checks:
            check()
            meter.passed()
        if has_cards:
            link_staged(self.store, today, self._tell, self._look_at_card, relink=self.relink)
            meter.passed()
        if has_postings:
            is_in_order = judging.is_in_order()
            book(self.store, judging.source(), is_in_order=is_in_order, passed=meter.passed)
        if self.store.is_postgres:
            self._let_it_plan()
            meter.passed()
        for look_back in self._looks_back(judging, kinds, ids.values()):
            look_back()
            meter.passed()
        self._finish(ids)

    def _passes(self, checks: Iterable[Step], kinds: set[Kind]) -> list[Pass]:
        """Return all passes; the last is the commit, which is the caller's."""
        rows = dict.fromkeys(Kind, 0)
        for file in self._files:
            rows[file.kind] += file.rows * (not file.is_repeat)
        has_cards, has_postings = Kind.CARDS in kinds, Kind.POSTINGS in kinds
        steps = [(Phase.CHECKING, step) for step in checks]
        steps += [(Phase.BOOKING, Step.LINK)] * has_cards
        steps += [(Phase.BOOKING, step) for step in _BOOKING] * has_postings
        steps += [(Phase.BOOKING, Step.ANALYZE)] * self.store.is_postgres
        steps += [(Phase.BOOKING, Step.BIRTHS)] * (Kind.PARTICIPANTS in kinds)
        steps += [(Phase.BOOKING, Step.PAID_AFTER)] * has_postings
        made = partial(pass_over, is_postgres=self.store.is_postgres)
        passes = [made(*each, rows[_KINDS.get(each[1], Kind.POSTINGS)]) for each in steps]
        return [*passes, made(Phase.BOOKING, Step.COMMIT, sum(rows.values()))]

    def _checks(self, judging: Judging, kinds: set[Kind], today: date) -> list[Check]:
        """Return what is checked, each a pass over all rows of a kind, to be called in turn."""
        checks: list[Check] = []
        if Kind.PARTICIPANTS in kinds:
            given = partial(set_participants, self.store, judging, self._tell)
            checks += [
                (Step.OTHERS_KPJ, judging.participants),
                (Step.STATUS, partial(self._look_at_status, judging)),
                (Step.SET_PARTICIPANTS, given),
            ]
        if Kind.POSTINGS in kinds:
            checks += judging.postings(today, again=self.again)
            checks.append((Step.YEARS, partial(self._judge_years, judging)))
        if Kind.CARDS in kinds:
            checks.append((Step.CARDS, judging.cards))
        return [*checks, (Step.SET_ASIDE, partial(self._set_aside, judging))]

    def _judge_years(self, judging: Judging) -> None:
        if self.rejects.is_skipping or self.is_careful or judging.count():
            judging.developments()
        judging.balances(is_skipping=self.rejects.is_skipping)

    def _begin(self, judging: Judging) -> dict[int, int]:
        ids = {}
        for number, file in enumerate(self._files, 1):
            if file.is_repeat:
                continue
            source = self._sources[number - 1]
            added = self.store.rows(
                "INSERT INTO imports (kind, file_name, sha256, rows, imported_at)"
                " VALUES (?, ?, ?, 0, ?) RETURNING id",
                (source.kind.value, source.name, source.sha256, self.at.isoformat()),
            )
            ids[number] = file.import_id = int(added[0][0])
            if file.kind is Kind.POSTINGS:
                judging.number(number, ids[number])
        return ids

    def _set_aside(self, judging: Judging) -> None:
        of_files = judging.of_files()
        for number, count in of_files.items():
            self._files[number - 1].rejected = count
        shown = None if self.rejects.is_skipping else BAD_ROWS_SHOWN
        for n, reject in islice(judging.bad(), shown):
            self.rejects.add(self._sources[(n >> LINE_BITS) - 1], n & LINE_MASK, reject)
        count = sum(of_files.values())
        if count and not self.rejects.is_skipping:
            raise BadRows(self.rejects.rows, count)

    def _let_it_plan(self) -> None:
        """Let PostgreSQL look at tables that grew much.

        Before the first question is asked of them: it would go through a table of a million
        accounts once for each account.
        """
        if sum(one.rows for one in self._files) < ROWS_WORTH_A_LOOK:
            return
        for table in ("participants", "postings", "year_totals", "cards"):
            self.store.change(f"ANALYZE {table}")

    def _finish(self, ids: dict[int, int]) -> None:
        for number, import_id in ids.items():
            file = self._files[number - 1]
            good = file.rows - file.rejected
            if file.kind is Kind.POSTINGS:
                file.added = good
            self.store.change("UPDATE imports SET rows = ? WHERE id = ?", (good, import_id))

    def _tell(self, number: int, change: Change, count: int) -> None:
        self._files[number - 1].count(change, count)

    def _look_at_status(self, judging: Judging) -> None:
        rows = unexpected(self.store, judging, WARNINGS_SHOWN)
        for n, kpj, becomes, merged_into, _ in rows:
            place = self._place(n, Kpj(kpj).masked)
            if merged_into is None:
                self._warn(f"{place}: it was claimed out, and its status is {becomes} now")
            else:
                target = Kpj(merged_into).masked
                self._warn(f"{place}: it was merged into {target}; its status stays as it is")
        self.warning_count += (rows[0][-1] if rows else 0) - len(rows)

    def _looks_back(
        self, judging: Judging, kinds: set[Kind], import_ids: Iterable[int]
    ) -> Iterator[Callable[[], object]]:
        if Kind.PARTICIPANTS in kinds:
            yield partial(self._look_at_births, judging)
        if Kind.POSTINGS in kinds:
            yield partial(self._look_at_claimed_out, import_ids)

    def _look_at_births(self, judging: Judging) -> None:
        rows = born_otherwise(self.store, judging, WARNINGS_SHOWN)
        for n, kpj, held, _ in rows:
            place, other = self._place(n, Kpj(kpj).masked), Kpj(held).masked
            told = f"{other} has the same NIK and another birth date"
            self._warn(f"{place}: {told}; a card of one shows the balance of the other")
        self.warning_count += (rows[0][-1] if rows else 0) - len(rows)

    def _look_at_claimed_out(self, import_ids: Iterable[int]) -> None:
        rows = paid_after_claim(self.store, import_ids, WARNINGS_SHOWN)
        for kpj, day, _ in rows:
            self._warn(f"{Kpj(kpj).masked} is claimed out, and has a contribution of {day} now")
        self.warning_count += (rows[0][-1] if rows else 0) - len(rows)

    def _place(self, n: int, masked: str) -> str:
        return f"{self._sources[(n >> LINE_BITS) - 1].name} line {n & LINE_MASK} ({masked})"

    def _look_at_card(self, card: LinkedRow) -> None:
        place = self._place(card.n, card.masked)
        for told in card.stays:
            self._warn(f"{place}: {told}")
        if not self.verifies_pins:
            return
        if not card.pvv:
            self._warn(f"{place}: no PVV, so its PIN cannot be verified here; inquiries get 57")
        elif self.vault.pvk(card.pvki) is None:
            self._warn(f"{place}: there is no PIN verification key with index {card.pvki}")

    def _warn(self, text: str) -> None:
        self.warning_count += 1
        if len(self.warnings) < WARNINGS_SHOWN:
            self.warnings.append(text)
