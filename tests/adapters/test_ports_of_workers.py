"""Ports that tests draw: nobody holds one between its drawing and its use."""

import pytest

from tests.doubles.brokers import free_port, own_ports


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_workers_of_a_run_draw_no_port_in_common(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each draws among its own; together they have all, as a run without workers has."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    every, drawn = own_ports(), list[int]()
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", str(count))
    for number in range(count):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        own = own_ports()
        drawn += own

        assert not own or free_port() in own

    assert list(every) == sorted(drawn)
    assert len(every) == len(set(drawn))
