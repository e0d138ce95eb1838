"""Where a process beside the switch writes the journal, and where a thread does."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.domain.errors import Refused
from atm_switch.folder import open_folder
from atm_switch.server.log import make_logger
from atm_switch.settings.load import FILE_NAME
from atm_switch.settings.model import Settings
from atm_switch.writer_apart import SETTINGS_FILE, WriterApart, is_likely, is_wanted
from tests.doubles.descriptors import no_descriptors
from tests.doubles.served import make_folder
from tests.doubles.waiting import becomes

URL = "postgresql://atm@db.example/journal"
WRITER = "journal writer"
SECONDS = 30.0


def settings(workers: int = 1, **journal: str) -> Settings:
    """Settings that say this of the journal, and nothing else of note."""
    given: dict[str, Any] = {"schema": 1, "workers": workers, "journal": journal}
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("writer", "cores", "is_process"),
    [("auto", 1, False), ("auto", 2, True), ("thread", 2, False), ("process", 1, True)],
)
def test_settings_and_cores_decide(writer: str, cores: int, is_process: bool) -> None:  # noqa: FBT001
    """A second core is what it is for; whoever says so has it either way."""
    assert is_process is is_wanted(settings(writer=writer), cores)


def test_settings_that_say_nothing_let_the_cores_decide() -> None:
    """The default is auto."""
    assert [False, True] == [is_wanted(settings(), cores) for cores in (1, 2)]


def test_several_workers_have_theirs_of_the_supervisor() -> None:
    """And PostgreSQL writes by itself."""
    assert not is_wanted(settings(workers=2, writer="process"), 4)
    assert not is_wanted(settings(url=URL, writer="process"), 4)


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize(
    "said",
    [
        {}, {"writer": "thread"}, {"writer": "process"}, {"writer": "auto"}, {"url": URL},
        {"url": URL, "writer": "process"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("workers", [1, 2])
def test_guess_from_the_bare_file_is_what_settings_say(
    tmp_path: Path, workers: int, said: dict[str, str], cores: int
) -> None:
    """Without the environment they agree on every kind of journal, so no start waits longer."""
    lines = [f'{key} = "{value}"' for key, value in said.items()]
    told = "\n".join([f"workers = {workers}", "[journal]", *lines])
    (tmp_path / FILE_NAME).write_text(told)

    assert is_wanted(settings(workers, **said), cores) is is_likely(tmp_path, cores)


def test_bare_settings_are_guessed_as_they_are_meant(tmp_path: Path) -> None:
    """A file that says nothing of the journal has the defaults; the name is that of settings."""
    (tmp_path / SETTINGS_FILE).write_text("schema = 1\n")

    assert FILE_NAME == SETTINGS_FILE
    assert [False, True] == [is_likely(tmp_path, cores) for cores in (1, 2)]


@pytest.mark.parametrize("content", [b"", b"\xff", b"journal = 1", b"= nonsense"])
def test_file_that_cannot_be_read_begins_nothing(tmp_path: Path, content: bytes) -> None:
    """Whoever reads it whole says what is wrong with it."""
    if content:
        (tmp_path / SETTINGS_FILE).write_bytes(content)

    assert not is_likely(tmp_path, 2)


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[tuple[WriterApart, io.StringIO]]:
    """Have a process write for a block, once it does; and what is logged of it."""
    said = io.StringIO()
    writer = WriterApart(folder)
    await writer.start(open_folder(folder), make_logger("json", "info", said))
    await writer.come_up(asyncio.sleep(0))
    try:
        yield writer, said
    finally:
        await writer.stop()


async def test_process_that_is_gone_is_not_shown_until_there_is_room(tmp_path: Path) -> None:
    """Status names those there are: none while it cannot be started, then the new one."""
    async with writing(make_folder(tmp_path)) as (writer, said):
        pid = writer.seat.processes[WRITER]
        with no_descriptors():
            os.kill(pid, signal.SIGKILL)
            await becomes(lambda: "process not started" in said.getvalue())
            while_away = dict(writer.seat.processes)
        await becomes(lambda: WRITER in writer.seat.processes)

    assert {} == while_away
    assert pid != writer.seat.processes[WRITER]


async def test_process_that_dies_amid_a_late_restart_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a minute after the last death, and before it was ready: it comes all the same."""
    monkeypatch.setattr("atm_switch.child.MINUTE", 0.0)
    async with writing(make_folder(tmp_path)) as (writer, said):
        pids = [writer.seat.processes[WRITER]]
        for deaths in (1, 2):
            os.kill(pids[-1], signal.SIGKILL)
            await becomes(lambda: deaths == said.getvalue().count("process ended"))  # noqa: B023
            await becomes(lambda: WRITER in writer.seat.processes)
            pids.append(writer.seat.processes[WRITER])

    assert 3 == len(set(pids))


async def test_process_that_hangs_at_the_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop always ends, and leaves nobody who holds the folder; whoever stops it is told."""
    monkeypatch.setattr("atm_switch.writer_apart.ENDING_SECONDS_MAX", 0.2)
    folder = make_folder(tmp_path)
    async with writing(folder) as (writer, said):
        os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)
        code = await writer.stop()

        assert 1 == code
        assert "process killed" in said.getvalue()
        (await lock_writing(folder, 0.0))()


async def test_process_that_hangs_before_it_is_up_is_killed_and_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it has written nothing yet makes no 0 of it."""
    monkeypatch.setattr("atm_switch.writer_apart.ENDING_SECONDS_MAX", 0.2)
    folder, said = make_folder(tmp_path), io.StringIO()
    writer = WriterApart(folder)
    await writer.start(open_folder(folder), make_logger("json", "info", said))
    os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)

    assert 1 == await writer.stop()
    assert "process killed" in said.getvalue()


async def test_process_that_fails_at_the_end_is_told_of(tmp_path: Path) -> None:
    """It did not write all it was sent, and the log says so; one that did is 0."""
    one, other = (make_folder(tmp_path / name) for name in ("one", "other"))
    async with writing(one) as (writer, said):
        pid = writer.seat.processes[WRITER]
        os.kill(pid, signal.SIGSTOP)
        stopping = asyncio.create_task(writer.stop())
        await asyncio.sleep(0)  # it waits now
        os.kill(pid, signal.SIGKILL)
        failed = await stopping
    async with writing(other) as (writer, _):
        ended = await writer.stop()

    assert (1, 0) == (failed, ended)
    assert "process ended" in said.getvalue()


async def told_to_end_at_once(writer: WriterApart) -> "asyncio.Task[int]":
    """Have it end, and then at once, as a second SIGTERM does."""
    stopping = asyncio.create_task(writer.stop())
    await asyncio.sleep(0)  # it waits now
    stopping.cancel()
    return stopping


async def test_process_that_hangs_is_killed_soon_behind_a_second_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked is told that it was still at work; nobody holds the folder any more."""
    monkeypatch.setattr("atm_switch.writer_apart.AT_ONCE_SECONDS_MAX", 0.2)
    folder = make_folder(tmp_path)
    async with writing(folder) as (writer, said):
        os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)
        stopping = await told_to_end_at_once(writer)

        with pytest.raises(Refused, match="the journal writer was still at work, and was killed"):
            await stopping
        assert "process killed" in said.getvalue()
        (await lock_writing(folder, 0.0))()


async def test_third_signal_kills_the_process_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to wait for the rest of the time it may take."""
    monkeypatch.setattr("atm_switch.writer_apart.AT_ONCE_SECONDS_MAX", 60.0)
    monkeypatch.setattr("atm_switch.writer_apart.ENDING_SECONDS_MAX", 60.0)
    async with writing(make_folder(tmp_path)) as (writer, said):
        os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)
        stopping = await told_to_end_at_once(writer)
        await asyncio.sleep(0.1)
        assert not stopping.done()
        stopping.cancel()

        async with asyncio.timeout(SECONDS):
            with pytest.raises(Refused, match="was killed"):
                await stopping
        assert "process killed" in said.getvalue()


async def test_process_that_ends_behind_a_second_signal_is_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has some seconds more to write what was sent."""
    monkeypatch.setattr("atm_switch.writer_apart.AT_ONCE_SECONDS_MAX", 60.0)
    async with writing(make_folder(tmp_path)) as (writer, said):
        pid = writer.seat.processes[WRITER]
        os.kill(pid, signal.SIGSTOP)
        stopping = await told_to_end_at_once(writer)
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGCONT)

        with pytest.raises(Refused, match="the journal writer was still at work, and has ended"):
            await stopping
        assert "process killed" not in said.getvalue()


async def test_process_that_hangs_is_killed_behind_a_switch_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails leaves nobody who holds the folder, and says both."""
    monkeypatch.setattr("atm_switch.writer_apart.ENDING_SECONDS_MAX", 0.2)
    monkeypatch.setattr("atm_switch.writer_apart.AT_ONCE_SECONDS_MAX", 60.0)
    folder = make_folder(tmp_path)
    async with writing(folder) as (writer, _):
        os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)

        with pytest.raises(Refused, match=r"^no\. so; the journal writer .* was killed$"):
            await writer.stop_behind(Refused("no. so"))
        (await lock_writing(folder, 0.0))()


async def test_process_that_ends_behind_a_switch_that_failed_is_not_spoken_of(
    tmp_path: Path,
) -> None:
    """What failed is said by whoever it happened to."""
    async with writing(make_folder(tmp_path)) as (writer, said):
        await writer.stop_behind(Refused("no"))

        assert "process killed" not in said.getvalue()


async def test_switch_ended_at_once_gives_the_process_a_little_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told twice to end amid its start it says so, and that the process was killed."""
    monkeypatch.setattr("atm_switch.writer_apart.AT_ONCE_SECONDS_MAX", 0.2)
    monkeypatch.setattr("atm_switch.writer_apart.ENDING_SECONDS_MAX", 60.0)
    async with writing(make_folder(tmp_path)) as (writer, _):
        os.kill(writer.seat.processes[WRITER], signal.SIGSTOP)

        async def served() -> None:
            try:
                await asyncio.sleep(SECONDS)
            except asyncio.CancelledError as why:
                await writer.stop_behind(why)
                raise

        serving = asyncio.create_task(served())
        await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(Refused, match=r"^stopped before it served; .* was killed$"):
            await serving
