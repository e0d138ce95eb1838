"""Masks never show more than allowed, whatever they are given and however it is printed."""

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.card import Pan, Track2, luhn_digit
from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.mask import mask_kpj, mask_name, mask_nik, mask_pan
from atm_switch.domain.secret import Key, Pin, PinBlock

DIGITS = "0123456789"
PANS = st.text(DIGITS, min_size=15, max_size=18).map(lambda body: Pan(body + luhn_digit(body)))
KPJS = st.text(DIGITS, min_size=11, max_size=11).filter(lambda n: len(set(n)) > 1).map(Kpj)
NIKS = (
    st.text(DIGITS, min_size=16, max_size=16).filter(lambda digits: len(set(digits)) > 1).map(Nik)
)
NEAR_NUMBERS = st.text(DIGITS + " -\n\u0660", max_size=24)


def shown(masked: str, clear: str) -> list[int]:
    """Return the places where a mask shows what it was given."""
    return [at for at, (a, b) in enumerate(zip(masked, clear, strict=True)) if a == b and a != "*"]


@given(st.one_of(PANS.map(lambda pan: pan.digits), NEAR_NUMBERS, st.text(max_size=40)))
def test_card_number_shows_six_and_four_at_most(text: str) -> None:
    """
    Never more than ten places, never one of the middle, never another length.
    """
    places = shown(mask_pan(text), text)

    assert set(places) <= {*range(6), *range(len(text) - 4, len(text))}
    assert not places or len(text) >= 13


@given(st.one_of(KPJS.map(lambda kpj: kpj.digits), NEAR_NUMBERS, st.text(max_size=40)))
def test_member_number_shows_its_last_four(text: str) -> None:
    """
    Four places of a KPJ, none of anything else.
    """
    places = shown(mask_kpj(text), text)

    assert places in ([], [7, 8, 9, 10])


@given(st.one_of(NIKS.map(lambda nik: nik.digits), NEAR_NUMBERS, st.text(max_size=40)))
def test_national_number_shows_two_and_two(text: str) -> None:
    """
    Birth date and region stay hidden.
    """
    places = shown(mask_nik(text), text)

    assert places in ([], [0, 1, 14, 15])


@given(st.text(max_size=60))
def test_each_word_of_a_name_hides_something(name: str) -> None:
    """
    Two letters of the first word, three of the others, fewer where that were all of it.
    """
    words, masks = name.split(), mask_name(name).split(" ") if name.split() else []

    assert [len(word) for word in words] == [len(mask) for mask in masks]
    for at, (word, mask) in enumerate(zip(words, masks, strict=True)):
        places = shown(mask, word)
        assert len(places) <= (2 if at == 0 else 3)
        assert len(places) < len(word)


@given(PANS, KPJS, NIKS, st.sampled_from(["{}", "{!r}", "{!s}", "{!a}"]))
def test_numbers_never_print_in_clear(pan: Pan, kpj: Kpj, nik: Nik, form: str) -> None:
    """
    By whatever road a value gets into a text, it is masked there.
    """
    track = Track2(f"{pan.digits}=30121011234567")

    text = " ".join(form.format(value) for value in (pan, kpj, nik, track, [pan, kpj], {nik: pan}))

    assert not any(number in text for number in (pan.digits, kpj.digits, nik.digits))


@given(st.binary(min_size=6, max_size=24), st.sampled_from([Key, Pin, PinBlock]))
def test_secrets_never_print_at_all(material: bytes, kind: type[Key | Pin | PinBlock]) -> None:
    """
    Neither as bytes nor as hexadecimal, in any format.
    """
    secret = kind(material)

    text = f"{secret} {secret!r} {secret:>40} {[secret]} {secret!s:x<30}"

    assert text.replace("x", "").replace(" ", "") == f"<{kind.__name__}>" * 3 + (
        f"[<{kind.__name__}>]<{kind.__name__}>"
    )
