"""A switch of one worker whose journal a process beside it writes: it may die, the row may not."""

import asyncio
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.folder import open_folder
from atm_switch.process_place import ProcessPlace
from atm_switch.seat import FRESH, ORDERS, READY
from atm_switch.server.control import pair
from atm_switch.server.log import make_logger
from atm_switch.writer_orders import WriterOrders
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import Workers, another, has_ended, running, wait_for
from tests.end_to_end.test_stopping import held_up
from tests.end_to_end.test_workers_without_room import shown

CARD, PIN = "9990090000000012", "123456"
WRITER = "journal writer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bank whose host verifies its PINs, and a process that writes the journal."""
    made = make_folder(tmp_path, "--pin", "acquirer")
    set_in(made, "journal", writer="process")
    return made


def asked(talk: Talk, number: int) -> str:
    """Ask for a balance; return DE39."""
    return talk.ask(inquiry(number, {2: CARD}))[39]


def rows_of(folder: Path) -> list[JournalRow]:
    """What the journal holds."""
    with JournalReader(folder / "journal.db") as reader:
        return list(reader.tail(1000))


def test_writer_that_dies_comes_back(folder: Path) -> None:
    """Kill -9 of it: what was answered 00 is in the journal, the link stays, and it goes on."""
    with running(folder) as switch, switch.talk() as talk:
        codes = [asked(talk, at) for at in range(10)]
        gone = switch.kill(WRITER)
        codes += [asked(talk, at) for at in range(10, 20)]
        switch.wait_until_all_answer(gone)
        numbers = iter(range(900, 999_999))
        wait_for(lambda: asked(talk, next(numbers)) == "00")
    kept = {row.stan for row in rows_of(folder) if row.response_code == "00"}

    assert ["00"] * 10 == codes[:10]
    assert {"00", "96"} >= set(codes)
    assert {f"{at:06d}" for at, code in enumerate(codes) if code == "00"} <= kept
    assert 0 == run("journal", "verify", folder).returncode


def test_writer_that_dies_is_counted_on_the_page(folder: Path) -> None:
    """From 0, so that an alert sees it rise; the one worker is there all the while."""
    set_in(folder, "metrics", listen="127.0.0.1:0")
    died = f'atm_switch_process_deaths_total{{process="{WRITER}"}}'
    with running(folder) as switch:
        switch.served.wait_for("metrics served")
        born = shown(switch.served)
        switch.wait_until_all_answer(switch.kill(WRITER))
        risen = shown(switch.served)

    assert (0.0, 1.0) == (born[died], risen[died])
    for name in ("wanted", "up"):
        assert 1.0 == born[f"atm_switch_workers_{name}"] == risen[f"atm_switch_workers_{name}"]


def test_writer_has_no_descriptor_of_the_settings(folder: Path) -> None:
    """It goes by its orders alone: none of its descriptors stands before a text handed down."""
    with running(folder) as switch:
        files = Path(f"/proc/{switch.told()['processes'][WRITER]}/fd")
        names = [str(one.readlink()) for one in files.iterdir()]

    assert names
    assert [] == [name for name in names if name.startswith("/memfd:")]


def test_what_is_under_way_is_answered_when_all_are_told_to_end(folder: Path) -> None:
    """SIGTERM to both processes at once, as systemd does: the row is written, the answer leaves."""
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        writer = Workers(folder, served).told()["processes"][WRITER]
        with held_up(folder, talk):
            os.kill(writer, signal.SIGTERM)
            served.process.send_signal(signal.SIGTERM)
            served.wait_for('"event": "stopping"')
        answer = talk.packager.unpack(talk.hear())
        code = served.process.wait(SECONDS)

    asyncio.run(lock_writing(folder, 0.0))()  # nobody writes any more
    assert ("0210", "00", 0) == (answer.mti, answer[39], code)
    assert [("B", "00")] == [(row.kind, row.response_code) for row in rows_of(folder)]


def test_no_signal_ends_a_writer_that_still_loads(folder: Path) -> None:
    """SIGTERM and Ctrl-C amid a start are the switch's: the writer comes up, and ends with it."""
    ours, theirs = pair()
    words = (sys.executable, "-m", "atm_switch", "serve", str(folder))
    seat = ("--as-process", ProcessPlace(0, 1, theirs.fileno()).written())
    with subprocess.Popen([*words, *seat], pass_fds=[theirs.fileno()]) as process, ours:
        theirs.close()  # and ours where this fails: by that it ends
        wait_for(lambda: ignores(process.pid, signal.SIGTERM))
        for number in (signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
        orders = WriterOrders.of(open_folder(folder), make_logger("json", "info")).to_message()
        ours.send(json.dumps({FRESH: True, ORDERS: orders}).encode())
        ours.settimeout(SECONDS)
        told = json.loads(ours.recv(1000))
        ours.close()
        code = process.wait(SECONDS)

    assert ({READY: True}, 0) == (told, code)


def ignores(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process takes no notice of a signal (proc(5): SigIgn)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = re.findall(r"(?m)^SigIgn:\s*([0-9a-f]+)$", status)
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("written", ["0:2:7", "1:2:7:8"])
def test_process_of_another_release_says_what_to_do(folder: Path, written: str) -> None:
    """A package replaced under a running switch: its next process ends in a sentence."""
    ended = run("serve", folder, "--as-process", written)

    assert 76 == ended.returncode
    assert "stop that switch and start it again" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_row_that_was_sent_outlives_the_switch(folder: Path) -> None:
    """Kill -9 of the switch: the writer ends behind its row, and a start goes on from there."""
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        with held_up(folder, talk):
            for _ in range(2):  # what was queued when it said so first is sent by the second time
                wait_for(lambda: Workers(folder, served).told()["journal_waiting"] > 0)
            served.process.kill()
            served.process.wait(SECONDS)
        asyncio.run(lock_writing(folder))()  # the writer has ended
        left = [(row.stan, row.response_code) for row in rows_of(folder)]
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        code = asked(talk, 2)

    assert [("000001", "00")] == left
    assert "00" == code
    assert 0 == run("journal", "verify", folder).returncode


def test_settings_that_are_wrong_leave_nothing_behind(folder: Path) -> None:
    """The process is begun before they are read: it ends unheard, and only they are told of."""
    settings = folder / "switch.toml"
    settings.write_text(f"bogus = 1\n{settings.read_text()}")

    done = run("serve", folder)

    assert 78 == done.returncode
    assert 1 == done.stderr.count("\n"), done.stderr
    assert "bogus: unknown key" in done.stderr
    asyncio.run(lock_writing(folder, 0.0))()


def test_master_that_is_away_is_told_of_once(folder: Path) -> None:
    """The switch and its writer read the same keys: what is wrong with them is one sentence."""
    next(folder.parent.glob("*.master")).unlink()
    set_in(folder, "journal", writer="process")

    done = run("serve", folder)

    assert (1, 1) == (done.returncode, done.stderr.count("\n")), done.stderr
    assert "is missing: restore it from its backup" in done.stderr


@pytest.mark.parametrize("policy", ["acquirer", "issuer"])
def test_repeat_beside_a_death_of_the_writer_is_no_second_transaction(
    tmp_path: Path, policy: str
) -> None:
    """
    A request and a repeat that has joined it wait for a row when the writer is killed: both
    are 96.  Asked again by both, it is processed once: one row of each kind, one PIN try.
    """
    folder = make_folder(tmp_path, "--pin", policy)
    set_in(folder, "journal", writer="process")
    with running(folder) as switch, switch.talk() as one, switch.talk() as two:
        block = {52: one.pin_block(PIN, CARD)} if policy == "issuer" else {}
        request = inquiry(1, {2: CARD, **block})
        talks = one, two
        with closing(
            sqlite3.connect(folder / "journal.db", timeout=90.0, isolation_level=None)
        ) as lock:
            lock.execute("BEGIN IMMEDIATE")
            for talk in talks:
                talk.say(talk.keys.pack(request, talk.packager))
            switch.served.wait_for("joined the same request under way")
            switch.kill(WRITER)
            lost = [talk.packager.unpack(talk.hear())[39] for talk in talks]
            lock.execute("ROLLBACK")
        wait_for(lambda: one.ask(request)[39] == "00")
        again = two.ask(request)[39]
    written = [(row.kind, row.response_code, row.pin_tries) for row in rows_of(folder)]

    assert (["96", "96"], "00") == (lost, again)
    assert {"acquirer": 1, "issuer": 2}[policy] == len(written), written
    assert {"acquirer": [], "issuer": [1]}[policy] == [
        tries for kind, _, tries in written if kind == "A"
    ]
    assert 0 == run("journal", "verify", folder).returncode


def test_writer_is_started_again_as_soon_as_there_is_room(folder: Path) -> None:
    """It dies while the switch has no descriptor left: one line says so, 96, then it is back."""
    with running(folder) as switch, switch.talk() as talk:
        pid, writer = switch.served.process.pid, switch.told()["processes"][WRITER]
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, limits[1]))
        os.kill(writer, signal.SIGKILL)
        switch.served.wait_for("process not started")
        away = asked(talk, 1)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        numbers = iter(range(2, 999_999))
        wait_for(lambda: asked(talk, next(numbers)) == "00")
        said = switch.served.log.read_text()

    assert "96" == away
    assert 1 == said.count("process not started")


def test_too_many_deaths_end_the_switch(folder: Path) -> None:
    """A writer that dies six times within a minute: the switch stops and exits 70."""
    with running(folder) as switch:
        while switch.served.process.poll() is None:
            try:
                gone = switch.kill(WRITER)
                wait_for(lambda: has_ended(switch) or another(switch, WRITER, gone))  # noqa: B023
            except (OSError, KeyError, AssertionError):
                continue
        code = switch.served.process.wait(SECONDS)

    assert 70 == code
    assert "given up" in switch.served.log.read_text()


def test_journal_of_other_keys_ends_the_start(folder: Path, tmp_path: Path) -> None:
    """What is wrong with the journal is said, and nothing stays behind."""
    with serve(folder):
        pass
    other = make_folder(tmp_path / "other")
    (folder / "journal.db").replace(other / "journal.db")
    set_in(other, "journal", writer="process")

    done = run("serve", other)

    assert 1 == done.returncode
    assert "the journal writer did not start" in done.stderr
    asyncio.run(lock_writing(other, 0.0))()


HAS_CORES = len(os.sched_getaffinity(0)) > 1


@pytest.mark.parametrize(
    ("writer", "has_process"), [("thread", False), ("process", True), ("", HAS_CORES)]
)
def test_settings_say_who_writes(tmp_path: Path, writer: str, has_process: bool) -> None:  # noqa: FBT001
    """
    Either answers; status names the process where there is one.  Settings that say nothing
    have one where there is a core for it.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    if writer:
        set_in(folder, "journal", writer=writer)
    with running(folder) as switch, switch.talk() as talk:
        code = asked(talk, 1)
        shown = run("status", folder)

    assert ("00", 0) == (code, shown.returncode)
    assert has_process is (WRITER in shown.stdout)
