"""Claims about a key that another machine changed, and a message under it before the news."""

from dataclasses import replace

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.security.key_ring import LineKey
from atm_switch.switch.hsm_port import CheckMac
from atm_switch.switch.late_keys import KEY_LOOK_SECONDS, LOOKERS_MAX, LookAtKeys
from atm_switch.switch.policy import MacPolicy
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
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
