"""A plan reads and writes what the reference codec does, and leaves the rest to it."""

from atm_switch.profile.load import load_profile
from atm_switch.wire.part import parts_of
from atm_switch.wire.plan import LAYOUTS_MAX, Plan

PROFILE = load_profile("bpjstk-jht-v1")
BCD = load_profile("bpjstk-jht-v1-bcd")
ELEMENTS = {2: "9990090000000012", 11: "000123", 35: "999009=30", 39: "00", 41: "S1ABC123"}
HEAD, PACKED_HEAD = b"0200" + b"h" * 16, b"\x02\x00" + b"h" * 8
OCTETS = b"169990090000000012" + b"000123" + b"09999009=30" + b"00" + b"S1ABC123"


def plan_for(*numbers: int) -> Plan:
    """A plan of the text dialect."""
    return Plan(numbers, parts_of(PROFILE.elements, PROFILE.encoding), PROFILE.encoding)


def packed_plan_for(*numbers: int) -> Plan:
    """A plan of the dialect with BCD numbers and lengths."""
    return Plan(numbers, parts_of(BCD.elements, BCD.encoding), BCD.encoding)


def test_plan_reads_fixed_and_variable_elements() -> None:
    """Elements come out by number, whatever their lengths, from where they begin."""
    assert ELEMENTS == plan_for(*ELEMENTS).read(HEAD + OCTETS)


def test_plan_writes_what_it_reads() -> None:
    """The head is put before the elements; their order in the mapping does not matter."""
    shuffled = dict(reversed(ELEMENTS.items()))

    assert HEAD + OCTETS == plan_for(*ELEMENTS).write(shuffled, HEAD)


def test_plan_reads_nothing_with_bytes_to_spare() -> None:
    """One byte more or less, or a length spelled otherwise: not for the plan."""
    plan = plan_for(*ELEMENTS)

    for wrong in (OCTETS + b"0", OCTETS[:-1], b"", b"+6" + OCTETS[2:], b"99" + OCTETS[2:]):
        assert plan.read(HEAD + wrong) is None


def test_plan_reads_no_content_of_another_class() -> None:
    """Digits beyond ASCII, control bytes, lower-case hexadecimal, a track without a mark."""
    assert plan_for(11).read(HEAD + "00012²".encode("latin-1")) is None
    assert plan_for(41).read(HEAD + b"S1\x1b[2J12") is None
    assert plan_for(39).read(HEAD + b"0-") is None
    assert plan_for(52).read(HEAD + b"0123456789abcdef") is None
    assert plan_for(35).read(HEAD + b"06999009") is None


def test_plan_writes_no_content_of_another_class() -> None:
    """The same contents are not written either, nor a wrong width."""
    assert plan_for(11).write({11: "00012²"}, b"") is None
    assert plan_for(11).write({11: "0001230"}, b"") is None
    assert plan_for(41).write({41: "S1\x1b[2J12"}, b"") is None
    assert plan_for(48).write({48: "x" * 1000}, b"") is None
    assert plan_for(48).write({48: ""}, b"") is None


def test_packed_digits_have_one_padding_only() -> None:
    """An odd number of digits begins with a nibble of 0 and no other."""
    plan = packed_plan_for(22, 49)

    assert {22: "051", 49: "360"} == plan.read(PACKED_HEAD + bytes.fromhex("00510360"))
    assert bytes.fromhex("00510360") == plan.write({22: "051", 49: "360"}, b"")
    assert plan.read(PACKED_HEAD + bytes.fromhex("10510360")) is None
    assert plan.read(PACKED_HEAD + bytes.fromhex("005A0360")) is None


def test_packed_track_has_no_equals_sign() -> None:
    """Four bits hold the D of track 2 and cannot hold an equals sign."""
    plan = packed_plan_for(35)

    assert bytes.fromhex("09" + "0999009D30") == plan.write({35: "999009D30"}, b"")
    assert plan.write({35: "999009=30"}, b"") is None


def test_plan_remembers_a_bounded_number_of_layouts() -> None:
    """However many lengths a peer sends, the oldest layouts give way."""
    plan = plan_for(32, 48, 62)

    for number in range(2 * LAYOUTS_MAX):
        length = 5 + number % 900
        code = 1 + number % 11
        octets = f"{code:02d}{'9' * code}003abc{length:03d}{'x' * length}".encode()
        assert plan.read(HEAD + octets) is not None

    assert LAYOUTS_MAX == len(plan._layouts)
