"""Where the ledger is: a SQLite file of the data folder, or a PostgreSQL database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, Participant
from atm_switch.domain.statement import AccountHistory
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from atm_switch.ledger.postgres_reader import Tell


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where the ledger is and how it is read; ``url`` empty: in the file ``path``."""

    path: Path
    url: str = ""
    read_url: str = ""
    connections: int = 4
    seconds_max: float = 1.0


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """An open ledger: each question answered at once, or with a future of the loop."""

    card: Callable[[CardRef, tuple[CardRef, ...]], Any]
    siblings: Callable[[Kpj], Any]
    account: Callable[[Kpj, date], Any]
    close: Callable[[], Awaitable[None]]


def open_store(url: str, path: Path) -> Store:
    """Open the ledger for a command: at ``url``, or in the file ``path`` where it is empty.

    Its schema is made; PostgreSQL's is brought up to date, too.  Raises ``Refused``.
    """
    if not url:
        return SqliteStore(path)
    # What PostgreSQL needs is loaded by those who have it: a start waits for every module.
    from atm_switch.ledger.store_postgres import PostgresStore  # noqa: PLC0415

    return PostgresStore(url)


def read_account(
    place: LedgerPlace, kpj: Kpj, as_of: date
) -> tuple[Participant, AccountHistory] | None:
    """Read one account for a command, from where it is written and not from a replica.

    ``None`` for an unknown KPJ.  Raises ``Refused`` and ``LedgerUnavailable``.
    """
    if place.url:
        return asyncio.run(_read_account(place, kpj, as_of))
    with closing(SqliteLedger(place.path, place.seconds_max)) as ledger:
        return ledger.account(kpj, as_of)


async def open_reading(place: LedgerPlace, tell: "Tell") -> LedgerReading:
    """Open the ledger for inquiries: the file, the database, or its read replica.

    A server that is away does not hinder the start.  Raises ``Refused`` for a schema that
    is not this program's, a missing file, and a server that does not let us in.
    """
    if place.url:
        from atm_switch.ledger.postgres_reader import PostgresReader  # noqa: PLC0415

        url = place.read_url or place.url
        reader = PostgresReader(url, place.connections, place.seconds_max, tell)
        await reader.start()
        return LedgerReading(reader.card, reader.siblings, reader.account, reader.close)
    soon = asyncio.get_running_loop().call_soon
    ledger = SqliteLedger(place.path, place.seconds_max, soon)
    registry = SqliteRegistry(place.path, reads=ledger.reads)

    async def close() -> None:
        ledger.close()

    return LedgerReading(registry.card, ledger.siblings, ledger.account, close)


async def _read_account(
    place: LedgerPlace, kpj: Kpj, as_of: date
) -> tuple[Participant, AccountHistory] | None:
    from atm_switch.ledger.postgres_reader import PostgresReader  # noqa: PLC0415

    away: list[str] = []

    def hear(_event: str, fields: dict[str, str]) -> None:
        away.extend(fields.values())

    reader = PostgresReader(place.url, 1, place.seconds_max, hear)
    await reader.start()
    try:
        return await reader.account(kpj, as_of)
    except LedgerUnavailable as error:
        if not away:
            raise
        raise LedgerUnavailable(f"{error}: {away[-1]}; see [ledger] url in switch.toml") from None
    finally:
        await reader.close()
