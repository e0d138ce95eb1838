"""What the switch asks by itself has one shape, whatever it asks."""

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.own_request import key_of, own_request
from tests.doubles.bench import BNI, Bench


@pytest.mark.parametrize(("acquirer", "bank"), [(None, {}), (BNI, {32: "009"})])
def test_own_request_is_an_0800_of_now_under_the_next_stan(
    acquirer: AcquirerId | None, bank: dict[int, str]
) -> None:
    """DE7, DE11, DE70, and DE32 where a bank is named, in order; two have different STANs."""
    bench = Bench()
    bench.open(1)
    session = bench.switch.session_of(1)
    assert session is not None

    first, second = (own_request(session, bench.house, bench.now, "301", acquirer) for _ in "ab")

    stan = first.message[11]
    wanted = {7: f"{bench.now.utc:%m%d%H%M%S}", 11: stan, **bank, 70: "301"}
    assert ("0800", list(wanted.items())) == (
        first.message.mti,
        list(first.message.elements.items()),
    )
    assert int(stan) + 1 == int(second.message[11])
    assert (wanted[7], stan, "301") == key_of(first.message)
