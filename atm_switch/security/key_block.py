"""Key blocks of ANSI X9.143 (TR-31): a key enciphered together with what it may do.

    0       version: B (TDES protects), D (AES protects)
    1-4     length of the whole block, decimal
    5-6     usage (P0 PIN, M3/M6 MAC, K0/K1 key, V1/V2 PIN verification, ...)
    7       algorithm of the key inside: T, A
    8       mode of use          9-10  version number of the key
    11      exportability        12-13 count of optional blocks        14-15  00
    16-     optional blocks: id (2), length in hex (2, or 00 and a longer one), text
    then    the key enciphered, CBC: bits (2 bytes), key, chance - in hex
    last    CMAC of header and clear key data, 8 or 16 bytes - in hex; also CBC's IV

Cipher and MAC keys are derived from the protection key by CMAC (key derivation binding).
Plan: what everybody can see of a block is judged first; nothing else is believed before
the MAC, which is compared in constant time; only then is the length inside looked at.
Limits: keys of TDES and AES; optional blocks are authenticated and skipped.  Versions A
and C, whose keys are variants and whose MAC has 4 bytes, are refused (PCI PIN 18-3).  A
protection key must not be weaker than the key inside (PCI PIN, annex C).
Why one text for all that is wrong inside: told apart, wrong MACs and wrong padding let
the sender of many blocks read one.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import (
    BlockCipherAlgorithm,
    Cipher,
    CipherContext,
    modes,
)
from cryptography.hazmat.primitives.ciphers.algorithms import AES as AES_CIPHER
from cryptography.hazmat.primitives.cmac import CMAC

from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import AES, KEY_BYTES, TDES

HEADER_CHARACTERS = 16
_LENGTH_BYTES = 2
_FIELDS = ("[0-9A-Z]{2}", "[TA]", "[0-9A-Z]", "(?!c)[0-9A-Za-z]{2}", "[ENS]")
"""Usage, algorithm, mode of use, version number (``c``: a component), exportability."""
_HEADER = re.compile("[BD][0-9]{4}" + "".join(_FIELDS) + "[0-9]{2}00")
_OPTIONAL = re.compile("[0-9A-Z]{2}(?:00([0-9A-F]{2})|([0-9A-F]{2}))")
"""Id and length of an optional block, or id and how many bytes the length has."""
_STRENGTHS = {TDES: {16: 80, 24: 112}, AES: {16: 128, 24: 192, 32: 256}}
"""Bits by algorithm and bytes (NIST SP 800-57 part 1)."""

_ENCIPHERING, _AUTHENTICATING = 0, 1


class KeyBlockError(ValueError):
    """A key block or what should go into one is not acceptable; the text holds no key."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyBlock:
    """A key and what it may do, in the letters of ANSI X9.143.

    ``algorithm`` is ``T`` or ``A``; ``exportability`` ``E``, ``N`` or ``S``; a
    ``version_number`` that begins with ``c`` would say that the key is a component only,
    and is refused.  Raises ``KeyBlockError`` for letters a header cannot hold and for a
    key that is no key of the algorithm.
    """

    usage: str
    algorithm: str
    mode: str
    version_number: str
    exportability: str
    key: Key

    def __post_init__(self) -> None:
        """Let no block exist that no header can describe."""
        fields = (self.usage, self.algorithm, self.mode, self.version_number, self.exportability)
        if not all(map(re.fullmatch, _FIELDS, fields)):
            raise KeyBlockError("the header of a key block cannot say that")
        if len(self.key) not in KEY_BYTES[self.algorithm]:
            raise KeyBlockError("the key does not have a length of its algorithm")

    def __repr__(self) -> str:
        """Show what the key may do only."""
        return f"<KeyBlock {self.usage} {self.algorithm} {self.mode}>"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a key leaves in a wrapped block."""
        message = "a KeyBlock cannot be serialised"
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class _Binding:
    """How a version protects: its cipher, and what derivation calls the cipher's keys."""

    version: str
    algorithm: str
    block_bytes: int
    cipher: Callable[[bytes], BlockCipherAlgorithm]
    indicators: Mapping[int, int]

    def cmac(self, key: bytes, message: bytes | bytearray) -> bytes:
        authenticator = CMAC(self.cipher(key))
        authenticator.update(bytes(message))
        return authenticator.finalize()

    def derived(self, kbpk: Key, purpose: int) -> bytes:
        """Derive a key as long as ``kbpk`` itself."""
        size, protecting = len(kbpk), kbpk.reveal()
        tail = bytes((0, purpose, 0)) + self.indicators[size].to_bytes(2, "big")
        tail += (8 * size).to_bytes(2, "big")
        rounds = range(1, 1 + -(-size // self.block_bytes))
        return b"".join(self.cmac(protecting, bytes((n,)) + tail) for n in rounds)[:size]

    def enciphering(self, kbpk: Key, iv: bytes) -> Cipher[modes.CBC]:
        return Cipher(self.cipher(self.derived(kbpk, _ENCIPHERING)), modes.CBC(iv))

    def mac(self, kbpk: Key, header: str, clear: bytearray) -> bytes:
        return self.cmac(self.derived(kbpk, _AUTHENTICATING), header.encode() + clear)


def _triple_des(key: bytes) -> BlockCipherAlgorithm:
    return TripleDES((key + key[: tdes.BLOCK_BYTES])[:24])


_BINDINGS = {
    "B": _Binding("B", TDES, tdes.BLOCK_BYTES, _triple_des, {16: 0, 24: 1}),
    "D": _Binding("D", AES, 16, AES_CIPHER, {16: 2, 24: 3, 32: 4}),
}
_VERSIONS = {TDES: "B", AES: "D"}


def wrap(
    kbpk: Key,
    block: KeyBlock,
    entropy: Callable[[int], bytes],
    *,
    kbpk_algorithm: str | None = None,
    masks_length: bool = True,
) -> str:
    """Write the key block: version B under a TDES key, D under an AES key.

    ``kbpk_algorithm`` says which the protection key is; left out, it is taken to be of
    the algorithm of the key inside, and of AES if it has 32 bytes.  ``entropy`` gives the
    padding, up to the longest key of the algorithm if ``masks_length``.  Raises
    ``KeyBlockError`` for a protection key that cannot be used or is the weaker one.
    """
    longest = KEY_BYTES[TDES][-1]
    algorithm = kbpk_algorithm or (AES if len(kbpk) > longest else block.algorithm)
    if algorithm not in _VERSIONS:
        raise KeyBlockError("a key block protection key is of T or A")
    binding = _BINDINGS[_VERSIONS[algorithm]]
    _require_protector(binding, kbpk)
    _require_strength(binding, kbpk, block)
    masked = KEY_BYTES[block.algorithm][-1] if masks_length else len(block.key)
    clear = _laid_out(block.key, masked, binding.block_bytes, entropy)
    try:
        length = HEADER_CHARACTERS + 2 * (len(clear) + binding.block_bytes)
        header = _header_of(block, binding.version, length)
        mac = binding.mac(kbpk, header, clear)
        enciphered = _run(binding.enciphering(kbpk, mac).encryptor(), clear)
        return header + enciphered.hex().upper() + mac.hex().upper()
    finally:
        tdes.wipe_buffer(clear)


def unwrap(kbpk: Key, text: str, *, kbpk_algorithm: str | None = None) -> KeyBlock:
    """Read a key block of version B or D.

    ``kbpk_algorithm``: what the protection key is; a block of the other's version is
    refused.  Raises ``KeyBlockError``, with one text for whatever is wrong inside.
    """
    binding = _binding_of(text, kbpk_algorithm)
    header, enciphered, mac = _taken_apart(binding, text)
    _require_protector(binding, kbpk)
    clear = _run(binding.enciphering(kbpk, mac).decryptor(), enciphered)
    try:
        is_genuine = hmac.compare_digest(binding.mac(kbpk, header, clear), mac)
        key = _key_inside(clear, header[7]) if is_genuine else None
    finally:
        tdes.wipe_buffer(clear)
    if key is None:
        raise KeyBlockError("the key block is not authentic")
    block = KeyBlock(header[5:7], header[7], header[8], header[9:11], header[11], key)
    _require_strength(binding, kbpk, block)
    return block


def _header_of(block: KeyBlock, version: str, length: int) -> str:
    attributes = block.usage + block.algorithm + block.mode
    return f"{version}{length:04}{attributes}{block.version_number}{block.exportability}0000"


def _binding_of(text: str, kbpk_algorithm: str | None) -> _Binding:
    version = text[:1]
    if version in ("A", "C"):
        raise KeyBlockError(f"a key block of version {version} is refused: send B or D")
    binding = _BINDINGS.get(version)
    if binding is None or not _HEADER.match(text):
        raise KeyBlockError("the key block's header is malformed")
    if kbpk_algorithm not in (None, binding.algorithm):
        raise KeyBlockError("the key block's version is not of its protection key's algorithm")
    return binding


def _taken_apart(binding: _Binding, text: str) -> tuple[str, bytes, bytes]:
    """Split into header with optional blocks, enciphered key data and MAC, still hearsay."""
    if int(text[1:5]) != len(text):
        raise KeyBlockError("the key block is not as long as it says")
    end = HEADER_CHARACTERS
    for _ in range(int(text[12:14])):
        end = _end_of_optional_block(text, end)
    mac_at = len(text) - 2 * binding.block_bytes
    header, enciphered, mac = text[:end], text[end:mac_at], text[mac_at:]
    is_whole = end % binding.block_bytes == 0 and len(enciphered) % (2 * binding.block_bytes) == 0
    if not (is_whole and enciphered and re.fullmatch(r"[0-9A-F]+", enciphered + mac)):
        raise KeyBlockError("the key block's key data are malformed")
    return header, bytes.fromhex(enciphered), bytes.fromhex(mac)


def _end_of_optional_block(text: str, start: int) -> int:
    found = _OPTIONAL.match(text, start)
    if found is None:
        raise KeyBlockError("the key block's optional blocks are malformed")
    at, digits = found.end(), found[2] or ""
    if found[1]:
        digits = text[at : at + 2 * int(found[1], 16)]
        at += len(digits)
    is_length = re.fullmatch(r"(?:[0-9A-F]{2}){1,4}", digits)
    end = start + int(digits, 16) if is_length else 0
    if not at <= end <= len(text) or not re.fullmatch(r"[ -~]*", text[at:end]):
        raise KeyBlockError("the key block's optional blocks are malformed")
    return end


def _require_protector(binding: _Binding, kbpk: Key) -> None:
    if len(kbpk) not in binding.indicators:
        raise KeyBlockError("the key block protection key has a wrong length")
    try:
        if binding.algorithm == TDES:
            tdes.require_usable(kbpk)
    except ValueError as error:
        raise KeyBlockError(f"the key block protection key cannot be used: {error}") from None


def _require_strength(binding: _Binding, kbpk: Key, block: KeyBlock) -> None:
    strength = _STRENGTHS[block.algorithm][len(block.key)]
    if _STRENGTHS[binding.algorithm][len(kbpk)] < strength:
        raise KeyBlockError("the key is stronger than the one that protects it")


def _laid_out(
    key: Key, masked: int, block_bytes: int, entropy: Callable[[int], bytes]
) -> bytearray:
    size = _LENGTH_BYTES + masked
    size += -size % block_bytes
    clear = bytearray((8 * len(key)).to_bytes(_LENGTH_BYTES, "big"))
    clear += key.reveal()
    clear += entropy(size - len(clear))
    return clear


def _key_inside(clear: bytearray, algorithm: str) -> Key | None:
    bits = int.from_bytes(clear[:_LENGTH_BYTES], "big")
    size = bits // 8
    is_sane = bits % 8 == 0 and size in KEY_BYTES[algorithm]
    if not is_sane or _LENGTH_BYTES + size > len(clear):
        return None
    return Key(clear[_LENGTH_BYTES : _LENGTH_BYTES + size])


def _run(context: CipherContext, blocks: bytes | bytearray) -> bytearray:
    # update_into wants room for one block less a byte beyond the result.
    room = bytearray(len(blocks) + 15)
    try:
        context.update_into(blocks, room)
        return room[: len(blocks)]
    finally:
        tdes.wipe_buffer(room)
