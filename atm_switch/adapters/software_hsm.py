"""PIN verification in this process: for test and lab.

PCI PIN asks for hardware on every link (security.md finding 10), so production mode
refuses this engine.
Plan: terminal's or acquirer's PIN key, clear block, PIN, PVV; every buffer wiped on the
way out.
Limits: the keys lie in this process; a look at its memory finds them.
Why the detour over a stand-in PIN: a malformed block costs the same work as a wrong PIN,
so neither the answer nor its time class tells which it was.
"""

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.pin_block import decipher, decode_format_0
from atm_switch.security.pvv import pvv_matches
from atm_switch.security.tdes import BLOCK_BYTES, wipe_buffer
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import VerifyPin

_STAND_IN = b"0000"


class SoftwareHsm:
    """The HSM's questions answered from a vault.  For test and lab only."""

    def __init__(self, vault: Vault) -> None:
        """Keep the vault."""
        self._vault = vault

    def verify_pin(self, question: VerifyPin) -> bool:
        """Tell whether the block holds the PIN behind the PVV; one ``False`` for every wrong.

        Raises ``NeighbourUnavailable`` where a key is missing: that is nobody's wrong PIN.
        """
        pin_key, pvk = self._keys(question)
        clear = _decipher(question.block, pin_key)
        pin: Pin | None = None
        stand_in = Pin(_STAND_IN)
        try:
            pin = decode_format_0(clear, question.pan)
            matches = pvv_matches(pin or stand_in, question.pan, question.pvki, pvk, question.pvv)
            return matches and pin is not None
        finally:
            wipe_buffer(clear)
            if pin is not None:
                pin.wipe()

    def _keys(self, question: VerifyPin) -> tuple[Key, Key]:
        pin_key = self._vault.pin_key(question.acquirer, question.terminal)
        if pin_key is None:
            message = f"no PIN key for acquirer {question.acquirer}"
            raise NeighbourUnavailable(message)
        pvk = self._vault.pvk(question.pvki)
        if pvk is None:
            message = "no PIN verification key for the card's PVKI"
            raise NeighbourUnavailable(message)
        return pin_key, pvk


def _decipher(block: PinBlock, pin_key: Key) -> bytearray:
    """Decipher; a block of wrong length costs the same and decodes to nothing."""
    if len(block) == BLOCK_BYTES:
        return decipher(block, pin_key)
    wipe_buffer(decipher(PinBlock(bytes(BLOCK_BYTES)), pin_key))
    return bytearray(BLOCK_BYTES)
