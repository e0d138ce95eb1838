"""Where a process beside the switch writes the journal, and where a thread does."""

from pathlib import Path
from typing import Any

import pytest

from atm_switch.settings.load import FILE_NAME
from atm_switch.settings.model import Settings
from atm_switch.writer_apart import SETTINGS_FILE, is_likely, is_wanted

URL = "postgresql://atm@db.example/journal"


def settings(workers: int = 1, **journal: str) -> Settings:
    """Settings that say this of the journal, and nothing else of note."""
    given: dict[str, Any] = {"schema": 1, "workers": workers, "journal": journal}
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("writer", "cores", "is_process"),
    [("auto", 1, False), ("auto", 2, True), ("thread", 2, False), ("process", 1, True)],
)
def test_settings_and_cores_decide(writer: str, cores: int, is_process: bool) -> None:  # noqa: FBT001
    """A second core is what it is for; whoever says so has it either way."""
    assert is_process is is_wanted(settings(writer=writer), cores)


def test_settings_that_say_nothing_let_the_cores_decide() -> None:
    """The default is auto."""
    assert [False, True] == [is_wanted(settings(), cores) for cores in (1, 2)]


def test_several_workers_have_theirs_of_the_supervisor() -> None:
    """And PostgreSQL writes by itself."""
    assert not is_wanted(settings(workers=2, writer="process"), 4)
    assert not is_wanted(settings(url=URL, writer="process"), 4)


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize(
    "said",
    [
        {}, {"writer": "thread"}, {"writer": "process"}, {"writer": "auto"}, {"url": URL},
        {"url": URL, "writer": "process"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("workers", [1, 2])
def test_guess_from_the_bare_file_is_what_settings_say(
    tmp_path: Path, workers: int, said: dict[str, str], cores: int
) -> None:
    """Without the environment they agree on every kind of journal, so no start waits longer."""
    lines = [f'{key} = "{value}"' for key, value in said.items()]
    told = "\n".join([f"workers = {workers}", "[journal]", *lines])
    (tmp_path / FILE_NAME).write_text(told)

    assert is_wanted(settings(workers, **said), cores) is is_likely(tmp_path, cores)


def test_bare_settings_are_guessed_as_they_are_meant(tmp_path: Path) -> None:
    """A file that says nothing of the journal has the defaults; the name is that of settings."""
    (tmp_path / SETTINGS_FILE).write_text("schema = 1\n")

    assert FILE_NAME == SETTINGS_FILE
    assert [False, True] == [is_likely(tmp_path, cores) for cores in (1, 2)]


@pytest.mark.parametrize("content", [b"", b"\xff", b"journal = 1", b"= nonsense"])
def test_file_that_cannot_be_read_begins_nothing(tmp_path: Path, content: bytes) -> None:
    """Whoever reads it whole says what is wrong with it."""
    if content:
        (tmp_path / SETTINGS_FILE).write_bytes(content)

    assert not is_likely(tmp_path, 2)
