"""The packed and the mainframe dialect: their own ways of spelling one message twice.

Payloads are put together here from hexadecimal, not by our packager.
"""

import pytest

from atm_switch.domain.errors import FormatError
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

PACKED = Packager(load_profile("bpjstk-jht-v1-bcd"))
MAINFRAME = Packager(load_profile("bpjstk-jht-v1-ebcdic"))

BITMAP = "5020000100001000"
"""Elements 2, 4, 11, 32, 52."""

HEAD = "0200" + BITMAP
PAN, AMOUNT, STAN, ACQUIRER = "169990090000000012", "000000000000", "000123", "030009"
PIN_BLOCK = "0123456789ABCDEF"
WHOLE = HEAD + PAN + AMOUNT + STAN + ACQUIRER + PIN_BLOCK


def fault_of(packager: Packager, payload: bytes) -> FormatError:
    """Return the refusal a payload gets."""
    with pytest.raises(FormatError) as caught:
        packager.unpack(payload)
    return caught.value


def test_packed_message_is_read_from_its_nibbles() -> None:
    """
    Two digits a byte, odd ones behind a zero, the PIN block raw.
    """
    message = PACKED.unpack(bytes.fromhex(WHOLE))

    assert (
        IsoMessage(
            "0200",
            {2: "9990090000000012", 4: AMOUNT, 11: STAN, 32: "009", 52: PIN_BLOCK},
        )
        == message
    )
    assert WHOLE.lower() == PACKED.pack(message).hex()


@pytest.mark.parametrize(
    ("part", "spelled", "element"),
    [
        (PAN, "1A9990090000000012", 2),  # a length of hexadecimal
        (PAN, "16999009000000001F", 2),  # filled up with F
        (PAN, "16999009000000001D", 2),  # a track separator in a number
        (PAN, "209990090000000012000000", 2),  # longer than the element
        (PAN, "00", 2),  # no digit at all
        (STAN, "00012A", 11),  # a letter in a number
        (STAN, "00012F", 11),
        (ACQUIRER, "031009", 32),  # a digit where the padding stands
        (ACQUIRER, "03F009", 32),
        (ACQUIRER, "120000000000099", 32),  # longer than the element, and half a byte
    ],
)
def test_packed_number_spelled_otherwise_is_refused(part: str, spelled: str, element: int) -> None:
    """
    One message has one spelling: nibbles that are no digits and padding that is no zero
    name their element.
    """
    payload = WHOLE.replace(part, spelled)
    payload += "0" * (len(payload) % 2)

    assert element == fault_of(PACKED, bytes.fromhex(payload)).data_element


def test_packed_track_has_its_own_separator() -> None:
    """
    In nibbles the separator of track 2 is D; an equals sign has none and is not packed.
    """
    track = "9990090000000012D30121011234567"
    message = IsoMessage("0200", {11: STAN, 35: track})

    assert track == PACKED.unpack(PACKED.pack(message))[35]
    with pytest.raises(ValueError, match=r"^DE035: "):
        PACKED.pack(message.with_element(35, track.replace("D", "=")))


@pytest.mark.parametrize("size", range(2, len(WHOLE) // 2))
def test_packed_message_cut_anywhere_is_refused(size: int) -> None:
    """
    At every byte; what was whole before the cut is kept for the answer.
    """
    fault = fault_of(PACKED, bytes.fromhex(WHOLE)[:size])

    assert "0200" == fault.mti
    assert fault.readable.keys() <= {2, 4, 11, 32}


def ebcdic(text: str) -> bytes:
    """Spell a text as a mainframe does."""
    return text.encode("cp500")


MAINFRAME_HEAD = ebcdic("0200") + bytes.fromhex(BITMAP)
MAINFRAME_TAIL = ebcdic("000000000000" + "000123")


def test_mainframe_message_is_read_from_its_letters() -> None:
    """
    Digits are F0 to F9, lengths too, the PIN block raw.
    """
    payload = MAINFRAME_HEAD + ebcdic("169990090000000012") + MAINFRAME_TAIL
    payload += ebcdic("03009") + bytes.fromhex(PIN_BLOCK)

    message = MAINFRAME.unpack(payload)

    assert ("9990090000000012", "009", PIN_BLOCK) == (message[2], message[32], message[52])
    assert payload == MAINFRAME.pack(message)


@pytest.mark.parametrize(
    ("length", "pan"),
    [
        (b"16", ebcdic("9990090000000012")),  # ASCII length before EBCDIC digits
        (ebcdic("16"), b"9990090000000012"),  # the reverse
        (ebcdic("+9"), ebcdic("999009000")),
        (ebcdic(" 9"), ebcdic("999009000")),
        (ebcdic("16"), ebcdic("999009000000001\u0660".replace("\u0660", "\x00"))),
    ],
)
def test_mainframe_number_spelled_otherwise_is_refused(length: bytes, pan: bytes) -> None:
    """
    Two alphabets are not mixed, and signs and blanks are no digits in either.
    """
    payload = MAINFRAME_HEAD + length + pan + MAINFRAME_TAIL + ebcdic("03009")

    assert 2 == fault_of(MAINFRAME, payload + bytes.fromhex(PIN_BLOCK)).data_element


@pytest.mark.parametrize("mti", ["", "200", "02000", "02x0", "+200", "\u0660200"])
@pytest.mark.parametrize("packager", [PACKED, MAINFRAME])
def test_message_of_no_mti_is_not_packed(packager: Packager, mti: str) -> None:
    """
    Four ASCII digits, in every dialect.
    """
    with pytest.raises(ValueError, match=r"^DE000: an MTI is four digits"):
        packager.pack(IsoMessage(mti, {11: STAN}))


def test_escape_of_the_codec_is_a_refusal() -> None:
    """
    pyiso8583 raises ``KeyError`` where its specification has a hole: that is a 30 as well.
    """
    packager = Packager(load_profile("bpjstk-jht-v1-bcd"))
    del packager.reference.spec["11"]

    fault = fault_of(packager, bytes.fromhex(WHOLE))

    assert "DE001: cannot be read (KeyError)" == str(fault)
    assert fault.__cause__ is None
    assert fault.__suppress_context__
