"""What an officer does with a card's link: block, unblock, unlink, consent, replace, show.

Plan: each is one short transaction on one row, taken up by the switch at its next inquiry;
the ``witness``, which tells the audit, is the last in it, and what it raises undoes all.
A card is named by its keyed hash; the PAN goes nowhere.
No file gives back what was taken away here (``csv_linking.py``).
Limits: linking itself comes by file, with consent as of that day, and so may a block.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, CardStatus
from atm_switch.ledger.store import Store, Value

EVIDENCE_CHARACTERS_MAX = 200

_COLUMNS = (
    "kpj, expiry, status, pvv, linked_on, consent_on, consent_evidence, withdrawn_on,"
    " unlinked_on, replaced_on, blocked_on"
)
_FIND = f"SELECT {_COLUMNS} FROM cards WHERE pan_digest = ?"  # noqa: S608 - constants
_HOLD = " FOR UPDATE"
"""Behind ``_FIND`` on PostgreSQL: what is read stays so until the commit."""
_ADD = """
INSERT INTO cards (pan_digest, key_id, kpj, expiry, pvv, pvki, status, consent_on,
                   consent_evidence, withdrawn_on, linked_on)
VALUES (?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card's link as it is kept."""

    kpj: Kpj
    expiry: Expiry
    status: CardStatus
    has_pvv: bool
    linked_on: date
    consent_on: date | None
    consent_evidence: str
    withdrawn_on: date | None
    unlinked_on: date | None
    replaced_on: date | None
    blocked_on: date | None
    """At the desk; a block that a file brought has no day."""


@dataclass(frozen=True, slots=True)
class NewCard:
    """The card that takes a lost one's place; ``pvv`` and ``pvki`` both or neither.

    ``refs``: its hash under each card key, the newest first: it is linked under that one.
    """

    refs: Sequence[CardRef]
    expiry: Expiry
    pvv: str = field(repr=False)
    pvki: str


Witness = Callable[[CardRecord], None]
"""Told the link as it was, before the change is durable: what it raises undoes the change."""


def _nobody(_held: CardRecord) -> None:
    """Hear and forget."""


def card_record(store: Store, refs: Sequence[CardRef]) -> tuple[CardRef, CardRecord]:
    """Return a card's link, whatever its state.

    ``refs``: the card's hash under each key it may still be kept under, the newest first.
    Raises ``Refused`` where nobody linked it.
    """
    return _required(_found(store, refs, _FIND))


def block(store: Store, refs: Sequence[CardRef], today: date, witness: Witness = _nobody) -> None:
    """Block a card: inquiries get 62 from now on, whatever a file says later."""
    with store.transaction():
        ref, held = _linked(store, refs)
        store.change(
            "UPDATE cards SET status = 'blocked', blocked_on = coalesce(blocked_on, ?)"
            " WHERE pan_digest = ?",
            (today.isoformat(), ref.digest),
        )
        witness(held)


def unblock(
    store: Store, refs: Sequence[CardRef], clear: Callable[[], int] = lambda: 0
) -> tuple[bool, int]:
    """Lift a block; return whether there was one, and what ``clear`` returned.

    ``clear`` forgives the card's PIN tries and tells the audit: what it raises undoes all.  A
    card that nobody linked has no block, but may have tries.  Raises ``Refused`` for a
    replaced card.
    """
    with store.transaction():
        if _held(store, refs) is None:
            return False, clear()
        ref, held = _linked(store, refs)
        if held.replaced_on is not None:
            raise Refused("the card was replaced by another; it stays blocked")
        store.change(
            "UPDATE cards SET status = 'active', blocked_on = NULL WHERE pan_digest = ?",
            (ref.digest,),
        )
        return held.status is CardStatus.BLOCKED, clear()


def unlink(store: Store, refs: Sequence[CardRef], today: date, witness: Witness = _nobody) -> None:
    """Take a card off its KPJ: inquiries get 56, as for a card that was never linked."""
    with store.transaction():
        ref, held = _linked(store, refs)
        store.change(
            "UPDATE cards SET unlinked_on = ? WHERE pan_digest = ?",
            (today.isoformat(), ref.digest),
        )
        witness(held)


def forget(store: Store, refs: Sequence[CardRef], witness: Witness = _nobody) -> None:
    """Erase a link for good, with its consent and evidence.

    Raises ``Refused`` where the card is still linked and was not replaced.
    """
    with store.transaction():
        ref, held = _there(store, refs)
        if held.unlinked_on is None and held.replaced_on is None:
            raise Refused("the card is linked; unlink it first, then it can be forgotten")
        store.change("DELETE FROM cards WHERE pan_digest = ?", (ref.digest,))
        witness(held)


def give_consent(
    store: Store, refs: Sequence[CardRef], on: date, evidence: str, witness: Witness = _nobody
) -> None:
    """Record the owner's consent with what proves it, e.g. a form's number.

    Raises ``Refused`` for one older than its withdrawal, which took it back.
    """
    proof = _evidence(evidence)
    with store.transaction():
        ref, held = _linked(store, refs)
        if held.withdrawn_on is not None and on < held.withdrawn_on:
            raise Refused(
                f"consent was withdrawn on {held.withdrawn_on}, which a consent of {on} does not"
                " undo; nothing was changed"
            )
        store.change(
            "UPDATE cards SET consent_on = ?, consent_evidence = ?, withdrawn_on = NULL"
            " WHERE pan_digest = ?",
            (on.isoformat(), proof, ref.digest),
        )
        witness(held)


def withdraw_consent(
    store: Store, refs: Sequence[CardRef], on: date, evidence: str, witness: Witness = _nobody
) -> None:
    """Record that the owner took consent back: inquiries get 57 from now on."""
    proof = _evidence(evidence)
    with store.transaction():
        ref, held = _linked(store, refs)
        if held.consent_on is None:
            raise Refused("consent was withdrawn before; nothing was changed")
        store.change(
            "UPDATE cards SET consent_on = NULL, consent_evidence = ?, withdrawn_on = ?"
            " WHERE pan_digest = ?",
            (proof, on.isoformat(), ref.digest),
        )
        witness(held)


def replace(
    store: Store, refs: Sequence[CardRef], card: NewCard, today: date, witness: Witness = _nobody
) -> Kpj:
    """Link a new card in a lost one's place; the lost one is blocked for good.

    The consent goes over with its day, and so does its withdrawal.  Returns the KPJ.  Raises
    ``Refused`` where the new card is or was linked, under whichever key, or the old one was
    replaced before.
    """
    new = card.refs[0]
    with store.transaction():
        ref, held = _linked(store, refs)
        if held.replaced_on is not None:
            raise Refused("the card was replaced before; nothing was changed")
        if ref in card.refs:
            raise Refused("both numbers are the same card; nothing was changed")
        _require_unknown(_held(store, card.refs))
        consent, withdrawn = _written(held.consent_on), _written(held.withdrawn_on)
        values: tuple[Value, ...] = (
            new.digest, new.key_id, held.kpj.digits, card.expiry.yymm, card.pvv,
            card.pvki, consent, held.consent_evidence or None, withdrawn,
            today.isoformat(),
        )  # fmt: skip
        store.change(_ADD, values)
        store.change(
            "UPDATE cards SET status = 'blocked', replaced_on = ? WHERE pan_digest = ?",
            (today.isoformat(), ref.digest),
        )
        witness(held)
    return held.kpj


def _found(store: Store, refs: Sequence[CardRef], query: str) -> tuple[CardRef, CardRecord] | None:
    # The newest once more: a card may be moved there between two looks.
    for ref in (*refs, *refs[:1]):
        for row in store.rows(query, (ref.digest,)):
            return ref, _record(row)
    return None


def _held(store: Store, refs: Sequence[CardRef]) -> tuple[CardRef, CardRecord] | None:
    """Find a card and let nobody else change it before the transaction ends."""
    return _found(store, refs, _FIND + _HOLD if store.is_postgres else _FIND)


def _there(store: Store, refs: Sequence[CardRef]) -> tuple[CardRef, CardRecord]:
    return _required(_held(store, refs))


def _required(found: tuple[CardRef, CardRecord] | None) -> tuple[CardRef, CardRecord]:
    if found is None:
        raise Refused("the registry has no such card; link it with: atm-switch cards link")
    return found


def _linked(store: Store, refs: Sequence[CardRef]) -> tuple[CardRef, CardRecord]:
    ref, held = _there(store, refs)
    if held.unlinked_on is not None:
        raise Refused(f"the card was unlinked on {held.unlinked_on}; nothing was changed")
    return ref, held


def _require_unknown(found: tuple[CardRef, CardRecord] | None) -> None:
    """Raise ``Refused`` where the new card is none: it has a link, or had one."""
    if found is None:
        return
    _, held = found
    if held.unlinked_on is not None:
        raise Refused(
            f"the new card was unlinked on {held.unlinked_on}; nothing was changed. If it is to be"
            " linked anew, forget it first: atm-switch cards forget"
        )
    raise Refused("the new card is linked already; nothing was changed")


def _written(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _evidence(text: str) -> str:
    proof = text.strip()
    if not 1 <= len(proof) <= EVIDENCE_CHARACTERS_MAX or not proof.isprintable():
        raise Refused(f"evidence is 1 to {EVIDENCE_CHARACTERS_MAX} printable characters")
    return proof


def _record(row: tuple[object, ...]) -> CardRecord:
    kpj, expiry, status, pvv, linked, consent, evidence, withdrawn, *ends = row
    unlinked, replaced, blocked = map(_day, ends)
    return CardRecord(
        kpj=Kpj(str(kpj)),
        expiry=Expiry(str(expiry)),
        status=CardStatus(status),
        has_pvv=bool(pvv),
        linked_on=date.fromisoformat(str(linked)),
        consent_on=_day(consent),
        consent_evidence=str(evidence or ""),
        withdrawn_on=_day(withdrawn),
        unlinked_on=unlinked,
        replaced_on=replaced,
        blocked_on=blocked,
    )


def _day(text: object) -> date | None:
    return date.fromisoformat(str(text)) if text else None
