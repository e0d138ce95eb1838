"""A message that knows its payload is a message like any other."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.layout import Layout
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.reading import AnsweringMessage, ReadMessage
from atm_switch.wire.spelling import Spelling

TEXT = Spelling.of(load_profile("bpjstk-jht-v1"))
HEAD = b"0200" + b"h" * 16
LAYOUT = Layout("0200", HEAD, (2, 11, 41), (16, 6, 8), TEXT)
READ = ReadMessage(LAYOUT, HEAD + b"169990090000000012" + b"000123" + b"S1ABC123")
EAGER = IsoMessage("0200", {2: "9990090000000012", 11: "000123", 41: "S1ABC123"})
ECHO = frozenset({2, 11, 37})


def test_message_that_was_read_equals_one_that_was_made() -> None:
    """Both ways round, with the same elements in the same order, and it cannot be printed."""
    assert EAGER == READ
    assert READ == EAGER
    assert list(EAGER.elements) == list(READ.elements)
    assert "IsoMessage(mti='0200')" == repr(READ)


def test_answers_hold_the_same_however_the_request_was_made() -> None:
    """What is echoed and is there, and what is put in, which goes before what is echoed."""
    put = {39: "00", 11: "000999"}
    lazy, eager = READ.answering("0210", ECHO, put), EAGER.answering("0210", ECHO, put)

    assert isinstance(lazy, AnsweringMessage)
    assert eager == lazy
    assert {2: "9990090000000012", 11: "000999", 39: "00"} == dict(lazy.elements)


def test_answer_does_not_change_with_what_was_put() -> None:
    """The mapping may change afterwards; the answer does not."""
    put = {39: "00"}
    answer = READ.answering("0210", ECHO, put)

    put[39] = "96"

    assert "00" == answer[39]


def test_variants_of_answers_hold_the_same_too() -> None:
    """Elements are put in and taken out of either half."""
    lazy = READ.answering("0210", ECHO, {39: "00", 44: "DE048"})
    eager = EAGER.answering("0210", ECHO, {39: "00", 44: "DE048"})

    assert eager.without(2, 44, 99) == lazy.without(2, 44, 99)
    assert eager.with_element(39, "05") == lazy.with_element(39, "05")
    assert "00" == lazy[39]


@pytest.mark.parametrize("number", [2, 11, 37, 39, 41, 52])
def test_single_element_of_an_answer_is_that_of_the_whole(number: int) -> None:
    """Put in, echoed, not there to be echoed, or neither: as in an answer made of elements."""
    put = {39: "00", 11: "000999"}
    lazy, eager = READ.answering("0210", ECHO, put), EAGER.answering("0210", ECHO, put)

    assert (number in eager) == (number in lazy)
    assert eager.get(number, "none") == lazy.get(number, "none")
    if number in eager:
        assert eager[number] == lazy[number]
    else:
        with pytest.raises(KeyError):
            lazy[number]
