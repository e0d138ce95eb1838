"""Hypothesis profiles: few examples at the desk, more and always the same ones in CI.

One PostgreSQL server for the whole run, started by the first test that asks for it.  And at
the end of the run whatever it left behind is searched for secrets (``suite_canaries``).
"""

import os
import signal
import threading
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.doubles import suite_canaries
from tests.doubles.postgres import PostgresServer, postgres_server

# A machine that stands still for a second makes the drawing of examples slow, not the test wrong.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", UNHURRIED, max_examples=50)
settings.register_profile("ci", UNHURRIED, max_examples=100, derandomize=True)
settings.register_profile("mutants", UNHURRIED, max_examples=10, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

if threading.current_thread() is threading.main_thread():
    # A shell that starts the run behind its back has it ignore Ctrl-C, and so would every
    # command of the tests that a Ctrl-C is meant for.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Lend a real PostgreSQL; skipped in words where none can be had."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _nothing_here_gives_way() -> Iterator[None]:
    """Have commands that run in this process keep its priority, as where a system refuses it.

    What one of them lowers stays low, for every test behind it and all that they start.
    """

    def refused(_steps: int) -> int:
        raise PermissionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "nice", refused)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the run where a file or a word of it holds a card number, key, NIK or PIN block."""
    yield
    assert [] == suite_canaries.left_behind(tmp_path_factory.getbasetemp())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what products said in this process, for the search at the end."""
    report = yield
    if report.when == "teardown":
        suite_canaries.said(report.capstdout, report.capstderr, report.caplog)
    return report
