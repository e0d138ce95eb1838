"""The PIN tries of cards in a journal's file, counted in the transaction of the batch.

Limits: a card has a row from its first try on, and none where nothing was tried since.
"""

from collections.abc import Callable
from typing import Any, Final

from atm_switch.domain.member import CardRef

CARRIED: Final = 1_000_000
"""Stands for the tries of a card whose hash is of an older card key: they count elsewhere now.

It is above every maximum, so a process that has not read the newest key yet is granted none.
"""

_READ_TRIES = "SELECT tries FROM pin_tries WHERE pan_digest = ?"
_COUNT_TRY = (
    "INSERT INTO pin_tries (pan_digest, tries) VALUES (?, 1)"
    " ON CONFLICT (pan_digest) DO UPDATE SET tries = tries + 1 WHERE tries < ? RETURNING tries"
)
"""Yields nothing where as many tries are used as there are; there is one at least."""
_ADD_TRIES = (
    "INSERT INTO pin_tries (pan_digest, tries) VALUES (?, ?)"
    " ON CONFLICT (pan_digest) DO UPDATE SET tries = tries + excluded.tries"
)
_CLOSE_TRIES = (
    "INSERT INTO pin_tries (pan_digest, tries) VALUES (?, ?)"
    " ON CONFLICT (pan_digest) DO UPDATE SET tries = excluded.tries"
)
_RETURN_TRY = (
    "UPDATE pin_tries SET tries = tries - 1"
    " WHERE pan_digest = ? AND tries BETWEEN ? AND ? AND tries > 1 RETURNING tries"
)
_RETURN_ONLY_TRY = "DELETE FROM pin_tries WHERE pan_digest = ? AND tries = 1"
_RESET_TRIES = "DELETE FROM pin_tries WHERE pan_digest = ? AND tries <> ?"
_CLEAR_TRIES = "DELETE FROM pin_tries WHERE pan_digest = ?"

Run = Callable[..., list[Any]]
"""Runs a statement with its values; returns its rows."""


def tries_of(run: Run, digest: bytes) -> int:
    """Return how many tries of a card are used."""
    found = run(_READ_TRIES, digest)
    return int(found[0][0]) if found else 0


def count_try(run: Run, digest: bytes, tries_max: int) -> tuple[int, bool]:
    """Count one try: how many there are with it, and whether it is one of those granted."""
    counted = run(_COUNT_TRY, digest, tries_max)
    tries = int(counted[0][0]) if counted else tries_of(run, digest)
    return tries_max if tries >= CARRIED else tries, bool(counted)


def carry_over(run: Run, former: CardRef, card: CardRef) -> None:
    """Count under the newest card key what was tried under an older one.

    A card that is its own former has nothing to carry: it would be counted twice and
    then closed.
    """
    tries = tries_of(run, former.digest)
    if former.digest == card.digest or tries == CARRIED:
        return
    if tries:
        run(_ADD_TRIES, card.digest, tries)
    run(_CLOSE_TRIES, former.digest, CARRIED)


def give_back(run: Run, digest: bytes, count: int) -> None:
    """Take the try back that was ``count``ed for a PIN nobody looked at.

    Fewer by now: they were cleared meanwhile, and this try with them.
    """
    is_less = run(_RETURN_TRY, digest, count, CARRIED - 1)
    if not is_less and count == 1:
        run(_RETURN_ONLY_TRY, digest)  # no row stands for none


def reset(run: Run, digest: bytes) -> None:
    """Clear a card's tries behind a right PIN, where they are not those of an older key."""
    run(_RESET_TRIES, digest, CARRIED)


def clear(run: Run, digest: bytes) -> None:
    """Clear a card's tries by command."""
    run(_CLEAR_TRIES, digest)
