"""The canonical bytes of a usual row, written at once.

Plan: the same bytes that ``RowChain.canonical`` writes cell by cell, which says what they are
for any row; this is the short way for the rows that make up a journal: an A or a B of a request
with a card, all of it ASCII and short.  Whatever is not quite so is left to the long way.
"""

from collections.abc import Sequence
from typing import Any, Final

from atm_switch.adapters.journal_rows import COLUMNS, ENDED, RECEIVED

_SHORT_MAX: Final = 256
_LENGTHS: Final = tuple(f"{length}:" for length in range(_SHORT_MAX))
_WIDTH: Final = len(COLUMNS) - 1
_digits: Final = int.__repr__
"""Writes a number, and raises ``TypeError`` for what only looks like one."""


def usual_text(cells: Sequence[Any]) -> bytes | None:
    """Return a row's canonical bytes, all but its link; ``None`` where it is not usual."""
    try:
        return _text(cells[:_WIDTH])
    except (TypeError, IndexError, ValueError):  # empty, of another type; long; not ASCII
        return None


def _text(cells: Sequence[Any]) -> bytes:
    (
        seq, kind, ref, received_at, written_at, acquirer, terminal, stamp, stan, rrn, fingerprint,
        mti, code, channel, business_date, peer, pan, card_key_id, digest, tries, granted,
        *rest, response,
    ) = cells  # fmt: skip
    _require_texts(
        acquirer, terminal, stamp, stan, rrn, mti, code, channel, business_date, peer, pan,
        card_key_id,
    )  # fmt: skip
    size, number = _LENGTHS, _digits(seq)
    received, written = _digits(received_at), _digits(written_at)
    head = (
        f"seq=i{size[len(number)]}{number},kind=s1:{kind},{_number('ref', ref)}"
        f"received_at=i{size[len(received)]}{received},"
        f"written_at=i{size[len(written)]}{written},"
        f"acquirer=s{size[len(acquirer)]}{acquirer},terminal=s{size[len(terminal)]}{terminal},"
        f"stamp=s{size[len(stamp)]}{stamp},stan=s{size[len(stan)]}{stan},"
        f"rrn=s{size[len(rrn)]}{rrn},fingerprint=b{size[len(fingerprint)]}"
    )
    entry = (
        f",mti=s{size[len(mti)]}{mti},processing_code=s{size[len(code)]}{code},"
        f"channel=s{size[len(channel)]}{channel},"
        f"business_date=s{size[len(business_date)]}{business_date},"
        f"peer=s{size[len(peer)]}{peer},pan_masked=s{size[len(pan)]}{pan},"
        f"card_key_id=s{size[len(card_key_id)]}{card_key_id},card_digest=b{size[len(digest)]}"
    )
    if kind == ENDED and tries is None and granted is None:
        tail = _ending_text(rest)
    elif kind == RECEIVED and rest == _NO_ENDING and response is None:
        tail = f",{_number('pin_tries', tries)}{_number('pin_granted', granted)}"
    else:
        raise ValueError("neither an A nor a B")
    parts = (head.encode(), fingerprint, entry.encode(), digest, tail.encode())
    if response is None:
        return b"".join(parts)
    return b"".join((*parts, b"response=b%d:" % len(response), response, b","))


_NO_ENDING: Final[list[Any]] = [None] * 7


def _ending_text(cells: Sequence[Any]) -> str:
    outcome, response_code, reason, kpj, reference, elapsed, resets = cells
    _require_texts(outcome, response_code, reason, kpj, reference)
    size, elapsed_us = _LENGTHS, _digits(elapsed)
    return (
        f",outcome=s{size[len(outcome)]}{outcome},"
        f"response_code=s{size[len(response_code)]}{response_code},"
        f"reason=s{size[len(reason)]}{reason},kpj_masked=s{size[len(kpj)]}{kpj},"
        f"host_reference=s{size[len(reference)]}{reference},"
        f"elapsed_us=i{size[len(elapsed_us)]}{elapsed_us},{_number('resets_tries', resets)}"
    )


def _require_texts(*cells: str) -> None:
    """Raise ``TypeError`` where one is no text, ``ValueError`` where one is not ASCII."""
    if not "".join(cells).isascii():
        raise ValueError("not ASCII")


def _number(name: str, number: int | None) -> str:
    if number is None:
        return ""
    text = _digits(number)
    return f"{name}=i{_LENGTHS[len(text)]}{text},"
