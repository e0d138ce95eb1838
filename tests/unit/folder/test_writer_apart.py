"""Where a process beside the switch writes the journal, and where a thread does."""

from typing import Any

import pytest

from atm_switch.settings.model import Settings
from atm_switch.writer_apart import is_wanted

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


def test_several_workers_have_theirs_of_the_supervisor() -> None:
    """And PostgreSQL writes by itself."""
    assert not is_wanted(settings(workers=2, writer="process"), 4)
    assert not is_wanted(settings(url=URL, writer="process"), 4)
