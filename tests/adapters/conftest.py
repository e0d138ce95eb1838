"""Empty databases: one on PostgreSQL, and both of the ledger for claims that hold on either."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.store import Store
from tests.doubles.postgres_bench import CardReader, Database, WaitingReader, waiting_reader

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer


@pytest.fixture
def url(postgres: "PostgresServer") -> str:
    """Name an empty database."""
    return postgres.empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Name an empty database of either kind."""
    url = ""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database()
    return Database(tmp_path / "ledger.db", url)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """Open it for writing."""
    with closing(open_store(database.url, database.path)) as store:
        yield store


@pytest.fixture
def reader(store: Store, database: Database) -> Iterator[SqliteLedger | WaitingReader]:
    """Open what answers inquiries from it, before anything is booked."""
    del store  # the schema is there now
    if database.url:
        with waiting_reader(database.url) as waiting:
            yield waiting
    else:
        with closing(SqliteLedger(database.path)) as ledger:
            yield ledger


@pytest.fixture
def registry(store: Store, database: Database) -> Iterator[CardReader]:
    """Open what finds cards in it."""
    del store  # the schema is there now
    if database.url:
        with waiting_reader(database.url) as waiting:
            yield waiting
    else:
        with closing(SqliteRegistry(database.path)) as registry:
            yield registry
