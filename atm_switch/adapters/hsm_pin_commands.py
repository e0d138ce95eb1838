"""The host commands that look into PIN blocks, as bytes.

    DC  is this terminal PIN right?   TPK, PVK, PIN block, format, account, PVKI, PVV
    EC  the same of a bank's          ZPK, ...
    DA  the same by IBM 3624          TPK, PVK, PIN length at most (12), PIN block, format,
                                      check length (04), account, decimalisation table,
                                      validation data (12), offset (12, filled with F)
    EA  the same of a bank's          ZPK, ...
    CA  another block of a terminal's TPK, ZPK, PIN length at most (12), PIN block, format,
                                      format wanted, account
                                      -> PIN length (2), PIN block, format
    CC  the same of a bank's          ZPK, ZPK, ...

Formats of PIN blocks: 01 is ISO 0, 05 ISO 1, 47 ISO 3, 48 ISO 4.  The account is the twelve
rightmost digits of the PAN less the check digit.  Validation data are written with an ``N``
where the HSM puts the account's last five digits: of the sixteen digits ``ibm3624`` takes,
the first ten, ``N``, and the check digit.
Limits: publicly known are the codes and the order of the fields under a variant LMK.
Assumed, and to be checked against the manual of the HSM: of format 4 the whole PAN with
``;`` after it; that the HSM is set to take the decimalisation table in the clear.
Why a translation is judged here too, before the HSM is asked: which ones it refuses is one
of its own settings, and PCI PIN 3-3 is not.
"""

import re

from atm_switch.adapters.hsm_commands import Answer, Command
from atm_switch.adapters.hsm_tokens import Token
from atm_switch.domain.card import Pan
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import PinBlock
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey
from atm_switch.switch.hsm_port import TranslatePin, VerifyPin

PIN_FORMATS = {TDES: {"0": "01", "1": "05", "3": "47"}, AES: {"4": "48"}}
"""The HSM's codes of the ISO 9564 formats, by the algorithm of the PIN key."""

_PVV = re.compile(r"[0-9]{4}")
_STAND_IN_PVV = "0000"
_PIN_DIGITS_MAX = "12"
_CHECK_LENGTH = "04"
_VALIDATION_DIGITS = 16
_INSERTED_DIGITS = 5


def verify_pin(question: VerifyPin, key: LineKey, pin_format: str, table: str = "") -> Command:
    """Ask whether the PIN is right under one key and in one format.

    By PVV, or by IBM 3624 offset where there is a decimalisation ``table``.  A block or value
    of impossible shape is replaced by zeros, so that it costs what another costs;
    ``block_fits`` and ``pvv_fits`` tell, and then no answer counts as a yes.
    Raises ``NeighbourUnavailable`` for a key or PVKI the HSM cannot use.
    """
    if not re.fullmatch(r"[0-9]", question.pvki):
        raise NeighbourUnavailable("the index of a PIN verification key is not a digit")
    code = PIN_FORMATS[key.algorithm][pin_format]
    block = question.block if block_fits(question.block, pin_format) else _no_block(pin_format)
    value = question.pvv if pvv_fits(question.pvv) else _STAND_IN_PVV
    keys = Token.of(key, KeyUsage.PIN).text + Token.of(question.pvk, KeyUsage.PVK).text
    shown, account = _hex(block) + code, _account(question.pan, pin_format)
    if not table:
        tail = shown + account + question.pvki + value
        return Command("DC" if question.is_of_terminal else "EC", keys + tail.encode())
    tail = _PIN_DIGITS_MAX + shown + _CHECK_LENGTH + account + table
    tail += _validation_data(question.pan) + value.ljust(12, "F")
    return Command("DA" if question.is_of_terminal else "EA", keys + tail.encode())


def translate_pin(question: TranslatePin, key: LineKey, pin_format: str) -> Command:
    """Ask for the block's PIN in another block, under the next line's key.

    Whether PCI allows it is the caller's to have judged.  Raises ``NeighbourUnavailable`` for
    a key the HSM cannot use.
    """
    target = question.target_key
    block = question.block if block_fits(question.block, pin_format) else _no_block(pin_format)
    wanted = PIN_FORMATS[target.algorithm].get(question.target_format)
    if wanted is None:
        raise NeighbourUnavailable("the key is not of the algorithm of the format wanted")
    is_long = "4" in (pin_format, question.target_format)
    account = _account(question.pan, "4" if is_long else pin_format)
    keys = Token.of(key, KeyUsage.PIN).text + Token.of(target, KeyUsage.PIN).text
    tail = _hex(block) + PIN_FORMATS[key.algorithm][pin_format] + wanted + account
    code = "CA" if question.is_of_terminal else "CC"
    return Command(code, keys + (_PIN_DIGITS_MAX + tail).encode())


def read_translated(answer: Answer, question: TranslatePin) -> PinBlock:
    """Return the new block.  Raises ``NeighbourUnavailable`` for anything else."""
    digits = 2 * _block_bytes(question.target_format)
    code = PIN_FORMATS[question.target_key.algorithm][question.target_format]
    shape = rb"[0-9]{2}([0-9A-F]{%d})%s" % (digits, code.encode())
    found = re.fullmatch(shape, answer.fields)
    if found is None:
        raise NeighbourUnavailable(f"the HSM's {answer.code} is malformed")
    return PinBlock.from_hex(found[1].decode())


def block_fits(block: PinBlock, pin_format: str) -> bool:
    """Tell whether a block has the length of its format."""
    return len(block) == _block_bytes(pin_format)


def pvv_fits(pvv: str) -> bool:
    """Tell whether a PVV or an offset can be sent."""
    return _PVV.fullmatch(pvv) is not None


def _no_block(pin_format: str) -> PinBlock:
    return PinBlock(bytes(_block_bytes(pin_format)))


def _block_bytes(pin_format: str) -> int:
    return 16 if pin_format in PIN_FORMATS[AES] else 8


def _hex(block: PinBlock) -> str:
    return block.reveal().hex().upper()


def _account(pan: Pan, pin_format: str) -> str:
    return pan.digits + ";" if pin_format in PIN_FORMATS[AES] else pan.digits[-13:-1]


def _validation_data(pan: Pan) -> str:
    digits = pan.digits[-_VALIDATION_DIGITS:]
    return digits[: -1 - _INSERTED_DIGITS] + "N" + digits[-1]
