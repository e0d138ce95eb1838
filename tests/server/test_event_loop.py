"""Claims about the loop: the fast one where it is installed, asyncio's where it is not."""

import sys
from contextlib import closing

import pytest

from atm_switch.server.event_loop import is_fast_there, loop_name, new_loop


def test_loop_is_the_fast_one_where_it_is_installed() -> None:
    """What ``--version`` says is what runs."""
    with closing(new_loop()) as loop:
        assert ("uvloop" if is_fast_there() else "asyncio") == loop_name(loop)


def test_loop_is_asyncios_own_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without uvloop serves all the same."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setattr("atm_switch.server.event_loop.find_spec", lambda _name: None)

    with closing(new_loop()) as loop:
        assert "asyncio" == loop_name(loop)
