"""What an answer may be: every reply held against what was asked, and against what went wrong.

Plan: whatever a bank says is known here, byte for byte, with the key it was signed under.  So
is every frame the switch is handed, and all trouble there is.  A refusal without a cause, an
answer behind its time, a MAC under another key is a broken promise.
Limits: a cause that is there excuses whoever was refused meanwhile, also where it was not it.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atm_switch.domain.identifiers import Kpj
from atm_switch.switch.case import LATE_SECONDS
from atm_switch.wire.message import IsoMessage
from tests.simulation.town import calm_bench
from tests.simulation.words import Key, Said, key_of

if TYPE_CHECKING:
    from tests.simulation.world import World

UNPROVEN = {"63", "30", "12"}
"""DE39 of what could not be read or believed."""
SILENT = {"91", "96"}
"""DE39 of what a neighbour did not answer."""
STALE = "68"
WRONG_PIN = "55"
SILENCES = {"idle", "our echo was not answered", "a frame was not finished in time"}
"""Why the switch hangs up on whom it does not hear."""
KEYS_KEPT = 2
"""A frame under one of so many keys before the one in use is believed, within five minutes."""
EXCUSED_SECONDS = 11.0
"""What waited behind a request that met trouble waits as long as that."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One payload of a bank."""

    key: Key
    is_inquiry: bool
    generation: int
    """Of the key it was signed under."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as the switch was handed it, byte for byte as it was said."""

    at: float
    generation: int
    lag: int
    """How many keys the bank was further by then."""
    is_stale: bool
    """Whether the DE7 of an inquiry was outside of the window, by the switch's clock."""


class Fairness:
    """Everything said and heard, and all trouble."""

    def __init__(self, world: "World") -> None:
        """Begin with a quiet world."""
        self._world = world
        rules = calm_bench().dialect.profile.inquiry
        self._window = rules.de7_window_seconds
        self._budget = rules.request_seconds_max + LATE_SECONDS
        self._spoken: dict[bytes, Spoken] = {}
        self._heard: defaultdict[tuple[int, Key], list[Heard]] = defaultdict(list)
        self._of_key: defaultdict[Key, list[Heard]] = defaultdict(list)
        self._spoilt: set[int] = set()
        """Links on which something came that nobody said."""
        self._trouble_until = self._silent_until = 0.0
        self._refused_at: defaultdict[Kpj, list[float]] = defaultdict(list)
        self._generation = 0
        self._clock_moved = False

    # -- what happens

    def spoken(self, payload: bytes, message: IsoMessage, generation: int) -> None:
        """Hear a bank say something."""
        is_inquiry = message.mti in ("0200", "0201")
        self._spoken[payload] = Spoken(key_of(message), is_inquiry, generation)

    def changed(self, generation: int) -> None:
        """See a bank take another key."""
        self._generation = generation

    def handed(self, link: int, payload: bytes) -> None:
        """See the switch be handed a frame."""
        world, spoken = self._world, self._spoken.get(payload)
        if spoken is None:
            self._spoilt.add(link)
            return
        now, said = world.loop.time(), self._meant(spoken.key)
        off = abs(now + world.clock_off - min((one.at for one in said), default=now))
        heard = Heard(
            now, spoken.generation, self._generation - spoken.generation, off > self._window
        )
        self._heard[link, spoken.key].append(heard)
        if spoken.is_inquiry:
            self._of_key[spoken.key].append(heard)

    def trouble(self, seconds: float, *, is_of_lines: bool) -> None:
        """Have something go wrong for so long that may cost an answer, or a line."""
        until = self._world.loop.time() + seconds
        self._trouble_until = max(self._trouble_until, until)
        if is_of_lines:
            self._silent_until = max(self._silent_until, until)

    def healed(self) -> None:
        """Have all trouble over."""
        self._trouble_until = min(self._trouble_until, self._world.loop.time())

    def refused(self, kpj: Kpj) -> None:
        """See the ledger say no to one question about a member."""
        self._refused_at[kpj].append(self._world.loop.time())

    def clock_moved(self) -> None:
        """See the switch's clock be set: five minutes are another five minutes then."""
        self._clock_moved = True

    # -- what must hold

    def leaving(self, link: int, answer: IsoMessage) -> None:
        """Hold an answer that leaves against what came before it."""
        key, code, must = key_of(answer), answer[39], self._world.auditor.must
        heard = self._heard.get((link, key), [])
        if code in UNPROVEN:
            kept = 0 if self._clock_moved else KEYS_KEPT
            is_old = any(one.lag > kept for one in heard)
            must(
                f"{code} to {key} was spoilt on its way, or under a key of long ago",
                holds=link in self._spoilt or (code == "63" and is_old),
            )
            return
        if answer.mti != "0210":
            return
        now = self._world.loop.time()
        must(
            f"{code} to {key} leaves within its time",
            holds=any(now - one.at <= self._budget for one in heard),
        )
        if code in SILENT:
            must(f"{code} to {key} has a cause", holds=self._has_cause(key))
        self._in_time(key, code)

    def _has_cause(self, key: Key) -> bool:
        """Tell whether something went wrong when an inquiry was first heard, or a while before."""
        first = self._of_key[key][0].at  # a 91 is stored, and said again
        holder = self._meant(key)[0].holder
        refused = (first <= at <= first + self._budget for at in self._refused_at[holder.kpj])
        return first <= self._trouble_until + EXCUSED_SECONDS or any(refused)

    def _in_time(self, key: Key, code: str) -> None:
        """Hold what was decided once, and is said again later, against the clock and the PIN."""
        heard, auditor = self._of_key[key], self._world.auditor
        if code == STALE:
            auditor.must(f"68 to {key} is stale", holds=any(one.is_stale for one in heard))
        if code == "00":
            auditor.must(f"00 to {key} was fresh", holds=any(not one.is_stale for one in heard))
        if code == WRONG_PIN:
            is_wrong = any(not said.is_right for said in self._meant(key))
            auditor.must(f"55 to {key} had a wrong PIN", holds=is_wrong)

    def _meant(self, key: Key) -> list[Said]:
        return self._world.auditor.meant(key)

    def given_up(self, why: str) -> None:
        """See the switch hang up on a bank: a clock that is set is no silence."""
        if why in SILENCES:
            self._world.auditor.must(
                f"a line is given up ({why}) that was silent",
                holds=self._world.loop.time() <= self._silent_until + EXCUSED_SECONDS,
            )

    def signed(self, link: int, answer: IsoMessage, generation: int | None) -> None:
        """See an answer arrive unspoilt, signed under a key of the bank, or under none."""
        heard = self._heard.get((link, key_of(answer)), [])
        is_believed = answer.get(39) not in UNPROVEN
        wanted = {one.generation for one in heard if is_believed}
        self._world.auditor.must(
            f"{answer.mti} {answer.get(11)} is signed under the key of its request",
            holds=generation is not None and (not wanted or generation in wanted),
        )
