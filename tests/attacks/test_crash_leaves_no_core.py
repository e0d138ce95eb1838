"""A switch that crashes leaves no image of its memory; one without assertions never starts.

Real processes that die of real signals.  The core limit is raised before they start as far
as the machine allows, so that it is the switch that turns dumps off.
"""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.served import make_folder, run, serve

CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)

ASK_DUMPABLE = """
import ctypes
from atm_switch.adapters.process_hygiene import forbid_core_dumps
get_dumpable = 3
libc = ctypes.CDLL(None)
before = libc.prctl(get_dumpable, 0, 0, 0, 0)
forbid_core_dumps()
print(before, libc.prctl(get_dumpable, 0, 0, 0, 0))
"""


@pytest.fixture
def cores_allowed() -> Iterator[None]:
    """Let what is started here write as much of a core image as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one data folder for all crashes."""
    return make_folder(tmp_path_factory.mktemp("crash"))


def status_of(process: subprocess.Popen[str]) -> int:
    """Wait for a process and return the kernel's word on how it ended."""
    _, status = os.waitpid(process.pid, 0)
    return status


@pytest.mark.usefixtures("cores_allowed")
def test_dying_python_does_dump_core_here(tmp_path: Path) -> None:
    """
    The control: on this machine a plain interpreter that aborts does leave a core image.
    """
    with subprocess.Popen(
        [sys.executable, "-c", "import os; os.abort()"], cwd=tmp_path, text=True
    ) as victim:
        status = status_of(victim)

    if not os.WCOREDUMP(status):
        pytest.skip("this machine writes no core images at all, so nothing can be shown here")
    assert signal.SIGABRT == os.WTERMSIG(status)


@pytest.mark.usefixtures("cores_allowed")
@pytest.mark.parametrize("number", CRASHES, ids=lambda number: number.name)
def test_crashing_switch_leaves_no_core(
    folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """
    Killed by the signal of a crash, a serving switch dies of it and dumps nothing.
    """
    with serve(folder, cwd=tmp_path) as served:
        limits = Path(f"/proc/{served.process.pid}/limits").read_text()
        served.process.send_signal(number)
        status = status_of(served.process)

    assert ["0", "0"] == limits.partition("Max core file size")[2].split()[:2]
    assert (number, False) == (os.WTERMSIG(status), os.WCOREDUMP(status))
    assert [] == list(tmp_path.iterdir())


def test_hygiene_makes_the_process_undumpable() -> None:
    """
    Besides the limit, which a core pattern with a pipe ignores, the process is marked
    undumpable.
    """
    done = subprocess.run(
        [sys.executable, "-c", ASK_DUMPABLE], capture_output=True, text=True, check=True
    )

    assert "1 0\n" == done.stdout


@pytest.mark.parametrize("command", [("serve", "bank"), ("demo",)], ids=lambda words: words[0])
@pytest.mark.parametrize("level", ["-O", "-OO"])
def test_switch_without_assertions_is_refused(command: tuple[str, ...], level: str) -> None:
    """
    Under ``python -O`` neither serve nor demo starts: one sentence that says what to do.
    """
    done = run(*command, interpreter=(level,))

    assert (1, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert "leave out -O" in done.stderr
