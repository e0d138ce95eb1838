"""MAC keys that change while inquiries are under way: the bank's side, and the key file.

Plan: in one run the bank draws its keys and brings them (162), in the next it asks for them
(161) and is brought them.  It uses a new key once the switch has said 00, or from its own 00
on; what is under way then, or is kept back on a line, was signed under the one before.  The
key file outlives the switch: a change is on disk some milliseconds before it is answered, or,
if the switch dies first, is there or is not.
"""

from typing import TYPE_CHECKING

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import unwrap
from atm_switch.security.key_ring import TDES
from atm_switch.security.key_rules import is_still, ladder_before
from atm_switch.security.vault import Vault, fresh_tdes_key
from atm_switch.switch.ports import KeepKeys
from atm_switch.wire.message import IsoMessage
from tests.doubles.key_line import block_of
from tests.doubles.signed_line import is_signed
from tests.simulation.town import calm_bench
from tests.simulation.wire import Wire

if TYPE_CHECKING:
    import asyncio

    from tests.simulation.bank import Bank
    from tests.simulation.worker import Worker
    from tests.simulation.world import World

ASK_FOR_KEYS, NEW_KEY = "161", "162"
CHECK_DIGITS = 6
SECONDS_BETWEEN = 3.0, 9.0
"""From one step of a change to the next; a 161 may come six times a minute."""


class KeyFile:
    """The sealed keys, over all lives of the switch."""

    def __init__(self, world: "World") -> None:
        """Begin with the keys of the calm bench."""
        self._world = world
        self.vault: Vault = calm_bench().vault

    def keep(self, asker: "Worker", question: KeepKeys) -> "asyncio.Future[None]":
        """Begin to write; the future ends when it is on disk."""
        world = self._world
        kept: asyncio.Future[None] = world.loop.create_future()
        if world.plant.forgets_keys:
            kept.set_result(None)  # a planted bug: said to be on disk
        else:
            world.loop.call_later(
                world.dice.uniform(0.001, 0.01), self._write, asker, question, kept
            )
        return kept

    def _write(self, asker: "Worker", question: KeepKeys, kept: "asyncio.Future[None]") -> None:
        if asker.is_dead:
            return
        world, name = self._world, question.name
        late = world.dice.uniform(0.001, 0.01)
        if not is_still(ladder_before(name, self.vault), question.replaces):
            mistaken = NeighbourUnavailable("the key file was changed meanwhile")
            world.loop.call_later(late, self._answer, asker, kept, mistaken)
            return
        self.vault = self.vault.with_ladder(name, question.ladder)
        world.loop.call_later(late, self._answer, asker, kept, None)

    def _answer(
        self, asker: "Worker", kept: "asyncio.Future[None]", mistake: Exception | None
    ) -> None:
        if asker.is_dead or kept.done():
            return
        if mistake is not None:
            kept.set_exception(mistake)
        else:
            kept.set_result(None)


class BankKeys:
    """What one bank knows of its MAC key."""

    def __init__(self, bank: "Bank") -> None:
        """Begin with the key of the calm bench."""
        self._bank, self._world = bank, bank.world
        self._known: list[Key] = [calm_bench().mac_key]
        self._brings = self._world.dice.random() < 0.5
        self._coming: Key | None = None
        """Brought, and not known to be taken."""
        self._said = ""
        """The STAN of the last 161 or 162."""
        self._waits = False
        """Asked, and not brought yet."""

    @property
    def in_use(self) -> Key:
        """The key to sign with."""
        return self._known[-1]

    @property
    def generation(self) -> int:
        """How often it has changed."""
        return len(self._known) - 1

    def generation_of(self, payload: bytes) -> int | None:
        """Tell under which of its keys a payload is signed, the latest first."""
        bench, known = calm_bench(), self._known
        for at in range(len(known) - 1, -1, -1):
            if is_signed(bench, payload, known[at]):
                return at
        coming = self._coming
        return len(known) if coming is not None and is_signed(bench, payload, coming) else None

    def act(self) -> None:
        """Take the next step of a change, or say it again."""
        world, bank = self._world, self._bank
        if not world.is_open:
            return
        if bank.ready:
            wire = world.dice.choice(bank.ready)
            if self._brings:
                self._coming = self._coming or fresh_tdes_key(world.dice.randbytes)
                text = key_check_value(self._coming, TDES) + block_of(calm_bench(), self._coming)
                self._said = bank.command(wire, NEW_KEY, text)
            else:
                self._waits, self._said = True, bank.command(wire, ASK_FOR_KEYS, "MAC")
        world.loop.call_later(world.dice.uniform(*SECONDS_BETWEEN), self.act)

    def answered(self, answer: IsoMessage) -> None:
        """Hear what the switch says of a key that was brought."""
        is_ours = answer.get(70) == NEW_KEY and answer.get(11) == self._said
        if is_ours and answer[39] == "00" and self._coming is not None:
            self._take(self._coming)
            self._coming = None

    def brought(self, wire: Wire, message: IsoMessage) -> None:
        """Take a key that was asked for; one that comes late is nobody's."""
        if not self._waits:
            return
        self._waits = False
        key = unwrap(calm_bench().exchange_key, message[48][CHECK_DIGITS:], kbpk_algorithm=TDES).key
        elements = {7: message[7], 11: message[11], 39: "00", 70: message[70]}
        self._bank.say_at_once(wire, IsoMessage("0810", elements))
        self._take(key)

    def _take(self, key: Key) -> None:
        self._known.append(key)
        self._world.fairness.changed(self.generation)
        self._world.auditor.counts["keys changed"] += 1
        self._world.trace.say(self._bank.name, f"uses key {self.generation}")
