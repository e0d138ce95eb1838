"""A plan finds the layout of a payload, writes values, and leaves the rest to the reference."""

from atm_switch.profile.load import load_profile
from atm_switch.wire.plan import Plan
from atm_switch.wire.spelling import LAYOUTS_MAX, Spelling

TEXT = Spelling.of(load_profile("bpjstk-jht-v1"))
PACKED = Spelling.of(load_profile("bpjstk-jht-v1-bcd"))
ELEMENTS = {2: "9990090000000012", 11: "000123", 35: "999009=30", 39: "00", 41: "S1ABC123"}
OCTETS = b"169990090000000012" + b"000123" + b"09999009=30" + b"00" + b"S1ABC123"
PLAN = Plan("0210", tuple(ELEMENTS), TEXT)


def read(plan: Plan, payload: bytes) -> dict[int, str] | None:
    """Read a payload as the packager does."""
    layout = plan.layout_of(payload)
    if layout is None or not layout.holds(payload):
        return None
    return layout.elements(payload)


def test_plan_knows_its_head() -> None:
    """MTI and bitmaps as the profile spells them."""
    assert b"0210" + b"4020000022800000" == PLAN.head
    assert bytes.fromhex("0210" + "0000000000800000") == Plan("0210", (41,), PACKED).head


def test_plan_reads_fixed_and_variable_elements() -> None:
    """Elements come out by number, whatever their lengths, from where they begin."""
    assert ELEMENTS == read(PLAN, PLAN.head + OCTETS)


def test_plan_writes_what_it_reads() -> None:
    """The head is put before the elements; their order in the mapping does not matter."""
    assert PLAN.head + OCTETS == PLAN.write(dict(reversed(ELEMENTS.items())))


def test_plan_reads_nothing_with_bytes_to_spare() -> None:
    """One byte more or less, or a length spelled otherwise: not for the plan."""
    for wrong in (OCTETS + b"0", OCTETS[:-1], b"", b"+6" + OCTETS[2:], b"99" + OCTETS[2:]):
        assert read(PLAN, PLAN.head + wrong) is None


def test_plan_reads_no_content_of_another_class() -> None:
    """Digits beyond ASCII, control bytes, lower-case hexadecimal, a track without a mark."""
    for number, content in (
        (11, "00012²".encode("latin-1")), (41, b"S1\x1b[2J12"), (39, b"0-"),
        (52, b"0123456789abcdef"), (35, b"06999009"),
    ):  # fmt: skip
        plan = Plan("0200", (number,), TEXT)
        assert read(plan, plan.head + content) is None


def test_plan_writes_no_content_of_another_class() -> None:
    """The same contents are not written either, nor a wrong width."""
    for number, content in (
        (11, "00012²"), (11, "0001230"), (41, "S1\x1b[2J12"), (48, "x" * 1000), (48, ""),
    ):  # fmt: skip
        assert Plan("0200", (number,), TEXT).write({number: content}) is None


def test_packed_digits_are_read_and_written() -> None:
    """An odd number of digits begins with a nibble of 0 and no other."""
    plan = Plan("0200", (22, 49), PACKED)

    assert {22: "051", 49: "360"} == read(plan, plan.head + bytes.fromhex("00510360"))
    assert plan.head + bytes.fromhex("00510360") == plan.write({22: "051", 49: "360"})
    assert read(plan, plan.head + bytes.fromhex("10510360")) is None


def test_plans_remember_a_bounded_number_of_layouts_together() -> None:
    """However many lengths a peer sends in messages of ever other kinds, the oldest give way."""
    spelling = Spelling.of(load_profile("bpjstk-jht-v1"))
    plans = [Plan(f"{number:04d}", (32, 48, 62), spelling) for number in range(3)]

    for number in range(LAYOUTS_MAX):
        length = 5 + number % 900
        code = 1 + number % 11
        octets = f"{code:02d}{'9' * code}003abc{length:03d}{'x' * length}".encode()
        for plan in plans:
            assert read(plan, plan.head + octets) is not None

    assert LAYOUTS_MAX == sum(len(plan._layouts) for plan in plans)
    assert all(plan._layouts for plan in plans)


def test_plan_remembers_the_layout_of_the_same_lengths() -> None:
    """Payloads that differ in contents alone have one layout; other lengths have another."""
    plan = Plan("0210", tuple(ELEMENTS), TEXT)
    shorter = b"159990090000000012"[:2] + b"999009000000001" + OCTETS[18:]

    first = plan.layout_of(plan.head + OCTETS)

    assert first is not None
    assert first is plan.layout_of(plan.head + OCTETS.replace(b"000123", b"000124"))
    assert first is not plan.layout_of(plan.head + shorter) is not None
