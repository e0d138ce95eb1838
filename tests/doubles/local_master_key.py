"""The local master key (LMK) of the test HSM, and the tokens of keys under it.

Tokens of variant keys are ``U`` or ``T`` and the key enciphered under a key derived for its
key type, so that a PIN key given as a MAC key has wrong parity; ``S`` tokens are key blocks.
Limits: the LMK lies in this process; it is a test's, not a bank's.
"""

import hmac
import os
from collections.abc import Callable

from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap, wrap
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey

BANK_TYPES = {
    KeyUsage.EXCHANGE: "000", KeyUsage.PIN: "001", KeyUsage.MAC: "008", KeyUsage.PVK: "002",
}  # fmt: skip
TERMINAL_TYPES = {KeyUsage.EXCHANGE: "002", KeyUsage.PIN: "002", KeyUsage.MAC: "003"}
BLOCK_USES = {
    KeyUsage.EXCHANGE: ("K0", "B"), KeyUsage.PIN: ("P0", "B"),
    KeyUsage.MAC: ("M3", "C"), KeyUsage.PVK: ("V2", "V"),
}  # fmt: skip
USES_OF_TYPES = {
    "000": {"K0", "52"}, "001": {"P0", "72"}, "002": {"P0", "71", "K0", "51", "V2"},
    "003": {"M3", "M6"}, "008": {"M3", "M6"},
}  # fmt: skip
"""Usages of key blocks by the key type a command means."""


class HsmFault(Exception):
    """An error code instead of an answer."""


class LocalMasterKey:
    """32 bytes under which every key leaves this HSM."""

    def __init__(self, material: bytes = b"", entropy: Callable[[int], bytes] = os.urandom) -> None:
        """Draw one where none is given."""
        self._material = material or entropy(32)
        self.entropy = entropy
        self.check = self._derived(b"check", 8).hex().upper()

    def lmk_token(
        self, key: Key, usage: KeyUsage, algorithm: str = TDES, *,
        is_of_terminal: bool = False, is_block: bool = False,
    ) -> LineKey:  # fmt: skip
        """Give a clear key's token; AES keys and ``is_block`` as a key block."""
        check = key_check_value(key, algorithm)
        if is_block or algorithm == AES:
            letters, mode = BLOCK_USES[usage]
            uses = "51" if is_of_terminal and usage is KeyUsage.EXCHANGE else letters
            uses = "M6" if (usage, algorithm) == (KeyUsage.MAC, AES) else uses
            text = self.block_token(KeyBlock(uses, algorithm, mode, "00", "E", key))
        elif is_of_terminal:
            kind = TERMINAL_TYPES[usage]
            text = f"{kind}:{self.variant_token(key, kind)}"
        else:
            text = self.variant_token(key, BANK_TYPES[usage])
        return LineKey(Key(text.encode()), check, algorithm, is_clear=False)

    def variant_token(self, key: Key, kind: str) -> str:
        """Write a key under the LMK's variant for its type."""
        return {16: "U", 24: "T"}[len(key)] + tdes.encrypt(
            self._variant(kind), key.reveal()
        ).hex().upper()

    def block_token(self, block: KeyBlock) -> str:
        """Write a key as a key block under the LMK."""
        return "S" + wrap(self._wrapping, block, self.entropy, kbpk_algorithm=AES)

    def opened(self, token: str, kind: str, error: str = "10") -> KeyBlock:
        """Open a token a command calls a key of type ``kind``; ``error`` where it is not."""
        if token.startswith("S"):
            try:
                block = unwrap(self._wrapping, token[1:], kbpk_algorithm=AES)
            except KeyBlockError:
                raise HsmFault("A4") from None
            if kind != "FFF" and block.usage not in USES_OF_TYPES[kind]:
                raise HsmFault("A6")
            return block
        key = Key(bytes(tdes.decrypt(self._variant(kind), bytes.fromhex(token[1:]))))
        if not tdes.has_odd_parity(key):
            raise HsmFault(error)
        return KeyBlock("00", TDES, "N", "00", "N", key)

    @property
    def _wrapping(self) -> Key:
        return Key(self._derived(b"block", 32))

    def _variant(self, kind: str) -> Key:
        return tdes.with_odd_parity(Key(self._derived(kind.encode(), 16)))

    def _derived(self, purpose: bytes, size: int) -> bytes:
        return hmac.digest(self._material, purpose, "sha256")[:size]
