"""Events of a real switch: killed at any moment, without a broker, and as operators see them."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from atm_switch.adapters.mqtt_broker import ANSWER_SECONDS_MAX
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.cli import main
from terminal_emulator.kit import read_kit
from tests.doubles.brokers import HOST, EmbeddedBroker, Heard, Subscriber, free_port, running
from tests.doubles.served import SECONDS, Served, make_folder, run, serve
from tests.doubles.talk import HungUp, Talk, inquiry
from tests.doubles.workers import wait_for

CARD, PIN = "9990090000000012", "123456"
NAME = "switch"


def set_broker(folder: Path, port: int, more: str = "") -> None:
    """Write a broker into the settings."""
    path = folder / "switch.toml"
    path.write_text(path.read_text() + f'\n[events]\nbroker = "mqtt://{HOST}:{port}"\n{more}\n')


def ask(served: Served, folder: Path, numbers: range) -> None:
    """Ask rightly, once for each number."""
    with Talk.of(served.port, folder) as talk:
        for number in numbers:
            message = inquiry(number, {2: CARD, 52: talk.pin_block(PIN, CARD)})
            assert "00" == talk.ask(message)[39]


def written(folder: Path) -> dict[int, str]:
    """The ids in the outbox by sequence."""
    with OutboxReader(folder / "journal.db", NAME) as reader:
        return {event.sequence: event.event_id for event in reader.since(0, 10_000).events}


def stans(heard: list[Heard]) -> list[str]:
    """DE11 of the transactions heard, in order."""
    return [one.told["transaction"]["stan"] for one in heard if one.told["kind"] == "transaction"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with sample members."""
    return make_folder(tmp_path)


def test_killed_before_publishing_tells_all_after_restart(folder: Path) -> None:
    """
    With the broker away, every inquiry is answered and its event is in the outbox when
    SIGKILL comes; after the restart all are told, in order, with the ids they had.
    """
    port = free_port()
    set_broker(folder, port, "reconnect_seconds_max = 0.2")
    with serve(folder) as served:
        ask(served, folder, range(1, 11))
        served.stop(signal.SIGKILL)
    before = written(folder)

    with running(EmbeddedBroker, port), Subscriber(port) as subscriber, serve(folder):
        heard = subscriber.wait_for(len(before))

    assert [f"{number:06d}" for number in range(1, 11)] == stans(heard)
    assert list(before.items()) == [(one.sequence, one.event_id) for one in heard][: len(before)]


def test_killed_before_the_mark_tells_with_the_same_ids(folder: Path) -> None:
    """
    Killed when the broker has its events and the mark is not on disk: they are told once
    more, each with the id it had, so that a subscriber can drop it.
    """
    port = free_port()
    set_broker(folder, port, "reconnect_seconds_max = 0.2")
    with running(EmbeddedBroker, port), Subscriber(port) as subscriber:
        with serve(folder) as served:
            ask(served, folder, range(1, 4))
            subscriber.wait(lambda heard: len(stans(heard)) == 3)
            served.stop(signal.SIGKILL)
        subscriber.wait(lambda heard: "lost" in heard[-1].told.get("status", {}).values())
        with serve(folder) as served:
            ask(served, folder, range(4, 5))
            heard = subscriber.wait(lambda heard: stans(heard)[-1:] == ["000004"])

    ids: dict[str, set[int]] = {}
    for one in heard:
        if one.sequence:
            ids.setdefault(one.event_id, set()).add(one.sequence)
    assert ["000001", "000002", "000003", "000004"] == sorted(set(stans(heard)))
    assert {1} == {len(sequences) for sequences in ids.values()}
    assert len(ids) == len({sequence for sequences in ids.values() for sequence in sequences})


def test_broker_away_delays_no_response(folder: Path) -> None:
    """
    Beside a broker that takes the connection and says nothing, the slowest of a hundred answers
    is far from the time that one is waited for.
    """
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server((HOST, 0)))
        set_broker(folder, silent.getsockname()[1])
        served = stack.enter_context(serve(folder))
        talk = stack.enter_context(Talk.of(served.port, folder))
        slowest = 0.0
        for number in range(1, 101):
            message = inquiry(number, {2: CARD, 52: talk.pin_block(PIN, CARD)})
            began = time.monotonic()
            assert "00" == talk.ask(message)[39]
            slowest = max(slowest, time.monotonic() - began)
        waiting = json.loads(run("events", "status", folder, "--json").stdout)

    assert slowest < ANSWER_SECONDS_MAX / 2
    assert 100 < waiting["waiting"]
    assert waiting["state"].startswith("away: ")


def test_silent_terminal_is_told(folder: Path) -> None:
    """A terminal that asks no more is active first and then silent, each once."""
    port = free_port()
    set_broker(folder, port, "silence_seconds = 2")

    with running(EmbeddedBroker, port), Subscriber(port) as subscriber, serve(folder) as served:
        ask(served, folder, range(1, 3))
        heard = subscriber.wait(
            lambda heard: len(stans(heard)) == 2 and states(heard)[-1:] == ["silent"]
        )

    told = states(heard)
    assert ["active", "silent"] * (len(told) // 2) == told
    assert len(told) <= 4  # a machine that stands still between the two may make it two rounds


def states(heard: list[Heard]) -> list[str]:
    """What was said of the bank's terminals, in order."""
    mine = [one.told for one in heard if one.topic.startswith("atm/009/")]
    return [one["status"]["state"] for one in mine if "status" in one]


@contextmanager
def following(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run ``events tail --follow`` for a block."""
    command = [sys.executable, "-m", "atm_switch", "events", "tail", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


@pytest.mark.parametrize("has_broker", [True, False], ids=["broker", "outbox"])
def test_tail_follows_live(folder: Path, has_broker: bool) -> None:  # noqa: FBT001  one of two ways
    """A transaction is shown while the switch runs, from the broker or from the outbox."""
    port = free_port()
    if has_broker:
        set_broker(folder, port)

    with (
        running(EmbeddedBroker, port),
        serve(folder) as served,
        following(folder, "--follow", "--json", "-n", "1") as tail,
    ):
        assert tail.stdout is not None
        shown = json.loads(tail.stdout.readline())  # from here on it looks
        number = 0
        while "transaction" not in shown:
            number += 1
            ask(served, folder, range(number, number + 1))
            shown = json.loads(tail.stdout.readline())

    assert "999009******0012" == shown["transaction"]["card"]
    assert "009" == shown["acquirer"]


def test_tail_from_a_broker_ends_with_its_reader(folder: Path) -> None:
    """Nobody reads on, and no event comes: it ends all the same, without a word."""
    port = free_port()
    set_broker(folder, port)

    with running(EmbeddedBroker, port), following(folder, "--follow", "-n", "1") as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.stdout.close()
        ended = tail.wait(SECONDS), tail.stderr.read()
        tail.stdout = None

    assert (1, "") == ended


def test_tail_shows_the_last_events(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line an event, only those of the bank asked for."""
    with serve(folder) as served:
        ask(served, folder, range(1, 2))

    assert 0 == main(["events", "tail", str(folder)])
    everything = capsys.readouterr().out.splitlines()
    assert 0 == main(["events", "tail", str(folder), "--acquirer", "009"])
    own = capsys.readouterr().out.splitlines()

    assert 1 == sum("transaction 009      S1ABC123" in line for line in own)
    assert len(own) < len(everything)
    assert not any(CARD in line for line in everything)


def test_status_without_broker_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing waits for nobody, and what to set is named."""
    assert 0 == main(["events", "status", str(folder)])

    said = capsys.readouterr().out
    assert "set [events] broker" in said
    assert "waiting       0\n" in said


def test_wrong_password_file_is_refused_at_start(folder: Path) -> None:
    """A password open to others stops the start, with the key that names it."""
    (folder / "broker.password").write_text("open sesame\n")
    (folder / "broker.password").chmod(0o644)
    set_broker(folder, free_port(), 'username = "atm"\npassword_file = "broker.password"')

    done = run("serve", folder)

    assert 78 == done.returncode
    assert "events.password_file" in done.stderr
    assert "chmod go=" in done.stderr
    assert "sesame" not in done.stderr


def test_silence_that_the_journal_did_not_take_is_told_later(folder: Path) -> None:
    """
    A terminal falls silent while another program holds the journal's lock: the log says that its
    event waits, and once the lock is gone it is written, though nobody asks for anything.
    """
    path = folder / "switch.toml"
    path.write_text(path.read_text() + "\n[events]\nsilence_seconds = 4\n")
    journal = folder / "journal.db"

    def states() -> list[str]:
        with OutboxReader(journal, NAME) as reader:
            told = reader.since(0, 10_000).events
        return [str(one.body["state"]) for one in told if "state" in one.body]

    with serve(folder) as served:
        with closing(sqlite3.connect(journal, timeout=90.0, isolation_level=None)) as lock:
            ask(served, folder, range(1, 2))
            lock.execute("BEGIN IMMEDIATE")  # long before it is silent
            served.wait_for("event kept for later")
            lock.execute("ROLLBACK")
        wait_for(lambda: states()[-1:] == ["silent"])
        served.stop()

    assert ["active", "silent"] == states()
    assert "not kept" not in served.log.read_text()


def test_links_that_are_hung_up_on_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    For a stream that cannot be read on, to the bank that has signed on; for too many bad frames of
    somebody who has not, to whoever listens to all.
    """
    kit = read_kit(folder / "terminal-kit.json")
    with serve(folder) as served:
        with Talk.of(served.port, folder) as bank:
            bank.say_bytes(b"\xff\xff0800")
            hear_all(bank)
        with Talk(served.port, kit, folder=folder) as stranger:
            for _ in range(60):
                stranger.say(b"0200FFFF")
            hear_all(stranger)
        served.stop()

    assert 0 == main(["events", "tail", str(folder), "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    refused = [one for one in told if one.get("security", {}).get("what") == "link refused"]
    assert [("009", "framing broken"), ("", "too many bad frames")] == [
        (one["acquirer"], one["security"]["subject"]) for one in refused
    ]
    assert [True, True] == [
        one["security"]["reason"].endswith("; 1 within a minute") for one in refused
    ]


def hear_all(talk: Talk) -> None:
    """Hear what is answered until the switch hangs up."""
    with suppress(HungUp):
        while True:
            talk.hear()
