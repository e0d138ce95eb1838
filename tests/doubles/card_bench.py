"""Cards on a bench: one account put in directly, and the rows of its cards.

Plan: what writes the registry is tried on a store of its own, SQLite's or PostgreSQL's.
"""

from datetime import date

from atm_switch.domain.card import Pan
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef
from atm_switch.ledger.store import Store

KPJ = Kpj("12345678901")
LOST, NEW, STRANGER = (Pan(digits) for digits in (
    "9990090000000012", "9990090000000020", "9990090000000038",
))  # fmt: skip
TODAY = date(2026, 6, 30)


def put_participant(store: Store) -> None:
    """Put in whoever holds the cards."""
    columns = ("kpj", "person", "nik_sealed", "name", "birth_date", "segment", "status")
    store.load(
        "participants",
        columns,
        [(KPJ.digits, "a" * 64, b"x", "BUDI SANTOSO", "1985-03-12", "PU", "A")],
    )


def link(store: Store, ref: CardRef) -> None:
    """Put one card's row in."""
    store.load(
        "cards",
        ("pan_digest", "key_id", "kpj", "expiry", "pvv", "pvki", "status", "consent_on",
         "linked_on"),
        [(ref.digest, ref.key_id, KPJ.digits, "2812", "1234", "1", "active", "2025-01-02",
          "2025-01-02")],
    )  # fmt: skip
