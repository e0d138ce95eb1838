"""What operators are given beside the program speaks of things that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from atm_switch.domain.outcome import IN_DOUBT, Outcome
from atm_switch.fleet_page import process_families
from atm_switch.server.meters import SIGNED_ON, Meters
from atm_switch.server.watch_page import SwitchCollector
from atm_switch.switch.effects import Note

OPERATIONS = Path(__file__).parents[2] / "specs" / "operations"
ALERTS = OPERATIONS / "alerts.yml"
DASHBOARD = json.loads((OPERATIONS / "dashboard.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NEEDS_PROMTOOL = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def shown_names() -> set[str]:
    """Every name of a sample that /metrics shows, of a switch that has done something."""
    meters = Meters(["009"])
    fields = {"outcome": "approved", "de39": "00", "acquirer": "009", "ms": 1.0}
    meters.take(Note("transaction", fields))
    meters.take(Note("link opened", {}))
    meters.take(Note("clock jumped", {"seconds": 3_600.0}, is_alarm=True))
    meters.turned_away["too many connections"] += 1
    collector = SwitchCollector(meters, lambda: {f"{SIGNED_ON}009": 1.0})
    families = [*collector.collect(), *process_families(2, 2, {"worker 1": 0})]
    return {sample.name for family in families for sample in family.samples}


def names_in(text: str) -> set[str]:
    """Every name of ours in an expression."""
    return set(re.findall(r"atm_switch_[a-z_]+", text))


def test_alerts_speak_of_metrics_there_are() -> None:
    """No rule waits for a name that is never shown."""
    assert names_in(ALERTS.read_text()) <= shown_names()


def test_alerts_speak_of_outcomes_there_are() -> None:
    """An outcome in a rule is one of the core's."""
    named = set(re.findall(r'[{,]outcome="([a-z_ ]+)"', ALERTS.read_text()))

    assert named <= {outcome.value for outcome in Outcome} | {IN_DOUBT}


def test_every_alert_says_what_to_do() -> None:
    """As many actions as alerts, none of them empty."""
    text = ALERTS.read_text()

    assert len(re.findall(r"- alert: \w+", text)) == len(re.findall(r'action: "[^"]{20,}"', text))


def test_dashboard_speaks_of_metrics_there_are() -> None:
    """Every expression has a name of ours, and each is shown."""
    assert all(names_in(one) for one in EXPRESSIONS)
    assert set().union(*map(names_in, EXPRESSIONS)) <= shown_names()


def test_panels_do_not_lie_over_each_other() -> None:
    """Each panel has its own place on the grid of 24 columns."""
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@NEEDS_PROMTOOL
def test_promtool_takes_the_alerts() -> None:
    """Prometheus' own checker finds every rule well formed."""
    done = promtool_reads(ALERTS)

    assert 0 == done.returncode, done.stdout + done.stderr


@NEEDS_PROMTOOL
def test_promtool_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    """Each expression of the dashboard, as a rule that records it, is PromQL."""
    done = promtool_reads(recorded(EXPRESSIONS, tmp_path))

    assert 0 == done.returncode, done.stdout + done.stderr


@NEEDS_PROMTOOL
@pytest.mark.parametrize("spoilt", [")", " by (", "[$__rate_interval]", "$another"])
def test_promtool_refuses_what_is_no_expression(spoilt: str, tmp_path: Path) -> None:
    """The test above can fail: of one panel's expression with this behind it, it does."""
    done = promtool_reads(recorded([*EXPRESSIONS[:-1], EXPRESSIONS[-1] + spoilt], tmp_path))

    assert 0 != done.returncode


def recorded(expressions: list[str], folder: Path) -> Path:
    """Write expressions as rules; Grafana puts a span where it has its one word for one."""
    plain = [one.replace("$__rate_interval", "1m") for one in expressions]
    rules = [{"record": f"panel:{at}", "expr": one} for at, one in enumerate(plain)]
    file = folder / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # and so YAML
    return file


def promtool_reads(file: Path) -> "subprocess.CompletedProcess[str]":
    """Have rules checked."""
    return subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
