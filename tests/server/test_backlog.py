"""Claims about how old what waits in a socket counts: never younger than it is."""

import random
import socket
from collections import deque

from atm_switch.server.backlog import Backlog, looked_at, read_on


class Shown:
    """A transport, as far as it shows its socket."""

    def __init__(self, wire: socket.socket | None) -> None:
        """Show one."""
        self._wire = wire

    def get_extra_info(self, name: str) -> socket.socket | None:
        """Return it."""
        assert "socket" == name
        return self._wire


def test_what_came_while_nobody_read_counts_from_the_last_look_that_saw_nothing() -> None:
    """Read until 10, nothing there at 12, something at 13: it came behind 12."""
    backlog = Backlog(10.0)

    assert not backlog.look(0, 12.0)
    assert backlog.look(500, 13.0)

    assert 12.0 == backlog.since


def test_what_is_behind_a_mark_counts_from_it() -> None:
    """500 bytes were there at 13; what is read behind them came later, however late it is read."""
    backlog = Backlog(10.0)
    backlog.look(500, 13.0)

    assert backlog.read(400, 700, 20.0)
    assert 10.0 == backlog.since
    assert backlog.read(100, 600, 21.0)
    assert 13.0 == backlog.since
    assert not backlog.read(600, 0, 22.0)


def test_nothing_counts_as_younger_than_it_is() -> None:
    """
    However bytes come, are looked at and are read, each is as old as it counts or younger; and
    on a link that always has some waiting none counts as much older than it is for good.
    """
    dice = random.Random(7)  # noqa: S311 - no secret
    now, unread, backlog = 0.0, deque[float](), Backlog(0.0)
    early = list[float]()
    for _ in range(20_000):
        now += dice.random()
        unread += [now - dice.random() / 1e6] * dice.randrange(0, 9)
        if dice.random() < 0.2:
            backlog.look(len(unread), now)
        elif unread:
            size = dice.randrange(1, min(len(unread), 12) + 1)
            came = [unread.popleft() for _ in range(size)]
            assert backlog.since <= min(came)
            early.append(min(came) - backlog.since)
            backlog.read(size, len(unread), now)

    half = len(early) // 2
    assert sum(early[half:]) < 2 * sum(early[:half])


def test_kernel_is_asked_how_much_waits() -> None:
    """What a socket holds is a backlog until it is read; one that is gone holds nothing."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        shown = Shown(ours)
        theirs.sendall(bytes(300))

        backlog = looked_at(Backlog(1.0), shown, 2.0)  # type: ignore[arg-type]
        assert backlog is not None
        assert 1.0 == backlog.since
        ours.recv(100)
        assert read_on(backlog, shown, 100, 3.0) is backlog  # type: ignore[arg-type]
        ours.recv(200)
        assert read_on(backlog, shown, 200, 4.0) is None  # type: ignore[arg-type]
    assert looked_at(Backlog(1.0), shown, 5.0) is None  # type: ignore[arg-type]
    assert looked_at(Backlog(1.0), Shown(None), 5.0) is None  # type: ignore[arg-type]
