"""The place of a process, as its command line has it: read as written, or refused in words."""

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.process_place import ProcessPlace


@pytest.mark.parametrize(
    ("place", "written"),
    [(ProcessPlace(0, 3, 7), "v1:0:3:7"), (ProcessPlace(2, 3, 7, 8), "v1:2:3:7:8")],
)
def test_place_is_read_as_it_was_written(place: ProcessPlace, written: str) -> None:
    """With the mark of the release in front; the writer's process inherits one descriptor."""
    assert written == place.written()
    assert place == ProcessPlace.of(written)
    assert [one for one in place[2:] if one is not None] == place.inherited


@pytest.mark.parametrize(
    "written", ["1:3:7", "1:3:7:8", "0:1:7:8", "v2:1:3:7:8", "v1:1:3:7", "v1:0:3:7:8", "v1:", "x"]
)
def test_place_of_another_release_is_refused(written: str) -> None:
    """Before anything is read or opened, in a sentence that says what to do."""
    with pytest.raises(Refused, match=r"another release .* stop that switch and start it again"):
        ProcessPlace.of(written)
