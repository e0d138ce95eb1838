"""``atm-switch audit``: who did what to the switch, and whether that record is whole."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from atm_switch.adapters.audit_rows import AuditRow
    from atm_switch.adapters.audit_verify import NotedHead
    from atm_switch.adapters.postgres_reader import Told

FOLLOW_SECONDS = 0.5
"""How often ``--follow`` looks for new rows."""

_HEADING = f"{'written (WIB)':19} {'seq':>7}  {'kind':13}  {'actor':22}  subject"
_NO_TIME = "????-??-?? ??:??:??"
"""For a row that was tampered with."""


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch audit tail bank --follow",
        "atm-switch audit verify bank",
        "atm-switch audit verify bank --expect 42:9f86d081884c7d65",
        "atm-switch audit export bank > audit.jsonl",
    ),
)
def audit() -> None:
    """Look through the audit: keys, sign-ons, settings, commands, refused peers.

    Rows are only ever added, each tied to all before it.
    """


@audit.command(
    epilog=examples(
        "atm-switch audit tail bank            the last 20 records",
        "atm-switch audit tail bank -n 100     the last 100",
        "atm-switch audit tail bank --follow   and whatever comes, until Ctrl-C",
    )
)
@data_folder
@click.option(
    "-n", "count", type=click.IntRange(0, 1_000_000), default=20, show_default=True,
    metavar="N", help="How many records.",
)  # fmt: skip
@click.option("--follow", "-f", is_flag=True, help="Go on with new records until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def tail(folder: Path, count: int, follow: bool, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Print the last records, oldest first."""
    from atm_switch.adapters.journal_place import open_audit
    from atm_switch.folder import open_folder

    line_of = _as_json if as_json else _as_text
    with open_audit(open_folder(folder).journal_place) as book:
        rows, seen = book.tail(count)
        if not as_json:
            print(_HEADING)
        _print_rows(rows, line_of)
        while follow:
            rows, seen = book.since(seen)
            _print_rows(rows, line_of)
            if not rows:
                pause(FOLLOW_SECONDS)


@audit.command(
    epilog=examples(
        "atm-switch audit verify bank",
        "atm-switch audit verify bank --expect 42:9f86d081884c7d65",
        "",
        "Note the head it prints on another machine. With --expect a noted head must still",
        "be in the audit: that finds a file replaced by an older copy of itself.",
    )
)
@data_folder
@click.option(
    "--expect", callback=lambda _context, _option, text: _noted(text), metavar="SEQ:HASH",
    help="A head noted before, which must still be there.",
)  # fmt: skip
def verify(folder: Path, expect: "NotedHead | None") -> None:
    """Check that no record was changed, added, moved or taken out; exits 1 if any was."""
    from atm_switch.adapters.audit_verify import NotedHead
    from atm_switch.adapters.journal_place import open_audit
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder

    opened = open_folder(folder)
    with open_audit(opened.journal_place) as book:
        nodes = book.verify(opened.vault(), expect)
    for node, found in nodes.items():
        by = f" of {node}" if node else ""
        for finding in found.findings:
            at = f" at {finding.sequence}" if finding.sequence else ""
            print(f"{finding.fault.value}{at}{by}")
    rows = sum(found.rows for found in nodes.values())
    count = sum(len(found.findings) for found in nodes.values())
    if count:
        hint = "" if rows else "; in a folder never worked with, it has not begun yet"
        raise Refused(f"the audit is not as it was written: {count} finding(s){hint}")
    print(f"the audit is sound: {rows} record(s)")
    for node, found in nodes.items():
        print(f"head {NotedHead.of(found.head)}" + (f" of {node}" if node else ""))


@audit.command(epilog=examples("atm-switch audit export bank > audit.jsonl"))
@data_folder
def export(folder: Path) -> None:
    """Print all records as JSON lines, oldest first, with their links."""
    from atm_switch.adapters.journal_place import open_audit
    from atm_switch.folder import open_folder

    with open_audit(open_folder(folder).journal_place) as book:
        rows, seen = book.since({})
        while rows:
            _print_rows(rows, _as_json)
            rows, seen = book.since(seen)


def _noted(text: str | None) -> "NotedHead | None":
    from atm_switch.adapters.audit_verify import NotedHead

    if text is None:
        return None
    try:
        return NotedHead.read(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _print_rows(
    rows: "Iterable[Told[AuditRow]]", line_of: "Callable[[Told[AuditRow]], str]"
) -> None:
    for one in rows:
        print(line_of(one), flush=True)


def _as_text(one: "Told[AuditRow]") -> str:
    from atm_switch.adapters.audit_rows import harmless
    from atm_switch.domain.instant import Zone

    row = one.row
    local = row.time and row.time.astimezone(Zone.WIB.tzinfo)
    at = f"{local:%Y-%m-%d %H:%M:%S}" if local else _NO_TIME
    # made harmless again, for a row that was tampered with is shown too
    kind, actor, what = harmless(row.kind), harmless(row.actor), harmless(row.subject)
    detail = f": {harmless(row.detail)}" if row.detail else ""
    return f"{at} {row.seq:>7}  {kind:13}  {actor:22}  {what}{detail}" + (
        f"  {one.node}" if one.node else ""
    )


def _as_json(one: "Told[AuditRow]") -> str:
    row = one.row
    at = row.time and row.time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    told = {"seq": row.seq, "at": at, "kind": row.kind, "actor": row.actor}
    if one.node:
        told = {"node": one.node, **told}
    return json.dumps(
        {**told, "subject": row.subject, "detail": row.detail, "link": row.chain.hex()}
    )
