"""Claims about links whose certificate is not that of the bank or terminal they speak for."""

import pytest

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.switch.policy import MacPolicy, TerminalPolicy
from atm_switch.switch.ports import FindCard, KeepKeys
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.inquiries import network
from tests.doubles.key_line import delivery
from tests.doubles.signed_line import SIGN_ON, ask_signed

OWN, OTHERS = "atm-1.bank.example", "atm-2.bank.example"
TERMINAL = TerminalId("S1ABC123")


def behind_tls(bench: Bench, *names: str) -> Bench:
    """Open a link whose peer showed a certificate of these names."""
    bench.perform(
        bench.switch.opened(
            2, "192.0.2.2:1", bench.dialect, BNI, bench.now,
            peer_names=frozenset(names), is_tls=True,
        )
    )  # fmt: skip
    return bench


def of_a_terminal(*names: str, **policy: object) -> Bench:
    """A link of a bank whose one listed terminal has a certificate of its own."""
    listed = {TERMINAL: TerminalPolicy(zone=Zone.WIB, certificate_name=OWN)}
    return behind_tls(Bench(banks=(bank(terminals=listed, **policy),)), *names)


@pytest.mark.parametrize(
    ("names", "code"), [((OWN,), "00"), ((OTHERS, OWN), "00"), ((OTHERS,), "58"), ((), "58")]
)
def test_terminal_asks_over_its_own_certificate_only(names: tuple[str, ...], code: str) -> None:
    """Another certificate, or none, is 58 before anything is looked up."""
    bench = of_a_terminal(*names)
    bench.sign_on(2)

    assert code == bench.ask(bench.inquiry(), 2)[39]
    assert (code == "00") is any(isinstance(one, FindCard) for one in bench.memory.asked)


def test_terminal_without_a_name_asks_over_any_certificate() -> None:
    """What is not listed, or listed without a name, is not bound to one."""
    bench = of_a_terminal(OTHERS)
    bench.sign_on(2)

    assert "00" == bench.ask(bench.inquiry({41: "S1ABC999"}), 2)[39]


@pytest.mark.parametrize(("names", "code"), [((OWN,), "00"), ((OTHERS,), "58"), ((), "58")])
def test_terminals_key_is_taken_over_its_own_certificate_only(
    names: tuple[str, ...], code: str
) -> None:
    """Whoever has the bank's key but not the terminal's certificate changes no key of it."""
    bench = of_a_terminal(*names, mac=MacPolicy.REQUIRED)
    assert "00" == ask_signed(bench, SIGN_ON, link=2)[39]
    elements = {**delivery(bench).elements, 41: TERMINAL.text}

    answer = ask_signed(bench, IsoMessage("0800", dict(sorted(elements.items()))), link=2)

    assert code == answer[39]
    assert (code == "00") is any(isinstance(one, KeepKeys) for one in bench.memory.asked)


@pytest.mark.parametrize(
    ("names", "code", "then"),
    [((OWN,), "00", "00"), ((OTHERS, OWN), "00", "00"), ((OTHERS,), "31", "58"), ((), "31", "58")],
)
def test_bank_signs_on_over_one_of_its_certificates_only(
    names: tuple[str, ...], code: str, then: str
) -> None:
    """Another's certificate, or none, is 31, and nothing passes on that link."""
    ours = frozenset({OWN, "spare.bank.example"})
    bench = behind_tls(Bench(banks=(bank(certificate_names=ours),)), *names)

    assert code == bench.ask(network("001"), 2)[39]
    assert then == bench.ask(bench.inquiry(), 2)[39]
