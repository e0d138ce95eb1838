"""``status``, ``sessions``, ``drain`` and ``trace``: a switch that runs, seen from outside."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atm_switch.cli import options
from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from datetime import datetime

    from atm_switch.adapters.journal_rows import JournalRow
    from atm_switch.domain.errors import Refused

LOOK_SECONDS = 0.1
"""How often ``drain`` looks whether the switch has gone."""
ENDING_SECONDS = 40.0
"""What a stop may take besides its drain: workers and writer that hang have ten seconds each, the
records of the audit six."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command(epilog=examples("atm-switch status bank", "atm-switch status bank --json"))
@data_folder
@_json_option
def status(folder: Path, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Ask the switch that serves DIR how it is; exits 1 if it is not ready."""
    from atm_switch.domain.errors import Refused

    told = _ask(folder, "status")
    if as_json:
        print(json.dumps(told))
    else:
        _show(folder, told, _print_status)
    wrong = {name: said for name, said in told.get("checks", {}).items() if said != "ok"}
    if wrong:
        raise Refused("not ready: " + "; ".join(f"{name} {said}" for name, said in wrong.items()))


@click.command(epilog=examples("atm-switch sessions bank", "atm-switch sessions bank --json"))
@data_folder
@_json_option
def sessions(folder: Path, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """List the links of the switch that serves DIR, the oldest first."""
    told = _ask(folder, "sessions")
    if as_json:
        print(json.dumps(told))
    else:
        _show(folder, told, _print_sessions)


def _print_sessions(told: dict[str, Any]) -> None:
    print(f"{'link':>5}  by    {'peer':22}  {'acquirer':11}  {'TLS':4} {'under way':>9}  silent")
    for one in told["sessions"]:
        silent = "" if one["silent_seconds"] is None else f"{one['silent_seconds']:.0f} s"
        tls = "yes" if one["tls"] else "no"
        signed_on = one["acquirer"] or "-"
        by = "us" if one["is_ours"] else "them"
        print(
            f"{one['link']:>5}  {by:4}  {one['peer']:22}  {signed_on:11}  {tls:4} "
            f"{one['in_flight']:>9}  {silent}"
        )


@click.command(epilog=examples("atm-switch drain bank && echo gone"))
@data_folder
@click.option(
    "--timeout", type=click.FloatRange(0, 3600, min_open=True),
    show_default="the switch's drain_seconds_max, and 40 more",
    metavar="SECONDS", help="How long to wait until it is gone.",
)  # fmt: skip
def drain(folder: Path, timeout: float | None) -> None:
    """Have the switch answer what is under way, take nothing new, and stop; wait for it."""
    from atm_switch.domain.errors import Refused

    told = _ask(folder, "drain")
    if not told.get("draining"):
        raise _no_switch(folder)
    patience = _drain_seconds(folder, told) + ENDING_SECONDS if timeout is None else timeout
    deadline = time.monotonic() + patience
    while _is_there(folder):
        if time.monotonic() > deadline:
            raise Refused(f"the switch still runs after {patience:g} s; see atm-switch status DIR")
        time.sleep(LOOK_SECONDS)
    print("the switch has stopped")


def _drain_seconds(folder: Path, told: dict[str, Any]) -> float:
    """Say how long its drain may take: what it told, or of an older release what is written."""
    from atm_switch.folder import open_folder
    from atm_switch.server.admin_socket import DRAIN_SECONDS

    seconds = told.get(DRAIN_SECONDS)
    if isinstance(seconds, int | float):
        return float(seconds)
    return open_folder(folder).settings.limits.drain_seconds_max


@click.command(epilog=examples("atm-switch trace bank 260123456789"))
@data_folder
@options.rrn
def trace(folder: Path, rrn: str) -> None:
    """Follow one retrieval reference number (DE37): what was on disk when, and the end.

    Answers that could not be sent are named, and when a repeat of one was.
    """
    from atm_switch.adapters.journal_place import open_pages
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder

    with open_pages(open_folder(folder).journal_place) as pages:
        told = pages.show(rrn)
        untold = pages.untold(rrn)
    if not told:
        raise Refused("the journal has no row with this RRN; see atm-switch journal tail DIR")
    for one in told:
        print(_step(one.node, one.row))
    for answer in untold:
        key, why = answer.key, answer.why.replace("_", " ")
        of = f"STAN {key.stan}, DE7 {key.stamp} of {key.acquirer} {key.terminal}"
        print(f"{_moment(answer.at)}  an answer was not told ({why}): {of}")
        if answer.told_at is not None:
            print(f"{_moment(answer.told_at)}  it was told to a repeat")


def _moment(at: "datetime") -> str:
    from atm_switch.domain.instant import Zone

    return f"{at.astimezone(Zone.WIB.tzinfo):%Y-%m-%d %H:%M:%S.%f} WIB"


def _ask(folder: Path, question: str) -> dict[str, Any]:
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder
    from atm_switch.server.admin_socket import FILE_NAME, ask_switch

    root = open_folder(folder).root
    try:
        return ask_switch(root / FILE_NAME, question)
    except ValueError:
        raise _no_switch(root) from None
    except TimeoutError:
        raise Refused(f"the switch that serves {root} does not answer") from None
    except (ConnectionResetError, BrokenPipeError):  # who is there, and said nothing
        raise Refused(
            f"the switch that serves {root} hung up without an answer; its log says why"
        ) from None
    except (FileNotFoundError, ConnectionError):
        raise Refused(f"no switch serves {root}; start one with: atm-switch serve DIR") from None
    except PermissionError:
        raise Refused(f"{root / FILE_NAME} is its owner's; ask as the user it runs as") from None


def _show(folder: Path, told: dict[str, Any], show: Callable[[dict[str, Any]], None]) -> None:
    """Print an answer.  Raises ``Refused`` where it is none of this release."""
    try:
        show(told)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _no_switch(folder) from None


def _no_switch(folder: Path) -> "Refused":
    from atm_switch.domain.errors import Refused

    return Refused(
        f"what answers at {folder / 'admin.sock'} is no switch of this release; "
        "restart the switch with the program that asks"
    )


def _is_there(folder: Path) -> bool:
    from atm_switch.adapters.folder_lock import is_served

    return is_served(folder)


def _print_status(told: dict[str, Any]) -> None:
    signed_on = ", ".join(f"{bank}: {count}" for bank, count in told["signed_on"].items())
    answers = ", ".join(f"{code}: {count:,}" for code, count in told["answers"].items())
    lines = {
        "listening on": ", ".join(told["listening"]) or "nothing",
        **{
            f"dialled line {at}": f"{one['bank']}: {one['state']}"
            for at, one in enumerate(told["dialling"], 1)
        },
        "up": f"{told['up_seconds']:,.0f} s, on {told['event_loop']}",
        "links": f"{told['links']:.0f} (signed on {signed_on or 'none'})",
        "under way": f"{told['in_flight']:.0f}",
        "tasks": f"{told['tasks']:.0f}",
        "journal queue": f"{told['journal_waiting']:.0f}",
        "answers": answers or "none yet",
        "latest tick": f"{told['loop_lag_seconds_max'] * 1000:.0f} ms late",
        **{name: f"process {pid}" for name, pid in told.get("processes", {}).items()},
        **{f"check: {name}": said for name, said in told["checks"].items()},
    }
    for name, value in lines.items():
        print(f"{name:16} {value}")


def _step(node: str, row: "JournalRow") -> str:
    from atm_switch.domain.instant import Zone

    at = row.received.astimezone(Zone.WIB.tzinfo)
    what = {"A": "received, its PIN try reserved", "B": "ended"}.get(row.kind, row.kind)
    ended = f": {row.response_code} {row.outcome}".replace("  ", " ") if row.outcome else ""
    written = (row.written_at - row.received_at) / 1000
    by = f" of {node}" if node else ""
    return (
        f"{at:%Y-%m-%d %H:%M:%S.%f} WIB  row {row.seq}{by}  {row.kind}  {what}{ended}; "
        f"written {written:.1f} ms after it came"
    )
