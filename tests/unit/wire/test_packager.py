"""What pyiso8583 lets through and our door does not (security.md 4, peers.md 5)."""

import json
from pathlib import Path

import pytest

from atm_switch.domain.errors import FormatError
from atm_switch.profile.load import load_profile
from atm_switch.wire import VARIANT
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import HEADS_MAX, Packager
from atm_switch.wire.reading import ReadMessage
from atm_switch.wire.spelling import WRITINGS_MAX
from atm_switch.wire.variant import COMPILED

PACKAGER = Packager(load_profile("bpjstk-jht-v1"))
VECTORS = Path(__file__).parents[3] / "specs" / "vectors"
GOLDEN = json.loads((VECTORS / "balance_inquiry_request.json").read_text())["payload"].encode()
BITMAP = b"723A448108E18000"
INSIDE = pytest.mark.skipif(VARIANT == COMPILED, reason="machine code shows nothing of its inside")


def fault_of(payload: bytes) -> FormatError:
    """Return the refusal a payload gets."""
    with pytest.raises(FormatError) as refused:
        PACKAGER.unpack(payload)
    return refused.value


@pytest.mark.parametrize(
    "length", [b"+3", b" 3", b"3 ", b"\n3", b"\t3", b"-3", b"_3", b"\xd9\xa3", b"0x"]
)
def test_length_spelled_otherwise_is_refused(length: bytes) -> None:
    """``int()`` takes these for 3 or worse; DE32 is named."""
    payload = GOLDEN.replace(b"03009", length + b"009", 1)

    assert 32 == fault_of(payload).data_element


@pytest.mark.parametrize(
    "bitmap",
    [BITMAP.lower(), b"723A448108E180  ", b" " * 16, b"723A448108E1800G", b"\t" * 16],
)
def test_bitmap_spelled_otherwise_is_refused(bitmap: bytes) -> None:
    """Lower case, blanks and non-digits are no bitmap."""
    assert 1 == fault_of(GOLDEN.replace(BITMAP, bitmap)).data_element


def test_third_bitmap_is_refused_by_name() -> None:
    """The 52 bytes that make pyiso8583 raise ``KeyError``."""
    payload = b"0200" + b"8000000000000000" * 3

    assert 65 == fault_of(payload).data_element


def test_bit_without_element_is_refused_by_name() -> None:
    """A bit the profile does not know names its element."""
    assert 5 == fault_of(b"0200" + b"0800000000000000" + b"0" * 12).data_element


def test_empty_second_bitmap_is_refused() -> None:
    """Bit 1 with nothing behind it is not canonical."""
    assert 1 == fault_of(b"0800" + b"8000000000000000" + b"0" * 16).data_element


@pytest.mark.parametrize("cut", range(4, 20))
def test_bitmap_cut_short_is_refused(cut: int) -> None:
    """Every length that ends inside the bitmap."""
    assert 1 == fault_of(GOLDEN[:cut]).data_element


@pytest.mark.parametrize("mti", [b"", b"02", b"ABCD", b"02 0", b"\x00\x00\x00\x00", b"+200"])
def test_mti_that_is_no_number_is_refused(mti: bytes) -> None:
    """Four digits or nothing."""
    assert 0 == fault_of(mti + GOLDEN[4:] if len(mti) == 4 else mti).data_element


def test_bytes_left_over_are_refused() -> None:
    """One byte too many, or a second message behind the first."""
    assert fault_of(GOLDEN + b"0").reason
    assert fault_of(GOLDEN + GOLDEN).reason


@pytest.mark.parametrize("end", range(20, len(GOLDEN)))
def test_every_cut_is_refused(end: int) -> None:
    """A message cut at any byte is unreadable, and what was read before is kept."""
    fault = fault_of(GOLDEN[:end])

    assert "0200" == fault.mti
    assert set(fault.readable) <= {2, 3, 4, 7, 11, 12, 13, 15, 18, 22, 25, 32, 37, 41, 42, 43, 48}


@pytest.mark.parametrize(
    ("good", "bad", "element"),
    [
        (b"310000", b"31000x", 3),
        (b"0630072507", b"06300725\x00\x00", 7),
        (b"S1ABC123", b"S1\x1b[2J12", 41),
        (b"JHTBAL", b"JHT\r\nL", 48),
        (b"518107000123", b"518107-00123", 37),
        (b"16999009", b"16 99009", 2),
    ],
)
def test_content_of_another_class_is_refused(good: bytes, bad: bytes, element: int) -> None:
    """Letters in numbers, control bytes and signs name their element and its place."""
    fault = fault_of(GOLDEN.replace(good, bad, 1))

    assert element == fault.data_element
    assert element not in fault.readable
    # The place of the element: of its length, where it has one.
    assert GOLDEN.index(good) - fault.offset in (0, 3)


def test_zero_length_pan_is_refused() -> None:
    """An LLVAR of nothing is no PAN."""
    assert 2 == fault_of(GOLDEN.replace(b"169990090000000012", b"00", 1)).data_element


def test_refusal_keeps_what_was_readable() -> None:
    """The echo elements before the fault are there; their texts are sound."""
    fault = fault_of(GOLDEN.replace(b"040JHTBAL", b"250JHTBAL", 1))

    assert 48 == fault.data_element
    assert {3: "310000", 7: "0630072507", 11: "000123", 37: "518107000123", 41: "S1ABC123"} == {
        number: fault.readable[number] for number in (3, 7, 11, 37, 41)
    }


@pytest.mark.parametrize(
    "elements",
    [{3: "31000"}, {3: "31000x"}, {5: "0" * 12}, {41: "SHORT"}, {52: "0g" * 8}, {48: "\n"}],
)
def test_message_the_profile_does_not_allow_is_not_packed(elements: dict[int, str]) -> None:
    """Our own mistakes are named by element and never quoted."""
    with pytest.raises(ValueError, match=r"^DE0") as refused:
        PACKAGER.pack(IsoMessage("0200", elements))

    assert not any(text in str(refused.value) for text in elements.values() if len(text) > 2)


def test_message_cannot_be_printed_or_changed() -> None:
    """Its repr holds the MTI alone; its elements are read-only."""
    message = PACKAGER.unpack(GOLDEN)

    assert "IsoMessage(mti='0200')" == repr(message)
    with pytest.raises(TypeError):
        message.elements[2] = "x"  # type: ignore[index]


def test_answer_is_packed_the_same_however_it_was_made() -> None:
    """From the request's bytes or from its elements, first and later, and with other values."""
    request = PACKAGER.unpack(GOLDEN)
    again = PACKAGER.unpack(GOLDEN)
    echo = frozenset(request.elements) - {52}
    for put in ({39: "00", 62: "HELLO"}, {39: "00", 62: "HELLO AGAIN"}, {62: "HELLO", 39: "00"}):
        answer = again.answering("0210", echo, put)
        expected = PACKAGER.reference.pack(IsoMessage("0210", dict(answer.elements)))

        assert [expected] * 3 == [PACKAGER.pack(answer) for _ in range(3)]
        assert expected == PACKAGER.pack(answer.with_element(39, "05").with_element(39, "00"))


def test_answer_that_is_not_allowed_is_named_by_the_reference() -> None:
    """A value of another class is refused with its element, when its head is known too."""
    request = PACKAGER.unpack(PACKAGER.pack(PACKAGER.unpack(GOLDEN)))
    PACKAGER.pack(request.answering("0210", frozenset({11}), {39: "00"}))

    for code in ("0", "000", "0-", "0é"):
        with pytest.raises(ValueError, match=r"^DE039"):
            PACKAGER.pack(request.answering("0210", frozenset({11}), {39: code}))


def test_answer_to_a_message_of_another_dialect_is_packed_in_ours() -> None:
    """A gateway's two sides share no layouts: elements are written, never foreign bytes."""
    bcd = Packager(load_profile("bpjstk-jht-v1-bcd"))
    for _ in range(3):
        theirs = bcd.unpack(bcd.pack(IsoMessage("0800", {11: "000123", 70: "301"})))
        answer = theirs.answering("0810", frozenset({11, 70}), {39: "00"})

        assert (
            b"0810" + b"8020000002000000" + b"0400000000000000" + b"00012300301"
            == PACKAGER.pack(answer)
        )


def test_message_without_elements_is_read_and_written() -> None:
    """A head alone has no plan, and is remembered nowhere."""
    for _ in range(2):
        message = PACKAGER.unpack(b"0800" + b"0" * 16)

        assert IsoMessage("0800", {}) == message
        assert b"0800" + b"0" * 16 == PACKAGER.pack(IsoMessage("0800", {}))


def test_a_bounded_number_of_answers_is_remembered() -> None:
    """However many kinds of answers requests get, the oldest give way, and all are right."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    requests = []
    for code in ("00", "009", "0099", "00999", "009999"):
        payload = packager.pack(IsoMessage("0200", {11: "000123", 32: code, 41: "S1ABC123"}))
        requests.append(packager.unpack(payload))
    for _ in range(2):
        for number in range(WRITINGS_MAX // 4):
            for request in requests:
                assert isinstance(request, ReadMessage)
                mti = f"{number:04d}"
                answer = request.answering(mti, frozenset({11, 41}), {39: "00"})

                assert mti.encode() + b"0020000002800000" + b"000123" + b"00" + b"S1ABC123" == (
                    packager.pack(answer)
                )

    kept = [request.layout.writings for request in requests if isinstance(request, ReadMessage)]
    assert WRITINGS_MAX == sum(map(len, kept))
    assert all(kept)


@INSIDE
def test_a_bounded_number_of_heads_is_remembered() -> None:
    """However many kinds of messages come, the oldest give way, and all are read."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    for _ in range(2):
        for number in range(HEADS_MAX + 10):
            message = IsoMessage(f"{number:04d}", {11: "000123"})
            assert message == packager.unpack(packager.reference.pack(message))

    assert HEADS_MAX == len(packager._heads) == len(packager._plans)


def test_payloads_of_one_size_are_told_apart() -> None:
    """Two MTIs, two bitmaps and two sets of lengths of the same number of bytes take turns."""
    messages = [
        IsoMessage("0200", {11: "000123", 32: "009"}),
        IsoMessage("0201", {11: "000123", 32: "009"}),
        IsoMessage("0200", {32: "0123456789"[:9]}),
        IsoMessage("0200", {32: "00", 33: "0099"}),
        IsoMessage("0200", {32: "0099", 33: "00"}),
    ]
    payloads = [PACKAGER.pack(message) for message in messages]

    assert 2 == len({len(payload) for payload in payloads[:3]} | {len(p) for p in payloads[3:]})
    for _ in range(3):
        assert messages == [PACKAGER.unpack(payload) for payload in payloads]


@INSIDE
def test_what_was_seen_is_read_and_written_without_the_reference() -> None:
    """A head the reference has accepted once goes by its plan, whatever the contents."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    packager.pack(packager.unpack(GOLDEN))
    other = GOLDEN.replace(b"000123", b"000124")
    del packager.reference

    message = packager.unpack(other)

    assert other == packager.pack(IsoMessage(message.mti, dict(message.elements)))
    assert GOLDEN == packager.pack(packager.unpack(GOLDEN))


@INSIDE
def test_payload_of_the_last_layout_is_known_by_its_size() -> None:
    """The latest layout of a size is at hand, and is the one of the message that is read."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    packager.unpack(GOLDEN)
    first, second = packager.unpack(GOLDEN), packager.unpack(GOLDEN)
    packager._heads.clear()

    third = packager.unpack(GOLDEN)

    assert isinstance(first, ReadMessage)
    assert isinstance(second, ReadMessage)
    assert isinstance(third, ReadMessage)
    assert first.layout is second.layout is third.layout


@INSIDE
def test_second_bitmap_belongs_to_the_head_of_a_plan() -> None:
    """A head of two bitmaps is known too, and told from the one of its first alone."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    message = IsoMessage("0800", {7: "0630072507", 11: "000123", 70: "301"})
    payload = packager.pack(message)
    del packager.reference

    assert message == packager.unpack(payload)


def test_way_of_answering_is_found_out_once() -> None:
    """The second answer of a kind is written the way the first was."""
    packager = Packager(load_profile("bpjstk-jht-v1"))
    packager.unpack(GOLDEN)
    request = packager.unpack(GOLDEN)
    assert isinstance(request, ReadMessage)
    for _ in range(2):
        packager.pack(request.answering("0210", frozenset({11}), {39: "00"}))
    (way,) = request.layout.writings.values()

    packager.pack(request.answering("0210", frozenset({11}), {39: "05"}))

    assert [way] == list(request.layout.writings.values())
