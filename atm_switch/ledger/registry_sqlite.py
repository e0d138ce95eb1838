"""The card registry on SQLite: which KPJ a card leads to, by the keyed hash of its PAN."""

from datetime import date
from pathlib import Path
from typing import Any

from atm_switch.adapters.schema import QUERY_SECONDS_MAX, open_reader
from atm_switch.adapters.turn_reads import TurnReads
from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, LinkedCard, card_status_of
from atm_switch.ledger.ledger_sqlite import translated
from atm_switch.ledger.store_sqlite import FAMILY, LOOK_UP_KIBIBYTES

_CARD = """
SELECT kpj, expiry, status, consent_on, pvv, pvki FROM cards
WHERE pan_digest = ? AND key_id = ? AND unlinked_on IS NULL
"""


class SqliteRegistry:
    """Answers ``FindCard``."""

    def __init__(
        self,
        path: Path,
        query_seconds_max: float = QUERY_SECONDS_MAX,
        reads: TurnReads | None = None,
    ) -> None:
        """Open the file read-only, or ask through ``reads``, which whoever opened it closes.

        Raises ``Refused`` where that cannot be.
        """
        own = None
        if reads is None:
            own = open_reader(path, query_seconds_max, FAMILY, cache_kibibytes=LOOK_UP_KIBIBYTES)
            reads = TurnReads(own)
        self._own, self._reads = own, reads

    def close(self) -> None:
        """Close the connection, where it is one of its own."""
        if self._own is not None:
            self._own.close()

    def card(self, ref: CardRef, former: tuple[CardRef, ...] = ()) -> LinkedCard | None:
        """Return the link of a card, whatever its state.  Raises ``LedgerUnavailable``.

        While the card key is being changed a card is under ``ref`` or under one of the
        ``former``: looked at as of one moment, for the card may move in between.
        """
        with translated("the registry"):
            row = self._row(ref, former)
            if row is None:
                return None
            kpj, expiry, status, consent_on, pvv, pvki = row
            return LinkedCard(
                ref=ref,
                kpj=Kpj(kpj),
                expiry=Expiry(expiry),
                status=card_status_of(status),
                consent_on=date.fromisoformat(consent_on) if consent_on else None,
                pvv=pvv,
                pvki=pvki,
            )

    def _row(self, ref: CardRef, former: tuple[CardRef, ...]) -> Any:
        try:
            for one in (ref, *former):
                found = self._reads.rows(_CARD, (one.digest, one.key_id))
                if found:
                    return found[0]
        finally:
            self._reads.done()
        return None
