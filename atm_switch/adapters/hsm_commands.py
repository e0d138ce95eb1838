"""The host commands of a payShield-style HSM, as bytes.

    frame      length (2 bytes, big-endian), message header, command code, fields
    answer     length, the same header, answer code (the command's, one letter on),
               error code (2 characters, 00 is well), fields - where the error code is 00

    NC  who are you              -> LMK check value (16), firmware
    PINs: see hsm_pin_commands
    M6  make a MAC               mode 0, input 0 (binary), size 1 (8 bytes), algorithm,
                                 padding, key type, key, length (4 hex), message -> MAC (16)
    M8  is this MAC right?       as M6, and the MAC (16)
    A6  take a key in            key type, ZMK, R and key block, key scheme -> key, KCV (6)
    A0  make a key               mode 1, key type, key scheme, ;0 (ZMK) or ;1 (TMK), that
                                 key, R, then & or # and what the block's header is to say
                                 -> key, R and key block, KCV (6)
    BU  key check value          FF, key length flag, key, ; key type, ;00 and 1 -> KCV (6)

Keys are tokens (``hsm_tokens``).
Limits: publicly known are the framing, the command codes, the order of the fields of NC,
M6, M8, A6, A0 and BU under a variant LMK, and the error codes.  Assumed, and to be
checked against the manual of the HSM: algorithm 6 and padding 4 for AES-CMAC; ``#`` and the
algorithm as T2 or A1 where keys are key blocks; ``;0`` before the ZMK there too; the flag F
of BU for key blocks.  One LMK: no LMK identifier is sent.
Why the key block is looked at before it is sent: what it says of itself ends the field,
so one that lies about its length would write the fields behind it.
"""

import re
from dataclasses import dataclass, field

from atm_switch.adapters.hsm_tokens import Token, take_key
from atm_switch.adapters.software_hsm import BLOCK_MODES, BLOCK_USAGES, BLOCK_WRITTEN_MODES
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.profile.model import Framing
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey
from atm_switch.security.mac import MacAlgorithm
from atm_switch.switch.hsm_port import ImportKey, KeyRefused, MintKey

PAYLOAD_BYTES_MAX = 32_000
"""What one command or answer may have; an HSM takes little more."""

_MAC_RULES = {MacAlgorithm.X9_19: "31", MacAlgorithm.AES_CMAC: "64"}
"""Algorithm and padding of M6 and M8."""

_BLOCK_ALGORITHMS = {TDES: "T2", AES: "A1"}
_LENGTH_FLAGS = {"U": "1", "T": "2", "S": "F"}
_BLOCK = re.compile(r"[BD]([0-9]{4})([0-9A-Z]{2})([TA])([0-9A-Z])[ -~]+")


@dataclass(frozen=True, slots=True)
class Command:
    """One command.  Its fields are not for showing: PIN blocks, PANs and tokens are in them."""

    code: str
    fields: bytes = field(repr=False)

    @property
    def payload(self) -> bytes:
        """The bytes behind the message header."""
        return self.code.encode() + self.fields

    @property
    def answer_code(self) -> str:
        """The code of its answer: the second character one on."""
        return self.code[0] + chr(ord(self.code[1]) + 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the HSM says to a command."""

    code: str
    error: str
    fields: bytes = field(repr=False)

    @classmethod
    def read(cls, payload: bytes) -> "Answer":
        """Take an answer apart.  Raises ``ValueError``, which quotes nothing."""
        found = re.match(rb"([A-Z][0-9A-Z])([0-9A-Z]{2})", payload)
        if found is None:
            message = "the answer is malformed"
            raise ValueError(message)
        return cls(found[1].decode(), found[2].decode(), payload[found.end() :])


def framing_of(header_digits: int) -> Framing:
    """Return how commands and answers are framed."""
    return Framing(
        length="binary-big-endian",
        length_bytes=2,
        counts_itself=False,
        header_bytes=header_digits,
        header_starts=b"",
        header_own=b"",
        header_is_tpdu=False,
        trailer=b"",
        counts_trailer=False,
        payload_bytes_max=PAYLOAD_BYTES_MAX,
    )


def diagnostics() -> Command:
    """Ask the HSM who it is."""
    return Command("NC", b"")


def make_mac(algorithm: MacAlgorithm, key: LineKey, covered: bytes) -> Command:
    """Ask for a MAC.  Raises ``NeighbourUnavailable`` for a key the HSM cannot use."""
    return Command("M6", _mac_fields(algorithm, key, covered))


def verify_mac(algorithm: MacAlgorithm, key: LineKey, covered: bytes, received: bytes) -> Command:
    """Ask whether a MAC of eight bytes is right.  Raises as ``make_mac``."""
    return Command("M8", _mac_fields(algorithm, key, covered) + received.hex().upper().encode())


def import_key(question: ImportKey) -> Command:
    """Ask for the key inside a key block.

    Raises ``KeyRefused`` for a block whose header does not say what was asked for, and
    ``NeighbourUnavailable`` for an exchange key the HSM cannot use.
    """
    _require_block(question.block, question.usage, question.algorithm)
    exchange = Token.of(question.exchange_key, KeyUsage.EXCHANGE)
    kind = exchange.type_below(question.usage, question.algorithm)
    text = b"R" + question.block.encode()
    return Command("A6", kind.encode() + exchange.text + text + exchange.scheme.encode())


def generate_key(question: MintKey) -> Command:
    """Ask for a fresh key and its key block.  Raises ``NeighbourUnavailable``."""
    exchange = Token.of(question.exchange_key, KeyUsage.EXCHANGE)
    kind = exchange.type_below(question.usage, question.algorithm)
    flag = ";1" if exchange.is_of_terminal else ";0"
    usage = BLOCK_USAGES[question.usage][question.algorithm]
    rest = BLOCK_WRITTEN_MODES[question.usage] + "00" + "E" + "00"
    says = "&" + usage + rest
    if exchange.is_block:
        says = "#" + usage + _BLOCK_ALGORITHMS[question.algorithm] + rest
    head = ("1" + kind + exchange.scheme + flag).encode()
    return Command("A0", head + exchange.text + b"R" + says.encode())


def check_value(key: LineKey, usage: KeyUsage) -> Command:
    """Ask for a key's check value.  Raises ``NeighbourUnavailable``."""
    token = Token.of(key, usage)
    head = "FF" + _LENGTH_FLAGS[token.scheme]
    return Command("BU", head.encode() + token.text + f";{token.key_type};001".encode())


def read_diagnostics(answer: Answer) -> str:
    """Return the check value of the HSM's LMK, 16 hex digits."""
    return _hex(answer, answer.fields[:16], 16)


def read_mac(answer: Answer) -> bytes:
    """Return the MAC.  Raises ``NeighbourUnavailable`` for anything else."""
    return bytes.fromhex(_hex(answer, answer.fields, 16))


def read_check_value(answer: Answer) -> str:
    """Return a check value, six hex digits.  Raises ``NeighbourUnavailable``."""
    return _hex(answer, answer.fields, 6)


def read_imported(answer: Answer) -> tuple[bytes, str]:
    """Return a key under the LMK and its check value.  Raises ``NeighbourUnavailable``."""
    key, rest = take_key(answer.fields, "UTS")
    return key, _hex(answer, rest, 6)


def read_generated(answer: Answer, question: MintKey) -> tuple[bytes, str, str]:
    """Return a key under the LMK, its key block and its check value.

    Raises ``NeighbourUnavailable`` for an answer that has not all of it, or a block that
    does not say what was asked for.
    """
    key, rest = take_key(answer.fields, "UTS")
    wrapped, check = take_key(rest, "R")
    block = wrapped[1:].decode()
    try:
        _require_block(block, question.usage, question.algorithm)
    except KeyRefused as error:
        raise NeighbourUnavailable(f"the HSM made another key block: {error}") from None
    return key, block, _hex(answer, check, 6)


def _mac_fields(algorithm: MacAlgorithm, key: LineKey, covered: bytes) -> bytes:
    token = Token.of(key, KeyUsage.MAC)
    head = "001" + _MAC_RULES[algorithm] + token.key_type
    return head.encode() + token.text + f"{len(covered):04X}".encode() + covered


def _require_block(block: str, usage: KeyUsage, algorithm: str) -> None:
    found = _BLOCK.fullmatch(block)
    if found is None or int(found[1]) != len(block):
        raise KeyRefused("the key block's header is malformed, or not of version B or D")
    wanted = BLOCK_USAGES[usage][algorithm]
    if (found[2], found[3]) != (wanted, algorithm):
        raise KeyRefused(f"the key block is not for {wanted} {algorithm}")
    if found[4] not in BLOCK_MODES[usage]:
        raise KeyRefused("the key block's mode of use does not fit")


def _hex(answer: Answer, text: bytes, digits: int) -> str:
    if not re.fullmatch(rb"[0-9A-F]{%d}" % digits, text):
        raise NeighbourUnavailable(f"the HSM's {answer.code} is malformed")
    return text.decode()
