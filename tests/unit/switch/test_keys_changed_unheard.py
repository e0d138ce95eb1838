"""Claims about a key that another machine changed, and a message under it before the news."""

from dataclasses import replace

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.key_ring import LineKey
from atm_switch.security.pin_block import encipher
from atm_switch.switch.hsm_port import CheckMac, VerifyPin
from atm_switch.switch.late_keys import KEY_LOOK_SECONDS, LOOKERS_MAX, LookAtKeys
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import Commit, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, PAN, PIN, Bench, bank
from tests.doubles.key_line import MAC_NAME, NEW, NEWER, PIN_NAME, inquiry
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench


def beside_another(*, has_news: bool = True) -> Bench:
    """A switch on one journal with another machine, which has just taken a new key."""
    bench = signing_bench()
    bench.house.has_shared_keys = True
    vault = bench.house.vault
    ladder = vault.keys[MAC_NAME].received(LineKey.clear(NEW))
    bench.memory.vault = vault.with_ladder(MAC_NAME, ladder)

    def take_up() -> None:
        if has_news:
            bench.house.vault = bench.memory.vault

    bench.memory.take_up = take_up
    bench.memory.asked.clear()
    return bench


def looks(bench: Bench) -> int:
    """Count the looks at what others have changed."""
    return sum(isinstance(one, LookAtKeys) for one in bench.memory.asked)


def refused(bench: Bench, stan: int) -> str:
    """Ask under a key nobody has; the code of the answer."""
    (answer,) = bench.feed(signed_payload(bench, inquiry(bench, stan), NEWER))
    return answer[39]


def test_key_that_another_machine_took_is_looked_up_before_a_63() -> None:
    """The bank was told 00 there: the very first message under it is answered here, too."""
    bench = beside_another()

    codes = [ask_signed(bench, inquiry(bench, stan), NEW)[39] for stan in (1, 2)]

    assert (["00", "00"], 1) == (codes, looks(bench))


def test_whoever_has_no_key_is_refused_after_one_look() -> None:
    """What was tried before is not tried again, and he learns nothing: it is a 63 like any."""
    bench = beside_another()

    code = refused(bench, 1)

    checks = [one.keys for one in bench.memory.asked if isinstance(one, CheckMac)]
    assert ("63", 1) == (code, looks(bench))
    assert [[bench.mac_key.reveal()], [NEW.reveal()]] == [
        [key.token.reveal() for key in keys] for keys in checks
    ]


def test_wrong_macs_cause_one_look_a_second_for_a_bank() -> None:
    """However many come; of a flood each is refused at once."""
    bench = beside_another(has_news=False)

    codes = {refused(bench, stan) for stan in range(1, 20)}
    within_a_second = looks(bench)
    bench.pass_time(KEY_LOOK_SECONDS)
    codes |= {refused(bench, stan) for stan in range(20, 40)}

    assert ({"63"}, 1, 2) == (codes, within_a_second, looks(bench))


def test_one_bank_takes_no_look_from_another() -> None:
    """Each has its own second."""
    other = AcquirerId("014")
    banks = [bank(mac=MacPolicy.REQUIRED, acquirer=one) for one in (BNI, other)]
    bench = Bench(banks=tuple(banks))
    name = replace(MAC_NAME, acquirer=other)
    bench.house.vault = bench.house.vault.with_ladder(name, bench.house.vault.keys[MAC_NAME])
    bench.house.has_shared_keys = True

    for one in (BNI, other, BNI, other):
        echo = IsoMessage("0800", {7: "0630072507", 11: "000009", 32: one.text, 70: "301"})
        (answer,) = bench.feed(signed_payload(bench, echo, NEWER))
        assert "63" == answer[39]

    assert 2 == looks(bench)


def test_look_without_an_answer_is_a_63() -> None:
    """News that do not come are none: the keys are as far as anybody here knows."""
    bench = beside_another()
    bench.memory.faults[LookAtKeys] = NeighbourUnavailable("away")

    assert "63" == refused(bench, 1)


@pytest.mark.parametrize("is_right", [True, False])
def test_keys_of_one_machine_are_never_looked_up(*, is_right: bool) -> None:
    """Where nobody else changes them, nor for a message whose MAC is right."""
    bench = beside_another()
    bench.house.has_shared_keys = is_right

    if is_right:
        assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    else:
        assert "63" == refused(bench, 1)

    assert 0 == looks(bench)


def test_messages_that_come_together_under_a_new_key_are_all_answered() -> None:
    """One is looked for, the others wait with it: none gets the 63 of whoever comes too often."""
    bench = beside_another()
    bench.holds = (LookAtKeys,)

    for stan in range(1, LOOKERS_MAX + 2):
        bench.feed(signed_payload(bench, inquiry(bench, stan), NEW))
    one_too_many = [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[1:]]
    bench.release()
    codes = [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[2:]]

    assert ["63"] == one_too_many
    assert ["00"] * LOOKERS_MAX == codes
    assert "00" == ask_signed(bench, inquiry(bench, LOOKERS_MAX + 2), NEW)[39]


@pytest.mark.parametrize("is_shared", [True, False])
def test_keys_taken_up_while_a_mac_is_checked_count(*, is_shared: bool) -> None:
    """News may come while an HSM is at it: the message is judged by the keys there are then."""
    bench = beside_another()
    bench.house.has_shared_keys = is_shared
    bench.holds = (CheckMac,)

    bench.feed(signed_payload(bench, inquiry(bench, 1), NEW))
    bench.memory.take_up()
    bench.release()

    assert "00" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert 0 == looks(bench)


def test_another_key_taken_up_meanwhile_hides_no_change() -> None:
    """That something changed here does not say that all did."""
    bench = beside_another()
    bench.holds = (CheckMac,)

    bench.feed(signed_payload(bench, inquiry(bench, 1), NEW))
    bench.house.vault = bench.house.vault.with_key(PIN_NAME, LineKey.clear(bench.pin_key))
    bench.release()

    assert "00" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert 1 == looks(bench)


def beside_another_pin_key() -> Bench:
    """As before, of the key the terminals encipher PINs under."""
    bench = beside_another()
    vault = bench.house.vault
    ladder = vault.keys[PIN_NAME].received(LineKey.clear(NEW))
    bench.memory.vault = vault.with_ladder(PIN_NAME, ladder)
    return bench


def asked_with_pin(bench: Bench, stan: int, pin: str, key: Key) -> str:
    """Ask with a PIN block under a key; the code of the answer."""
    block = encipher(Pin(pin.encode()), Pan(PAN), key)
    return ask_signed(bench, inquiry(bench, stan, block))[39]


def test_pin_under_a_key_that_another_machine_took_is_right() -> None:
    """The customer is told no wrong PIN for news that are late, and loses no try."""
    bench = beside_another_pin_key()

    codes = [asked_with_pin(bench, stan, PIN, NEW) for stan in range(1, 5)]

    assert (["00"] * 4, 1) == (codes, looks(bench))
    assert {0} == set(bench.memory.tries.values())


@pytest.mark.parametrize(("pin", "verifications"), [("654321", 1), (None, 2)])
def test_of_each_try_one_pin_is_looked_at(pin: str | None, verifications: int) -> None:
    """
    A wrong one that was well-formed is not looked at again under new keys; one under no key that
    is known, nor then, is wrong as before. Both have news looked for, and take the same time.
    """
    bench = beside_another_pin_key()

    if pin is not None:
        code = asked_with_pin(bench, 1, pin, bench.pin_key)
    else:
        code = asked_with_pin(bench, 1, PIN, NEWER)

    assert ("55", 1, verifications) == (code, looks(bench), bench.memory.verifications)


def test_hsm_that_cannot_be_asked_again_gives_no_try_back() -> None:
    """The block has been tried under other keys: whoever has it tried on end is counted."""
    bench = beside_another_pin_key()
    take_up = bench.memory.take_up

    def away() -> None:
        take_up()
        bench.memory.faults[VerifyPin] = NeverAsked("away")

    bench.memory.take_up = away

    code = asked_with_pin(bench, 1, PIN, NEW)

    (commit,) = (one for one in bench.memory.asked if isinstance(one, Commit))
    assert ("91", None) == (code, commit.ending.returned_try)


def test_pin_key_taken_up_while_the_try_is_kept_counts() -> None:
    """News may come behind the choice of the keys: then nothing has to be looked for."""
    bench = beside_another_pin_key()
    bench.holds = (Reserve,)

    block = encipher(Pin(PIN.encode()), Pan(PAN), NEW)
    bench.feed(signed_payload(bench, inquiry(bench, 1, block)))
    bench.memory.take_up()
    bench.release()

    assert "00" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert 0 == looks(bench)
