"""The PIN tries of each card, counted again from the rows of its journal.

Plan: row by row, as they were committed.  A row A that was granted a try counts one more of its
card; a row B of a right PIN clears those of its card.  A row A that was granted none is held
against the rows A that stand at that moment: as many as there are tries, each of that very card,
and none that ended otherwise than in doubt.  What ended later was under way then.
Limits: of a journal where every PIN is right, and no try is cleared by command, given back for a
PIN nobody looked at, or moved to another card key.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.domain.outcome import IN_DOUBT


@dataclass
class Tries:
    """What came of counting again."""

    explained: set[str] = field(default_factory=set)
    """RRNs of the rows A without a try beside which as many tries stood as there are."""
    doubts: int = 0
    """Tries in doubt that stood beside them, in all."""
    under_way: int = 0
    wrong: list[str] = field(default_factory=list)
    """What was counted, granted or refused otherwise than the rows before it say."""


def counted_again(rows: Iterable[JournalRow], tries_max: int) -> Tries:
    """Count the tries of all cards again; the rows are a whole journal, oldest first."""
    rows = tuple(rows)
    endings = {row.ref: row for row in rows if row.ref is not None}
    standing: defaultdict[bytes | None, list[JournalRow]] = defaultdict(list)
    found = Tries()
    for row in rows:
        of_card = standing[row.card_digest]
        if not row.is_reservation:
            if row.resets_tries:
                of_card.clear()
            continue
        if row.pin_granted:
            of_card.append(row)
        else:
            _refused(row, of_card, endings, tries_max, found)
        if row.pin_tries != len(of_card) or len(of_card) > tries_max:
            found.wrong.append(
                f"{row.rrn} has {row.pin_tries} tries, {len(of_card)} of its card stand"
            )
    return found


def _refused(
    row: JournalRow, of_card: list[JournalRow], endings: Mapping[int, JournalRow],
    tries_max: int, found: Tries,
) -> None:  # fmt: skip
    """Look at what stands beside a row A that was granted no try."""
    ended = [endings.get(one.seq) for one in of_card]
    doubts = sum(one is None or one.outcome == IN_DOUBT for one in ended)
    others = [one.rrn for one in ended if one and one.outcome != IN_DOUBT and not one.resets_tries]
    found.doubts += doubts
    found.under_way += len(ended) - doubts - len(others)
    if others:
        found.wrong.append(f"{row.rrn} was refused a try for {others}, which ended")
    elif len(of_card) < tries_max or not doubts:
        found.wrong.append(
            f"{row.rrn} was refused a try beside {doubts} in doubt of {len(of_card)}"
        )
    else:
        found.explained.add(row.rrn)
