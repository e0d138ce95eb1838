"""An answer to every command the client sends, worked out as an HSM would.

Written from the published layout of the commands, not from the client's encoder.
Limits: only what the client asks; no authorised state, no user storage, PCI key types off.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap, wrap
from atm_switch.security.key_ring import AES, TDES
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pin_formats import PinFormat, decipher_pin, encipher_pin
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import fresh_tdes_key
from tests.doubles.local_master_key import USES_OF_TYPES, HsmFault, LocalMasterKey

EXCHANGE_TYPES = {"001": "000", "008": "000", "002": "002", "003": "002", "FFF": "FFF"}
"""The key type of the key that carries a key of a type."""

FORMATS = {
    "01": PinFormat.ZERO, "05": PinFormat.ONE, "47": PinFormat.THREE, "48": PinFormat.FOUR,
}  # fmt: skip
MACS = {"31": MacAlgorithm.X9_19, "64": MacAlgorithm.AES_CMAC}


class Fields:
    """A command's fields, read from the left."""

    def __init__(self, data: bytes) -> None:
        """Start at the first."""
        self.data = data

    def text(self, count: int, pattern: str = "[0-9A-Z]+") -> str:
        """Read so many characters.  Raises ``HsmFault`` 15."""
        text, self.data = self.data[:count].decode("latin-1"), self.data[count:]
        if len(text) != count or not re.fullmatch(pattern, text):
            raise HsmFault("15")
        return text

    def key(self) -> str:
        """Read a key, its scheme in front."""
        scheme = chr(self.data[0]) if self.data else ""
        if scheme in ("S", "R"):
            length = 1 + int(Fields(self.data[2:]).text(4, "[0-9]+"))
            return self.text(length, "[ -~]+")
        return self.text({"U": 33, "T": 49}.get(scheme, 0) or 1, "[UT][0-9A-F]+")

    def end(self) -> None:
        """Let nothing be left."""
        if self.data:
            raise HsmFault("15")


class HsmMind:
    """Answers commands."""

    def __init__(self, lmk: LocalMasterKey) -> None:
        """Answer under one LMK."""
        self.lmk = lmk
        self._verbs = {
            "NC": self._who, "DC": self._terminal_pin, "EC": self._bank_pin, "M6": self._make_mac,
            "M8": self._verify_mac, "A6": self._import, "A0": self._generate, "BU": self._check,
            "DA": self._terminal_offset, "EA": self._bank_offset,
            "CA": self._from_terminal, "CC": self._from_bank,
        }  # fmt: skip

    def answer(self, payload: bytes) -> bytes:
        """Answer the bytes behind the message header."""
        code = payload[:2].decode("latin-1")
        if len(code) < 2:
            return b"ZZ15"
        reply = (code[:1] + chr(ord(code[1:]) + 1)).encode()
        verb = self._verbs.get(code)
        if verb is None:
            return reply + b"68"
        try:
            return reply + b"00" + verb(Fields(payload[2:])).encode()
        except HsmFault as fault:
            return reply + str(fault).encode()

    def _who(self, fields: Fields) -> str:
        fields.end()
        return self.lmk.check + "0000-TEST"

    def _terminal_pin(self, fields: Fields) -> str:
        return self._pin(self.lmk.opened(fields.key(), "002"), fields)

    def _bank_pin(self, fields: Fields) -> str:
        return self._pin(self.lmk.opened(fields.key(), "001"), fields)

    def _terminal_offset(self, fields: Fields) -> str:
        return self._offset(self.lmk.opened(fields.key(), "002"), fields)

    def _bank_offset(self, fields: Fields) -> str:
        return self._offset(self.lmk.opened(fields.key(), "001"), fields)

    def _pin(self, pin_key: KeyBlock, fields: Fields) -> str:
        pvk = self.lmk.opened(fields.key(), "002", "11").key
        block, fmt = _block_of(fields), _format_of(fields, pin_key)
        pan = _pan_of(fields, is_long=fmt is PinFormat.FOUR)
        pvki, pvv = fields.text(1, "[0-9]"), fields.text(4, "[0-9]+")
        fields.end()
        with _opened(block, pan, pin_key.key, fmt) as pin:
            if visa_pvv(pin, pan, pvki, pvk) != pvv:
                raise HsmFault("01")
        return ""

    def _offset(self, pin_key: KeyBlock, fields: Fields) -> str:
        pvk = self.lmk.opened(fields.key(), "002", "11").key
        fields.text(2, "12")
        block, fmt = _block_of(fields), _format_of(fields, pin_key)
        fields.text(2, "04")
        pan = _pan_of(fields, is_long=fmt is PinFormat.FOUR)
        table, template = fields.text(16, "[0-9]+"), fields.text(12, "[0-9A-FN]+")
        offset = fields.text(12, "[0-9]{4}F{8}")
        fields.end()
        validation = template.replace("N", pan.digits[-6:-1])
        cipher = tdes.encrypt(pvk, bytes.fromhex(validation)).hex()
        with _opened(block, pan, pin_key.key, fmt) as pin:
            for place in range(4):
                natural = int(table[int(cipher[place], 16)])
                if (natural + int(offset[place])) % 10 != pin.reveal()[place] - 0x30:
                    raise HsmFault("01")
        return ""

    def _from_terminal(self, fields: Fields) -> str:
        return self._translated(self.lmk.opened(fields.key(), "002"), fields)

    def _from_bank(self, fields: Fields) -> str:
        return self._translated(self.lmk.opened(fields.key(), "001"), fields)

    def _translated(self, source: KeyBlock, fields: Fields) -> str:
        target = self.lmk.opened(fields.key(), "001", "11")
        fields.text(2, "12")
        block, fmt = _block_of(fields), _format_of(fields, source)
        wanted = _format_of(fields, target)
        if wanted is PinFormat.ONE:
            raise HsmFault("69")
        pan = _pan_of(fields, is_long=PinFormat.FOUR in (fmt, wanted))
        fields.end()
        with _opened(block, pan, source.key, fmt) as pin:
            made = encipher_pin(wanted, pin, pan, target.key, self.lmk.entropy)
            return f"{len(pin):02d}{made}" + next(
                code for code, one in FORMATS.items() if one is wanted
            )

    def _mac_of(self, fields: Fields) -> str:
        fields.text(3, "001")
        algorithm = MACS.get(fields.text(2))
        kind = fields.text(3, "003|008|FFF")
        block = self.lmk.opened(fields.key(), kind)
        if kind == "FFF" and block.usage not in ("M3", "M6"):
            raise HsmFault("A6")
        size = int(fields.text(4, "[0-9A-F]+"), 16)
        covered, fields.data = fields.data[:size], fields.data[size:]
        if algorithm is None or len(covered) != size:
            raise HsmFault("80")
        return mac(algorithm, block.key, covered).hex().upper()

    def _make_mac(self, fields: Fields) -> str:
        made = self._mac_of(fields)
        fields.end()
        return made

    def _verify_mac(self, fields: Fields) -> str:
        made = self._mac_of(fields)
        received = fields.text(16, "[0-9A-F]+")
        fields.end()
        if made != received:
            raise HsmFault("01")
        return ""

    def _import(self, fields: Fields) -> str:
        kind, zmk, wrapped = fields.text(3), fields.key(), fields.key()
        scheme = fields.text(1, "[US]")
        fields.end()
        exchange = self._exchange(zmk, kind)
        try:
            block = unwrap(exchange.key, wrapped[1:], kbpk_algorithm=exchange.algorithm)
        except KeyBlockError:
            raise HsmFault("A4") from None
        if block.algorithm == TDES:
            _require_sound(block.key)
        if kind != "FFF" and block.usage not in USES_OF_TYPES[kind]:
            raise HsmFault("A6")
        return self._token(block, kind, scheme) + key_check_value(block.key, block.algorithm)

    def _generate(self, fields: Fields) -> str:
        fields.text(1, "1")
        kind, scheme = fields.text(3), fields.text(1, "[US]")
        fields.text(2, ";[01]")
        exchange = self._exchange(fields.key(), kind)
        fields.text(1, "R")
        is_block = fields.text(1, "[&#]") == "#"
        usage, algorithm = fields.text(2), fields.text(2, "T2|A1")[0] if is_block else TDES
        mode, version, export = fields.text(1), fields.text(2), fields.text(1)
        fields.text(2, "00")
        fields.end()
        entropy = self.lmk.entropy
        key = fresh_tdes_key(entropy) if algorithm == TDES else Key(entropy(16))
        block = KeyBlock(usage, algorithm, mode, version, export, key)
        try:
            wrapped = wrap(exchange.key, block, entropy, kbpk_algorithm=exchange.algorithm)
        except KeyBlockError:
            raise HsmFault("BB") from None
        check = key_check_value(key, algorithm)
        return self._token(block, kind, scheme) + "R" + wrapped + check

    def _check(self, fields: Fields) -> str:
        fields.text(2, "FF")
        fields.text(1, "[12F]")
        token = fields.key()
        fields.text(1, ";")
        block = self.lmk.opened(token, fields.text(3))
        fields.text(4, ";001")
        fields.end()
        return key_check_value(block.key, block.algorithm)

    def _exchange(self, token: str, kind: str) -> KeyBlock:
        block = self.lmk.opened(token, EXCHANGE_TYPES[kind])
        if kind == "FFF" and block.usage not in ("K0", "51", "52"):
            raise HsmFault("A6")
        return block

    def _token(self, block: KeyBlock, kind: str, scheme: str) -> str:
        if scheme == "S":
            return self.lmk.block_token(block)
        return self.lmk.variant_token(block.key, kind)


def _block_of(fields: Fields) -> PinBlock:
    """Read a block of 32 digits where there are so many, else of 16."""
    is_long = re.match(rb"[0-9A-F]{32}48", fields.data) is not None
    return PinBlock.from_hex(fields.text(32 if is_long else 16, "[0-9A-F]+"))


def _format_of(fields: Fields, key: KeyBlock) -> PinFormat:
    fmt = FORMATS.get(fields.text(2))
    if fmt is None or (fmt is PinFormat.FOUR) != (key.algorithm == AES):
        raise HsmFault("23")
    return fmt


def _pan_of(fields: Fields, *, is_long: bool) -> Pan:
    return _long_account(fields) if is_long else _account(fields)


@contextmanager
def _opened(block: PinBlock, pan: Pan, key: Key, fmt: PinFormat) -> Iterator[Pin]:
    """Lend the PIN of a block.  Raises ``HsmFault`` 20."""
    if len(block) != (16 if fmt is PinFormat.FOUR else 8):
        raise HsmFault("20")
    pin = decipher_pin(block, pan, key, frozenset({fmt}))
    if pin is None:
        raise HsmFault("20")
    try:
        yield pin
    finally:
        pin.wipe()


def _account(fields: Fields) -> Pan:
    """Rebuild a PAN of which only 12 digits matter."""
    body = "999" + fields.text(12, "[0-9]+")
    return Pan(body + luhn_digit(body))


def _long_account(fields: Fields) -> Pan:
    digits = re.match(rb"([0-9]{12,19});", fields.data)
    if digits is None:
        raise HsmFault("22")
    fields.data = fields.data[digits.end() :]
    return Pan(digits[1].decode())


def _require_sound(key: Key) -> None:
    if not tdes.has_odd_parity(key):
        raise HsmFault("01")
    try:
        tdes.require_usable(key)
    except ValueError:
        raise HsmFault("75") from None
