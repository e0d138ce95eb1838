"""A package replaced by another release under a running switch, in real processes."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

import atm_switch
from atm_switch.adapters.file_copy import schema_of
from atm_switch.process_place import MARK
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, Served, make_folder, serve
from tests.doubles.talk import Talk
from tests.doubles.workers import PIN, Workers, asked, wait_for, with_workers
from tests.end_to_end.test_dialled_line import with_line
from tests.end_to_end.test_workers_without_room import metrics_of, shown

OUT = "worker left out"


@contextmanager
def installed(folder: Path) -> Iterator[tuple[Workers, Path]]:
    """Serve from a copy of the package for a block; yield where its mark is written, too."""
    place = folder.parent / "installed"
    program = Path(atm_switch.__file__).parent
    shutil.copytree(program, place / program.name)
    (place / "specs").symlink_to(program.parent / "specs")
    with serve(folder, cwd=place) as served:
        yield Workers(folder, served), place / program.name / "process_place.py"


def exchange(program: Path, old: str, new: str) -> None:
    """Put another release in the place of the program, as an upgrade does."""
    text = program.read_text()
    assert text.count(f'"{old}"') == 1
    program.write_text(text.replace(f'"{old}"', f'"{new}"'))


def left_out_however_often(served: Served, other: Talk) -> None:
    """Have a worker tried again and left out, seven times; the ``other`` one answers.

    Where the machine stands still for long it is tried again unasked meanwhile.
    """
    for times in range(1, 8):
        wait_for(lambda: served.log.read_text().count(OUT) >= times)  # noqa: B023
        assert "00" == asked(other, times, PIN)
        if times < 7:
            served.process.send_signal(signal.SIGHUP)
    assert served.log.read_text().count(OUT) <= 2 * 7


def test_siblings_go_on_without_a_worker_of_another_release(tmp_path: Path) -> None:
    """
    A worker dies and does not start from the new program, however often: the other answers and
    the switch is ready; log, status and metrics tell.  With the old one back so is the worker.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    set_in(folder, "metrics", listen="127.0.0.1:0")
    with installed(folder) as (switch, program):
        one, two = switch.talks_apart()
        name = f"worker {switch.worker_of(one)}"
        exchange(program, MARK, "v0")
        gone, served = switch.kill(name), switch.served
        one.close()
        left_out_however_often(served, two)
        told, metrics, at = switch.told(), shown(served), metrics_of(switch.served)
        with urlopen(f"http://{at}/readyz", timeout=SECONDS) as page:
            ready = page.status
        exchange(program, "v0", MARK)
        served.process.send_signal(signal.SIGHUP)
        switch.wait_until_all_answer(gone)
        again = switch.talk()
        codes = [asked(talk, 100, PIN) for talk in (again, two)]
        for talk in (again, two):
            talk.close()
        code = served.stop()

    assert "stop the switch and start it again" in told["checks"][name]
    assert 200 == ready
    assert (2.0, 1.0) == tuple(metrics[f"atm_switch_workers_{it}"] for it in ("wanted", "up"))
    assert 1.0 == metrics[f'atm_switch_process_deaths_total{{process="{name}"}}']
    assert (["00", "00"], 0) == (codes, code)
    assert "given up" not in served.log.read_text()


@pytest.mark.parametrize(
    ("workers", "lines", "dying"),
    [
        (1, 0, ["journal writer"]),
        (2, 0, ["journal writer"]),
        (2, 0, ["worker 1", "worker 2"]),
        (2, 1, ["worker 1"]),
    ],
)
def test_switch_that_cannot_do_without_ends_at_once(
    tmp_path: Path, workers: int, lines: int, dying: list[str]
) -> None:
    """
    Nobody writes the journal, dials a bank's line, or answers: exit code 76, and the log says
    what to do.
    """
    folder = make_folder(tmp_path)
    if lines:  # nobody needs to listen there
        with_line(folder, 1, f"connections = {lines}\n")
    set_in(folder, "journal", writer="process")
    if workers > 1:
        with_workers(folder, workers)
    with installed(folder) as (switch, program):
        pids = [switch.told()["processes"][name] for name in dying]
        exchange(program, MARK, "v0")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        code = switch.served.process.wait(SECONDS)
        said = switch.served.log.read_text()

    assert 76 == code
    (line,) = [one for one in said.splitlines() if '"given up"' in one]
    assert "stop the switch and start it again" in line
    assert lines == 0 or OUT not in said


def without_a_module(program: Path) -> None:
    """As amid an upgrade: the old files are gone, not all of the new ones there."""
    (program / "app.py").unlink()


def of_two_releases(program: Path) -> None:
    """One module asks another for what that one has not yet, or not any more."""
    file = program / "app.py"
    file.write_text(file.read_text() + "\nfrom atm_switch.seat import of_the_next_release\n")


def of_the_release_before(program: Path) -> None:
    """A downgrade: it knows the journal up to a schema that is older than the file's."""
    newest = max((program / "adapters" / "migrations" / "journal").iterdir())
    newest.unlink()


SPOILING = (without_a_module, of_two_releases, of_the_release_before)


@pytest.mark.parametrize("spoil", SPOILING)
def test_siblings_go_on_without_a_worker_that_does_not_start(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """
    The files are of no whole release, or of an older one, and a worker dies: the other answers,
    the log says what to do and does not count the worker's attempts; whole again, it is back.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with installed(folder) as (switch, mark):
        program = mark.parent
        kept = shutil.copytree(program, tmp_path / "kept")
        one, two = switch.talks_apart()
        name = f"worker {switch.worker_of(one)}"
        spoil(program)
        gone, served = switch.kill(name), switch.served
        one.close()
        left_out_however_often(served, two)
        checks = switch.told()["checks"]
        shutil.copytree(kept, program, dirs_exist_ok=True)
        served.process.send_signal(signal.SIGHUP)
        switch.wait_until_all_answer(gone)
        with switch.talk() as again:
            codes = [asked(talk, 100, PIN) for talk in (again, two)]
        two.close()
        code = served.stop()

    assert "stop the switch and start it again" in checks[name]
    assert (["00", "00"], 0) == (codes, code)


def test_writer_that_does_not_start_ends_the_switch_and_says_what_to_do(tmp_path: Path) -> None:
    """Nobody else writes: exit code 76 at once, not 70 after so many attempts."""
    folder = make_folder(tmp_path)
    set_in(folder, "journal", writer="process")
    with installed(folder) as (switch, mark):
        (mark.parent / "writer_process.py").unlink()
        switch.kill("journal writer")
        code = switch.served.process.wait(SECONDS)
        said = switch.served.log.read_text()

    assert 76 == code
    (line,) = [one for one in said.splitlines() if '"given up"' in one]
    assert "see that one is installed whole" in line


def test_worker_without_a_line_of_its_own_is_left_out(tmp_path: Path) -> None:
    """Of two workers and one line the first dials it: the second dies, and the first goes on."""
    folder = make_folder(tmp_path)
    with_line(folder, 1)
    with_workers(folder, 2)
    with installed(folder) as (switch, program):
        exchange(program, MARK, "v0")
        switch.kill("worker 2")
        wait_for(lambda: OUT in switch.served.log.read_text())
        talk = switch.talk()
        answer = asked(talk, 1, PIN)
        talk.close()
        code = switch.served.stop()

    assert ("00", 0) == (answer, code)


@pytest.mark.parametrize(
    ("family", "workers", "dying", "code"),
    [
        ("journal", 2, "worker 1", 0),
        ("ledger", 2, "worker 1", 0),
        ("journal", 2, "journal writer", 76),
        ("journal", 1, "journal writer", 76),
    ],
)
def test_process_started_again_leaves_the_files_as_its_switch_has_them(
    tmp_path: Path, family: str, workers: int, dying: str, code: int
) -> None:
    """
    A program with one more migration is installed and a process dies: the file stays as the
    running switch has it, and that goes on without the worker, or ends where it cannot.
    """
    folder = make_folder(tmp_path)
    set_in(folder, "journal", writer="process")
    if workers > 1:
        with_workers(folder, workers)
    before = schema_of(folder / f"{family}.db")
    with installed(folder) as (switch, mark):
        migration = mark.parent / "adapters" / "migrations" / family / f"{before + 1:04}_more.sql"
        migration.write_text("CREATE TABLE of_the_next_release (it INTEGER);\n")
        switch.kill(dying)
        if code:
            ended = switch.served.process.wait(SECONDS)
        else:
            wait_for(lambda: OUT in switch.served.log.read_text())
            ended = switch.served.stop()
        said = switch.served.log.read_text()

    assert before == schema_of(folder / f"{family}.db")
    assert code == ended
    assert "stop that switch and start it again" in said


def test_worker_killed_before_it_was_ready_is_no_matter_of_the_package(tmp_path: Path) -> None:
    """As the kernel does for want of memory, amid an upgrade as well: it is started at once."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with installed(folder) as (switch, mark):
        app, begun = mark.parent / "app.py", tmp_path / "begun"
        whole = app.read_text()
        hangs = f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(3600)\n"
        app.write_text(hangs + whole)
        switch.kill("worker 2")
        wait_for(begun.exists)
        app.write_text(whole)
        gone = switch.kill("worker 2")
        switch.wait_until_all_answer(gone)
        code = switch.served.stop()
        said = switch.served.log.read_text()

    assert (0, False) == (code, OUT in said)
