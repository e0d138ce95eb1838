"""Every alert fires where it should, at the first occurrence, and is silent where it should be.

Prometheus' own ``promtool test rules`` runs the rules over series as /metrics would show them.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from atm_switch.server.meters import Meters
from atm_switch.server.watch_page import SwitchCollector
from atm_switch.switch.effects import Note
from tests.house.test_operations import ALERTS

EVERY = "15s"
AT = "20m"
"""When it is looked: everything below has begun at ten minutes, and lasts."""
WELL = 40
"""Samples before that."""

_REQUESTS = "atm_switch_requests_total"


class Case(NamedTuple):
    """Series in promtool's notation, in trouble and in order; the first begin well."""

    trouble: dict[str, str]
    order: dict[str, str]


def begins(before: str, after: str) -> str:
    """Write values that are well for ten minutes, and then are not."""
    return f"{before}x{WELL} {after}x60"


def requests(outcome: str, code: str) -> str:
    """Name a series of requests of bank 009."""
    return f'{_REQUESTS}{{what="transaction",acquirer="009",outcome="{outcome}",code="{code}"}}'


GOOD, SLOW = requests("approved", "00"), "atm_switch_journal_seconds_bucket"
TOOK = "atm_switch_request_seconds_bucket"
NOT_KEPT = 'atm_switch_events_total{event="event not kept"}'
INQUIRY, ECHO = 'what="transaction",acquirer="009"', 'what="echo",acquirer="009"'
COMMITS = "atm_switch_journal_commit_seconds_bucket"
LATE = "atm_switch_loop_late_seconds_bucket"
WHOLE = f'{LATE}{{le="+Inf"}}'
ECHOES = f'{_REQUESTS}{{what="echo",acquirer="009",outcome="approved",code="00"}}'
NO_TRIES = requests("pin_tries_exceeded", "75")
FREE, DIED = "atm_switch_journal_free_bytes", 'atm_switch_process_deaths_total{process="worker 1"}'
CASES = {
    "SwitchAway": Case(
        {'up{job="atm-switch"}': begins("1+0", "0+0")}, {'up{job="atm-switch"}': "1x100"}
    ),
    "SwitchLoopHangs": Case(
        {"atm_switch_loop_lag_seconds": begins("0+0", "2+15")},
        {"atm_switch_loop_lag_seconds": "0.01x100"},
    ),
    "SwitchLoopLate": Case(
        {f'{LATE}{{le="0.1"}}': "0x100", f'{LATE}{{le="0.25"}}': "0+60x100", WHOLE: "0+60x100"},
        {f'{LATE}{{le="0.02"}}': "0+60x100", f'{LATE}{{le="0.1"}}': "0+60x100", WHOLE: "0+60x100"},
    ),
    "AnswersSlow": Case(
        {
            f'{TOOK}{{{INQUIRY},le="2.5"}}': "0x100",
            f'{TOOK}{{{INQUIRY},le="5.0"}}': "0+10x100",
            f'{TOOK}{{{INQUIRY},le="+Inf"}}': "0+10x100",
            f'{TOOK}{{{ECHO},le="2.5"}}': "0+5000x100",  # which are not what terminals wait for
            f'{TOOK}{{{ECHO},le="+Inf"}}': "0+5000x100",
        },
        {
            f'{TOOK}{{{INQUIRY},le="1.0"}}': "0+10x100",
            f'{TOOK}{{{INQUIRY},le="2.5"}}': "0+10x100",
            f'{TOOK}{{{INQUIRY},le="+Inf"}}': "0+10x100",
            f'{TOOK}{{{ECHO},le="2.5"}}': "0x100",
            f'{TOOK}{{{ECHO},le="+Inf"}}': "0+1x100",
        },
    ),
    "JournalSlow": Case(
        {
            f'{SLOW}{{le="0.25"}}': "0x100",
            f'{SLOW}{{le="0.5"}}': "0+10x100",
            f'{SLOW}{{le="+Inf"}}': "0+10x100",
        },
        {f'{SLOW}{{le="0.25"}}': "0+10x100", f'{SLOW}{{le="+Inf"}}': "0+10x100"},
    ),
    "JournalDiskSlow": Case(
        {
            f'{COMMITS}{{le="0.1"}}': "0+1x100",
            f'{COMMITS}{{le="0.25"}}': "0+10x100",
            f'{COMMITS}{{le="+Inf"}}': "0+10x100",
        },
        {
            f'{COMMITS}{{le="0.1"}}': "0+10x100",
            f'{COMMITS}{{le="+Inf"}}': "0+10x100",
            f'{SLOW}{{le="0.25"}}': "0x100",  # rows wait, and not for the disk
            f'{SLOW}{{le="0.5"}}': "0+10x100",
            f'{SLOW}{{le="+Inf"}}': "0+10x100",
        },
    ),
    "JournalQueueGrows": Case(
        {"atm_switch_journal_waiting": begins("3+0", "1001+0")},
        {"atm_switch_journal_waiting": "999x100"},
    ),
    "JournalDiskFull": Case({FREE: begins("2e9+0", "9e8+0")}, {FREE: begins("2e9+0", "11e8+0")}),
    "JournalDiskFills": Case(
        {FREE: "1e11-1e9x100"},  # six gigabytes a minute: in fifteen minutes
        {FREE: "1e11-1e6x100", f'{FREE}{{worker="2"}}': " ".join(["Inf"] * 100)},
    ),
    "WorkersMissing": Case(
        {"atm_switch_workers_up": begins("2+0", "1+0"), "atm_switch_workers_wanted": "2x100"},
        {"atm_switch_workers_up": "2x100", "atm_switch_workers_wanted": "2x100"},
    ),
    "ProcessesDie": Case({DIED: begins("0+0", "1+0")}, {DIED: "1x100"}),
    "NeighbourAway": Case(
        {GOOD: "0+100x100", requests("ledger_unavailable", "91"): begins("0+0", "2+2")},
        {GOOD: "0+1000x100", requests("ledger_unavailable", "91"): "0+1x100"},
    ),
    "SwitchOverloaded": Case(
        {'atm_switch_events_total{event="too many requests under way"}': begins("0+0", "1+1")},
        {'atm_switch_events_total{event="too many requests under way"}': "7x100"},
    ),
    "SwitchNotReady": Case(
        {"atm_switch_ready": begins("1+0", "0+0")}, {"atm_switch_ready": "1x100"}
    ),
    "LedgerRefused": Case(
        {"atm_switch_ledger_refused": begins("0+0", "1+0")}, {"atm_switch_ledger_refused": "0x100"}
    ),
    "OurOwnMistake": Case(
        {requests("internal_error", "96"): begins("0+0", "1+0")},
        {requests("internal_error", "96"): "0x100"},
    ),
    "RequestsInDoubt": Case(
        {requests("in_doubt", ""): begins("_", "1+0")},
        {GOOD: "0+1x100", requests("in_doubt", ""): "3x100"},  # of long ago
    ),
    "MacRefused": Case({requests("mac_wrong", "63"): begins("0+0", "1+1")}, {GOOD: "0+1x100"}),
    "BankSignedOff": Case(
        {
            'atm_switch_sessions{acquirer="009",worker="1"}': begins("1+0", "0+0"),
            'atm_switch_sessions{acquirer="009",worker="2"}': "0x100",
            'atm_switch_sessions{acquirer="002",worker="1"}': "1x100",
        },
        {
            'atm_switch_sessions{acquirer="009",worker="1"}': begins("1+0", "0+0"),
            'atm_switch_sessions{acquirer="009",worker="2"}': "1x100",
        },
    ),
    "DialledLineDown": Case(
        {"atm_switch_lines_up": begins("2+0", "1+0"), "atm_switch_lines_wanted": "2x100"},
        {"atm_switch_lines_up": "2x100", "atm_switch_lines_wanted": "2x100"},
    ),
    "PinTriesUsedUp": Case(
        {NO_TRIES: "0+10x200"},
        {NO_TRIES: "5x100"},
    ),
    "ConnectionsTurnedAway": Case(
        {'atm_switch_turned_away_total{reason="too many connections"}': "0+30x100"},
        {'atm_switch_turned_away_total{reason="too many connections"}': "30x100"},
    ),
    "CertificateEnds": Case(
        {"atm_switch_certificate_seconds": "1209500x100"},
        {"atm_switch_certificate_seconds": "1209700x100"},
    ),
    "ClockJumped": Case(
        {'atm_switch_events_total{event="clock jumped"}': begins("0+0", "1+0")},
        {'atm_switch_events_total{event="clock jumped"}': "0x100"},
    ),
    "RecordsGivenUp": Case({NOT_KEPT: begins("0+0", "1+0")}, {NOT_KEPT: "3x100"}),
    "EventsWait": Case(
        {"atm_switch_outbox_waiting": "5x100", "atm_switch_broker_connected": begins("1+0", "0+0")},
        {"atm_switch_outbox_waiting": "5x100", "atm_switch_broker_connected": "1x100"},
    ),
}


GIVEN_UP = 'atm_switch_events_total{event="note given up"}'
MORE = [
    ("RecordsGivenUp", Case({GIVEN_UP: begins("0+0", "1+0")}, {GIVEN_UP: "0x100"})),
    (
        "SwitchAway",
        Case(
            {'up{job="node"}': "1x100"},
            {'up{job="node"}': "0x100", 'up{job="atm-switch"}': "1x100"},
        ),
    ),
    (
        "NeighbourAway",
        Case(  # 166 echoes a second: of the inquiries all and one in a hundred, of answers few
            {ECHOES: "0+2490x100", requests("ledger_unavailable", "91"): "0+15x100"},
            {
                ECHOES: "0+2490x100",
                GOOD: "0+1500x100",
                requests("ledger_unavailable", "91"): "0+15x100",
            },
        ),
    ),
]
"""Other troubles of the same alerts."""


def test_every_alert_has_a_case() -> None:
    """No rule without one, no case without a rule."""
    assert sorted(re.findall(r"- alert: (\w+)", ALERTS.read_text())) == sorted(CASES)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_alerts_fire_where_they_should(tmp_path: Path) -> None:
    """
    Of each alert: the series of its trouble, born when the switch started, make it fire; those
    of a switch in order do not.
    """
    tests: list[dict[str, Any]] = []
    for alert, case in [*CASES.items(), *MORE]:
        for series, fires in ((case.trouble, True), (case.order, False)):
            tests.append(
                {
                    "name": f"{alert} {'fires' if fires else 'is silent'}",
                    "interval": EVERY,
                    "input_series": [{"series": n, "values": v} for n, v in series.items()],
                    "promql_expr_test": [
                        {
                            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                            "eval_time": AT,
                            "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                        }
                    ],
                }
            )
    file = tmp_path / "cases.yml"
    told = {"rule_files": [str(ALERTS)], "evaluation_interval": EVERY, "tests": tests}
    file.write_text(json.dumps(told))  # JSON is YAML, too

    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_what_alerts_wait_for_is_shown_from_the_start() -> None:
    """
    A series born with its first occurrence has not risen: those that an ``increase`` or a
    ``rate`` of single events looks at are there with 0 when the switch starts.
    """
    meters = Meters(["009", "002"])

    def shown() -> dict[tuple[str, ...], float]:
        families = SwitchCollector(meters, dict).collect()
        return {
            (one.name, *one.labels.values()): one.value
            for family in families
            for one in family.samples
        }

    born = shown()
    meters.take(Note("clock jumped", {"seconds": 60.0}, is_alarm=True))
    fields = {"acquirer": "002", "outcome": "internal_error", "de39": "96"}
    meters.take(Note("transaction", fields))
    risen = shown()

    rows = [(_REQUESTS, "transaction", bank, "internal_error", "96") for bank in ("009", "002")]
    jump = ("atm_switch_events_total", "clock jumped")
    surplus = ("atm_switch_events_total", "too many requests under way")
    lost = [("atm_switch_events_total", one) for one in ("event not kept", "note given up")]
    assert [0, 0, 0, 0, 0, 0] == [born[one] for one in (*rows, jump, surplus, *lost)]
    assert [0, 1, 1, 0] == [risen[one] for one in (*rows, jump, surplus)]
