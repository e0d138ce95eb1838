"""The rows of a request as cells: what is known where it is asked, and what its writer adds.

Plan: ``drafted`` makes one flat tuple of a commit.  That tuple crosses to the writer's process
as it is, and lies in the row as it is: no object is made of it, or for the row, on the way.
Limits: a draft that came from another process is as wide as ours or refused; what is in its
cells is judged by the table.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Final

from atm_switch.adapters.journal_rows import ENDED, RECEIVED, Cell, to_microseconds
from atm_switch.switch.ports import Commit, JournalEntry, Reservation

Draft = tuple[Any, ...]
"""A commit on its way: ``REF``, receipt, the entry's cells, the ending's, and what follows."""

REF: Final = 0
"""Where a draft has the sequence of its A, if any."""
KEY: Final = slice(2, 7)
"""Where it has its request's key."""
FINGERPRINT: Final = 7
_CARD: Final = 15
_ENTRY: Final = slice(2, _CARD + 1)
_ENDING: Final = slice(_CARD + 1, _CARD + 8)
_RESETS: Final = _ENDING.stop - 1
PAYLOAD: Final = _RESETS + 1
_RETURNED, SINCE = PAYLOAD + 1, PAYLOAD + 2
"""The second: since when another's answer to the key counts, in microseconds."""
_WIDTH: Final = SINCE + 1

_DAYS_KEPT: Final = 16
"""Business dates at hand: nearly all rows are of one."""
_written = lru_cache(_DAYS_KEPT)(date.isoformat)

_NO_PIN: Final = (None, None)
_NO_ENDING: Final = (None,) * 8


def drafted(question: Commit) -> Draft:
    """Return what is known of the B of a request.

    Raises ``ValueError`` for a naive time, and for tries without a card.
    """
    entry, ending, since = question.entry, question.ending, question.unless_since
    draft = (
        question.sequence,
        to_microseconds(entry.received_at),
        *_entry_cells(entry),
        ending.outcome._value_,
        ending.response_code,
        ending.reason,
        ending.kpj_masked,
        ending.host_reference,
        ending.elapsed_us,
        int(ending.resets_tries),
        ending.payload,
        ending.returned_try,
        None if since is None else to_microseconds(since),
    )
    check_draft(draft)
    return draft


def check_draft(draft: Draft) -> None:
    """Raise ``ValueError`` for tries without a card, and for what is no draft."""
    if len(draft) != _WIDTH:
        raise ValueError("a draft of a row has other cells")
    if draft[_CARD] is None and (draft[_RESETS] or draft[_RETURNED] is not None):
        raise ValueError("PIN tries are those of a card, and the entry has none")


def reset_card(draft: Draft) -> bytes | None:
    """Return the digest of the card whose tries the row clears, if it does."""
    return draft[_CARD] if draft[_RESETS] else None


def returned_try(draft: Draft) -> tuple[bytes, int] | None:
    """Return a card's digest and the count of its try that the row takes back, if it does."""
    return (draft[_CARD], draft[_RETURNED]) if draft[_RETURNED] else None


def ending_cells(draft: Draft, seq: int, written_at: int, sealed: bytes | None) -> tuple[Cell, ...]:
    """Return the B of a request, all but its link; ``sealed`` is the 0210."""
    return (
        seq, ENDED, draft[REF], draft[1], written_at, *draft[_ENTRY], *_NO_PIN,
        *draft[_ENDING], sealed,
    )  # fmt: skip


def reservation_cells(
    entry: JournalEntry, reservation: Reservation, written_at: int
) -> tuple[Cell, ...]:
    """Return the A of a request, all but its link."""
    return (
        reservation.sequence, RECEIVED, None, to_microseconds(entry.received_at), written_at,
        *_entry_cells(entry), reservation.tries, int(reservation.granted), *_NO_ENDING,
    )  # fmt: skip


def _entry_cells(entry: JournalEntry) -> tuple[Cell, ...]:
    card = entry.card
    return (
        *entry.key,
        entry.fingerprint,
        entry.mti,
        entry.processing_code,
        entry.channel,
        _written(entry.business_date),
        entry.peer,
        entry.pan_masked,
        card.key_id if card else None,
        card.digest if card else None,
    )
