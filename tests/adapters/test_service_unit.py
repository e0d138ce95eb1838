"""Claims about the unit that systemd starts a switch by: what it must say for a switch to serve."""

from configparser import ConfigParser
from pathlib import Path

from atm_switch.adapters.service_manager import STOP_SECONDS_MAX
from atm_switch.cli.entry import MISCONFIGURED
from atm_switch.supervisor import ENDING_SECONDS_MAX

UNIT = Path(__file__).parents[2] / "specs" / "operations" / "atm-switch.service"


def read_unit() -> ConfigParser:
    """Read it as systemd does: names keep their case, and may come again."""
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(UNIT)
    return unit


def test_unit_gives_what_is_behind_a_drain_as_long_as_it_may_take() -> None:
    """More is asked for at a stop, by a drain that may take longer; the watchdog ends nothing."""
    unit = read_unit()
    assert float(unit["Service"]["TimeoutStopSec"]) == STOP_SECONDS_MAX
    assert ("notify", "main") == (unit["Service"]["Type"], unit["Service"]["NotifyAccess"])
    assert 2 * ENDING_SECONDS_MAX < STOP_SECONDS_MAX  # workers, then the writer


def test_unit_says_a_stop_to_all_processes() -> None:
    """A signal to all is one stop; were only the first told, its death would be all others' end."""
    unit = read_unit()
    service = unit["Service"]
    assert ("control-group", "SIGTERM") == (
        service.get("KillMode", "control-group"), service["KillSignal"],
    )  # fmt: skip


def test_unit_restarts_whatever_failed_but_wrong_settings() -> None:
    """Those would be wrong again, every other second; each other exit code wants a fresh start."""
    unit = read_unit()
    assert "on-failure" == unit["Service"]["Restart"]
    assert str(MISCONFIGURED) == unit["Service"]["RestartPreventExitStatus"]
