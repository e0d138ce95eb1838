"""How long the journal is kept, and whose data were shown: what the data protection law asks.

Sources: UU 27/2022 (UU PDP) art. 46: who is affected by a failure of protection is told in
writing within 3 x 24 hours, with what was disclosed, when and how; art. 43 and 44: personal
data are erased when they are no longer needed.  PCI DSS 4.0.1, 10.5.1: the audit stays
twelve months at least, so a purge never touches it.
Limits: KPJ and name come from the ledger as it is now; a card unlinked and linked anew leads
to whom it belongs today, which the report says of every card by its date of linking.
"""

import csv
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TextIO

from atm_switch.adapters import journal_purge, postgres_purge
from atm_switch.adapters.journal_answers import Span, answers_with_balance
from atm_switch.adapters.journal_purge import Report
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import CardRef
from atm_switch.folder import DataFolder
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault

KEEP_DAYS_MIN = 2
"""A repeat is answered from the journal for a day."""

COLUMNS = (
    "kpj", "name", "card", "linked_on", "answers", "first_wib", "last_wib", "acquirers", "terminals"
)  # fmt: skip
"""Of the list of those affected."""

_OWNER = (
    "SELECT cards.kpj, participants.name, cards.linked_on FROM cards"
    " JOIN participants ON participants.kpj = cards.kpj WHERE cards.pan_digest = ?"
)
Owner = tuple[str, str, str]


@dataclass(slots=True)
class Affected:
    """One card that got answers, and whose it is; empty where nobody's any more."""

    owner: Owner
    card: str
    answers: int = 0
    first: datetime | None = None
    last: datetime | None = None
    acquirers: set[str] = field(default_factory=set)
    terminals: set[str] = field(default_factory=set)

    def add(self, row: JournalRow) -> None:
        """Count one more answer."""
        self.answers += 1
        self.first = min(self.first or row.received, row.received)
        self.last = max(self.last or row.received, row.received)
        self.acquirers.add(row.acquirer)
        self.terminals.add(row.terminal)

    def cells(self) -> tuple[str, ...]:
        """Write it in the order of ``COLUMNS``."""
        kpj, name, linked_on = self.owner
        spans = (_local(self.first), _local(self.last))
        places = (" ".join(sorted(self.acquirers)), " ".join(sorted(self.terminals)))
        return (kpj, name, self.card, linked_on, str(self.answers), *spans, *places)


def affected(folder: DataFolder, vault: Vault, span: Span) -> list[Affected]:
    """List the cards that got a balance in ``span``, by KPJ.

    Raises ``JournalUnavailable`` and ``Refused``.
    """
    found: dict[bytes, Affected] = {}
    with closing(open_store(folder.settings.ledger.url, folder.ledger)) as store:
        for row in answers_with_balance(folder.journal_place, span):
            digests = _digests(vault, row)
            if digests[-1] not in found:
                found[digests[-1]] = Affected(_owner(store, digests), row.pan_masked)
            found[digests[-1]].add(row)
    return sorted(found.values(), key=lambda one: (one.owner, one.card))


def write_affected(those: Iterable[Affected], out: TextIO) -> None:
    """Write the list as CSV with a heading."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(one.cells() for one in those)


def count_old(folder: DataFolder, vault: Vault, before: datetime) -> int:
    """Count the journal's rows that a purge would take.  Raises ``Refused``."""
    place = folder.journal_place
    if place.url:
        return postgres_purge.count_old(place.url, vault, before)
    return journal_purge.count_old(place.path, vault, before)


def purge(folder: DataFolder, vault: Vault, before: datetime, report: Report) -> int:
    """Take the journal's rows from before a time out; return how many.  Raises ``Refused``."""
    place = folder.journal_place
    if place.url:
        return postgres_purge.purge(place.url, vault, before, report)
    return journal_purge.purge(place.path, vault, before, report)


def first_day_kept(today: date, keep_days: int) -> date:
    """Return the first day whose rows stay.  Raises ``Refused`` for fewer than two days."""
    if keep_days < KEEP_DAYS_MIN:
        raise Refused(
            "the settings say to keep the journal for ever: give --keep-days N, or set "
            "[journal] keep_days"
            if keep_days == 0
            else f"at least {KEEP_DAYS_MIN} days stay, for repeats are answered from them"
        )
    return date.fromordinal(today.toordinal() - keep_days)


def _owner(store: Store, digests: Sequence[bytes]) -> Owner:
    for digest in digests:
        for kpj, name, linked_on in store.rows(_OWNER, (digest,)):
            return str(kpj), str(name), str(linked_on)
    return "", "", ""


def _digests(vault: Vault, row: JournalRow) -> tuple[bytes, ...]:
    """Return what a card may be kept as now: under the row's key, then under the newest."""
    if row.card_digest is None or row.card_key_id is None:
        return (b"",)
    try:
        newest = vault.newest_ref(CardRef(row.card_key_id, row.card_digest))
    except ValueError:
        return (row.card_digest,)  # of a key that is gone
    return row.card_digest, newest.digest


def _local(at: datetime | None) -> str:
    return at.astimezone(Zone.WIB.tzinfo).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def in_words(those: Sequence[Affected]) -> str:
    """Say how many cards and persons a list names."""
    owned = {one.owner[0] for one in those if one.owner[0]}
    answers = sum(one.answers for one in those)
    return f"{answers} answer(s) with a balance, {len(those)} card(s), {len(owned)} KPJ"
