"""Claims about who may come in at a listener: TLS, plaintext, networks, certificate names."""

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.settings.load import SettingsWrong, read_settings
from atm_switch.settings.shapes import is_loopback

BANK = '[[acquirers]]\nid = "009"\nname = "BANK CONTOH"\n'
TLS = 'tls_certificate = "a"\ntls_key = "b"\ntls_client_ca = "c"\n'


def listener(*lines: str, listen: str = "127.0.0.1:0") -> str:
    """Settings of one bank and one listener."""
    return f'{BANK}[[listeners]]\nlisten = "{listen}"\n' + "".join(f"{one}\n" for one in lines)


def problems_of(text: str) -> tuple[str, ...]:
    """Return the lines a wrong text is refused with."""
    with pytest.raises(SettingsWrong) as refusal:
        read_settings(text)
    return refusal.value.lines


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104  named, not bound
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001
    """What other machines could reach is not loopback, and neither is a name we cannot judge."""
    assert expected is is_loopback(host)


@pytest.mark.parametrize("listen", ["0.0.0.0:8583", "[::]:8583", "10.1.2.3:0", "switch:8583"])
def test_open_listener_needs_a_decision(listen: str) -> None:
    """Without TLS, and without saying so, nothing other machines reach is served."""
    (line,) = problems_of(listener(listen=listen))

    assert line.startswith(f'switch.toml:5: listeners[1].listen = "{listen}": is reached by other')
    assert line.endswith("or plaintext = true")


@pytest.mark.parametrize("lines", [TLS, "plaintext = true"])
def test_either_decision_is_enough(lines: str) -> None:
    """TLS, or plaintext by name, makes a listener of other machines' right."""
    settings = read_settings(listener(lines, listen="0.0.0.0:8583"))

    assert ("plaintext" in lines) is settings.listeners[0].is_exposed


def test_half_of_tls_is_refused() -> None:
    """Two of the three keys are no TLS: the missing one is named, and nothing is in the clear."""
    (line,) = problems_of(listener('tls_certificate = "a"', 'tls_key = "b"', "plaintext = true"))

    assert line.startswith('switch.toml:6: listeners[1].tls_certificate = "a": needs tls_client_ca')


def test_plaintext_beside_tls_is_refused() -> None:
    """A listener speaks one of them, so both together is a misunderstanding."""
    (line,) = problems_of(listener(TLS, "plaintext = true"))

    assert "listeners[1].plaintext = true: is of no use beside TLS" in line


@pytest.mark.parametrize(
    ("network", "advice"),
    [
        ("10.1.2.3/24", 'write "10.1.2.0/24"'),
        ("10.1.2", "is no network"),
        ("bank.example", "is no network"),
        ("10.1.2.0/33", "is no network"),
        ("", "is no network"),
    ],
)
def test_wrong_network_is_named_with_a_right_one(network: str, advice: str) -> None:
    """An entry of ``allow`` that is no network is refused at its line."""
    (line,) = problems_of(listener(f'allow = ["127.0.0.1", "{network}"]'))

    assert line.startswith(f'switch.toml:6: listeners[1].allow[2] = "{network}": ')
    assert advice in line


def test_networks_become_values() -> None:
    """Networks and single addresses of both kinds arrive."""
    settings = read_settings(listener('allow = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"]'))

    assert ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"] == [
        str(one) for one in settings.listeners[0].networks
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            BANK + 'certificate_names = ["a.example"]\n[[listeners]]\n',
            'switch.toml:4: acquirers[1].certificate_names = ["a.example"]',
        ),
        (
            listener() + '[[terminals]]\nid = "S1ABC123"\nacquirer = "009"\n'
            'certificate_name = "atm"\n',
            'switch.toml:9: terminals[1].certificate_name = "atm"',
        ),
    ],
)
def test_names_without_tls_are_refused(text: str, place: str) -> None:
    """A name nobody could ever show would keep the bank out, so it is named at the check."""
    (line,) = problems_of(text)

    assert line.startswith(f"{place}: no listener has TLS")


@pytest.mark.parametrize("names", ['[""]', '[" a"]', '["a\\u0007b"]'])
def test_unshowable_name_is_refused(names: str) -> None:
    """An empty name, blanks around it or a bell in it match no certificate."""
    (line,) = problems_of(f"{BANK}certificate_names = {names}\n[[listeners]]\n{TLS}")

    assert line.startswith("switch.toml:4: acquirers[1].certificate_names[1]")


def test_names_reach_the_policy() -> None:
    """Banks and terminals are known to the core by what their certificates are called."""
    text = (
        BANK + 'certificate_names = ["a.example", "b.example"]\n[[listeners]]\n' + TLS
        + '[[terminals]]\nid = "S1ABC123"\nacquirer = "009"\ncertificate_name = "atm-1"\n'
    )  # fmt: skip

    policy = read_settings(text).to_policy().acquirers[AcquirerId("009")]

    assert {"a.example", "b.example"} == policy.certificate_names
    assert "atm-1" == policy.terminals[TerminalId("S1ABC123")].certificate_name
