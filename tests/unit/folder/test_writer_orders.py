"""What the writer's process is told of a folder: all it needs, and no key."""

import json
from pathlib import Path

import pytest

from atm_switch.folder import DataFolder, open_folder
from atm_switch.server.log import Logger
from atm_switch.writer_orders import WriterOrders
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose settings differ from what holds without any."""
    made = make_folder(tmp_path)
    set_in(made, "journal", path="rows.db", queue_max=7, batch_max=3)
    set_in(made, "log", format="text", level="error")
    return made


def ordered(folder: DataFolder, level: str = "error") -> WriterOrders:
    """What it is told where so much is logged."""
    return WriterOrders.of(folder, Logger(lambda _record: None, level))


def test_orders_arrive_as_they_were_given(folder: Path) -> None:
    """Through the JSON of a message, path by path and bound by bound."""
    given = ordered(open_folder(folder))

    taken = WriterOrders.of_message(json.loads(json.dumps(given.to_message())))

    assert given == taken
    assert (folder, folder / "rows.db", 7, 3) == (
        taken.root, taken.journal, taken.queue_max, taken.batch_max,
    )  # fmt: skip
    assert "error" == taken.logger().level


def test_level_is_the_one_that_is_logged_by_now(folder: Path) -> None:
    """A process that is started again behind a SIGHUP logs what the others do."""
    assert "warning" == ordered(open_folder(folder), "warning").logger().level


def test_orders_name_the_keys_and_hold_none(folder: Path) -> None:
    """The vault they open is the folder's; the message has paths, names and numbers only."""
    opened = open_folder(folder)
    orders = ordered(opened)

    assert opened.vault().to_document() == orders.vault().to_document()
    assert {"root", "journal", "keys", "master"} == {
        name for name, value in orders.to_message().items() if str(value).startswith("/")
    }
    assert {"text", "error", "7", "3"} == {
        str(value) for value in orders.to_message().values() if not str(value).startswith("/")
    }
