"""The durable full path, requests a second, beside the same flow written the usual way.

Plan: registry, ledger of a million members, journal row synced before the reply, a log line,
on 4 links with 16 requests in flight each; ours with all it does besides (sessions, strict
decoder, repeats, chain, sealing, outbox, metrics).  Under ``acquirer`` the bank has verified
the PIN, as the usual host assumes; beside it ``issuer``, with a PIN check and two rows, and
two workers, of which the usual host has no like.
Without the journal: ``unjournaled``.  The hosts take turns, each in a process of its own with
a fresh journal, and so is the load, whose CPU is counted apart.
Limits: two cores hold host, journal and load together; of two workers' CPU that of the process
that watches them is all that is told.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.figure import Bench, Goal, Got
from tests.bench.generator import Outcome, Wishes, run
from tests.bench.hosts import FORGETFUL, OURS, USUAL, running
from tests.bench.places import MEMBERS, cards_of, full_folder, settle

FULL: Final = "durable full path, 10^6 members, requests/s against the usual way"
ISSUER: Final = "the same under issuer: PIN verified, two rows, against the usual way"
WORKERS: Final = "the same with two workers, against the usual way"
DURABLE: Final = "durable against not durable, requests/s, pure"
CPU: Final = "durable full path, CPU of the host a request, the usual way against ours"
GOALS = (
    Goal(FULL, least=10, aim=20),
    Goal(ISSUER),
    Goal(WORKERS),
    Goal(CPU),
    Goal(DURABLE, least=0.5, aim=0.9),
)
SECONDS = 3.0
KINDS: Final = {
    "usual": (USUAL, "acquirer", 1),
    "ours, acquirer": (OURS, "acquirer", 1),
    "ours, issuer": (OURS, "issuer", 1),
    "ours, two workers": (OURS, "acquirer", 2),
    "ours, no journal": (FORGETFUL, "acquirer", 1),
}


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    bank = full_folder(MEMBERS, bench.say)
    taken: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
    for number in range(1, bench.rounds + 1):
        for kind in KINDS:
            outcome = once(kind, bank, bench.folder)
            taken[kind].append(outcome)
            bench.say(
                f"round {number}, {kind}: {outcome.per_second:,.0f}/s, p99 {outcome.p99:.1f} ms, "
                f"host {outcome.server_cpu_us:.0f} us, load {outcome.cpu_us:.0f} us"
            )
    pace = {kind: [one.per_second for one in many] for kind, many in taken.items()}
    spent = {kind: [one.server_cpu_us for one in many] for kind, many in taken.items()}
    ours, usual = pace["ours, acquirer"], pace["usual"]
    parts = {kind: sorted(many)[len(many) // 2] for kind, many in pace.items()}
    yield Got(FULL, _ratios(ours, usual), parts=parts, parts_unit="/s")
    yield Got(ISSUER, _ratios(pace["ours, issuer"], usual))
    yield Got(WORKERS, _ratios(pace["ours, two workers"], usual))
    cpu = {kind: sorted(many)[len(many) // 2] for kind, many in spent.items()}
    yield Got(CPU, _ratios(spent["usual"], spent["ours, acquirer"]), parts=cpu)
    yield Got(DURABLE, _ratios(ours, pace["ours, no journal"]))


def once(kind: str, bank: Path, folder: Path) -> Outcome:
    """Load one kind of host once."""
    module, pin, workers = KINDS[kind]
    kit = settle(bank, pin=pin, mac="off", workers=workers)
    journal = folder / "usual.db"
    for old in folder.glob("usual.db*"):
        old.unlink()
    arguments: dict[str, list[str | Path]] = {
        OURS: ["serve", bank],
        FORGETFUL: [bank],
        USUAL: [bank, journal],
    }
    wishes = Wishes(port=0, cards=str(cards_of(bank)), seconds=SECONDS, kit=str(kit))
    with running(module, *arguments[module], log=folder / "host.log") as host:
        outcome = run(wishes, host)
    if not outcome.is_clean:
        raise ChildProcessError(f"{kind}: {outcome.codes} {outcome.faults}")
    return outcome


def _ratios(over: list[float], under: list[float]) -> list[float]:
    return [one / other for one, other in zip(over, under, strict=True)]
