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
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]

    assert all(names_in(one) for one in expressions)
    assert set().union(*map(names_in, expressions)) <= shown_names()


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


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_alerts() -> None:
    """Prometheus' own checker finds every rule well formed."""
    done = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stdout + done.stderr
