"""Contradictions that no single table shows: what loads can be spoken, answered and shown."""

import re

import pytest

from atm_switch.profile.judge import LENGTH_KINDS, NUMBERS, masks_in_vain
from atm_switch.profile.load import load_profile
from atm_switch.profile.shipped import profile_text, shipped_profiles
from tests.unit.profile.variant import DEFAULT, problems_of, rewritten, without


@pytest.mark.parametrize("kind", sorted(LENGTH_KINDS))
@pytest.mark.parametrize("end", [0, 1])
def test_length_header_has_bounds_of_its_kind(kind: str, end: int) -> None:
    """
    Every kind takes so many bytes, not one fewer and not one more.
    """
    bound = LENGTH_KINDS[kind][end]
    beyond = bound + (1 if end else -1)
    page = f'[framing]\nlength = "{kind}"\npayload_bytes_max = 20\nlength_bytes = '

    assert () == problems_of(page + str(bound))
    (problem,) = problems_of(page + str(beyond))
    assert problem.startswith("framing.length must be one of")


@pytest.mark.parametrize(
    ("kind", "size", "fits"),
    [
        ("binary-big-endian", 1, 255),
        ("binary-little-endian", 2, 65_000),
        ("ascii-digits", 2, 99),
        ("ascii-digits", 4, 9_999),
        ("ascii-hex", 2, 255),
        ("bcd", 1, 99),
        ("bcd", 2, 9_999),
    ],
)
def test_longest_payload_fits_the_length_header(kind: str, size: int, fits: int) -> None:
    """
    What the profile allows can be written, with header, trailer and length counted too.
    """
    page = f'[framing]\nlength = "{kind}"\nlength_bytes = {size}\npayload_bytes_max = {fits}'
    around = '\nheader_bytes = 1\nheader_own = "60"\ntrailer = "03"\ncounts_itself = true'
    unfit = ("framing.payload_bytes_max does not fit the length header",)

    assert () == problems_of(page)
    if fits != 65_000:
        assert unfit == problems_of(page + around)
        assert unfit == problems_of(page.replace(f"max = {fits}", f"max = {fits + 1}"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ('length = "utf-16"', "framing.length must be one of"),
        ('header_bytes = 5\nheader_own = "60"', "framing.header_own must have header_bytes"),
        ("header_bytes = 5", "framing.header_own is needed"),
        ("header_bytes = -1", "framing.header_own is needed"),
        ('header_starts = "49"', "framing.header_own must start as"),
        ("header_is_tpdu = true", "framing.header_bytes must be 5 for a TPDU"),
        ("payload_bytes_max = 19", "framing.payload_bytes_max must be from 20"),
        ("payload_bytes_max = 65001", "framing.payload_bytes_max must be from 20"),
    ],
)
def test_framing_that_contradicts_itself_is_named(changes: str, problem: str) -> None:
    """
    Each pair of keys that cannot both be true is told.
    """
    assert any(line.startswith(problem) for line in problems_of(f"[framing]\n{changes}"))


@pytest.mark.parametrize("key", ["text", "mti", "numbers", "lengths", "bitmap", "binary"])
def test_encoding_of_unknown_name_is_refused(key: str) -> None:
    """
    An encoding nobody implemented is an error, not the nearest one.
    """
    (problem,) = problems_of(f'[encoding]\n{key} = "latin-1"')

    assert problem.startswith(f"encoding.{key} must be one of ")


@pytest.mark.parametrize("number", [35, 45, 52, 53])
@pytest.mark.parametrize("key", ["echo", "response"])
def test_profile_never_sends_secrets_back(number: int, key: str) -> None:
    """
    No profile can make the switch return tracks, PIN blocks or security information.
    """
    page = f"[messages.inquiry]\n{key} = [7, 11, 39, {number}]"

    assert f"messages.inquiry would send back [{number}], which never may" in problems_of(page)
    assert f"messages.refusal would send back [{number}], which never may" in problems_of(
        f"[messages.refusal]\necho = [{number}]"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ("[messages.network]\noptional = [99]", "messages.network names elements that"),
        ("[messages.refusal]\necho = [99]", "messages.refusal names elements that"),
        ("[messages.network]\necho = [7, 70]", "messages.network.echo must hold [11]"),
        ("[messages.network]\nresponse = [44]", "messages.network.response must hold 39"),
        ("[messages.network]\nmandatory = [7, 11]", "messages.network.mandatory must hold [70]"),
        ('[messages.reversal]\nmti = ["0200"]', "messages.reversal.mti has ['0200'] which"),
    ],
)
def test_message_rules_that_cannot_work_are_named(changes: str, problem: str) -> None:
    """
    A rule must know its elements, echo the key, give a code, and be the only one of its MTI.
    """
    assert any(line.startswith(problem) for line in problems_of(changes))


@pytest.mark.parametrize("number", [2, 4, 48, 49])
def test_elements_the_inquiry_reads_stay_mandatory(number: int) -> None:
    """
    What the corridor reads unasked cannot be made optional: a 30 would become a 96.
    """
    problems = rewritten("mandatory = [2, 3, 4, 7", "mandatory = [3, 7")
    problems += rewritten("42, 48, 49]\noptional", "42]\noptional")

    assert any(str(number) in line for line in problems if "inquiry.mandatory must" in line)


@pytest.mark.parametrize("number", [39, 44])
def test_refusal_needs_its_own_elements(number: int) -> None:
    """
    DE39 and DE44 are in every profile: a refusal is written with them.
    """
    assert f"elements must hold [{number}]: every refusal may have them" in without(f"{number} = ")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ('languages = ["ID"]', "inquiry.languages must hold ID and EN"),
        ("receipt_widths = [31]", "inquiry.receipt_widths and screen_width must be from 32"),
        ("receipt_widths = [42]", "inquiry.receipt_widths and screen_width must be from 32"),
        ("screen_width = 0", "inquiry.receipt_widths and screen_width must be from 32"),
        ("amount_exponent = 3", "inquiry.amount_exponent must be 0 or 2"),
        ("pin_tries_max = 0", "inquiry.pin_tries_max must be at least 1"),
        ("request_seconds_max = 0", "inquiry.request_seconds_max must be at least 1"),
        ("de7_window_seconds = -1", "inquiry.de7_window_seconds must be at least 0"),
        ("repeat_window_seconds = -1", "inquiry.repeat_window_seconds must be at least 0"),
        ("bad_frames_per_minute = -1", "inquiry.bad_frames_per_minute must be at least 0"),
        ('currency = "IDR"', "inquiry.currency must have 3 digits"),
        ('account_type = "1"', "inquiry.account_type must have 2 digits"),
        ('ledger_amount_type = "001"', "inquiry.ledger_amount_type must have 2 digits"),
        ('available_amount_type = ""', "inquiry.available_amount_type must have 2 digits"),
    ],
)
def test_inquiry_number_out_of_bounds_is_named(changes: str, problem: str) -> None:
    """
    Every limit has a least value, and every code the width the line gives it.
    """
    assert any(line.startswith(problem) for line in problems_of(f"[inquiry]\n{changes}"))


def test_decline_may_not_look_like_approval() -> None:
    """
    No outcome but one has the code that the terminal takes for yes.
    """
    page = '[outcomes.wrong_pin]\ncode = "00"'

    assert ("outcomes: no decline may share the code of approved",) == problems_of(page)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ('[channels.6011]\nlookups = ["name"]', "channels.6011.lookups may hold card, kpj, nik"),
        ('[network]\necho = "001"', "network must hold four different codes of three digits"),
        ('[network]\necho = "31"', "network must hold four different codes of three digits"),
        ('[segments]\nJAKON = "4"', "segments must hold PU, BPU, PMI"),
        ('[texts.EN.status]\nX = "LOST"', "texts.EN.status must hold A, N, K"),
        ("[texts.ID]\nheading = []", "texts.ID needs a heading and a footer"),
        ("[texts.ID]\nfooter = []", "texts.ID needs a heading and a footer"),
    ],
)
def test_words_the_switch_needs_are_complete(changes: str, problem: str) -> None:
    """
    Codes and words the corridor looks up are all there before the first inquiry comes.
    """
    assert (problem,) == problems_of(changes)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('["nik", 16, "n"],', "", "layouts.inquiry_request must hold each of "),
        ('["nik", 16, "n"],', '["nik", 8, "n"], ["nik", 8, "n"],', "layouts.inquiry_request must"),
        ('["status", 1, "a"],', '["state", 1, "a"],', "layouts.inquiry_response must hold each"),
        ('["rate", 5, "n"],', '["rate", 0, "n"],', "layouts.inquiry_response has a place without"),
        ('["rate", 5, "n"],', '["rate", 5, "z"],', "layouts.inquiry_response may hold the"),
    ],
)
def test_layout_that_cannot_be_filled_is_named(old: str, new: str, problem: str) -> None:
    """
    DE48 holds every place once, each with a length and a class a layout can have.
    """
    (found,) = rewritten(old, new)

    assert found.startswith(problem)


@pytest.mark.parametrize("content", ["a", "an", "ans"])
@pytest.mark.parametrize("name", NUMBERS)
def test_number_in_a_place_of_text_is_refused(name: str, content: str) -> None:
    """
    It would be cut to its width, and an account of millions show a few rupiah.
    """
    text = profile_text(DEFAULT)
    (place,) = re.findall(rf'\["{name}", [0-9]+, "n"\]', text)

    (problem,) = rewritten(place, place.replace('"n"', f'"{content}"'))

    assert problem.startswith(f"layouts.inquiry_response: give {name} the class n; a number")


def test_place_of_digits_takes_no_masked_kpj() -> None:
    """
    It loads, for a bank that is shown the whole KPJ; for any other it says so.
    """
    text = profile_text(DEFAULT).replace('["kpj", 11, "ans"]', '["kpj", 11, "n"]')
    digits = load_profile("digits", lambda _: text)

    assert masks_in_vain(digits)
    assert not any(masks_in_vain(load_profile(name)) for name in shipped_profiles())
