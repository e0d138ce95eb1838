"""A file of an older release, opened by whoever does not hold the folder."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import FileOutdated
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.adapters.test_schema import ledger_of_schema


@pytest.mark.parametrize("open_it", [lambda p: open_writer(p, "ledger"), SqliteStore])
def test_older_file_is_brought_up_to_date_only_where_that_is_asked_for(
    tmp_path: Path, open_it: Callable[[Path], object]
) -> None:
    """
    A switch of its release may be at work with it, or start just then: it is refused and stays.
    """
    path = ledger_of_schema(tmp_path, 5, "")

    with pytest.raises(FileOutdated, match="atm-switch migrate DIR brings it up to date"):
        open_it(path)

    with closing(sqlite3.connect(path)) as connection:
        assert (5,) == connection.execute("PRAGMA user_version").fetchone()
