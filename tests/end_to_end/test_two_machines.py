"""Two real switches behind a TCP balancer on one real PostgreSQL: one bank, whichever answers."""

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from atm_switch.adapters.journal_place import open_pages
from atm_switch.folder import open_folder
from terminal_emulator.kit import read_kit
from tests.doubles.balancer import balanced
from tests.doubles.brokers import HOST, EmbeddedBroker, Heard, Subscriber, free_port
from tests.doubles.brokers import running as a_broker
from tests.doubles.fleet import CARD, PIN, Fleet, asked
from tests.doubles.machines import set_in, two_machines
from tests.doubles.postgres import PostgresServer
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import HungUp, Talk, inquiry, stamp

WRONG = "999999"
GUESSED, ITS_PIN = "9990090000000020", "234567"
QUIET = "S1QUIET1"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Fleet]:
    """Start two machines and the balancer."""
    folders = two_machines(
        tmp_path_factory.mktemp("machines"), postgres.empty(), "--mac", "required"
    )
    port = free_port()
    for folder in folders:
        broker = f"mqtt://{HOST}:{port}"
        set_in(folder, "events", broker=broker, reconnect_seconds_max=1, silence_seconds=3)
    with ExitStack() as running:
        running.enter_context(a_broker(EmbeddedBroker, port))
        subscriber = running.enter_context(Subscriber(port))
        served = [running.enter_context(serve(folder)) for folder in folders]
        balancer = running.enter_context(balanced([one.port for one in served]))
        yield Fleet(folders, served, balancer, running, subscriber)


def test_tries_are_three_over_both_machines(fleet: Fleet) -> None:
    """Forty wrong PINs at once over eight links: three are looked at, then it is 75 everywhere."""

    def guess(link: int) -> list[str]:
        with fleet.talk_to_any() as talk:
            return [asked(talk, 10 * link + at, WRONG, card=GUESSED) for at in range(5)]

    with ThreadPoolExecutor(8) as pool:
        codes = Counter(code for codes in pool.map(guess, range(8)) for code in codes)
    with fleet.talk(0) as one, fleet.talk(1) as two:
        right = [asked(talk, 500, ITS_PIN, card=GUESSED) for talk in (one, two)]

    assert {"55": 3, "75": 37} == codes
    assert ["75", "75"] == right


def test_repeat_is_answered_by_the_other_machine(fleet: Fleet) -> None:
    """What one machine answered the other repeats, byte for byte but for the MAC made anew."""
    sent = stamp()
    with fleet.talk(0) as one, fleet.talk(1) as two:
        codes = [asked(talk, 7, PIN, sent) for talk in (one, two, one)]
        answers = {talk.heard[-1][:-16] for talk in (one, two)}

    assert ["00", "00", "00"] == codes
    assert 1 == len(answers)
    with open_pages(open_folder(fleet.folders[1]).journal_place) as pages:
        assert ["A", "B"] == [told.row.kind for told in pages.show("518107000007")]


def test_same_request_on_both_at_once_has_one_answer(fleet: Fleet) -> None:
    """Thirty requests, each on both machines at once: the same bytes, one row A, one row B."""
    sent = stamp()
    with fleet.talk(0) as one, fleet.talk(1) as two, ThreadPoolExecutor(2) as pool:
        for number in range(100, 130):
            codes = list(pool.map(lambda talk: asked(talk, number, PIN, sent), (one, two)))  # noqa: B023
            assert ["00", "00"] == codes
            assert one.heard[-1][:-16] == two.heard[-1][:-16]
    with open_pages(open_folder(fleet.folders[0]).journal_place) as pages:
        shown = [pages.show(f"518107{at:06d}") for at in range(100, 130)]
    assert ["AB"] * 30 == ["".join(told.row.kind for told in rows) for rows in shown]


def test_journal_is_one_for_the_commands(fleet: Fleet) -> None:
    """tail, show, report, verify and the audit speak of both machines, asked on either."""
    with fleet.talk(0) as one, fleet.talk(1) as two:
        assert ["00", "00"] == [asked(one, 701, PIN), asked(two, 702, PIN)]
    folder = fleet.folders[0]
    day = run("journal", "tail", folder).stdout
    checked = [run("journal", "verify", folder), run("audit", "verify", folder)]
    trail = run("audit", "export", folder).stdout.splitlines()

    assert "  first" in day
    assert "  second" in day
    assert [0, 0] == [one.returncode for one in checked], [one.stdout for one in checked]
    assert {"first", "second"} <= {json.loads(line)["node"] for line in trail}


def test_cut_over_on_one_moves_the_other(fleet: Fleet) -> None:
    """A cut-over sent to one machine is soon the business date of both, and stays it."""
    with fleet.talk(0) as one, fleet.talk(1) as two:
        assert "00" == two.ask(two.network("201", {11: "000009"}))[39]
        assert "00" == asked(two, 801, PIN)
        moved = dates_of(fleet, 801)
        for number in range(802, 832):
            assert "00" == asked(one, number, PIN)
            if dates_of(fleet, number) == moved:
                break
            time.sleep(0.5)

    assert dates_of(fleet, number) == moved
    assert dates_of(fleet, 801) != dates_of(fleet, 701)


def dates_of(fleet: Fleet, number: int) -> set[str]:
    """Read the business date of a request's rows."""
    with open_pages(open_folder(fleet.folders[0]).journal_place) as pages:
        return {told.row.business_date for told in pages.show(f"518107{number:06d}")}


def test_no_answered_row_is_lost_when_a_machine_dies(fleet: Fleet) -> None:
    """Kill -9 of one machine under load: links go on at the other, every 00 is in the journal.

    What was cut off is sent again there, and is answered once: from the journal, or anew.
    """

    def work(link: int) -> int:
        cut, talk = 0, fleet.talk_to_any()
        for at in range(30):
            number, sent, code = 1000 * (link + 1) + at, stamp(), ""
            if link == 0 and at == 10:
                fleet.served[0].process.send_signal(signal.SIGKILL)
            while not code:
                try:
                    code = asked(talk, number, PIN, sent)
                except HungUp:
                    talk.close()
                    cut += 1
                    talk = fleet.talk_again()
            assert "00" == code
        talk.close()
        return cut

    with ThreadPoolExecutor(6) as pool:
        cut = sum(pool.map(work, range(6)))
    with open_pages(open_folder(fleet.folders[1]).journal_place) as pages:
        rows = [told.row for told in pages.tail(10_000)[0]]
    answered = Counter(row.rrn for row in rows if row.response is not None)

    assert cut
    assert {
        answered[f"518107{1000 * link + at:06d}"] for link in range(1, 7) for at in range(30)
    } == {1}
    verified = run("journal", "verify", fleet.folders[1])
    assert 0 == verified.returncode, verified.stdout + verified.stderr


def test_machine_that_died_comes_back(fleet: Fleet) -> None:
    """Started again it writes on behind its own last row, and answers."""
    fleet.start_again(0)
    with fleet.talk(0) as talk:
        assert "00" == asked(talk, 900, PIN)

    verified = run("journal", "verify", fleet.folders[0])
    assert 0 == verified.returncode, verified.stdout


def test_events_of_both_are_told_once_in_the_order_of_answers(fleet: Fleet) -> None:
    """One machine tells for both, the other goes on when it dies: no event is lost or twice."""
    with fleet.talk(0) as one, fleet.talk(1) as two:
        for number in range(970, 990):
            assert "00" == asked((one, two)[number % 2], number, PIN)
    heard = fleet.subscriber.wait(lambda heard: has_all(heard, 970, 990))
    numbers = [one.sequence for one in heard if one.sequence]
    last = [number for number in stans_of(heard) if 970 <= number < 990]
    with open_pages(open_folder(fleet.folders[0]).journal_place) as pages:
        endings = [told.row for told in pages.tail(10_000)[0] if told.row.kind == "B"]

    assert list(dict.fromkeys(last)) == list(range(970, 990))
    assert set(range(1, max(numbers) + 1)) == set(numbers)
    assert {int(row.stan) for row in endings} == set(stans_of(heard))
    assert len({one.event_id for one in heard if one.sequence}) == max(numbers)


def stans_of(heard: list[Heard]) -> list[int]:
    """DE11 of the transactions heard, in order."""
    told = [one.told for one in heard if one.told["kind"] == "transaction"]
    return [int(one["transaction"]["stan"]) for one in told]


def has_all(heard: list[Heard], first: int, behind: int) -> bool:
    """Tell whether these transactions were heard."""
    return set(range(first, behind)) <= set(stans_of(heard))


def test_silence_is_told_once_from_what_both_heard(fleet: Fleet) -> None:
    """A terminal that asks at both machines is active once, silent once, and active again.

    Once more each, where the machine stands still for three seconds between the two.
    """
    with fleet.talk(0) as one, fleet.talk(1) as two:
        for count, number in ((1, 991), (2, 0), (3, 992)):
            for talk in (one, two) if number else ():
                changes = {2: CARD, 41: QUIET, 7: stamp(), 52: talk.pin_block(PIN, CARD)}
                assert "00" == talk.ask(inquiry(number, changes))[39]
            heard = fleet.subscriber.wait(lambda heard: len(states(heard)) >= count)  # noqa: B023

    told = states(heard)
    assert (["active", "silent"] * 4)[: len(told)] == told
    assert 3 <= len(told) <= 7


def states(heard: list[Heard]) -> list[str]:
    """What was told of the terminal ``QUIET``."""
    told = [one.told for one in heard if one.told["kind"] == "status"]
    return [str(one["status"]["state"]) for one in told if one["terminal"] == QUIET]


def test_key_change_over_one_line_is_seen_by_the_other(fleet: Fleet) -> None:
    """PIN and MAC keys delivered by one machine are good at the other at once, and in its file."""
    with fleet.talk(0) as one:
        assert "00" == one.ask(one.network("161", {11: "000050"}))[39]
        assert 2 == len([one.take_delivery() for _ in range(2)])
        keys = one.keys
    with Talk(fleet.served[1].port, read_kit(fleet.folders[1] / "terminal-kit.json")) as two:
        two.keys = keys
        codes = [two.ask(two.network("001", {11: "000051"}))[39], asked(two, 950, PIN)]
    deadline = time.monotonic() + SECONDS
    while len(shown := {run("keys", "list", folder).stdout for folder in fleet.folders}) > 1:
        assert time.monotonic() < deadline, shown

    assert ["00", "00"] == codes
    assert {""} != shown


def test_key_command_on_one_machine_is_seen_by_the_other(fleet: Fleet) -> None:
    """A key generated by a command on the second machine is in the first machine's file."""
    wanted = ("--usage", "pin", "--acquirer", "009", "--replace")
    before = run("keys", "list", fleet.folders[1]).stdout
    done = run("keys", "generate", fleet.folders[1], *wanted)
    assert 0 == done.returncode, done.stderr
    changed = run("keys", "list", fleet.folders[1]).stdout
    deadline = time.monotonic() + SECONDS
    while run("keys", "list", fleet.folders[0]).stdout != changed:
        assert time.monotonic() < deadline, fleet.served[0].log.read_text()[-2000:]

    assert before != changed


def test_folder_of_other_keys_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    """A folder that was not copied from the machines there does not join them."""
    stranger = make_folder(tmp_path)
    url = open_folder(fleet.folders[0]).settings.journal.url
    set_in(stranger, "journal", url=url, node="stranger")

    done = run("serve", stranger)

    assert 1 == done.returncode
    assert "sealed under another master" in done.stderr
