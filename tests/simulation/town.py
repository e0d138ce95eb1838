"""Who has a card and what is on the account: registry and ledger, well, slow, away or hung.

Plan: a handful of members, each with a balance of their own, so that a mix-up shows; a
contribution booked in between makes a new version of one account.  What a version answers is
asked of a calm bench once, and never of the run that is judged.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.identifiers import AcquirerId, Kpj
from atm_switch.domain.member import LinkedCard, MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.statement import AccountHistory
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import Ask, FindAccount, FindCard, FindSiblings
from tests.doubles.bench import Bench, bank, golden_history

OTHER = AcquirerId("008")
"""A second bank, whose line has no MAC."""
MEMBERS = 6
CONTRIBUTION = Money(28_500_000)
WELL, SLOW, AWAY, HUNG = "well", "slow", "away", "hung"
MOODS = (SLOW, AWAY, HUNG)


@dataclass(frozen=True, slots=True)
class Holder:
    """One member with one card."""

    number: int
    pan: str
    pin: str
    kpj: Kpj


def _with_check_digit(digits: str) -> str:
    doubled = [int(one) * (2 - at % 2) for at, one in enumerate(reversed(digits))]
    return digits + str(-sum(one - 9 * (one > 9) for one in doubled) % 10)


HOLDERS = tuple(
    Holder(number, _with_check_digit(f"99900900000{number:04d}"), f"{123450 + number}",
           Kpj(f"2345678{number:04d}"))
    for number in range(1, MEMBERS + 1)
)  # fmt: skip


def history_of(holder: Holder, version: int) -> Callable[[date], AccountHistory]:
    """Return an account to which so many contributions were booked beyond the golden ones."""

    def history(as_of: date) -> AccountHistory:
        golden = golden_history(as_of)
        more = Money(100_000 * holder.number + CONTRIBUTION.sen * version)
        return replace(golden, opening=golden.opening + more)

    return history


@cache
def calm_bench() -> Bench:
    """Return a bench with everybody's card and keys: what runs are made of, and their measure."""
    bench = Bench(
        banks=(bank(mac=MacPolicy.REQUIRED), bank(acquirer=OTHER, name="BANK LAIN")),
        bad_frames_per_minute=60, in_flight_max=40, echo_idle_seconds=4.0,
        echo_answer_seconds=6.0,
    )  # fmt: skip
    for usage, key in ((KeyUsage.PIN, bench.pin_key), (KeyUsage.MAC, bench.mac_key)):
        bench.vault = bench.vault.with_key(KeyName(usage, OTHER), LineKey.clear(key))
    bench.house.vault = bench.memory.vault = bench.vault
    bench.open(2, OTHER)
    for holder in HOLDERS:
        bench.link_card(holder.pan, holder.kpj, holder.pin)
        bench.memory.persons[holder.kpj] = Participant(
            holder.kpj,
            f"q{holder.number}",
            "BUDI SANTOSO",
            Segment.WAGE_EARNER,
            MemberStatus.ACTIVE,
            1,
        )
    session = bench.switch.session_of(2)
    assert session is not None
    session.signed_on_as = OTHER
    return bench


_asked = 0


@cache
def amounts_of(holder: Holder, version: int) -> str:
    """Return DE54 as a calm switch answers it."""
    global _asked  # noqa: PLW0603 - a STAN of its own for each question
    _asked += 1
    bench = calm_bench()
    bench.memory.histories[holder.kpj] = history_of(holder, version)
    block = bench.pin_block(holder.pin, holder.pan)
    changes: dict[int, str | None] = {
        2: holder.pan, 32: OTHER.text, 11: f"{_asked:06d}", 52: block,
    }  # fmt: skip
    answer = bench.ask(bench.inquiry(changes), 2)
    assert answer[39] == "00"
    return answer[54]


class Town:
    """Registry and ledger over all lives of the switch."""

    def __init__(self, dice: random.Random, *, mixes_accounts: bool) -> None:
        """Be well; ``mixes_accounts`` is a planted bug."""
        self._dice = dice
        self._mixes = mixes_accounts
        memory = calm_bench().memory
        self._cards: dict[bytes, LinkedCard] = memory.cards
        self._persons = memory.persons
        self.mood = WELL
        self.on_refusal: Callable[[Kpj], None] = lambda _kpj: None
        """Told of whom a question was that gets a no."""
        self._versions = {holder.kpj: [(0.0, 0)] for holder in HOLDERS}
        self._holders = {holder.kpj: holder for holder in HOLDERS}

    def book(self, holder: Holder, now: float) -> int:
        """Book a contribution; return the account's new version."""
        versions = self._versions[holder.kpj]
        versions.append((now, versions[-1][1] + 1))
        return versions[-1][1]

    def versions(self, holder: Holder, begin: float, end: float) -> list[int]:
        """Return what the account was at any time from ``begin`` to ``end``."""
        known = self._versions[holder.kpj]
        before = [version for at, version in known if at <= begin][-1:]
        return before + [version for at, version in known if begin < at <= end]

    def ask(self, question: Ask[Any]) -> Any:
        """Answer at once or with a future.  Raises ``LedgerUnavailable``."""
        mood, dice = self.mood, self._dice
        if mood == AWAY or dice.random() < 0.01:
            self.on_refusal(self._about(question))
            raise LedgerUnavailable("away")
        if mood == WELL and dice.random() < 0.5:
            return self._answer(question)
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Any] = loop.create_future()
        if mood != HUNG:
            late = dice.uniform(0.2, 10.0) if mood == SLOW else dice.uniform(0.0005, 0.05)
            loop.call_later(late, self._answer_late, waiting, question)
        return waiting

    def _about(self, question: Ask[Any]) -> Kpj:
        if isinstance(question, FindCard):
            return self._cards[question.ref.digest].kpj
        assert isinstance(question, FindSiblings | FindAccount)
        return question.kpj

    def _answer_late(self, waiting: "asyncio.Future[Any]", question: Ask[Any]) -> None:
        if not waiting.done():
            waiting.set_result(self._answer(question))

    def _answer(self, question: Ask[Any]) -> Any:
        if isinstance(question, FindCard):
            return self._cards.get(question.ref.digest)
        if isinstance(question, FindSiblings):
            return (question.kpj,)
        assert isinstance(question, FindAccount)
        kpj = question.kpj
        if self._mixes and self._dice.random() < 0.05:
            kpj = self._dice.choice(HOLDERS).kpj
        history = history_of(self._holders[kpj], self._versions[kpj][-1][1])
        return self._persons[kpj], history(question.as_of)
