"""Claims about deliveries that come to nothing: asked for too often, past, hindered, too long."""

from collections.abc import Callable

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import TerminalId
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import Vault
from atm_switch.switch.case import Case
from atm_switch.switch.house import KEY_REQUESTS_PER_MINUTE
from atm_switch.switch.key_exchange import deliver_key
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import KeepKeys
from atm_switch.switch.session import OFFERS_MAX, Offer, Session
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.key_line import (
    EXCHANGE_NAME,
    MAC_NAME,
    NEW,
    PIN_NAME,
    answer_to,
    ask_for_keys,
    delivery,
    inquiry,
    key_in,
)
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench


def without(bench: Bench, *names: KeyName) -> None:
    """Have the line lose keys."""
    vault = bench.house.vault
    ladders = {name: one for name, one in vault.keys.items() if name not in names}
    bench.memory.vault = bench.house.vault = Vault(
        vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key, ladders
    )


def session_of(bench: Bench) -> Session:
    """The bench's first link."""
    session = bench.switch.session_of(1)
    assert session is not None
    return session


def test_keys_are_not_asked_for_too_often() -> None:
    """Six within a minute; the seventh is 65, and no key is made for it."""
    bench = signing_bench()
    codes, delivered = [], 0
    for _ in range(KEY_REQUESTS_PER_MINUTE + 1):
        answer, *keys = ask_for_keys(bench, "MAC")
        codes.append(answer[39])
        delivered = len(keys)

    assert ["00"] * KEY_REQUESTS_PER_MINUTE + ["65"] == codes
    assert 0 == delivered


def test_line_that_needs_no_key_is_refused() -> None:
    """A bank that verifies its own PINs and sends no MACs asks for none: 30 names DE48."""
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.sign_on()

    answer = bench.ask(IsoMessage("0800", {7: "0630072507", 11: "000401", 70: "161"}))

    assert ("30", "DE048") == (answer[39], answer[44])


def test_key_is_not_delivered_where_the_exchange_key_has_gone() -> None:
    """It was there when the key was asked for, and is not when its turn has come."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)
    bench.feed(signed_payload(bench, delivery(bench)))
    (answer,) = ask_for_keys(bench, "MAC")
    before = len(bench.sent)
    without(bench, EXCHANGE_NAME)

    bench.release()

    assert "00" == answer[39]
    assert ["0810"] == [
        bench.dialect.packager.unpack(one.payload).mti for one in bench.sent[before:]
    ]
    assert set() == bench.house.changing_keys


def test_key_that_is_being_changed_is_not_delivered_beside_that() -> None:
    """Two changes of one key never run at once, whoever begins the second."""
    bench = signing_bench()
    session = session_of(bench)
    request = IsoMessage("0800", {7: "0630072507", 11: "000401", 70: "161"})
    case = Case(request, None, session.dialect.rules["0800"], session, bench.now, bench.now)
    bench.house.changing_keys.add(MAC_NAME)

    with pytest.raises(StopIteration) as ended:
        next(iter(deliver_key(case, MAC_NAME, bench.house)))

    assert ended.value.value is None
    assert {MAC_NAME} == bench.house.changing_keys


def test_key_of_no_line_is_never_delivered() -> None:
    """A key of the house itself has no peer to be sent to."""
    bench = signing_bench()
    session = session_of(bench)
    request = IsoMessage("0800", {7: "0630072507", 11: "000401", 70: "161"})
    case = Case(request, None, session.dialect.rules["0800"], session, bench.now, bench.now)

    with pytest.raises(ValueError, match="only a line's keys are delivered"):
        next(iter(deliver_key(case, KeyName(KeyUsage.PIN, None), bench.house)))


def test_answer_amid_another_change_of_its_key_counts_as_none() -> None:
    """An alarm, and the key stays offered and good: the first message under it tells as well."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    bench.holds = (KeepKeys,)
    bench.feed(signed_payload(bench, delivery(bench)))
    ladder = bench.house.vault.keys[MAC_NAME]

    bench.feed(signed_payload(bench, answer_to(delivered)))

    note = bench.notes[-1]
    assert ("answer to a key delivery not kept", True) == (note.event, note.is_alarm)
    assert "another change of this key is under way" == note.fields["why"]
    assert ladder is bench.house.vault.keys[MAC_NAME]
    assert delivered[11] in session_of(bench).offers
    bench.release()
    assert "00" == ask_signed(bench, inquiry(bench, 1), key_in(bench, delivered))[39]


def past_first_key(bench: Bench) -> IsoMessage:
    """A key that was in use from the start, for the line had none."""
    without(bench, PIN_NAME)
    return ask_for_keys(bench, "PIN")[1]


def past_gone_key(bench: Bench) -> IsoMessage:
    """A key of a line that an officer has closed meanwhile."""
    delivered = ask_for_keys(bench, "PIN")[1]
    without(bench, PIN_NAME)
    return delivered


def past_third_offer(bench: Bench) -> IsoMessage:
    """A key that two later offers have pushed off the ladder."""
    first = ask_for_keys(bench, "MAC")[1]
    for _ in range(2):
        bench.pass_time(11)
        ask_for_keys(bench, "MAC")
    return first


@pytest.mark.parametrize("past", [past_first_key, past_gone_key, past_third_offer])
@pytest.mark.parametrize("code", ["00", "30"])
def test_answer_that_comes_too_late_changes_nothing(
    past: Callable[[Bench], IsoMessage], code: str
) -> None:
    """Neither a yes nor a no moves a key that is in use already, or gone; the log has it."""
    bench = signing_bench()
    delivered = past(bench)
    before = dict(bench.house.vault.keys)
    bench.memory.records.clear()

    bench.feed(signed_payload(bench, answer_to(delivered, code)))

    assert before == dict(bench.house.vault.keys)
    assert [] == bench.memory.records
    note = bench.notes[-1]
    assert ("key delivery answered", code != "00") == (note.event, note.is_alarm)
    assert delivered[11] not in session_of(bench).offers


def test_no_more_offers_wait_for_an_answer_than_a_ladder_holds() -> None:
    """Of one key the last three; those of another key are not pushed out by them."""
    session = session_of(Bench())
    key = LineKey.clear(NEW)
    session.add_offer("pin", Offer(PIN_NAME, key, "0630072507", "162"))

    for stan in range(OFFERS_MAX + 2):
        session.add_offer(f"{stan}", Offer(MAC_NAME, key, "0630072507", "162"))

    assert ["pin", "2", "3", "4"] == list(session.offers)


def test_first_key_that_a_line_is_brought_is_in_use_at_once() -> None:
    """Where there was none there is nothing to keep, nor to count it against."""
    bench = signing_bench()
    without(bench, PIN_NAME)

    assert "00" == ask_signed(bench, delivery(bench, NEW, "P0"))[39]
    ladder = bench.memory.vault.keys[PIN_NAME]
    assert (NEW.reveal(), None) == (ladder.in_use.token.reveal(), ladder.other)


@pytest.mark.parametrize("says", ["forged", "unkept"])
def test_forged_answers_to_a_delivery_cost_the_link(says: str) -> None:
    """Each is a strike, as any wrong MAC is; one that our disk hinders is not the peer's fault."""
    bench = signing_bench(bad_frames_per_minute=3)
    _, delivered = ask_for_keys(bench, "MAC")
    forged = bench.dialect.packager.pack(answer_to(delivered))
    bench.memory.faults[KeepKeys] = NeighbourUnavailable("the disk is full")
    payload = forged if says == "forged" else signed_payload(bench, answer_to(delivered))

    for _ in range(3):
        bench.feed(payload)

    assert ([1] if says == "forged" else []) == [one.link for one in bench.closed]


def test_terminal_that_has_keys_of_its_own_need_not_be_listed() -> None:
    """An officer gave it some: it may ask for a new one over the line, and another may not."""
    bench = signing_bench()
    name = KeyName(KeyUsage.PIN, BNI, TerminalId("S1ABC777"))
    bench.memory.vault = bench.house.vault = bench.house.vault.with_key(name, LineKey.clear(NEW))
    asked = {7: "0630072507", 11: "000401", 48: "PIN", 70: "161"}

    def codes(terminal: str) -> list[str]:
        elements = {**asked, 41: terminal}
        message = IsoMessage("0800", dict(sorted(elements.items())))
        return [one.get(39) for one in bench.feed(signed_payload(bench, message))]

    assert ["58"] == codes("S1ABC778")
    assert ["00", ""] == codes("S1ABC777")
    other = bench.house.vault.keys[name].other
    assert other is not None
