"""The durable full path, requests a second, beside the same flow written the usual way.

Plan: registry, ledger of a million members, journal row synced before the reply, a log line,
on 4 links with 16 requests in flight each; ours with all it does besides (sessions, strict
decoder, repeats, chain, sealing, outbox, metrics).  Under ``acquirer`` the bank has verified
the PIN, as the usual host assumes; beside it ``issuer``, with a PIN check and two rows, and
two workers, of which the usual host has no like.  Compiled is ours alone: the usual host and
the load run the same Python beside either.  A thread that writes the journal, where by default
a process does, is shown beside both.
Two workers are shown beside one, too: as they are, and, judged, for each core that the load
left, with the CPU of a request beside it, for what two workers lose is CPU or a core that waits.
Those two have 16 links with 16 requests in flight each: of 64 each worker has half, and waits
for the writer's sync with none at hand, so that no core is ever full.
One worker's writer is a process of its own, too: it takes a third of a core beside the worker's
own, so that two cores hold about one and a half times what one worker answers, and no more.
Without the journal: ``unjournaled``.  The hosts take turns, each in a process of its own with
a fresh journal, and so is the load, whose CPU is counted apart; a host's is that of all its
processes.
Limits: two cores hold host, journal and load together.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from tests.bench.codec import COMPILED, PURE, trees_of
from tests.bench.figure import Bench, Goal, Got
from tests.bench.generator import Outcome, Wishes, run
from tests.bench.hosts import FORGETFUL, OURS, USUAL, running
from tests.bench.instructions import environment
from tests.bench.places import MEMBERS, cards_of, full_folder, settle


class Kind(NamedTuple):
    """A host, and how it is set."""

    module: str = OURS
    pin: str = "acquirer"
    workers: int = 1
    writer: str = "auto"
    code: str = PURE
    links: int = 4
    """Each with 16 requests in flight."""


FULL: Final = "durable full path, 10^6 members, requests/s against the usual way"
THREAD: Final = "the same with a thread that writes the journal, against the usual way"
ISSUER: Final = "the same under issuer: PIN verified, two rows, against the usual way"
WORKERS: Final = "the same with two workers, against the usual way"
TWO: Final = "two workers against one, 16 links, requests/s"
TWO_APART: Final = "the same, requests/s for each core that the load left"
TWO_CPU: Final = "CPU of all the switch's processes a request, one worker against two"
MACHINE: Final = "durable full path, compiled, requests/s against the usual way"
MACHINE_THREAD: Final = "the same with such a thread, compiled, against the usual way"
MACHINE_WORKERS: Final = "the same with two workers, compiled, against the usual way"
DURABLE: Final = "durable against not durable, requests/s, pure"
CPU: Final = "durable full path, CPU of the host a request, the usual way against ours"
SECONDS = 3.0
USUALLY: Final = "usual"
OURS_ALONE: Final = "ours, acquirer"
TOGETHER: Final = "ours, two workers"
FORGETS: Final = "ours, no journal"
ONE_FULL: Final = "ours, 16 links"
TWO_FULL: Final = "ours, two workers, 16 links"
IN_FLIGHT: Final = 16
KINDS: Final = {
    USUALLY: Kind(USUAL),
    OURS_ALONE: Kind(),
    "ours, a thread writes": Kind(writer="thread"),
    "ours, issuer": Kind(pin="issuer"),
    TOGETHER: Kind(workers=2),
    "ours, compiled": Kind(code=COMPILED),
    "ours, compiled, a thread writes": Kind(writer="thread", code=COMPILED),
    "ours, compiled, two workers": Kind(workers=2, code=COMPILED),
    FORGETS: Kind(FORGETFUL),
    ONE_FULL: Kind(links=16),
    TWO_FULL: Kind(links=16, workers=2),
}
BESIDE: Final = {
    FULL: OURS_ALONE,
    MACHINE: "ours, compiled",
    THREAD: "ours, a thread writes",
    MACHINE_THREAD: "ours, compiled, a thread writes",
    ISSUER: "ours, issuer",
    WORKERS: TOGETHER,
    MACHINE_WORKERS: "ours, compiled, two workers",
}
"""The rows that are a pace against that of the usual host."""
GOALS = (
    *(Goal(one, least=10, aim=20) for one in (FULL, MACHINE)),
    *(Goal(one) for one in BESIDE if one not in (FULL, MACHINE)),
    Goal(TWO),
    Goal(TWO_APART, least=1.4),
    Goal(TWO_CPU),
    Goal(CPU),
    Goal(DURABLE, least=0.5, aim=0.9),
)


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    bank = full_folder(MEMBERS, bench.say)
    trees, missing = trees_of(bench)
    kinds = {name: kind for name, kind in KINDS.items() if kind.code in trees}
    taken: dict[str, list[Outcome]] = {name: [] for name in kinds}
    for number in range(1, bench.rounds + 1):
        for name, kind in kinds.items():
            outcome = once(kind, bank, bench.folder, trees)
            taken[name].append(outcome)
            bench.say(
                f"round {number}, {name}: {outcome.per_second:,.0f}/s, p99 {outcome.p99:.1f} ms, "
                f"host {outcome.server_cpu_us:.0f} us, {outcome.load}"
            )
    pace = {name: [one.per_second for one in many] for name, many in taken.items()}
    spent = {name: [one.server_cpu_us for one in many] for name, many in taken.items()}
    parts = {name: median(many) for name, many in pace.items()}
    for figure, name in BESIDE.items():
        if name in pace:
            shown = parts if figure == FULL else {}
            yield Got(figure, _ratios(pace[name], pace[USUALLY]), parts=shown, parts_unit="/s")
        else:
            yield Got.left_out(figure, missing)
    apart = {name: [one.per_second_of_a_core for one in many] for name, many in taken.items()}
    yield Got(TWO, _ratios(pace[TWO_FULL], pace[ONE_FULL]))
    yield Got(TWO_APART, _ratios(apart[TWO_FULL], apart[ONE_FULL]))
    yield Got(TWO_CPU, _ratios(spent[ONE_FULL], spent[TWO_FULL]))
    cpu = {name: median(many) for name, many in spent.items()}
    yield Got(CPU, _ratios(spent[USUALLY], spent[OURS_ALONE]), parts=cpu)
    yield Got(DURABLE, _ratios(pace[OURS_ALONE], pace[FORGETS]))


def once(kind: Kind, bank: Path, folder: Path, trees: Mapping[str, Path]) -> Outcome:
    """Load one kind of host once."""
    writer = f'[journal]\nwriter = "{kind.writer}"\n'
    kit = settle(bank, pin=kind.pin, mac="off", more=writer, workers=kind.workers)
    journal = folder / "usual.db"
    for old in folder.glob("usual.db*"):
        old.unlink()
    arguments: dict[str, list[str | Path]] = {
        OURS: ["serve", bank],
        FORGETFUL: [bank],
        USUAL: [bank, journal],
    }
    wishes = Wishes(
        port=0, cards=str(cards_of(bank)), seconds=SECONDS, kit=str(kit), links=kind.links,
        in_flight=kind.links * IN_FLIGHT,
    )  # fmt: skip
    tree = trees[kind.code]
    variables = environment(tree, is_pure=kind.code == PURE)
    with running(
        kind.module, *arguments[kind.module], log=folder / "host.log", tree=tree,
        variables=variables,
    ) as host:  # fmt: skip
        outcome = run(wishes, host)
    if not outcome.is_clean:
        raise ChildProcessError(f"{kind}: {outcome.codes} {outcome.faults}")
    return outcome


def _ratios(over: list[float], under: list[float]) -> list[float]:
    return [one / other for one, other in zip(over, under, strict=True)]
