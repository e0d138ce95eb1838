"""One request at two processes on one journal, in every order in which things can happen.

Plan: two real cores over one real journal in memory, with the claims of the process that
writes it.  What can happen next - a question of the journal is written, its answer arrives, a
tick passes, a process dies - is a list; every choice is taken at every place, each run from the
beginning; with a death, or another request of the same key, the choices are drawn from seeds.
A run that breaks a claim is named by its choices.
Limits: one request, at most one death, at most one other request, which the first process
declines at once.  Neighbours other than the journal answer at once: nothing the processes
share depends on when they do.
"""

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from atm_switch.adapters.journal_batch import Ink, write_batch
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.journal_claims import Claims
from atm_switch.adapters.journal_drafts import drafted
from atm_switch.adapters.journal_heads import settle_heads
from atm_switch.adapters.journal_memory import stored_answer
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.schema import migrate, migrations_of
from atm_switch.switch.effects import Asked
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import GOLDEN_INSTANT
from tests.doubles.inquiries import signed_on
from tests.doubles.memory import CountedEntropy

TICK = 0.25
WRONG = "999999"
OTHER = {42: "BNI000000000002"}
"""What makes the same key another request."""
_MIGRATIONS = migrations_of("journal")


class Process:
    """A core with the request, and what it has asked of the journal."""

    def __init__(self, name: str, pin: str) -> None:
        """Give it the request; its first question is held."""
        self.name, self.bench = name, signed_on()
        self.answer: Any = None
        self.is_written = False
        self.is_dead = False
        self.bench.holds = (FindRepeat, Reserve, Commit)
        self.request = self.bench.inquiry({52: self.bench.pin_block(pin)})
        self.bench.feed(self.bench.dialect.packager.pack(self.request))

    @property
    def asked(self) -> Asked | None:
        """What it waits for the journal with."""
        return self.bench.held[0] if self.bench.held else None

    @property
    def waits_for_tick(self) -> bool:
        """Whether another process is at work on its request."""
        return not self.is_dead and bool(self.bench.switch.in_flight) and not self.bench.held

    @property
    def said(self) -> bytes | None:
        """The answer it sent."""
        return self.bench.sent[1].payload if len(self.bench.sent) > 1 else None

    @property
    def code(self) -> str:
        """Its DE39."""
        return self.bench.dialect.packager.unpack(self.said or b"")[39]


class Town:
    """Both processes and their journal, as far as a list of choices has brought them."""

    def __init__(
        self, pin: str, tries: int, *, one_dies: bool = False, has_other: bool = False
    ) -> None:
        """Begin: both have the request, ``tries`` PIN tries of the card are used."""
        self.journal = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.journal, _MIGRATIONS, "a test")
        self.processes = [Process(name, pin) for name in ("one", "two")]
        vault = self.processes[0].bench.vault
        chains = JournalChain(vault), AuditChain(vault)
        settle_heads(self.journal, *chains)
        clock = lambda: GOLDEN_INSTANT  # noqa: E731
        self.ink = Ink(vault, *chains, clock, CountedEntropy(), is_shared=True)
        self.claims = Claims(lambda: self.processes[0].bench.now.monotonic)
        self.may_die, self.may_tick, self.may_decline = one_dies, True, has_other
        card = next(iter(self.processes[0].bench.memory.cards))
        if tries:
            self.journal.execute("INSERT INTO pin_tries VALUES (?, ?)", (card, tries))
        for process in self.processes:
            self._submit(process)

    def choices(self) -> list[tuple[str, Process]]:
        """Return what can happen next."""
        found: list[tuple[str, Process]] = []
        for process in self.processes:
            if process.is_dead or process.asked is None:
                continue
            found.append(("arrive" if process.is_written else "write", process))
        waiting = [one for one in self.processes if one.waits_for_tick]
        if waiting and self.may_tick:
            found.append(("tick", waiting[0]))
        one = self.processes[0]
        if self.may_die and one.bench.switch.in_flight:
            found.append(("die", one))
        if self.may_decline and one.bench.switch.in_flight:
            found.append(("decline", one))
        return found

    def take(self, what: str, process: Process) -> None:
        """Let it happen."""
        self.may_tick = what != "tick"
        if what == "write":
            assert process.asked is not None
            process.answer, process.is_written = self._written(process.asked.question), True
        elif what == "arrive":
            self._arrive(process)
        elif what == "tick":
            for one in self.processes:
                if not one.is_dead:
                    one.bench.pass_time(TICK)
                    self._submit(one)
        elif what == "decline":
            self._decline(process)
        else:
            process.is_dead, self.may_die = True, False
            self.claims.gone(process.name)

    def _decline(self, process: Process) -> None:
        """Have another request of the same key come, be declined, and its row be written."""
        self.may_decline, bench = False, process.bench
        other = IsoMessage(process.request.mti, {**process.request.elements, **OTHER})
        held = len(bench.held)
        bench.feed(bench.dialect.packager.pack(other))
        while len(bench.held) > held:  # is it a repeat, and then its row
            asked = bench.held.pop()
            answer = self._written(asked.question)
            self._heard(process, asked.question, answer)
            bench.perform(bench.switch.answered(asked.ticket, answer, bench.now))
        assert "94" == bench.dialect.packager.unpack(bench.sent.pop().payload)[39]

    def _submit(self, process: Process) -> None:
        """Have a new question reach the process that writes."""
        if process.is_written or process.asked is None:
            return
        question = process.asked.question
        if isinstance(question, Reserve):
            process.answer = self.claims.taken(process.name, question)
            if process.answer is not None:  # nothing that is shared depends on when it hears this
                self._arrive(process)

    def _written(self, question: Any) -> Any:
        if isinstance(question, FindRepeat):
            select = lambda sql, values: self.journal.execute(sql, values).fetchall()  # noqa: E731
            since = to_microseconds(question.since)
            return stored_answer(select, question.key, since, self.ink.vault)
        return write_batch(self.journal, self.ink, [question])[0]

    def _heard(self, process: Process, question: Any, answer: Any) -> None:
        """Have the process that writes tell an answer: a commit came to it as a draft."""
        sent = drafted(question) if isinstance(question, Commit) else question
        self.claims.heard(process.name, sent, answer)

    def _arrive(self, process: Process) -> None:
        asked, bench = process.bench.held.pop(), process.bench
        process.is_written = False
        self._heard(process, asked.question, process.answer)
        bench.perform(bench.switch.answered(asked.ticket, process.answer, bench.now))
        self._submit(process)

    def rows(self) -> str:
        """The kinds of the request's rows, in order."""
        found = self.journal.execute(
            "SELECT kind FROM journal_rows WHERE response_code IS NOT '94' ORDER BY seq"
        )
        return "".join(kind for (kind,) in found)

    def count(self, sql: str) -> int:
        """Return one number of the journal."""
        found = self.journal.execute(sql).fetchone()
        return int(found[0]) if found else 0


def ends(pin: str, tries: int) -> Iterator[tuple[Town, str]]:
    """Walk through every run; yield where each ends, and the choices that led there."""
    path: list[int] = []
    while True:
        town = Town(pin, tries)
        widths: list[int] = []
        names: list[str] = []
        while choices := town.choices():
            if len(widths) == len(path):
                path.append(0)
            what, process = choices[path[len(widths)]]
            widths.append(len(choices))
            names.append(f"{what} {process.name}")
            town.take(what, process)
        yield town, ", ".join(names)
        town.journal.close()
        while path and path[-1] + 1 == widths[-1]:
            path.pop()
            widths.pop()
        if not path:
            return
        path[-1] += 1


def drawn(pin: str, seeds: range, **may: bool) -> Iterator[tuple[Town, str]]:
    """Walk through one run of each seed, with a death, or another request, if it is drawn."""
    for seed in seeds:
        town, names = Town(pin, 0, **may), [f"seed {seed}"]
        chance = random.Random(seed)  # noqa: S311 - a seed that names a run
        while choices := town.choices():
            what, process = chance.choice(choices)
            names.append(f"{what} {process.name}")
            town.take(what, process)
        yield town, ", ".join(names)
        town.journal.close()


@pytest.mark.parametrize(
    ("pin", "tries", "code", "left"),
    [("123456", 2, "00", 0), (WRONG, 0, "55", 1), (WRONG, 2, "55", 3)],
    ids=["right", "wrong", "third and wrong"],
)
def test_one_request_is_one_row_one_try_one_event_in_every_order(
    pin: str, tries: int, code: str, left: int
) -> None:
    """Both say the same bytes; the third wrong PIN, too, is a wrong PIN on both links, not 75."""
    count = 0
    for town, choices in ends(pin, tries):
        count += 1
        one, two = town.processes
        assert one.said == two.said, choices
        assert code == one.code, choices
        assert "AB" == town.rows(), choices
        assert left == town.count("SELECT tries FROM pin_tries"), choices
        assert 1 == town.count("SELECT count(*) FROM outbox"), choices

    assert count > 100


def test_other_request_of_the_same_key_changes_nothing() -> None:
    """The process that has the request declines another of its key, whenever that comes."""
    declined = 0
    for town, choices in drawn("123456", range(100), has_other=True):
        declined += not town.may_decline
        one, two = town.processes
        assert "00" == one.code, choices
        assert one.said == two.said, choices
        assert "AB" == town.rows(), choices
        sql = "SELECT count(*) FROM outbox JOIN journal_rows ON journal_rows.seq = outbox.ref"
        assert 1 == town.count(f"{sql} WHERE response_code = '00'"), choices

    assert declined > 50


@pytest.mark.parametrize("pin", ["123456", WRONG])
def test_death_of_the_first_in_any_place_leaves_one_answer(pin: str) -> None:
    """The other answers as if alone, or from the journal; one answer is kept at most.

    A row A that was left has no B, and its try stays counted; nothing else does.
    """
    deaths, doubts = 0, 0
    for town, choices in drawn(pin, range(150), one_dies=True):
        one, two = town.processes
        if not one.is_dead:
            continue
        deaths += 1
        in_doubt = town.count(
            "SELECT count(*) FROM journal_rows AS a WHERE kind = 'A' AND NOT EXISTS"
            " (SELECT 1 FROM journal_rows AS b WHERE b.ref = a.seq)"
        )
        assert ("00" if pin != WRONG else "55") == two.code, choices
        assert town.rows() in ("AB", "AAB"), choices
        doubts += in_doubt
        assert in_doubt == len(town.rows()) - 2, choices
        assert 1 == town.count("SELECT count(*) FROM journal_rows WHERE response IS NOT NULL")
        if pin == WRONG:
            assert 1 + in_doubt == town.count("SELECT tries FROM pin_tries"), choices

    assert deaths > 50
    assert doubts > 5
