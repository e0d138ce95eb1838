"""Hypothesis profiles: few examples at the desk, more and always the same ones in CI.

And one PostgreSQL server for the whole run, started by the first test that asks for it.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.doubles.postgres import PostgresServer, postgres_server

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci",
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Lend a real PostgreSQL; skipped in words where none can be had."""
    with postgres_server() as server:
        yield server
