"""Killed between row A and row B: the next start ends the request in the books, for good."""

import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from atm_switch.adapters.journal_place import open_pages
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.folder import open_folder
from tests.doubles.machines import set_in, two_machines
from tests.doubles.postgres import PostgresServer
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import with_workers

CARD, PIN = "9990090000000012", "123456"
SECONDS = 90.0


@pytest.fixture(params=["file", "postgresql", "workers"])
def bank(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Path:
    """Make a folder with its ledger on PostgreSQL, so that the ledger can be held up."""
    first, _ = two_machines(tmp_path, postgres.empty())
    if request.param != "postgresql":
        set_in(first, "journal", url="")
    set_in(first, "metrics", listen="127.0.0.1:0")
    wait_long_for_the_ledger(first)
    if request.param == "workers":
        with_workers(first, 2)
    return first


def wait_long_for_the_ledger(folder: Path) -> None:
    """Have row A stay alone until it is seen and the switch is killed, and not end in a 91."""
    set_in(folder, "ledger", query_seconds_max=60)


@contextmanager
def held_up(folder: Path) -> Iterator[None]:
    """Let no inquiry get past its PIN: the members cannot be read."""
    with (
        closing(PostgresSession(open_folder(folder).settings.ledger.url, "the ledger")) as session,
        session.transaction(),
    ):
        session.run("LOCK TABLE participants IN ACCESS EXCLUSIVE MODE")
        yield


def shown(served: Served) -> float:
    """Read from /metrics how many requests were ended in doubt."""
    wait_until(lambda: served.log.read_text().count("metrics served") == 2)  # a start says it once
    (line,) = [line for line in served.log.read_text().splitlines() if "metrics served" in line][
        -1:
    ]
    with urllib.request.urlopen(
        f"http://{json.loads(line)['at']}/metrics", timeout=SECONDS
    ) as page:
        text = page.read().decode()
    counts = re.findall(r'atm_switch_requests_total{[^}]*outcome="in_doubt"[^}]*} (\S+)', text)
    return sum(map(float, counts))


def rows_of(folder: Path) -> list[JournalRow]:
    """All rows there are."""
    with open_pages(open_folder(folder).journal_place) as pages:
        return [told.row for told in pages.tail(1_000)[0]]


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for it; fail after ``SECONDS``."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def killed_within_a_request(folder: Path, message_number: int) -> None:
    """Ask, and kill every process of the switch once row A is there."""
    with serve(folder) as served, held_up(folder), Talk.of(served.port, folder) as talk:
        before = len(rows_of(folder))
        asked = inquiry(message_number, {2: CARD, 52: talk.pin_block(PIN, CARD)})
        talk.say(talk.keys.pack(asked, talk.packager))
        wait_until(lambda: len(rows_of(folder)) > before)
        kill_all(served)


def kill_all(served: Served) -> None:
    """SIGKILL the process and its children, all of which stand by then: none ends in order."""
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in (served.process.pid, *map(int, children.split())):
            os.kill(pid, number)
    served.process.wait(SECONDS)


def test_request_cut_off_by_a_kill_is_ended_at_the_next_start(bank: Path) -> None:
    """
    Row A is there, the switch is killed; the next start writes its B, in_doubt, before it
    takes a connection, says so, and counts the PIN try for good; the same request is then
    processed anew, and another start ends nothing twice.
    """
    killed_within_a_request(bank, 1)
    assert ["A"] == [row.kind for row in rows_of(bank)]

    with serve(bank) as served:
        served.wait_for("requests in doubt ended")
        ended = rows_of(bank)
        counted = shown(served)
        with Talk.of(served.port, bank) as talk:
            again = inquiry(1, {2: CARD, 52: talk.pin_block(PIN, CARD)})
            assert "00" == talk.ask(again)[39]
    with serve(bank):
        pass

    assert 1.0 == counted
    assert [("A", None), ("B", "in_doubt")] == [(row.kind, row.outcome) for row in ended]
    assert [1, 2] == [row.pin_tries for row in rows_of(bank) if row.is_reservation]
    outcomes = [row.outcome for row in rows_of(bank) if not row.is_reservation]
    assert ["approved", "in_doubt"] == sorted(map(str, outcomes))
    verified = run("journal", "verify", bank)
    assert (0, True) == (verified.returncode, "0 in doubt" in verified.stdout)
    for row in rows_of(bank):
        if not row.is_reservation:
            day, told = row.business_date, f"{row.outcome},{row.response_code}"
            report = run("journal", "report", bank, "--date", day, "--acquirer", "009", "--csv")
            assert f"{day},009,{told},1\n" in report.stdout


def test_machine_that_never_comes_back_is_settled_by_another(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """
    The first machine dies within a request and stays away: a command at the second ends it, in
    the books and the audit, beside the second that runs and is left alone.
    """
    first, second = two_machines(tmp_path, postgres.empty())
    wait_long_for_the_ledger(first)
    killed_within_a_request(first, 1)

    with serve(second) as served, Talk.of(served.port, second) as talk:
        asked = inquiry(2, {2: CARD, 52: talk.pin_block(PIN, CARD)})
        assert "00" == talk.ask(asked)[39]
        early = run("journal", "settle", second)
        done = run("journal", "settle", second, "--older-than", "0")
        again = run("journal", "settle", second, "--older-than", "0")
        assert "00" == talk.ask(inquiry(3, {2: CARD, 52: talk.pin_block(PIN, CARD)}))[39]

    assert [0, 0, 0] == [one.returncode for one in (early, done, again)], done.stderr
    assert "first: nothing in doubt that is old enough" in early.stdout
    assert "first: 1 request(s) ended in doubt" in done.stdout
    assert "second: lives, and ends its own" in done.stdout
    assert "first: nothing in doubt" in again.stdout
    assert ["in_doubt"] == [r.outcome for r in rows_of(second) if r.response_code == ""]
    assert 0 == run("journal", "verify", second).returncode
    assert "1 requests ended in doubt" in run("audit", "tail", second).stdout


def test_doubts_of_a_file_are_its_next_starts(tmp_path: Path) -> None:
    """There the command says who ends them."""
    done = run("journal", "settle", make_folder(tmp_path))

    assert 1 == done.returncode
    assert "the next start of its switch" in done.stderr
