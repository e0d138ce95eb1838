"""One machine and who stands before it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from atm_switch.wire.message import IsoMessage
from tests.doubles.inquiries import de48
from tests.simulation.town import HOLDERS, calm_bench
from tests.simulation.words import Said, key_of

if TYPE_CHECKING:
    from tests.simulation.bank import Bank

ASKS_MAX = 4
"""How often one inquiry is said before the terminal gives up."""
WRONG_PIN = "999999"


class Terminal:
    """Asks one thing after the other."""

    def __init__(self, bank: "Bank", name: str) -> None:
        """Wait for ``act``."""
        self._bank, self.name = bank, name
        self._world = bank.world
        self._said: Said | None = None
        """What it waits for."""
        self._asked = 0
        self._recordings: list[bytes] = []

    def act(self) -> None:
        """Do the next thing."""
        world, dice = self._world, self._world.dice
        if not world.is_open:
            return
        chance = dice.random()
        if chance < 0.03:
            self._bank.sign_off()
        elif chance < 0.06 and self._bank.ready:
            self._bank.command(dice.choice(self._bank.ready), "301")
        elif chance < 0.14 and self._recordings:
            world.trace.say(self.name, "plays a recording")
            self._bank.send(self.name, dice.choice(self._recordings))
        else:
            self._ask_anew()
            return
        world.loop.call_later(dice.uniform(0.1, 1.0), self.act)

    def _ask_anew(self) -> None:
        world, dice = self._world, self._world.dice
        holder, is_right = dice.choice(HOLDERS), dice.random() < 0.8
        stan = self._bank.next_stan()
        bench = calm_bench()
        # By its number the member's KPJ is looked for among all of hers, by the card it is not.
        data = de48(holder.kpj.digits, lookup=1) if dice.random() < 0.5 else de48()
        changes: dict[int, str | None] = {
            2: holder.pan, 7: self._bank.stamp(), 11: stan, 15: None, 32: self._bank.acquirer.text,
            37: f"518107{stan}", 41: self.name, 48: data,
            52: bench.pin_block(holder.pin if is_right else WRONG_PIN, holder.pan),
        }  # fmt: skip
        self._said = Said(bench.inquiry(changes), holder, is_right, world.loop.time())
        self._asked = 0
        self._say()

    def _say(self) -> None:
        """Say it, or say it again."""
        said, world = self._said, self._world
        assert said is not None
        world.auditor.says(said)
        mti = "0201" if self._asked else "0200"
        message = IsoMessage(mti, said.message.elements)
        payload = self._bank.packed(message)
        pin = "right" if said.is_right else "wrong"
        world.trace.say(self.name, f"{mti} {said.key[3]} card {said.holder.number} {pin} PIN")
        if self._bank.send(self.name, payload) is not None:
            self._asked += 1
            self._recordings.append(payload)
        if world.dice.random() < 0.05:
            world.trace.say(self.name, "says it over a second line too")
            self._bank.send(self.name, payload)
        if world.dice.random() < 0.05:
            self._alter(said)
        world.loop.call_later(world.dice.uniform(2.0, 10.5), self._wait_over, said)

    def _alter(self, said: Said) -> None:
        message = said.message.with_element(22, "021")
        other = replace(said, message=message)
        self._world.auditor.says(other)
        self._world.trace.say(self.name, f"alters {said.key[3]}")
        self._bank.send(self.name, self._bank.packed(message))

    def _wait_over(self, said: Said) -> None:
        if self._said is not said:
            return
        if self._asked >= ASKS_MAX or not self._world.is_open:
            self._world.trace.say(self.name, f"gives {said.key[3]} up")
            self._next()
        else:
            self._say()

    def answered(self, message: IsoMessage, payload: bytes) -> None:
        """Take an answer, whoever waits for it."""
        world = self._world
        world.trace.say(self.name, f"gets {message[39]} to {message.get(11)}")
        key = key_of(message)
        content = message.get(22)
        said = world.auditor.said.get((key, content)) if content else None
        said = said or next(
            (one for (known, _), one in world.auditor.said.items() if known == key), None
        )
        if said is not None:
            world.auditor.arrived(said, message, payload, world.loop.time())
        if self._said is not None and key == self._said.key:
            self._next()

    def _next(self) -> None:
        self._said = None
        self._world.loop.call_later(self._world.dice.uniform(0.05, 1.5), self.act)
