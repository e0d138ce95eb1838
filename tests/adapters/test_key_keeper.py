"""Claims about keeping keys of a running switch: whole, in order, and over nobody's change."""

import asyncio
from collections.abc import Callable

import pytest

from atm_switch.adapters.key_keeper import ChangedMeanwhile, KeyKeeper
from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, Ladder, LineKey
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import KeepKeys
from tests.doubles.key_line import MAC_NAME, PIN_NAME
from tests.doubles.memory import CountedEntropy

OLD, NEW, NEWER = (LineKey.clear(Key(bytes(range(at, at + 16)))) for at in (3, 40, 80))


class Disk:
    """A key file in memory."""

    def __init__(self) -> None:
        """Begin with one MAC key."""
        self.vault = Vault.fresh(CountedEntropy()).with_key(MAC_NAME, OLD)
        self.is_full = False

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """Do one change."""
        if self.is_full:
            raise Refused("the key file cannot be written")
        self.vault = change(self.vault)
        return self.vault


class Told:
    """Hears, in the loop's own thread, of keys that were not kept."""

    def __init__(self) -> None:
        """Begin with none."""
        self.names: list[tuple[KeyName, type[NeighbourUnavailable]]] = []

    def __call__(self, name: KeyName, why: NeighbourUnavailable) -> None:
        """Note one."""
        asyncio.get_running_loop()
        self.names.append((name, type(why)))


async def test_change_is_on_disk_once_answered() -> None:
    """What began from what is there replaces it, and only it."""
    disk, told = Disk(), Told()
    keeper = KeyKeeper(disk.change, told)
    disk.vault = disk.vault.with_key(PIN_NAME, NEWER)

    await keeper.keep(KeepKeys(MAC_NAME, Ladder(NEW), Ladder(OLD)))

    assert NEW is disk.vault.keys[MAC_NAME].in_use
    assert NEWER is disk.vault.keys[PIN_NAME].in_use
    assert [] == told.names
    keeper.close()


@pytest.mark.parametrize("replaces", [None, Ladder(NEW), Ladder(OLD, NEWER)])
async def test_change_from_something_else_is_not_written(replaces: Ladder | None) -> None:
    """Nothing is written, and the switch is told in its own thread before the answer."""
    disk, told = Disk(), Told()
    before = disk.vault
    keeper = KeyKeeper(disk.change, told)

    with pytest.raises(NeighbourUnavailable, match="the key file was changed meanwhile"):
        await keeper.keep(KeepKeys(MAC_NAME, Ladder(NEW), replaces))

    assert before is disk.vault
    assert [(MAC_NAME, ChangedMeanwhile)] == told.names
    keeper.close()


async def test_disk_that_is_full_is_no_change_of_others() -> None:
    """
    A key file that cannot be written is said so, without any alarm of a stranger; the switch
    looks what it holds, for the new one may stand there all the same.
    """
    disk, told = Disk(), Told()
    keeper = KeyKeeper(disk.change, told)
    disk.is_full = True

    with pytest.raises(NeighbourUnavailable, match="cannot be written"):
        await keeper.keep(KeepKeys(MAC_NAME, Ladder(NEW), Ladder(OLD)))

    assert [(MAC_NAME, NeighbourUnavailable)] == told.names
    keeper.close()


async def test_first_own_key_of_a_terminal_begins_from_its_banks() -> None:
    """Where the bank's key was replaced meanwhile, the terminal's ladder is not written."""
    disk, told = Disk(), Told()
    keeper = KeyKeeper(disk.change, told)
    own = KeyName(MAC_NAME.usage, MAC_NAME.acquirer, TerminalId("S1ABC123"))
    begun = disk.vault.keys[MAC_NAME]
    disk.vault = disk.vault.with_key(MAC_NAME, NEWER)

    with pytest.raises(NeighbourUnavailable, match="the key file was changed meanwhile"):
        await keeper.keep(KeepKeys(own, begun.received(NEW), begun))
    await keeper.keep(KeepKeys(own, Ladder(NEWER).received(NEW), disk.vault.keys[MAC_NAME]))

    assert [(own, ChangedMeanwhile)] == told.names
    assert NEW is disk.vault.keys[own].in_use
    keeper.close()
