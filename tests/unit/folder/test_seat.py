"""A worker's place: what becomes of a connection that is handed to it."""

import json
import socket
from typing import Any

from atm_switch.seat import ELSEWHERE, ENDED, HOST, LENT, LEVEL, PEERS, SETTLED, TAKE, Seat
from atm_switch.server.control import Control, pair


def test_connection_is_taken_with_what_is_said_of_it() -> None:
    """Which door, how many links its peer has elsewhere; it settles when whoever took it says."""
    seat, taken = Seat(1, 2), []
    seat.taken = lambda *what: taken.append(what)

    seat.heard({TAKE: 1, HOST: "192.0.2.1", ELSEWHERE: 3}, 7)

    ((at, descriptor, elsewhere, settled),) = taken
    assert (1, 7, 3) == (at, descriptor, elsewhere)
    assert (1, 0) == (seat.handed_in, seat.settled)
    settled()
    assert 1 == seat.settled


def test_connection_that_could_not_be_received_is_settled_at_once() -> None:
    """No descriptor was left for it: it counts as turned away, here and at the supervisor."""
    seat, taken = Seat(1, 2), []
    seat.taken = lambda *what: taken.append(what)

    seat.heard({TAKE: 0, HOST: "192.0.2.1"}, None)
    seat.tell_peers()

    assert [] == taken
    assert (1, 1) == (seat.handed_in, seat.settled)


def test_settled_connection_is_told_at_once() -> None:
    """Not with the next tick: a peer that tries again all the time would never be let in."""
    ours, theirs = pair()
    with ours, theirs:
        seat = seated(ours, theirs)
        seat.taken = lambda _at, _descriptor, _elsewhere, settled: settled()

        seat.heard({TAKE: 0, HOST: "192.0.2.1"}, 7)  # it is turned away

        assert {PEERS: {"192.0.2.1": 0}, SETTLED: 1} == json.loads(theirs.recv(1000))


def test_what_the_supervisor_could_not_hear_is_told_again() -> None:
    """Where the way to it is full; it hears then how it is by then."""
    ours, theirs = pair()
    with ours, theirs:
        seat = seated(ours, theirs)
        while seat.control is not None and seat.control.say({}):
            pass
        seat.peers.came("192.0.2.1")
        seat.tell_peers()
        read_all(theirs)
        seat.peers.came("192.0.2.1")
        seat.peers.came("192.0.2.2")
        seat.peers.changes()  # as if that had been lost as well
        seat.tell_peers()

        assert {PEERS: {"192.0.2.1": 2}, SETTLED: 0} == json.loads(theirs.recv(1000))


def seated(ours: socket.socket, theirs: socket.socket) -> Seat:
    """Return the place of a worker whose words can be read at the other end, without waiting."""
    theirs.settimeout(0)
    control = Control(ours, lambda _message, _descriptor: None, lambda: None)
    return Seat(1, 2, control=control)


def read_all(end: socket.socket) -> None:
    """Take whatever was said so far."""
    while True:
        try:
            end.recv(1000)
        except BlockingIOError:
            return


def test_other_words_hand_nothing_in() -> None:
    """Where the doors are is said without a connection."""
    seat = Seat(1, 2)

    seat.heard({LENT: ["127.0.0.1:8583"]}, None)

    assert (("127.0.0.1:8583",), 0, 0) == (seat.lent, seat.handed_in, seat.settled)


def test_level_is_told_to_whoever_logs() -> None:
    """The writer's process reads no settings, so it hears what SIGHUP has changed."""
    seat = Seat()
    levels: list[str] = []
    seat.leveled = levels.append

    seat.heard({LEVEL: "error"}, None)

    assert ["error"] == levels


def test_connection_on_its_way_in_has_not_ended() -> None:
    """It ended once it was settled and is no link any more, and that is said once."""
    ours, theirs = pair()
    with ours, theirs:
        seat, taken = seated(ours, theirs), []
        seat.taken = lambda *what: taken.append(what[-1])
        said: list[dict[str, Any]] = []

        def tells(links: int) -> None:
            seat.tell_ended(links)
            try:
                said.append(json.loads(theirs.recv(1000)))
            except BlockingIOError:
                said.append({})

        seat.heard({TAKE: 0, HOST: "192.0.2.1"}, 7)
        tells(0)  # not in the desk yet
        tells(1)  # there, and not settled yet
        taken[0]()
        read_all(theirs)  # that it was settled
        tells(1)
        tells(0)
        tells(0)

    assert [{}, {}, {}, {ENDED: 1}, {}] == said
