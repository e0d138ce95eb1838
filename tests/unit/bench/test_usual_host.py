"""The peer of the full path speaks of a member as the switch does."""

from atm_switch.messages.inquiry_data import read_balance_data, write_balance_data
from atm_switch.profile.load import load_profile
from tests.bench.usual_host import _shown
from tests.unit.switch.test_slip import GOLDEN


def test_balance_is_written_as_the_switch_writes_it() -> None:
    """Its DE48 can be read, and holds the statement's own closing balance."""
    profile = load_profile("bpjstk-jht-v1")

    told = read_balance_data(write_balance_data(_shown(GOLDEN, "J26181000001"), profile), profile)

    assert GOLDEN.statement.closing == told.closing
    assert ("J26181000001", 1) == (told.host_reference, told.kpj_count)
