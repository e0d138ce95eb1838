"""The card registry on SQLite: which KPJ a card leads to, by the keyed hash of its PAN."""

import sqlite3
from datetime import date
from pathlib import Path

from atm_switch.adapters.schema import Stopwatch, open_reader
from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, CardStatus, LinkedCard

_CARD = """
SELECT kpj, expiry, status, consent_on, pvv, pvki FROM cards
WHERE pan_digest = ? AND key_id = ?
"""


class SqliteRegistry:
    """Answers ``FindCard``."""

    def __init__(self, path: Path, query_seconds_max: float = 1.0) -> None:
        """Open the file read-only.  Raises ``Refused`` where it is missing."""
        self._connection = open_reader(path)
        self._stopwatch = Stopwatch(self._connection, query_seconds_max)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def card(self, ref: CardRef) -> LinkedCard | None:
        """Return the link of a card, whatever its state.  Raises ``LedgerUnavailable``."""
        self._stopwatch.start()
        try:
            row = self._connection.execute(_CARD, (ref.digest, ref.key_id)).fetchone()
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise LedgerUnavailable(f"the registry cannot be read: {name}") from None
        if row is None:
            return None
        kpj, expiry, status, consent_on, pvv, pvki = row
        return LinkedCard(
            ref=ref,
            kpj=Kpj(kpj),
            expiry=Expiry(expiry),
            status=CardStatus(status),
            consent_on=date.fromisoformat(consent_on) if consent_on else None,
            pvv=pvv,
            pvki=pvki,
        )
