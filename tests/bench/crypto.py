"""MACs and PINs beside the bare calls of ``cryptography`` that they consist of.

Plan: one message of 240 bytes, one key of each kind.  "Bare" makes a context from the key's
bytes for each call, as whoever calls the library does who keeps none; ours keeps contexts with
the key.  The two take turns; a round's value is the ratio of their CPU times.
Limits: the software engine alone; an HSM's time is its own.
"""

from collections.abc import Callable, Iterator

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.security import tdes
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pvv import visa_pvv
from tests.bench.codec_trips import cpu_microseconds
from tests.bench.figure import Bench, Goal, Got

Call = Callable[[], object]

CALLS = 3_000
RETAIL, CMAC_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes(range(16))
MESSAGE, BLOCK = b"0200" * 60, bytes(range(8))
OVER = "CPU of {} against bare calls of cryptography"
NAMES = ("a retail MAC (X9.19)", "an AES-CMAC", "opening a PIN block", "a Visa PVV")
GOALS = tuple(Goal(OVER.format(name), least=1.2, aim=1.0, less_is_better=True) for name in NAMES)


def pairs() -> dict[str, tuple[Call, Call]]:
    """Return ours and the bare calls, by name; both give the same bytes."""
    key, cmac_key = Key(RETAIL), Key(CMAC_KEY)
    pan, pin = Pan("9990090000000012"), Pin(b"123456")
    full = RETAIL + RETAIL[:8]

    def retail() -> bytes:
        chain = Cipher(TripleDES(RETAIL[:8] * 3), modes.CBC(bytes(8))).encryptor()
        before = chain.update(MESSAGE[:-8])[-8:]
        mixed = bytes(left ^ right for left, right in zip(before, MESSAGE[-8:], strict=True))
        return Cipher(TripleDES(full), modes.ECB()).encryptor().update(mixed)  # noqa: S305

    def cmac() -> bytes:
        keyed = CMAC(AES(CMAC_KEY))
        keyed.update(MESSAGE)
        return keyed.finalize()[:8]

    def opened() -> bytes:
        return Cipher(TripleDES(full), modes.ECB()).decryptor().update(BLOCK)  # noqa: S305

    def enciphered() -> bytes:
        return Cipher(TripleDES(full), modes.ECB()).encryptor().update(BLOCK)  # noqa: S305

    made: dict[str, tuple[Call, Call]] = {
        NAMES[0]: (lambda: mac(MacAlgorithm.X9_19, key, MESSAGE), retail),
        NAMES[1]: (lambda: mac(MacAlgorithm.AES_CMAC, cmac_key, MESSAGE), cmac),
        NAMES[2]: (lambda: bytes(tdes.decrypt(key, BLOCK)), opened),
    }
    for name, (ours, bare) in made.items():
        if ours() != bare():
            raise AssertionError(f"{name}: the two differ")
    # Of a PVV only the cipher is bare: what is done to its digits is ours.
    return {**made, NAMES[3]: (lambda: visa_pvv(pin, pan, "1", key), enciphered)}


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    for name, (ours, bare) in pairs().items():
        taken = [
            (cpu_microseconds(ours, CALLS), cpu_microseconds(bare, CALLS))
            for _ in range(bench.rounds + 1)
        ]
        rounds = taken[1:]  # the first warms up
        bench.say(name)
        yield Got(
            OVER.format(name),
            [mine / theirs for mine, theirs in rounds],
            parts={"ours": min(r[0] for r in rounds), "bare": min(r[1] for r in rounds)},
        )
