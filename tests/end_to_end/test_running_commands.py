"""A running switch seen from outside: status, sessions, trace, drain, metrics, health."""

import json
import os
import re
import socket
import sqlite3
import stat
import threading
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters.journal_place import open_pages
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.folder import open_folder
from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import wait_for

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer

APPROVED = ("9990090000000012", "123456")
"""PAN and PIN of the first sample card."""
METRICS = '\n[metrics]\nlisten = "127.0.0.1:0"\n'


def inquire(folder: Path, address: str) -> dict[str, str]:
    """One approved inquiry of a sample card."""
    card, pin = APPROVED
    done = run(
        "inquire", "--connect", address, "--kit", folder / "terminal-kit.json",
        "--pan", card, "--pin", pin, "--json", module="terminal_emulator",
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told


def test_status_tells_of_a_running_switch(tmp_path: Path) -> None:
    """Where it listens, what it answered, and that all its checks are well; exit 0."""
    folder = make_folder(tmp_path)
    with serve(folder) as served:
        inquire(folder, served.address)
        told = run("status", folder, "--json")
        shown = run("status", folder)

    found = json.loads(told.stdout)
    assert (0, 0) == (told.returncode, shown.returncode)
    assert [served.address] == found["listening"]
    assert found["answers"]["00"] >= 1
    assert {"ok"} == set(found["checks"].values())
    assert served.address in shown.stdout


def test_sessions_lists_who_signed_on(tmp_path: Path) -> None:
    """A link that only connected is listed without a bank."""
    folder = make_folder(tmp_path)
    with serve(folder) as served, socket.create_connection(("127.0.0.1", served.port)) as peer:
        served.wait_for("link opened")
        told = json.loads(run("sessions", folder, "--json").stdout)["sessions"]
        shown = run("sessions", folder)
        name = "{}:{}".format(*peer.getsockname())

    assert [(name, "")] == [(one["peer"], one["acquirer"]) for one in told]
    assert name in shown.stdout


def test_trace_follows_one_inquiry(tmp_path: Path) -> None:
    """Both rows of an inquiry with a PIN, each with what was on disk when."""
    folder = make_folder(tmp_path)
    with serve(folder) as served:
        rrn = inquire(folder, served.address)["rrn"]
        followed = run("trace", folder, rrn)
        unknown = run("trace", folder, "000000000000")

    lines = followed.stdout.splitlines()
    assert 2 == len(lines)
    assert re.search(r"  A  received, its PIN try reserved; written [\d.]+ ms", lines[0])
    assert re.search(r"  B  ended: 00 approved; written [\d.]+ ms", lines[1])
    assert (1, True) == (unknown.returncode, "no row with this RRN" in unknown.stderr)


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_trace_says_that_an_answer_was_not_sent(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """The link was gone before the row was on disk: the journal has 00, and trace says both."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        set_in(folder, "journal", url=server.empty(), node="one")
    with serve(folder) as served:
        with ExitStack() as held:
            talk = held.enter_context(Talk.of(served.port, folder))
            held_up(folder, held)
            asked = inquiry(7, {2: APPROVED[0]})
            talk.say(talk.keys.pack(asked, talk.packager))
            wait_for(lambda: ask_switch(folder / FILE_NAME, "status")["in_flight"] > 0)
            talk.reset()
            served.wait_for("link closed")
        served.wait_for("unsent")
        wait_for(lambda: "not sent" in run("trace", folder, "518107000007").stdout)
        followed = run("trace", folder, "518107000007")
        (row,) = rows_of(folder, "518107000007")
        day = ("--date", row.business_date, "--acquirer", row.acquirer)
        printed = run("journal", "report", folder, *day).stdout.splitlines()
        counted = json.loads(run("journal", "report", folder, *day, "--json").stdout)

    lines = followed.stdout.splitlines()
    assert 2 == len(lines), lines
    assert "ended: 00 approved" in lines[0]
    assert f"an answer was not told (not sent): STAN {row.stan}, DE7 {row.stamp}" in lines[1]
    assert [{"why": "not_sent", "response_code": "00", "count": 1}] == counted["untold"]
    assert "00" not in [one["response_code"] for one in counted["counts"]]
    assert [["00", "not", "sent", "1"], ["in", "doubt", "0"]] == [
        one.split() for one in printed[-2:]
    ]


def rows_of(folder: Path, rrn: str) -> list[JournalRow]:
    """Read the rows of one request."""
    with open_pages(open_folder(folder).journal_place) as pages:
        return [told.row for told in pages.show(rrn)]


def held_up(folder: Path, held: ExitStack) -> None:
    """Let no row be written until the stack is unwound."""
    url = open_folder(folder).settings.journal.url
    if url:
        session = held.enter_context(closing(PostgresSession(url, "a test")))
        held.enter_context(session.transaction())
        session.run("LOCK TABLE journal_rows IN EXCLUSIVE MODE")
    else:
        lock = sqlite3.connect(folder / "journal.db", timeout=90.0, isolation_level=None)
        held.enter_context(closing(lock))
        lock.execute("BEGIN IMMEDIATE")


def test_drain_ends_the_switch_and_waits(tmp_path: Path) -> None:
    """After it the process is gone with 0, and the folder can be served again."""
    folder = make_folder(tmp_path)
    with serve(folder) as served:
        done = run("drain", folder)
        code = served.process.wait(90)
    audited = run("audit", "export", folder).stdout

    assert (0, 0) == (done.returncode, code), done.stderr
    assert f"over the admin socket, by uid {os.getuid()}, pid " in audited
    assert "the switch has stopped" in done.stdout
    assert not (folder / "admin.sock").exists()


def test_no_switch_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Each command exits 1 and says how to start one; a left-over socket changes nothing."""
    folder = make_folder(tmp_path)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(folder / "admin.sock"))

    for command in ("status", "sessions", "drain"):
        done = run(command, folder)

        assert 1 == done.returncode
        assert "no switch serves" in done.stderr
    with serve(folder):
        assert 0 == run("status", folder).returncode


@pytest.mark.parametrize(
    "answer", [b"hello\n", b"{}\n", b"[]\n", b'{"sessions": [1]}\n', b"\xff\n"]
)
def test_something_else_behind_the_socket_is_said_in_one_sentence(
    tmp_path: Path, answer: bytes
) -> None:
    """Another program, or another release, answers: exit 1 and one sentence, no traceback."""
    folder = make_folder(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "admin.sock"))
        other.listen()
        other.settimeout(SECONDS)

        def answer_all() -> None:
            for _ in range(3):
                asking, _ = other.accept()
                with asking:
                    asking.recv(100)
                    asking.sendall(answer)

        answering = threading.Thread(target=answer_all)
        answering.start()
        told = [run(command, folder) for command in ("status", "sessions", "drain")]
        answering.join(SECONDS)

    assert [1, 1, 1] == [done.returncode for done in told]
    assert {1} == {done.stderr.count("\n") for done in told}, told
    assert all("is no switch of this release" in done.stderr for done in told)


def test_admin_socket_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may connect; nonsense is answered with what can be asked."""
    folder = make_folder(tmp_path)
    with serve(folder), socket.socket(socket.AF_UNIX) as asking:
        mode = stat.S_IMODE((folder / "admin.sock").stat().st_mode)
        asking.connect(str(folder / "admin.sock"))
        asking.sendall(b'{"ask": "everything"}\n')
        answer = json.loads(asking.makefile().readline())

    assert 0o600 == mode
    assert {"error": "ask one of: drain, events, metrics, sessions, status"} == answer


def test_metrics_and_health_are_served(tmp_path: Path) -> None:
    """Where the settings say so, one line of the log tells the address."""
    folder = make_folder(tmp_path)
    with (folder / "switch.toml").open("a") as settings:
        settings.write(METRICS)
    with serve(folder) as served:
        inquire(folder, served.address)
        served.wait_for("metrics served")
        found = re.search(
            r'"at": "(127\.0\.0\.1:\d+)", "event": "metrics served"', served.log.read_text()
        )
        assert found is not None
        pages = {
            path: urllib.request.urlopen(f"http://{found[1]}{path}", timeout=90).read().decode()
            for path in ("/metrics", "/healthz", "/readyz")
        }

    assert (
        'atm_switch_requests_total{acquirer="009",code="00",outcome="approved"' in pages["/metrics"]
    )
    assert json.loads(pages["/healthz"])["ok"]
    assert json.loads(pages["/readyz"])["ok"]


def test_address_of_metrics_that_is_taken_is_refused(tmp_path: Path) -> None:
    """The switch does not start, and says which key to change."""
    folder = make_folder(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (folder / "switch.toml").open("a") as settings:
            settings.write(METRICS.replace(":0", f":{port}"))
        done = run("serve", folder)

    assert 1 == done.returncode
    assert "cannot serve metrics on" in done.stderr
    assert "change [metrics] listen" in done.stderr
