"""Claims about who must send MACs: the bank, or its terminal; never the message itself."""

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.switch.policy import MacPolicy, TerminalPolicy
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.memory import CountedEntropy
from tests.doubles.signed_line import (
    SIGN_ON,
    ask_signed,
    signed_payload,
    signing_bench,
)

ECHO = IsoMessage("0800", {7: "0630072507", 11: "000009", 70: "301"})


def test_terminal_may_differ_from_its_bank() -> None:
    """A listed terminal's own word counts for its messages, the bank's for all others."""
    free = TerminalPolicy(zone=Zone.WIB, mac=MacPolicy.OFF)
    policy = bank(mac=MacPolicy.REQUIRED, terminals={TerminalId("S1ABC123"): free})
    bench = Bench(banks=(policy,))
    ask_signed(bench, SIGN_ON)
    pack = bench.dialect.packager.pack

    (free_one,) = bench.feed(pack(bench.inquiry()))
    (other,) = bench.feed(pack(bench.inquiry({11: "000124", 41: "S1ABC124"})))

    assert ("00", "63") == (free_one[39], other[39])


def test_terminal_may_require_where_its_bank_does_not() -> None:
    """The same the other way round: only the listed terminal must sign."""
    strict = TerminalPolicy(zone=Zone.WIB, mac=MacPolicy.REQUIRED)
    bench = Bench(banks=(bank(terminals={TerminalId("S1ABC123"): strict}),))
    bench.sign_on()
    pack = bench.dialect.packager.pack

    (strict_one,) = bench.feed(pack(bench.inquiry()))
    (other,) = bench.feed(pack(bench.inquiry({11: "000124", 41: "S1ABC124"})))

    assert ("63", "00") == (strict_one[39], other[39])


def test_message_cannot_choose_its_policy() -> None:
    """After sign-on a DE32 of a bank without MACs does not switch the MAC off."""
    other = AcquirerId("014")
    banks = (bank(mac=MacPolicy.REQUIRED), bank(acquirer=other))
    bench = Bench(banks=banks)
    ask_signed(bench, IsoMessage("0800", {**SIGN_ON.elements, 32: "009"}))
    pack = bench.dialect.packager.pack

    (inquiry,) = bench.feed(pack(bench.inquiry({32: "014"})))
    (sign_off,) = bench.feed(pack(IsoMessage("0800", {**ECHO.elements, 32: "014", 70: "002"})))

    assert ("63", "63") == (inquiry[39], sign_off[39])


def test_nobodys_message_is_not_believed() -> None:
    """Where banks differ, a message of no bank or a strange one is refused, unsigned.

    The stranger hears what a known bank without its MAC hears: nothing tells them apart.
    """
    banks = (bank(mac=MacPolicy.REQUIRED), bank(acquirer=AcquirerId("014")))
    bench = Bench(banks=banks)

    (nameless,) = bench.feed(bench.dialect.packager.pack(ECHO))
    (stranger,) = bench.feed(
        bench.dialect.packager.pack(IsoMessage("0800", {**ECHO.elements, 32: "099"}))
    )

    assert ("30", "63") == (nameless[39], stranger[39])


def test_missing_key_is_63_not_through() -> None:
    """A bank that requires MACs and has no key is refused, never let through."""
    bench = Bench(banks=(bank(mac=MacPolicy.REQUIRED, acquirer=AcquirerId("014")),))

    (answer,) = bench.feed(bench.dialect.packager.pack(SIGN_ON))

    assert "63" == answer[39]


def test_terminals_own_key_comes_first() -> None:
    """A terminal with a key of its own is not proven by its bank's."""
    bench = signing_bench()
    own = fresh_tdes_key(CountedEntropy())

    name = KeyName(KeyUsage.MAC, BNI, TerminalId("S1ABC123"))
    bench.house.vault = bench.house.vault.with_key(name, LineKey.clear(own))

    (by_bank,) = bench.feed(signed_payload(bench, bench.inquiry()))

    assert "63" == by_bank[39]
    assert "00" == ask_signed(bench, bench.inquiry(), own)[39]


def test_free_terminal_opens_no_command_of_its_bank() -> None:
    """A terminal without MACs may inquire so; cut-over and keys are its bank's word."""
    free = TerminalPolicy(zone=Zone.WIB, mac=MacPolicy.OFF)
    bench = Bench(banks=(bank(mac=MacPolicy.REQUIRED, terminals={TerminalId("S1ABC123"): free}),))
    ask_signed(bench, SIGN_ON)
    before = dict(bench.house.business_dates)

    for code in ("001", "201", "161", "002"):
        unsigned = IsoMessage("0800", {7: "0630072507", 11: "000009", 41: "S1ABC123", 70: code})
        (answer,) = bench.feed(bench.dialect.packager.pack(unsigned))
        assert "63" == answer[39]

    assert before == bench.house.business_dates
