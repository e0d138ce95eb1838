"""The tables of a profile: every wrong key, kind and shape is named with its place."""

import pytest

from atm_switch.domain.outcome import Outcome
from tests.unit.profile.variant import problems_of, rewritten, variant, without

ELEMENT = '{ name = "X", class = "n", length = 4 }'


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ("[framing]\nlength = 2", "framing.length must be a text"),
        ('[framing]\nlength_bytes = "2"', "framing.length_bytes must be a whole number"),
        ("[framing]\nlength_bytes = 2.0", "framing.length_bytes must be a whole number"),
        ("[framing]\nlength_bytes = true", "framing.length_bytes must be a whole number"),
        ("[framing]\ncounts_itself = 1", "framing.counts_itself must be true or false"),
        ('[framing]\ntrailer = "3"', "framing.trailer must be hexadecimal text"),
        ("[framing]\ntrailer = 3", "framing.trailer must be hexadecimal text"),
        ("[inquiry]\nlanguages = 'ID'", "inquiry.languages must be a list"),
        ("[inquiry]\npan_lengths = ['16']", "inquiry.pan_lengths must be a whole number"),
        ("[texts.EN]\nstatus = 'A'", "texts.EN.status must be a table"),
        ("[texts.EN]\nheding = ['A']", "texts.EN.heding is not known here"),
        ("[channels]\n6011 = 'ATM'", "channels.6011 must be a table"),
        ("[channels.6010]\nfloor = 3", "channels.6010.floor is not known here"),
        ("[segments]\nPU = 1", "segments.PU must be a text"),
        ("[outcomes]\nduplicate = 94", "outcomes.duplicate must be a table"),
        ("[outcomes.bad_pan]\ncode = 14", "outcomes.bad_pan.code must be a text"),
    ],
)
def test_value_of_wrong_kind_is_named(changes: str, problem: str) -> None:
    """
    A text is not a number, a number not a truth, and the place is said.
    """
    assert problem in problems_of(changes)


@pytest.mark.parametrize("key", ["0", "1", "65", "129", "02", "x", "-3", "1000"])
def test_element_outside_the_bitmaps_is_refused(key: str) -> None:
    """
    Elements are 2 to 128; 1 and 65 are the further bitmaps, and 02 would hide 2.
    """
    problem = f"elements.{key} must be numbered 2 to 128, without 65"

    assert (problem,) == problems_of(f'[elements]\n"{key}" = {ELEMENT}')


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('"n4"', "must be a table of name, class, length, min and show"),
        ('{ name = "X", class = "n", length = 4, max = 9 }', "must be a table of name"),
        ('{ class = "n", length = 4 }', "needs a name and a class"),
        ('{ name = "X", class = "hex", length = 4 }', "needs a name and a class"),
        ('{ name = "X", class = "n" }', "needs a length"),
        ('{ name = "X", class = "n", length = 0 }', "needs a length"),
        ('{ name = "X", class = "n", length = 1000 }', "needs a length"),
        ('{ name = "X", class = "n", length = "4" }', "needs a length"),
        ('{ name = "X", class = "n", length = ".9" }', "needs a length"),
        ('{ name = "X", class = "n", length = "..100" }', "needs a length"),
        ('{ name = "X", class = "n", length = "..0" }', "needs a length"),
        ('{ name = "X", class = "n", length = "....9" }', "needs a length"),
        ('{ name = "X", class = "n", length = 4, min = 2 }', "must have a min"),
        ('{ name = "X", class = "n", length = "..9", min = 10 }', "must have a min"),
        ('{ name = "X", class = "n", length = "..9", min = 0 }', "must have a min"),
        ('{ name = "X", class = "n", length = "..9", min = "1" }', "must have a min"),
        ('{ name = "X", class = "n", length = 4, show = "loud" }', "must have show plain"),
    ],
)
def test_misshapen_element_is_named(row: str, words: str) -> None:
    """
    Every row that could not be coded on the line is refused with its number.
    """
    (problem,) = problems_of(f"[elements]\n99 = {row}")

    assert problem.startswith(f"elements.99 {words}")


def test_lengths_are_read_as_they_are_written() -> None:
    """
    ``6`` is fixed, ``..19`` two digits of length, ``...999`` three; bounds follow.
    """
    elements = variant("").elements

    shapes = {n: (e.length_digits, e.shortest, e.longest) for n, e in elements.items()}
    assert {3: (0, 6, 6), 2: (2, 1, 19), 48: (3, 1, 999)} == {n: shapes[n] for n in (3, 2, 48)}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ('[messages]\ninquiry = "0200"', "messages.inquiry must be a table"),
        ("[messages.inquiry]\nforbidden = [52]", "messages.inquiry.forbidden is not known here"),
        ("[messages.refusal]\nadd = [3]", "messages.refusal.add is not known here"),
        ('[messages.inquiry]\nmti = "0200"', "messages.inquiry.mti must be a list of texts"),
        ("[messages.inquiry]\nmti = []", "messages.inquiry.mti is missing"),
        ("[messages.inquiry]\nmti = ['200']", "messages.inquiry.mti must be texts of the shape"),
        (
            "[messages.inquiry]\nprocessing_codes = ['3(']",
            "messages.inquiry.processing_codes must be texts of the shape",
        ),
        (
            "[messages.inquiry]\noptional = [14, '52']",
            "messages.inquiry.optional must be a list of whole numbers",
        ),
        ("[messages.refusal]\necho = 3", "messages.refusal.echo must be a list of whole numbers"),
    ],
)
def test_misshapen_message_rule_is_named(changes: str, problem: str) -> None:
    """
    A rule that could not be applied, or would be misread, is refused with its key.
    """
    assert any(line.startswith(problem) for line in problems_of(changes))


@pytest.mark.parametrize("name", ["network", "inquiry", "reversal"])
def test_missing_message_rule_is_named(name: str) -> None:
    """
    The three kinds of message the switch has corridors for must all have a rule.
    """
    problems = rewritten(f"[messages.{name}]", f"[messages.{name}_of_old]")

    assert f"messages.{name} is missing" in problems


@pytest.mark.parametrize("rows", ['[["product", 6]]', '[["product", "six", "an"]]', "3"])
def test_misshapen_layout_is_named(rows: str) -> None:
    """
    A layout is a list of name, length and class.
    """
    problem = "layouts.inquiry_request must be a list of [name, length, class]"

    assert problem in problems_of(f"[layouts]\ninquiry_request = {rows}")


@pytest.mark.parametrize("name", ["inquiry_request", "inquiry_response"])
def test_missing_layout_is_named(name: str) -> None:
    """
    Both directions of DE48 have their layout.
    """
    assert f"layouts.{name} is missing" in rewritten(f"{name} = [", f"old_{name} = [")


@pytest.mark.parametrize("code", ["", "0", "000", "a0", "é0"])
def test_outcome_needs_a_code_of_two(code: str) -> None:
    """
    DE39 is two digits or capital letters.
    """
    problem = "outcomes.duplicate needs code and ID, EN text"

    assert (problem,) == problems_of(f'[outcomes.duplicate]\ncode = "{code}"')


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcome_without_a_row_is_named(outcome: Outcome) -> None:
    """
    No outcome of the switch may be without code and texts.
    """
    problem = f"outcomes.{outcome.value} needs code and ID, EN text"

    assert (problem,) == without(f"{outcome.value} = ")


def test_language_without_texts_is_named() -> None:
    """
    A language in the list needs its words and a text of every outcome.
    """
    problems = problems_of('[inquiry]\nlanguages = ["ID", "EN", "JV"]')

    assert "texts.JV must be a table" in problems
    assert "outcomes.approved needs code and ID, EN, JV text" in problems
