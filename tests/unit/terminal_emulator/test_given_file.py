"""Claims about files named on the command line: read or refused with what to do next."""

from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from terminal_emulator.given_file import require_writable, text_of_file


def test_text_is_read(tmp_path: Path) -> None:
    """As UTF-8."""
    (tmp_path / "x").write_bytes("kartu \u2013".encode())

    assert "kartu \u2013" == text_of_file(tmp_path / "x", "")


def test_what_cannot_be_read_is_said_with_a_way_out(tmp_path: Path) -> None:
    """No such file, a folder, bytes that are no text: one sentence each, the way out last."""
    (tmp_path / "bytes").write_bytes(b"\xff")

    for name, why in (("none", "No such file"), (".", "Is a directory"), ("bytes", "UTF-8")):
        with pytest.raises(Refused, match=f"{why}.*; write it anew"):
            text_of_file(tmp_path / name, "write it anew")


def test_report_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    """A folder that is not there, and a name that is a folder's; nothing is made or changed."""
    old = tmp_path / "old"
    old.write_text("kept")

    require_writable((None, tmp_path / "new", old))

    with pytest.raises(Refused, match=r"there is no folder .*/nowhere; make it first"):
        require_writable((old, tmp_path / "nowhere" / "x"))
    with pytest.raises(Refused, match="cannot be written; name another file"):
        require_writable((tmp_path,))
    assert ["old"] == [path.name for path in tmp_path.iterdir()]
    assert "kept" == old.read_text()
