"""Claims about the packager that hold for every message and every mutation of one."""

import iso8583
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.errors import FormatError
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Element
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.bench import Bench

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
PACKAGERS = {name: Packager(load_profile(name)) for name in NAMES}
ALPHABETS = {
    "n": "0123456789",
    "a": "ABYZabyz ",
    "an": "AZaz09 ",
    "ans": "".join(map(chr, range(32, 127))),
}


def content(element: Element) -> st.SearchStrategy[str]:
    """Any content an element may have."""
    low, high = element.shortest, min(element.longest, element.shortest + 30)
    if element.content == "b":
        return st.binary(min_size=low, max_size=high).map(lambda raw: raw.hex().upper())
    if element.content == "z":
        return st.from_regex(r"[0-9]{13,19}D[0-9]{7,17}", fullmatch=True)
    return st.text(ALPHABETS[element.content], min_size=low, max_size=high)


@st.composite
def messages(draw: st.DrawFn) -> IsoMessage:
    """Any message the profiles allow; all three have the same elements."""
    elements = PACKAGERS[NAMES[0]].profile.elements
    numbers = draw(st.sets(st.sampled_from(sorted(elements)), min_size=1, max_size=25))
    mti = draw(st.sampled_from(["0200", "0210", "0800", "0421"]))
    return IsoMessage(mti, {number: draw(content(elements[number])) for number in sorted(numbers)})


def read(packager: Packager, payload: bytes) -> IsoMessage | FormatError:
    """Unpack a payload; a refusal is a result, every other exception fails the test."""
    try:
        return packager.unpack(payload)
    except FormatError as fault:
        return fault


@given(st.sampled_from(NAMES), messages())
def test_what_is_packed_unpacks_to_the_same(name: str, message: IsoMessage) -> None:
    """Round trip in every dialect."""
    packager = PACKAGERS[name]

    assert message == packager.unpack(packager.pack(message))


@given(messages())
def test_all_dialects_carry_the_same_message(message: IsoMessage) -> None:
    """What one dialect reads, another writes and reads alike."""
    for name in NAMES:
        message = PACKAGERS[name].unpack(PACKAGERS[name].pack(message))

    assert message == PACKAGERS[NAMES[0]].unpack(PACKAGERS[NAMES[0]].pack(message))


def mutate(payload: bytes, changes: list[tuple[int, int, int]]) -> bytes:
    """Overwrite, insert or take out bytes."""
    data = bytearray(payload)
    for kind, place, value in changes:
        at = place % (len(data) + 1)
        if kind == 0 and at < len(data):
            data[at] = value
        elif kind == 1:
            data.insert(at, value)
        elif at < len(data):
            del data[at]
    return bytes(data)


changes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4
)


@given(st.sampled_from(NAMES), messages(), changes)
def test_what_is_accepted_is_canonical(
    name: str, message: IsoMessage, mutations: list[tuple[int, int, int]]
) -> None:
    """A mutated payload is refused with a place, or packs to its very bytes."""
    packager = PACKAGERS[name]
    payload = mutate(packager.pack(message), mutations)

    result = read(packager, payload)

    if isinstance(result, FormatError):
        assert 0 <= result.data_element <= 192
    else:
        assert payload == packager.pack(result)


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(name: str, noise: bytes) -> None:
    """Any bytes at all: a ``FormatError`` or a message, never another exception."""
    result = read(PACKAGERS[name], noise)

    assert isinstance(result, IsoMessage) or str(result).startswith("DE")


@given(messages(), changes)
def test_fault_quotes_nothing(message: IsoMessage, mutations: list[tuple[int, int, int]]) -> None:
    """The text of a refusal holds no content of the message."""
    packager = PACKAGERS[NAMES[0]]
    long = [text for text in message.elements.values() if len(text.strip()) > 8]

    result = read(packager, mutate(packager.pack(message), mutations))

    assert not any(text in f"{result} {result!r}" for text in long)


@pytest.mark.parametrize("name", NAMES)
@given(message=messages())
def test_reference_codec_reads_the_same(name: str, message: IsoMessage) -> None:
    """pyiso8583 by itself decodes what our packager packs to the same texts."""
    packager = PACKAGERS[name]

    decoded, _ = iso8583.decode(packager.pack(message), packager.reference.spec)

    assert dict(message.elements) == {
        int(key): text for key, text in decoded.items() if key.isdecimal() and int(key) > 1
    }


@given(changes)
def test_core_answers_or_counts_every_mutated_inquiry(
    mutations: list[tuple[int, int, int]],
) -> None:
    """A mutated inquiry never stops the switch: the next honest one is approved."""
    bench = Bench(bad_frames_per_minute=0)
    bench.sign_on()
    payload = bench.dialect.packager.pack(bench.inquiry({11: "000555"}))

    bench.feed(mutate(payload, mutations))

    assert "00" == bench.ask(bench.inquiry({11: "000777", 37: "518107000777"}))[39]


@given(st.sampled_from(NAMES), messages(), changes)
def test_plan_and_reference_agree_on_every_payload(
    name: str, message: IsoMessage, mutations: list[tuple[int, int, int]]
) -> None:
    """A plan writes the reference's bytes, and reads its message or leaves the payload to it."""
    packager = PACKAGERS[name]
    payload = packager.pack(message)
    mutant = mutate(payload, mutations)

    assert packager.reference.pack(message) == payload == packager.pack(message)
    assert message == packager.unpack_by_plan(payload)
    by_plan = packager.unpack_by_plan(mutant)
    assert by_plan is None or packager.reference.unpack(mutant) == by_plan
