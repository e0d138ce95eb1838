"""Other processes answer from the same journal: the first answer and the first command count.

A request that another process is at work on is not begun, but waited for.
"""

from typing import Any

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.switch.accepted import Accepted
from atm_switch.switch.balance_inquiry import fingerprint_material
from atm_switch.switch.house import HOST_BLOCK
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import (
    Commit,
    FindRepeat,
    Reserve,
    StoredResponse,
    UnderWay,
)
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, PAN, Bench, bank
from tests.doubles.inquiries import commits, reservations, signed_on
from tests.doubles.key_line import delivery, kinds
from tests.doubles.signed_line import signed_payload, signing_bench

CUT = IsoMessage("0800", {7: "0630072507", 11: "000779", 15: "0702", 70: "201"})


def outrun(request_of_other: dict[int, str | None], **how: Any) -> tuple[Bench, IsoMessage]:
    """Answer a request as another process did while this one was about to."""
    bench = signed_on(**how)
    bench.ask(bench.inquiry(request_of_other))
    bench.memory.is_shared = True
    bench.memory.faults[FindRepeat] = None  # it was not there yet when this one looked
    return bench, bench.ask(bench.inquiry())


@pytest.mark.parametrize("pin", [PinPolicy.ISSUER, PinPolicy.ACQUIRER])
def test_outrun_answer_is_that_of_the_first(pin: PinPolicy) -> None:
    """The response is the other's byte for byte, and nothing is stored over it."""
    bench, _ = outrun({}, banks=(bank(pin=pin),))

    assert bench.sent[-2].payload == bench.sent[-1].payload
    assert 1 == len([row for row in commits(bench) if row.ending.payload])


def test_outrun_row_a_has_its_b() -> None:
    """Under ``issuer`` the row that reserved the try ends, without an answer of its own."""
    bench, response = outrun({})

    last = commits(bench)[-1]
    assert 2 == len(reservations(bench)) == len(commits(bench))
    assert "00" == response[39] == last.ending.response_code
    assert last.ending.payload is None
    assert last.sequence is not None


def test_outrun_gives_its_try_back() -> None:
    """One wrong PIN asked of two processes at once is one try, and a right one clears no other."""
    bench, _ = outrun({})

    first, last = commits(bench)
    assert (True, None) == (first.ending.resets_tries, first.ending.returned_try)
    assert (False, 1) == (last.ending.resets_tries, last.ending.returned_try)


def waiting(changes: dict[int, str | None] | None = None) -> Bench:
    """Begin a request that another process is at work on."""
    bench = signed_on()
    request = bench.inquiry()
    its = bench.vault.fingerprint(fingerprint_material(request.elements))
    bench.memory.faults[Reserve] = UnderWay(its)
    assert [] == bench.feed(bench.dialect.packager.pack(bench.inquiry(changes)))
    return bench


def test_request_under_way_elsewhere_is_waited_for() -> None:
    """No row, no try, no PIN looked at; the other's answer is this one's, byte for byte."""
    bench, other = waiting(), signed_on()
    bench.pass_time(0.25)
    assert [] == bench.sent[1:]
    assert other.ask(other.inquiry())[39] == "00"
    kept = commits(other)[0]

    bench.memory.faults[Reserve] = StoredResponse(
        kept.entry.fingerprint, kept.ending.payload or b""
    )
    bench.pass_time(0.25)

    assert other.sent[-1].payload == bench.sent[-1].payload
    assert [] == bench.memory.rows
    assert 0 == bench.memory.verifications
    assert 0 == bench.switch.in_flight


def test_request_whose_process_died_is_begun_here() -> None:
    """Once the journal says that nobody is at work on it the row A is ours, and the answer."""
    bench = waiting()

    del bench.memory.faults[Reserve]
    bench.pass_time(0.25)

    assert "00" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert 1 == len(reservations(bench)) == len(commits(bench))


def test_request_under_way_elsewhere_ends_with_its_deadline() -> None:
    """Waited for in vain it is 96, without a row and unremembered: a repeat asks anew."""
    bench = waiting()

    bench.pass_time(8.5)

    assert "96" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert [] == bench.memory.rows
    del bench.memory.faults[Reserve]
    assert "00" == bench.ask(bench.inquiry())[39]


def test_all_who_wait_for_another_process_are_looked_for_at_one_tick() -> None:
    """None of them hides another."""
    bench, other = signed_on(), "9990090000000020"
    bench.link_card(other, BUDI, "654321")
    real = bench.memory.answer

    def busy(question: object) -> object:
        return (
            UnderWay(question.entry.fingerprint)
            if isinstance(question, Reserve)
            else real(question)
        )

    bench.memory.answer = busy  # type: ignore[method-assign]
    block = bench.pin_block("654321", other)
    for request in (bench.inquiry(), bench.inquiry({2: other, 11: "000124", 52: block})):
        assert [] == bench.feed(bench.dialect.packager.pack(request))

    bench.memory.answer = real  # type: ignore[method-assign]
    bench.pass_time(0.25)

    assert ["00", "00"] == [row.ending.response_code for row in commits(bench)]
    assert 0 == bench.switch.in_flight


def test_other_content_under_way_elsewhere_is_94() -> None:
    """The key is another request's: 94 at once, with a row, and nothing stored under the key."""
    bench = signed_on()
    bench.memory.faults[Reserve] = UnderWay(bytes(32))

    response = bench.ask(bench.inquiry())

    assert "94" == response[39]
    (row,) = commits(bench)
    assert (Outcome.DUPLICATE, None) == (row.ending.outcome, row.ending.payload)
    assert 0 == bench.memory.verifications


def test_other_content_answered_elsewhere_meanwhile_is_94() -> None:
    """The key was answered to another request between the look for it and the row A."""
    bench = signed_on()
    bench.memory.faults[Reserve] = StoredResponse(bytes(32), b"")

    assert "94" == bench.ask(bench.inquiry())[39]
    assert 0 == bench.memory.verifications


def test_repeats_here_join_the_one_that_waits() -> None:
    """A repeat on another link of this process has the other process's answer, too."""
    bench = waiting()
    bench.open(2)
    bench.sign_on(2)
    assert [] == bench.feed(bench.dialect.packager.pack(bench.inquiry()), 2)

    del bench.memory.faults[Reserve]
    bench.pass_time(0.25)

    assert {1, 2} == {sent.link for sent in bench.sent[-2:]}
    assert bench.sent[-2].payload == bench.sent[-1].payload
    assert 1 == len(commits(bench))


def test_row_a_asks_for_the_claim() -> None:
    """It says since when an answer counts, and since when another could be at work."""
    bench = signed_on()
    bench.ask(bench.inquiry())

    (asked,) = reservations(bench)
    assert asked.unless_since is not None
    assert asked.begun_since is not None
    assert asked.unless_since < asked.begun_since < asked.entry.received_at


def test_outrun_without_row_a_leaves_none() -> None:
    """Under ``acquirer`` the request that was answered elsewhere has no row here."""
    bench, _ = outrun({}, banks=(bank(pin=PinPolicy.ACQUIRER),))

    assert 1 == len(commits(bench))


def test_outrun_by_other_content_is_94() -> None:
    """The same key with other content was answered elsewhere: this one is a duplicate."""
    bench, response = outrun({49: "360", 43: "ANOTHER PLACE".ljust(40)})

    assert "94" == response[39]
    assert Outcome.DUPLICATE is commits(bench)[-1].ending.outcome
    assert PAN == response[2]


def test_first_answer_asks_for_the_claim() -> None:
    """A first answer says since when another one would count; one that is not kept does not."""
    bench = signed_on()
    bench.ask(bench.inquiry())
    bench.ask(bench.inquiry({3: "999999", 11: "000777"}))

    kept, unkept = (row for row in bench.memory.asked if isinstance(row, Commit))
    assert kept.unless_since is not None
    assert kept.unless_since < kept.entry.received_at
    assert unkept.unless_since is None


def test_command_carried_out_elsewhere_is_94() -> None:
    """A recorded 201 played to another process moves nothing there."""
    bench = signing_bench()
    bench.memory.is_shared = True
    recorded = signed_payload(bench, CUT)
    assert ["00"] == [answer[39] for answer in bench.feed(recorded)]

    bench.house.accepted = Accepted()  # as in a process that has not seen it
    bench.house.business_dates.clear()

    assert ["94"] == [answer[39] for answer in bench.feed(recorded)]
    assert {} == bench.house.business_dates


@pytest.mark.parametrize(("is_known", "code"), [(True, "00"), (False, "94")])
def test_key_taken_elsewhere_is_taken_once(code: str, *, is_known: bool) -> None:
    """Said again to another process a delivery is 00 where its key is known, and else 94."""
    bench = signing_bench()
    bench.memory.is_shared = True
    before, recorded = bench.house.vault, signed_payload(bench, delivery(bench))
    assert ["00"] == [answer[39] for answer in bench.feed(recorded)]
    kept = len(kinds(bench))

    bench.house.accepted = Accepted()  # as in a process that has not seen it
    if not is_known:
        bench.memory.vault = bench.house.vault = before  # nor its key

    assert [code] == [answer[39] for answer in bench.feed(recorded)]
    assert kept + is_known == len(kinds(bench))
    assert is_known is (bench.house.vault is not before)


def test_host_references_go_on_in_the_next_block() -> None:
    """At the end of a block the next is begun, and no number of another's is given out."""
    bench = signed_on()
    bench.house.host_sequence = 5 * HOST_BLOCK - 2
    bench.house.host_blocks = [7]

    given = [bench.house.next_host_reference(bench.now.jakarta_date())[-6:] for _ in range(3)]

    assert ["049999", "070000", "070001"] == given
