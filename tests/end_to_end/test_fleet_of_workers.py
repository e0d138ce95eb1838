"""Terminals heard by several workers are one fleet: active once, silent when all hear nothing."""

from pathlib import Path

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.switch.event import EventKind
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder
from tests.doubles.talk import inquiry
from tests.doubles.workers import running, wait_for, with_workers

CARD, TERMINAL = "9990090000000012", "S1ABC123"


def states_of(folder: Path) -> list[str]:
    """What the terminal was said to be, in order."""
    with OutboxReader(folder / "journal.db", "switch") as outbox:
        events = outbox.since(0, 100_000).events
    return [
        str(event.body["state"])
        for event in events
        if event.kind is EventKind.STATUS and event.terminal == TERMINAL
    ]


def test_terminal_is_silent_only_when_no_worker_hears_it(tmp_path: Path) -> None:
    """
    A terminal that asks at two workers is said to be active once, not once by each, and
    silent once neither hears it any more.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "events", silence_seconds=4)
    with_workers(folder, 2)
    with running(folder) as workers:
        one, two = workers.talks_apart()
        for stan in range(1, 7):
            talk = one if stan % 2 else two
            assert "00" == talk.ask(inquiry(stan, {2: CARD}))[39]
        wait_for(lambda: states_of(folder)[-1:] == ["silent"])
        one.close()
        two.close()
    told = states_of(folder)

    assert ["active", "silent"] * (len(told) // 2) == told
    assert len(told) <= 4  # a machine that stands still for seconds may make it two rounds
