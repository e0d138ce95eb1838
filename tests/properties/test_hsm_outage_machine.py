"""An HSM that comes and goes at random while PINs are asked about: never a fourth look.

The machine plays a bank's terminals, the operator who unblocks a card, and an HSM that is
away in every way there is: never asked, silent before its look, silent after it, and a
journal that cannot keep row B.
"""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from atm_switch.domain.errors import JournalUnavailable, NeighbourUnavailable, NeverAsked
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.ports import Commit
from tests.doubles.bench import PIN
from tests.doubles.inquiries import signed_on

TRIES_MAX = 3
WRONG_PIN = "999999"
PINS = st.sampled_from([PIN, WRONG_PIN])


class OutageMachine(RuleBasedStateMachine):
    """One card; ``looks`` counts since its last right PIN or unblocking."""

    def __init__(self) -> None:
        """Sign on; nothing has been tried."""
        super().__init__()
        self.bench = signed_on()
        self.number = 0
        self.looks = 0
        self.spent = 0
        """Tries that the journal must hold."""

    def ask(self, pin: str) -> list[str]:
        """Ask once; return the DE39 that came at once."""
        self.number += 1
        changes: dict[int, str | None] = {
            11: f"{self.number:06d}", 52: self.bench.pin_block(pin)
        }  # fmt: skip
        frame = self.bench.dialect.packager.pack(self.bench.inquiry(changes))
        return [message[39] for message in self.bench.feed(frame)]

    def during(self, faults: dict[type, Any], pin: str) -> list[str]:
        """Ask once while some neighbours fail."""
        self.bench.memory.faults.update(faults)
        code = self.ask(pin)
        self.bench.memory.faults.clear()
        return code

    @rule(pin=PINS)
    def asked_while_the_hsm_is_there(self, pin: str) -> None:
        """A right PIN clears all tries, a wrong one uses one, and none is left after three."""
        has_try = self.spent < TRIES_MAX

        code = self.ask(pin)

        right = "00" if pin == PIN else "55"
        assert [right if has_try else "75"] == code
        self.looks += has_try
        self.spent += has_try
        if code == ["00"]:
            self.looks = self.spent = 0

    @rule(pin=PINS, length=st.integers(min_value=1, max_value=4))
    def asked_while_nobody_certainly_looks(self, pin: str, length: int) -> None:
        """An outage of the certain kind uses no try, however long it is."""
        expected = "91" if self.spent < TRIES_MAX else "75"
        away: dict[type, Any] = {VerifyPin: NeverAsked("the HSM is not connected")}

        codes = [self.during(away, pin) for _ in range(length)]

        assert [[expected]] * length == codes

    @rule(pin=PINS, has_looked=st.booleans())
    def asked_while_the_answer_is_lost(self, pin: str, has_looked: bool) -> None:  # noqa: FBT001  drawn
        """An answer lost on the way uses a try, for the HSM may have looked."""
        has_try = self.spent < TRIES_MAX

        code = self.during({VerifyPin: NeighbourUnavailable("too late")}, pin)

        assert ["91" if has_try else "75"] == code
        self.looks += has_try and has_looked
        self.spent += has_try

    @rule(pin=PINS)
    def asked_while_row_b_is_lost_too(self, pin: str) -> None:
        """Where row B cannot be kept nothing is given back."""
        faults = {
            VerifyPin: NeverAsked("the HSM is not connected"),
            Commit: JournalUnavailable("the disk is full"),
        }

        assert ["96"] == self.during(faults, pin)
        self.spent += self.spent < TRIES_MAX

    @rule()
    def unblocked_by_another_process(self) -> None:
        """Unblocking between two requests clears all tries."""
        self.unblock()

    @rule(pin=PINS)
    def unblocked_while_a_question_is_under_way(self, pin: str) -> None:
        """Unblocking between row A and row B leaves nothing to be given back."""
        if self.spent == TRIES_MAX:
            return
        self.bench.memory.faults[VerifyPin] = NeverAsked("the HSM is not connected")
        self.bench.holds = (VerifyPin,)

        early = self.ask(pin)
        self.unblock()
        self.bench.release()

        assert [] == early
        self.bench.memory.faults.clear()

    def unblock(self) -> None:
        """Clear the card's tries, as the command does."""
        tries = self.bench.memory.tries
        tries.update(dict.fromkeys(tries, 0))
        self.looks = self.spent = 0

    @invariant()
    def never_a_fourth_look(self) -> None:
        """Since the last right PIN or unblocking there were never more looks than tries."""
        assert self.looks <= TRIES_MAX
        assert self.spent == sum(self.bench.memory.tries.values())


TestOutages = OutageMachine.TestCase
TestOutages.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
