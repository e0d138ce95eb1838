"""Which of the files named were imported before, byte by byte, and so change nothing.

Plan: a file is known by the SHA-256 of its content.  Participants and cards can be set back by
an older file, so only the newest of their imports counts; postings can not, so any does.
Why ``--once-more`` takes the number of an import: said again, when it is done, it books nothing,
for that import is no longer the newest.  ``--again`` alone would book a file with every try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.errors import Refused
from atm_switch.ledger.csv_rows import CsvSource, Kind
from atm_switch.ledger.csv_summary import ImportedFile
from atm_switch.ledger.store import Store

_BEFORE: Final = """
SELECT id, file_name, substr(imported_at, 1, 10) FROM imports WHERE kind = ? AND sha256 = ?
ORDER BY id DESC
"""
_NEWEST: Final = "SELECT max(id) FROM imports WHERE kind = ?"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person said of files that were imported before.

    ``relink``: take them all.  ``again``: book rows that equal one booked before, but no file.
    ``once_more``: the newest import of a file of postings that is booked another time, 0 for none.
    """

    relink: bool = False
    again: bool = False
    once_more: int = 0


def look_at(store: Store, sources: Sequence[CsvSource], wishes: Wishes) -> list[ImportedFile]:
    """Say of each file whether its content was imported before, or stands twice here.

    Raises ``Refused`` where a person wants such a file booked and did not say which import it
    repeats.
    """
    if wishes.once_more and [source.kind for source in sources] != [Kind.POSTINGS]:
        raise Refused("--once-more is for one file of postings, named alone")
    seen: dict[Kind, list[bytes]] = {}
    files = []
    for source in sources:
        before = seen.setdefault(source.kind, [])
        is_twice = source.sha256 in (before if source.kind is Kind.POSTINGS else before[-1:])
        file = ImportedFile(source.name, source.kind, is_repeat=is_twice)
        if is_twice and wishes.again and source.kind is Kind.POSTINGS:
            raise Refused(
                f"{source.name} holds the very rows of another file named here, nothing was"
                " imported; import the one first, then the other by itself"
            )
        if source.kind is Kind.POSTINGS:
            file.repeats = 0 if is_twice else _postings_before(store, source, wishes)
            file.is_repeat = is_twice or file.repeats > 0
        elif not wishes.relink:
            file.is_repeat = is_twice or (not before and _is_newest(store, source))
        if not file.is_repeat:
            before.append(source.sha256)
        files.append(file)
    return files


def _is_newest(store: Store, source: CsvSource) -> bool:
    kind = source.kind.value
    found = store.rows(_BEFORE, (kind, source.sha256))
    return bool(found) and found[0][0] == store.rows(_NEWEST, (kind,))[0][0]


def _postings_before(store: Store, source: CsvSource, wishes: Wishes) -> int:
    """Return the newest import of a file, 0 where there is none or it is booked once more."""
    found = store.rows(_BEFORE, (source.kind.value, source.sha256))
    numbers = [int(number) for number, _, _ in found]
    if wishes.once_more and wishes.once_more not in numbers:
        newest = f"; its newest import is {numbers[0]}" if numbers else ""
        raise Refused(f"{source.name} was not imported as number {wishes.once_more}{newest}")
    if not numbers or wishes.once_more == numbers[0]:
        return 0
    if wishes.again and not wishes.once_more:
        number, name, day = found[0]
        raise Refused(
            f"{source.name} holds the very bytes of {name}, which was imported on {day} (UTC) as"
            f" number {number}; nothing was imported. If all of its rows are other payments, say"
            f" --once-more {number}"
        )
    return numbers[0]
