"""What operators are given beside the program speaks of things that exist."""

import asyncio
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.samples import Sample

from atm_switch.child import Child
from atm_switch.domain.outcome import IN_DOUBT, Outcome
from atm_switch.fleet_page import FleetPage
from atm_switch.folder import open_folder
from atm_switch.monitor import admin_socket
from atm_switch.seat import Seat
from atm_switch.server.admin_socket import AdminSocket
from atm_switch.server.meters import SIGNED_ON, Meters
from atm_switch.server.watch_page import SwitchCollector
from atm_switch.switch.effects import Note
from tests.doubles.served import make_folder
from tests.doubles.workers import with_workers

Page = Callable[[Path], Awaitable[list[Sample]]]
"""Makes a kind of page and scrapes it."""

OPERATIONS = Path(__file__).parents[2] / "specs" / "operations"
ALERTS = OPERATIONS / "alerts.yml"
SCRAPES = OPERATIONS / "prometheus.yml"
DASHBOARD = json.loads((OPERATIONS / "dashboard.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NEEDS_PROMTOOL = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def used_switch(deaths: Mapping[str, int] | None) -> SwitchCollector:
    """What the page of a switch that has done something is made of."""
    meters = Meters(["009"])
    fields = {"outcome": "approved", "de39": "00", "acquirer": "009", "ms": 1.0}
    meters.take(Note("transaction", fields))
    meters.take(Note("link opened", {}))
    meters.take(Note("clock jumped", {"seconds": 3_600.0}, is_alarm=True))
    meters.turned_away["too many connections"] += 1
    return SwitchCollector(meters, lambda: {f"{SIGNED_ON}009": 1.0}, deaths)


async def page_of_one(_folder: Path) -> list[Sample]:
    """A switch of one worker, beside the process that writes its journal."""
    return [
        one for family in used_switch({"journal writer": 0}).collect() for one in family.samples
    ]


async def page_of_workers(root: Path) -> list[Sample]:
    """A supervisor of two, of which one has come up."""
    made = make_folder(root)
    with_workers(made, 2)
    folder, nothing = open_folder(made), cast("Any", None)
    registry = CollectorRegistry()
    registry.register(used_switch(None))
    told = {"text": generate_latest(registry).decode()}
    worker = AdminSocket(folder.root / admin_socket(Seat(1)), {"metrics": lambda _asker: told})
    await worker.open()
    children = {1: Child(1, nothing, nothing)}
    page = FleetPage(folder, lambda: children, dict, dict, dict, lambda: 0.0, nothing)
    try:
        with pytest.MonkeyPatch.context() as patient:
            patient.setattr("atm_switch.fleet_page.ASK_SECONDS_MAX", 30.0)
            families = await asyncio.to_thread(lambda: list(page.collect()))
    finally:
        worker.close()
    return [one for family in families for one in family.samples]


PAGES = pytest.mark.parametrize("page", [page_of_one, page_of_workers])
"""Each by itself: what only the other shows is not there to be alerted of."""


def names_in(text: str) -> set[str]:
    """Every name of ours in an expression."""
    return set(re.findall(r"atm_switch_[a-z_]+", text))


@PAGES
async def test_alerts_speak_of_metrics_there_are(page: Page, tmp_path: Path) -> None:
    """No rule waits for a name that a page never shows."""
    assert set() == names_in(ALERTS.read_text()) - {one.name for one in await page(tmp_path)}


@PAGES
async def test_processes_are_shown_once(page: Page, tmp_path: Path) -> None:
    """By who knows of all of them, and by no worker beside."""
    shown = Counter(one.name for one in await page(tmp_path))

    assert 1 == shown["atm_switch_workers_up"] == shown["atm_switch_workers_wanted"]
    assert (1 if page is page_of_one else 3) == shown["atm_switch_process_deaths_total"]


def test_alerts_speak_of_outcomes_there_are() -> None:
    """An outcome in a rule is one of the core's."""
    named = set(re.findall(r'[{,]outcome="([a-z_ ]+)"', ALERTS.read_text()))

    assert named <= {outcome.value for outcome in Outcome} | {IN_DOUBT}


def test_alerts_ask_for_the_job_that_scrapes_the_switch() -> None:
    """And that asks where OPERATIONS.md has the page listen."""
    job = re.findall(r"(?m)^  - job_name: (\S+)$", SCRAPES.read_text())
    at = re.findall(r'- targets: \["(\S+)"\]', SCRAPES.read_text())
    page = (OPERATIONS.parents[1] / "OPERATIONS.md").read_text()

    assert set(job) == set(re.findall(r'job="([^"]+)"', ALERTS.read_text()))
    assert at == re.findall(r'\[metrics\]\n *listen = "(\S+)"', page)


def test_every_alert_says_what_to_do() -> None:
    """As many actions as alerts, none of them empty."""
    text = ALERTS.read_text()

    assert len(re.findall(r"- alert: \w+", text)) == len(re.findall(r'action: "[^"]{20,}"', text))


@PAGES
async def test_dashboard_speaks_of_metrics_there_are(page: Page, tmp_path: Path) -> None:
    """Every expression has a name of ours, and each is shown."""
    assert all(names_in(one) for one in EXPRESSIONS)
    named = set().union(*map(names_in, EXPRESSIONS))
    assert set() == named - {one.name for one in await page(tmp_path)}


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
def test_promtool_takes_the_scrape_job() -> None:
    """Prometheus' own checker finds it well formed, and the rules it names beside it."""
    done = promtool_reads(SCRAPES, "config")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


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


def promtool_reads(file: Path, kind: str = "rules") -> "subprocess.CompletedProcess[str]":
    """Have rules, or a configuration, checked."""
    return subprocess.run(
        ["promtool", "check", kind, str(file)], capture_output=True, text=True, check=False
    )
