"""Laws of the terminal: whatever it makes can be sent, read back, and hides its secrets."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.instant import Zone
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.messages.inquiry_data import InquiryData, Lookup, read_inquiry_data
from atm_switch.profile.load import load_profile
from atm_switch.security.pin_block import decipher, decode_format_0
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.answers import read_inquiry_answer
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.screen import Look, screen_box
from terminal_emulator.terminal import STAN_MAX, Terminal, Verb

PROFILES = [
    load_profile(name) for name in ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
]
KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")

moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis puts the zone on
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001  the same
    timezones=st.just(UTC),
)
stans = st.integers(min_value=1, max_value=STAN_MAX)
pans = st.from_regex(r"\A[0-9]{1,19}\Z")
pins = st.from_regex(r"\A[0-9]{4,12}\Z")
kpjs = st.from_regex(r"\A[0-9]{11}\Z").filter(lambda digits: len(set(digits)) > 1)
wishes = st.one_of(
    st.builds(
        InquiryData,
        st.just(Lookup.CARD),
        st.sampled_from(["ID", "EN"]),
        st.integers(0, 99),
        st.sampled_from([0, 32, 38, 40]),
    ),
    st.builds(
        InquiryData,
        st.just(Lookup.KPJ),
        st.sampled_from(["ID", "EN"]),
        st.just(0),
        st.sampled_from([0, 32, 38, 40]),
        st.builds(Kpj, kpjs),
    ),
)


@given(st.sampled_from(PROFILES), pans, wishes, moments, stans)
def test_every_inquiry_survives_the_wire(
    profile: object, pan: str, wish: InquiryData, moment: datetime, stan: int
) -> None:
    """In every dialect what the terminal asks is read back as it was asked."""
    dialect = next(one for one in PROFILES if one is profile)
    request = Terminal(dialect, BARE_KIT.station, KEY, stan).inquiry(pan, wish, moment)

    again = Packager(dialect).unpack(Packager(dialect).pack(request))

    assert request == again
    assert wish == read_inquiry_data(again[48], dialect)


@given(pins, st.from_regex(r"\A[0-9]{15,18}\Z"), moments)
def test_issuer_finds_the_pin_again(pin: str, body: str, moment: datetime) -> None:
    """Whatever the PIN and card, DE52 deciphers to it under the terminal's key."""
    pan = body + luhn_digit(body)
    wish = InquiryData(Lookup.CARD, "ID")
    request = Terminal(PROFILES[0], BARE_KIT.station, KEY).inquiry(
        pan, wish, moment, Pin(pin.encode())
    )

    found = decode_format_0(decipher(PinBlock.from_hex(request[52]), KEY), Pan(pan))

    assert found is not None
    assert pin.encode() == found.reveal()


@given(stans, st.integers(1, 50))
def test_stans_never_repeat_nor_leave_range(first: int, count: int) -> None:
    """Wherever counting starts, STANs are distinct and from 000001 to 999999."""
    terminal = Terminal(PROFILES[0], BARE_KIT.station, None, first)

    taken = [
        terminal.network(Verb.ECHO, datetime(2025, 6, 30, tzinfo=UTC))[11] for _ in range(count)
    ]

    assert count == len(set(taken))
    assert all(1 <= int(stan) <= STAN_MAX and len(stan) == 6 for stan in taken)


@given(
    st.dictionaries(
        st.sampled_from([37, 39, 41, 44, 48, 54, 62, 63]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
    )
)
def test_any_answer_is_read_or_named(elements: dict[int, str]) -> None:
    """Whatever the host answers is a result, or a ValueError that starts with its element."""
    question = Terminal(PROFILES[0], BARE_KIT.station, None).inquiry(
        "9990090000000012", InquiryData(Lookup.CARD, "ID"), datetime(2025, 6, 30, tzinfo=UTC)
    )

    try:
        read_inquiry_answer(question, IsoMessage("0210", elements), PROFILES[0], "ID")
    except ValueError as error:
        assert "DE0" == str(error)[:3]  # noqa: PT017  either end is well


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)))
def test_every_screen_is_a_rectangle(lines: list[str]) -> None:
    """Whatever the lines, all rows of the screen are equally wide."""
    rows = screen_box(lines, Look(unicode=True)).splitlines()

    assert 1 == len({len(row) for row in rows})
    assert len(lines) + 2 == len(rows)


@given(moments)
def test_business_day_is_jakartas(moment: datetime) -> None:
    """DE15 is the day in Jakarta at any moment, whatever the machine's zone."""
    wish = InquiryData(Lookup.CARD, "ID")

    request = Terminal(PROFILES[0], BARE_KIT.station).inquiry("4", wish, moment)

    assert f"{moment.astimezone(Zone.WIB.tzinfo):%m%d}" == request[15]
