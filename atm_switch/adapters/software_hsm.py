"""The HSM's answers computed in this process: for test and lab.

PCI PIN asks for hardware on every link (security.md finding 10), so production mode
refuses this engine.
Plan: it holds no key; each question brings its own, in the clear.  PINs live in wiped
buffers.
Limits: the keys lie in this process; a look at its memory finds them.
Why the detour over a stand-in PIN: a malformed block costs the same work as a wrong PIN,
and every key that may be meant is tried, so neither the answer nor its time class tells
which it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import NeverAsked
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.ibm3624 import offset_matches
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap, wrap
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey
from atm_switch.security.mac import MacAlgorithm, mac, mac_matches
from atm_switch.security.pin_block import Opened
from atm_switch.security.pin_formats import PinFormat, open_block
from atm_switch.security.pin_translation import require_allowed, translate
from atm_switch.security.pvv import pvv_matches
from atm_switch.security.vault import Entropy, fresh_line_key
from atm_switch.switch.hsm_port import (
    CheckMac,
    ImportKey,
    KeyRefused,
    MakeMac,
    MintedKey,
    MintKey,
    PinVerdict,
    TranslatePin,
    TranslationRefused,
    VerifyPin,
)

_STAND_IN_DIGITS = 6
_PADDING = bytes(2 * tdes.BLOCK_BYTES)
"""Put behind every block, so that cutting to length copies whatever the length was."""
_TO_DIGITS = bytes(0x30 + octet % 10 for octet in range(256))

BLOCK_USAGES = {
    KeyUsage.PIN: {TDES: "P0", AES: "P0"},
    KeyUsage.MAC: {TDES: "M3", AES: "M6"},
}
"""What a key block says of a key's use (ANSI X9.143, table of key usages)."""

BLOCK_MODES = {KeyUsage.PIN: "BDN", KeyUsage.MAC: "CN"}
"""Modes of use under which a key may be taken (ANSI X9.143): this side deciphers PIN blocks,
and both makes and verifies MACs.  ``N`` says nothing against either."""

BLOCK_WRITTEN_MODES = {KeyUsage.PIN: "B", KeyUsage.MAC: "C"}

PinMatcher = Callable[[Pin, Pan, str, Key, str], bool]
"""PIN, PAN, key index, key and the card's value: whether they belong together."""


def ibm_3624(table: str) -> PinMatcher:
    """Return the matcher of offsets under a fixed decimalisation table."""

    def matches(pin: Pin, pan: Pan, _index: str, pvk: Key, offset: str) -> bool:
        return offset_matches(pin, pan, pvk, table, offset)

    return matches


def pin_matcher(method: str, table: str) -> PinMatcher:
    """Return how PINs are verified: ``visa-pvv`` or ``ibm-3624`` with its table."""
    return ibm_3624(table) if method == "ibm-3624" else pvv_matches


class SoftwareHsm:
    """The HSM's questions answered here.  For test and lab only."""

    def __init__(self, entropy: Entropy, matches: PinMatcher = pvv_matches) -> None:
        """``entropy`` draws keys; ``matches`` is how PINs are verified."""
        self._entropy = entropy
        self._matches = matches

    def verify_pin(self, question: VerifyPin) -> PinVerdict:
        """Tell whether the block holds the card's PIN; one no for every wrong.

        Raises ``NeverAsked`` for a key this engine cannot use: that is nobody's wrong PIN.
        """
        allowed = frozenset(PinFormat(one) for one in question.formats)
        pvk = _clear(question.pvk)
        stand_in = _stand_in(question.block)
        blocks = [
            _opened(question.block, question.pan, _clear(key), allowed) for key in question.keys
        ]
        # Which one is looked at is a matter of places, not of branches; the stand-in is the last.
        at = [*[one.is_good for one in blocks], True].index(True)
        pins = [*[one.pin for one in blocks], stand_in]
        key_at = (*range(len(blocks)), None)[at]
        try:
            with _a_key_that_fails_is_no_answer():
                matches = self._matches(pins[at], question.pan, question.pvki, pvk, question.pvv)
            return PinVerdict(matches & (at < len(blocks)), key_at)
        finally:
            for one in pins:
                one.wipe()

    def translate_pin(self, question: TranslatePin) -> PinBlock | None:
        """Make another block of the same PIN and PAN; ``None`` where there is no PIN inside.

        Raises ``TranslationRefused``, and ``NeverAsked`` for a key this engine cannot use.
        """
        target, allowed = require_translation(question)
        if (target is PinFormat.FOUR) != (question.target_key.algorithm == AES):
            raise NeverAsked("the key is not of the algorithm of the format wanted")
        if len(question.block) != _block_bytes(allowed):
            return None
        made = []
        with _a_key_that_fails_is_no_answer():
            for key in question.keys:
                text = translate(
                    question.block, question.pan, _clear(key), allowed,
                    _clear(question.target_key), target, self._entropy,
                )  # fmt: skip
                made.append(text)
        return next((PinBlock.from_hex(text) for text in made if text is not None), None)

    def check_mac(self, question: CheckMac) -> int | None:
        """Tell which key the MAC was made with; each is tried."""
        algorithm = MacAlgorithm(question.algorithm)
        covered, received = question.covered, question.received
        with _a_key_that_fails_is_no_answer():
            verdicts = [
                mac_matches(algorithm, _clear(key), covered, received) for key in question.keys
            ]
        return _first([at for at, is_right in enumerate(verdicts) if is_right is True])

    def make_mac(self, question: MakeMac) -> bytes:
        """Make a MAC.  Raises ``NeighbourUnavailable`` for a key this engine cannot use."""
        algorithm = MacAlgorithm(question.algorithm)
        with _a_key_that_fails_is_no_answer():
            return mac(algorithm, _clear(question.key), question.covered)

    def import_key(self, question: ImportKey) -> LineKey:
        """Open a key block.  Raises ``KeyRefused``."""
        try:
            exchange = question.exchange_key
            opened = unwrap(_clear(exchange), question.block, kbpk_algorithm=exchange.algorithm)
        except KeyBlockError as error:
            raise KeyRefused(str(error)) from None
        wanted = BLOCK_USAGES[question.usage][question.algorithm]
        if (opened.usage, opened.algorithm) != (wanted, question.algorithm):
            raise KeyRefused(f"the key block is not for {wanted} {question.algorithm}")
        if opened.mode not in BLOCK_MODES[question.usage]:
            raise KeyRefused("the key block's mode of use does not fit")
        if opened.algorithm == TDES and not tdes.has_odd_parity(opened.key):
            raise KeyRefused("the key does not have odd parity")
        try:
            return LineKey.clear(opened.key, opened.algorithm)
        except ValueError as error:
            raise KeyRefused(str(error)) from None

    def mint_key(self, question: MintKey) -> MintedKey:
        """Make a key and its block.  Raises ``NeighbourUnavailable`` as ``make_mac`` does."""
        with _a_key_that_fails_is_no_answer():
            key = fresh_line_key(question.algorithm, self._entropy)
            text = wrapped(key, question.usage, question.exchange_key, self._entropy)
        return MintedKey(key, text)


def wrapped(key: LineKey, usage: KeyUsage, exchange_key: LineKey, entropy: Entropy) -> str:
    """Write a clear key's block under the line's exchange key.

    Raises ``KeyBlockError``, and ``NeighbourUnavailable`` for a key that is not clear.
    """
    block = KeyBlock(
        usage=BLOCK_USAGES[usage][key.algorithm],
        algorithm=key.algorithm,
        mode=BLOCK_WRITTEN_MODES[usage],
        version_number="00",
        exportability="E",
        key=_clear(key),
    )
    return wrap(_clear(exchange_key), block, entropy, kbpk_algorithm=exchange_key.algorithm)


def require_translation(question: TranslatePin) -> tuple[PinFormat, frozenset[PinFormat]]:
    """Return the format wanted and those allowed.  Raises ``TranslationRefused``."""
    target = PinFormat(question.target_format)
    allowed = frozenset(PinFormat(one) for one in question.formats)
    try:
        for source in allowed:
            require_allowed(source, target)
    except ValueError as error:
        raise TranslationRefused(str(error)) from None
    return target, allowed


def _first(places: list[int]) -> int | None:
    """Return the first place; by no generator, which takes longer where one was found."""
    return [*places, None][0]


def _clear(key: LineKey) -> Key:
    if not key.is_clear:
        raise NeverAsked("a key is under an HSM's master key; set hsm.engine")
    return key.token


def _opened(block: PinBlock, pan: Pan, key: Key, allowed: frozenset[PinFormat]) -> Opened:
    """Decipher; a block of another length costs the same and holds no PIN."""
    length = _block_bytes(allowed)
    fits = len(block) == length
    with _a_key_that_fails_is_no_answer():
        pin, is_good = open_block(_resized(block, length), pan, key, allowed)
    return Opened(pin, is_good & fits)


def _block_bytes(allowed: frozenset[PinFormat]) -> int:
    return 2 * tdes.BLOCK_BYTES if PinFormat.FOUR in allowed else tdes.BLOCK_BYTES


def _resized(block: PinBlock, length: int) -> PinBlock:
    return PinBlock((block.reveal() + _PADDING)[:length])


def _stand_in(block: PinBlock) -> Pin:
    """Make up a PIN to verify where there is none.

    Of the block's bytes, for one and the same PIN is verified faster each time than many.
    """
    octets = (block.reveal() + _PADDING)[:_STAND_IN_DIGITS]
    return Pin(octets.translate(_TO_DIGITS))


@contextmanager
def _a_key_that_fails_is_no_answer() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise NeverAsked(f"a key cannot be used: {error}") from None
