"""0800: who a link belongs to, and what it may do before and after it said so."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import KeepBusinessDate, KeepRecord
from atm_switch.switch.session import RECORD_SECONDS
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.inquiries import commits, network, signed_on

BRI = AcquirerId("002")
TWO_BANKS = (bank(), replace(bank(), acquirer=BRI, name="BANK LAIN"))
SIGN_ON, SIGN_OFF, ECHO, CUT_OVER = "001", "002", "301", "201"


def test_sign_on_takes_the_named_bank() -> None:
    """
    DE32 says whose link it is, and only that bank's inquiries get through.
    """
    bench = Bench(banks=TWO_BANKS)

    response = bench.ask(network(SIGN_ON, {32: "009"}))

    assert ("0810", "00", "009") == (response.mti, response[39], response[32])
    assert "00" == bench.ask(bench.inquiry())[39]
    assert "31" == bench.ask(bench.inquiry({32: "002"}))[39]


def test_sign_on_falls_to_the_listener_bank() -> None:
    """
    Without DE32 the link is the listener's acquirer's.
    """
    bench = Bench(banks=TWO_BANKS)
    bench.open(2, BNI)

    response = bench.ask(network(SIGN_ON), link=2)

    assert {7, 11, 39, 70} == set(response.elements)
    assert "00" == response[39] == bench.ask(bench.inquiry(), link=2)[39]


def test_sign_on_falls_to_the_only_bank() -> None:
    """
    Without DE32 and a listener's acquirer, the only bank configured is meant.
    """
    bench = Bench()

    assert "00" == bench.ask(network(SIGN_ON))[39]
    assert "00" == bench.ask(bench.inquiry())[39]


def test_sign_on_without_bank_is_refused() -> None:
    """
    With two banks and nothing to tell them apart DE32 is asked for, and nobody is on.
    """
    bench = Bench(banks=TWO_BANKS)

    response = bench.ask(network(SIGN_ON))

    assert ("30", "DE032") == (response[39], response[44])
    assert "58" == bench.ask(bench.inquiry())[39]


def test_sign_on_of_unknown_bank_is_refused() -> None:
    """
    A bank that is not configured gets 31 and is not on.
    """
    bench = Bench()

    assert "31" == bench.ask(network(SIGN_ON, {32: "014"}))[39]
    assert "58" == bench.ask(bench.inquiry())[39]


def test_bank_that_names_itself_goes_before_the_listener() -> None:
    """
    DE32 counts more than the listener's acquirer; a bank nobody configured gets 31.
    """
    bench = Bench(banks=TWO_BANKS)
    bench.open(2, BNI)

    assert "31" == bench.ask(network(SIGN_ON, {32: "014"}), link=2)[39]
    assert "00" == bench.ask(network(SIGN_ON, {32: "002"}), link=2)[39]
    assert "31" == bench.ask(bench.inquiry({32: "009"}), link=2)[39]


def test_second_sign_on_keeps_the_first_bank() -> None:
    """
    The same bank may sign on twice; another gets 31 until the first has signed off.
    """
    bench = Bench(banks=TWO_BANKS)
    bench.ask(network(SIGN_ON, {32: "009"}))

    assert "00" == bench.ask(network(SIGN_ON, {32: "009"}))[39]
    assert "31" == bench.ask(network(SIGN_ON, {32: "002"}))[39]
    assert "00" == bench.ask(bench.inquiry())[39]

    bench.ask(network(SIGN_OFF))

    assert "00" == bench.ask(network(SIGN_ON, {32: "002"}))[39]


def test_sign_off_ends_the_right_to_ask() -> None:
    """
    After sign-off an inquiry gets 58; signing off twice does no harm.
    """
    bench = signed_on()

    assert "00" == bench.ask(network(SIGN_OFF))[39] == bench.ask(network(SIGN_OFF))[39]
    assert "58" == bench.ask(bench.inquiry())[39]


def test_sign_on_belongs_to_one_link() -> None:
    """
    One link's sign-on opens no other, and a link that comes back begins anew.
    """
    bench = signed_on()
    bench.open(2)

    assert "58" == bench.ask(bench.inquiry(), link=2)[39]

    bench.perform(bench.switch.closed(1, "gone"))
    bench.open(1)

    assert "58" == bench.ask(bench.inquiry())[39]


def test_echo_is_answered_before_sign_on() -> None:
    """
    The golden echo is answered 00 with its own DE7, DE11 and DE70, and signs nobody on.
    """
    bench = Bench()

    (response,) = bench.feed(b"0800822000000000000004000000000000000630072507000001301")

    assert {7: "0630072507", 11: "000001", 39: "00", 70: "301"} == dict(response.elements)
    assert "58" == bench.ask(bench.inquiry())[39]


@pytest.mark.parametrize("code", ["000", "003", "099", "999"])
def test_unknown_network_code_is_refused(code: str) -> None:
    """
    A DE70 that is none of the profile's gets 12 and changes nothing.
    """
    bench = signed_on()

    assert "12" == bench.ask(network(code))[39]
    assert "00" == bench.ask(bench.inquiry())[39]


@pytest.mark.parametrize("missing", [7, 11, 70])
def test_missing_network_element_is_named(missing: int) -> None:
    """
    Only 7, 11 and 70 are needed; each is named in DE44 where it is missing.
    """
    bench = Bench()

    response = bench.ask(network(ECHO, {missing: None}))

    assert ("30", f"DE{missing:03d}") == (response[39], response.get(44))


def test_stray_network_element_is_named() -> None:
    """
    An element without a place in an 0800 is named in DE44.
    """
    bench = Bench()

    response = bench.ask(network(ECHO, {2: "9990090000000012"}))

    assert ("30", "DE002") == (response[39], response[44])
    assert 2 not in response


def test_cut_over_needs_a_sign_on() -> None:
    """
    A link that has not signed on can move nobody's business date.
    """
    bench = Bench()

    assert "58" == bench.ask(network(CUT_OVER))[39]
    assert {} == bench.house.business_dates


def test_cut_over_moves_the_business_date() -> None:
    """
    After a cut-over the rows count for the next day, and the date is handed to the journal
    to survive a restart; the calendar catches up by itself.
    """
    bench = signed_on()
    bench.ask(bench.inquiry({15: None}))

    response = bench.ask(network(CUT_OVER))
    bench.ask(bench.inquiry({11: "000124", 15: None}))

    assert "00" == response[39]
    assert KeepBusinessDate(BNI, date(2025, 7, 1)) in bench.memory.rows
    dates = [row.entry.business_date for row in commits(bench)]
    assert [date(2025, 6, 30), date(2025, 7, 1)] == dates

    bench.pass_time(3 * 86_400)
    bench.ask(bench.inquiry({11: "000125", 15: None}))

    assert date(2025, 7, 3) == commits(bench)[-1].entry.business_date


def test_cut_over_takes_its_settlement_date() -> None:
    """
    DE15 names the new day, across a year's end too, and is echoed.
    """
    bench = signed_on()
    bench.utc = datetime(2025, 12, 31, 10, tzinfo=UTC)

    response = bench.ask(network(CUT_OVER, {15: "0102"}))

    assert ("00", "0102") == (response[39], response[15])
    assert {BNI: date(2026, 1, 2)} == bench.house.business_dates


def test_cut_over_to_no_day_is_refused() -> None:
    """
    A DE15 that is no day of any year is named and moves nothing.
    """
    bench = signed_on()

    response = bench.ask(network(CUT_OVER, {15: "0230"}))

    assert ("30", "DE015") == (response[39], response[44])
    assert {} == bench.house.business_dates


@pytest.mark.parametrize("before", [None, BNI])
def test_sign_on_that_cannot_be_recorded_does_not_stand(before: AcquirerId | None) -> None:
    """
    96, and the link is what it was: nobody's, or the bank's that had signed on already.
    """
    bench = Bench() if before is None else signed_on()
    bench.pass_time(RECORD_SECONDS)  # before that the record of the first one does
    bench.memory.faults[KeepRecord] = JournalUnavailable("the disk is full")

    assert "96" == bench.ask(network(SIGN_ON))[39]
    assert ("58" if before is None else "00") == bench.ask(bench.inquiry())[39]


@pytest.mark.parametrize("mti", ["0400", "0401", "0420", "0421"])
def test_reversals_are_acknowledged_without_effect(mti: str) -> None:
    """
    A balance inquiry moves nothing: its reversal is answered 00, asks nobody and leaves
    the stored answer of the inquiry as it was; before sign-on it gets 58.
    """
    bench = Bench()
    request = IsoMessage(mti, bench.inquiry().only([3, 4, 7, 11, 32, 37, 41, 49]))

    assert "58" == bench.ask(request)[39]

    bench.sign_on()
    response = bench.ask(request)

    assert (f"{mti[:2]}{int(mti[2]) + 1}0", "00") == (response.mti, response[39])
    assert [] == bench.memory.asked
    assert "31" == bench.ask(request.with_element(32, "002"))[39]


@pytest.mark.parametrize("mti", ["0100", "0220", "0300", "0600", "0801", "1200"])
def test_unknown_message_types_are_refused(mti: str) -> None:
    """
    A readable request of a kind the profile does not know gets 12 and its own MTI's answer.
    """
    bench = signed_on()

    response = bench.ask(IsoMessage(mti, bench.inquiry().elements))

    assert ("12", "000123") == (response[39], response[11])
    assert int(mti) // 10 + 1 == int(response.mti) // 10
    assert {3, 7, 11, 37, 39, 41} == set(response.elements)
