"""``workers = N`` in real processes: one port, one bank, whichever worker a link falls to."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters.journal_place import open_pages
from atm_switch.domain.card import Pan
from atm_switch.folder import open_folder
from tests.doubles.machines import set_in
from tests.doubles.served import Served, make_folder, run
from tests.doubles.talk import HungUp, stamp
from tests.doubles.workers import (
    CARD,
    PIN,
    Workers,
    another,
    asked,
    has_ended,
    running,
    wait_for,
    with_workers,
)

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer

WRONG = "999999"
GUESSED, ITS_PIN = "9990090000000020", "234567"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def switch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    """Start two workers on either store."""
    folder = make_folder(tmp_path_factory.mktemp(request.param), "--mac", "required")
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        set_in(folder, "journal", url=server.empty())
    with_workers(folder, 2)
    with running(folder) as workers:
        yield workers


def test_links_spread_evenly(switch: Workers) -> None:
    """Eight links that stay are four at each worker."""
    talks = [switch.talk() for _ in range(8)]
    try:
        fell = Counter(switch.worker_of(talk) for talk in talks)
    finally:
        for talk in talks:
            talk.close()

    assert {1: 4, 2: 4} == fell
    wait_for(lambda: switch.told()["links"] == 0)


def test_repeat_is_answered_by_the_other_worker(switch: Workers) -> None:
    """What one worker answered the other repeats, byte for byte but for the MAC made anew."""
    sent = stamp()
    one, two = switch.talks_apart()
    with one, two:
        codes = [asked(talk, 7, PIN, sent=sent) for talk in (one, two, one)]
        answers = {talk.heard[-1][:-16] for talk in (one, two)}

    assert ["00", "00", "00"] == codes
    assert 1 == len(answers)
    with open_pages(open_folder(switch.folder).journal_place) as pages:
        assert ["A", "B"] == [told.row.kind for told in pages.show("518107000007")]


def test_same_request_at_both_at_once_has_one_answer(switch: Workers) -> None:
    """Twenty requests, each at both workers at once: the same bytes, one row A, one row B."""
    sent = stamp()
    one, two = switch.talks_apart()
    with one, two, ThreadPoolExecutor(2) as pool:
        for number in range(100, 120):
            codes = list(pool.map(lambda talk: asked(talk, number, PIN, sent=sent), (one, two)))  # noqa: B023
            assert ["00", "00"] == codes
            assert one.heard[-1][:-16] == two.heard[-1][:-16]

    assert [["A", "B"]] * 20 == kinds_of(switch, range(100, 120))


def kinds_of(switch: Workers, numbers: range) -> list[list[str]]:
    """Read what rows each of some requests has."""
    with open_pages(open_folder(switch.folder).journal_place) as pages:
        return [[told.row.kind for told in pages.show(f"518107{at:06d}")] for at in numbers]


def test_wrong_pin_at_both_at_once_is_one_try(switch: Workers) -> None:
    """Three wrong PINs, each asked of both workers at once, are three tries: 75 is the fourth."""
    sent = stamp()
    one, two = switch.talks_apart()
    with one, two, ThreadPoolExecutor(2) as pool:
        for start in range(200, 220, 4):
            for number in range(start, start + 3):
                both = [pool.submit(asked, talk, number, WRONG, sent=sent) for talk in (one, two)]
                assert ["55", "55"] == [told.result() for told in both]
                assert one.heard[-1][:-16] == two.heard[-1][:-16]
            assert "75" == asked(one, start + 3, PIN, sent=sent)
            done = run("cards", "unblock", switch.folder, typed=f"{CARD}\n")
            assert 0 == done.returncode, done.stderr

    assert [["A", "B"]] * 20 == kinds_of(switch, range(200, 220))


def test_key_delivered_to_one_is_known_to_the_other(switch: Workers) -> None:
    """PIN and MAC keys changed over one link are those of the other worker's links."""
    with switch.talk() as keeper:
        one, two = switch.talks_apart()
        with one, two:
            assert "00" == one.ask(one.network("161", {11: "000050"}))[39]
            assert 2 == len([one.take_delivery() for _ in range(2)])
            two.keys = one.keys
            codes: list[str] = []
            while codes[-1:] != ["00"] and len(codes) < 60:
                codes.append(asked(two, 900 + len(codes), PIN))
                if codes[-1] != "00":
                    time.sleep(0.5)
            keeper.keys = one.keys
            rekeyed = run("keys", "generate", switch.folder, *_usage("pin"))
            rekeyed_too = run("keys", "generate", switch.folder, *_usage("mac"))
            os.kill(switch.served.process.pid, signal.SIGHUP)  # so that the kit is right again

    assert "00" == codes[-1], codes
    assert (0, 0) == (rekeyed.returncode, rekeyed_too.returncode), rekeyed.stderr
    wait_for(lambda: asks_with_the_kit(switch))


def _usage(usage: str) -> tuple[str, ...]:
    return ("--usage", usage, "--acquirer", "009", "--replace")


def asks_with_the_kit(switch: Workers) -> bool:
    """Tell whether both workers take the keys of the kit."""
    try:
        one, two = switch.talks_apart()
    except AssertionError:
        return False
    with one, two:
        return ["00", "00"] == [asked(talk, 990, PIN) for talk in (one, two)]


def test_metrics_and_sessions_tell_the_worker(switch: Workers) -> None:
    """Every sample has its worker's number, and status adds up."""
    with switch.talk() as one, switch.talk() as two:
        assert ["00", "00"] == [asked(one, 201, PIN), asked(two, 202, PIN)]
        shown = run("sessions", switch.folder, "--json")
        status = switch.told()
        read = run("status", switch.folder)

    assert (0, 0) == (shown.returncode, read.returncode), shown.stderr + read.stderr
    assert 2 == len(re.findall(r"(?m)^worker \d +process \d+$", read.stdout)), read.stdout
    assert 2 == status["links"] == sum(status["signed_on"].values())
    assert set(status["checks"].values()) == {"ok"}


def test_guesses_and_dying_workers_get_three_looks(switch: Workers) -> None:
    """Sixty wrong PINs over six links, workers killed in between: three are looked at."""

    def guess(link: int) -> list[str]:
        codes, talk = [], switch.talk()
        for at in range(10):
            if link == 0 and at in (0, 4):
                switch.kill(f"worker {1 + at // 4}")
            try:
                codes.append(asked(talk, 3000 + 10 * link + at, WRONG, GUESSED))
            except HungUp:
                talk.close()
                codes.append("cut off")
                talk = switch.talk()
        talk.close()
        return codes

    with ThreadPoolExecutor(6) as pool:
        codes = Counter(code for codes in pool.map(guess, range(6)) for code in codes)
    opened = open_folder(switch.folder)
    digest = opened.vault().card_ref(Pan(GUESSED)).digest
    with open_pages(opened.journal_place) as pages:
        rows = [told.row for told in pages.tail(10_000)[0] if told.row.card_digest == digest]

    switch.wait_until_all_answer()
    with switch.talk() as talk:
        assert "75" == asked(talk, 3999, ITS_PIN, GUESSED)
    assert 3 == sum(row.pin_granted or 0 for row in rows)
    assert {"55", "75", "cut off"} >= codes.keys()
    assert codes["55"] <= 3
    assert 60 == sum(codes.values())


def test_other_links_do_not_notice_a_dying_worker(switch: Workers) -> None:
    """One worker is killed: the other's link goes on, and the next link finds it back."""
    switch.wait_until_all_answer()
    one, two = switch.talks_apart()
    with one, two:
        gone = switch.kill(f"worker {switch.worker_of(one)}")
        assert ["00"] * 5 == [asked(two, 4000 + at, PIN) for at in range(5)]
        with pytest.raises(HungUp):
            asked(one, 4100, PIN)
    switch.wait_until_all_answer(gone)

    one, two = switch.talks_apart()
    with one, two:
        assert ["00", "00"] == [asked(talk, 4200, PIN) for talk in (one, two)]
    done = run("journal", "verify", switch.folder)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_writer_that_dies_comes_back(tmp_path: Path) -> None:
    """Kill -9 of the file's writer: what was answered 00 is in the journal, and it goes on."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_workers(folder, 2)
    with running(folder) as switch, switch.talk() as talk:
        codes = [asked(talk, at, PIN) for at in range(10)]
        gone = switch.kill("journal writer")
        codes += [asked(talk, at, PIN) for at in range(10, 20)]
        switch.wait_until_all_answer(gone)
        wait_for(lambda: asked(talk, 900, PIN, sent=stamp()) == "00")
        with open_pages(open_folder(folder).journal_place) as pages:
            rows = [told.row for told in pages.tail(1000)[0]]
    kept = {row.stan for row in rows if row.response_code == "00"}

    assert {"00", "96"} >= set(codes)
    assert {f"{at:06d}" for at, code in enumerate(codes) if code == "00"} <= kept
    assert 0 == run("journal", "verify", folder).returncode


def test_too_many_deaths_end_the_switch(tmp_path: Path) -> None:
    """A worker that dies six times within a minute: the supervisor stops and exits 70."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with running(folder) as switch:
        served: Served = switch.served
        while served.process.poll() is None:
            try:
                gone = switch.kill("worker 1")
                wait_for(lambda: has_ended(switch) or another(switch, "worker 1", gone))  # noqa: B023
            except (OSError, KeyError, AssertionError):
                continue
        code = served.process.wait(90)

    assert 70 == code
    assert "given up" in served.log.read_text()
