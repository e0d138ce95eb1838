"""What is on the glass: the lines and the eight keys of every page.  Pure.

Plan: ``State`` is all there is to know of a visit, ``face_of`` draws it.  A key holds what
it does as an ``Act``; ``visit.py`` does it.
Why the entry is given to the drawing as a count: the digits of a PIN are never text.
Limits: thirteen lines of forty columns and eight keys, so that 80x24 holds it all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, unique
from textwrap import shorten

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.text_block import wrap
from terminal_emulator import texts
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm_screen import words
from terminal_emulator.atm_screen.deck import SampleCard, short_pan
from terminal_emulator.atm_screen.words import ScreenWords
from terminal_emulator.screen import WIDTH, screen_lines
from terminal_emulator.slips.paper import Paper

LINES = 13
KEYS = 8
CARDS_SHOWN = 6
KPJ_SHOWN = 7
PAN_DIGITS_SHOWN = 6
SHOWS_WIDTH, BAR_WIDTH, PIN_DIGITS_SHOWN = 29, 30, 6
BOTTOM_LEFT, ABOVE_LAST, LAST = 3, 6, 7


@unique
class Page(Enum):
    """Where a visit is."""

    CLOSED = "closed"
    WELCOME = "welcome"
    NUMBER = "number"
    LANGUAGE = "language"
    PIN = "pin"
    MENU = "menu"
    SLIP = "slip"
    WAIT = "wait"
    RESULT = "result"
    KPJ = "kpj"
    DECLINED = "declined"
    FAILED = "failed"
    RETAINED = "retained"
    GOODBYE = "goodbye"


@unique
class Act(Enum):
    """What a side key does."""

    INSERT = "insert"
    MORE_CARDS = "more cards"
    TYPE_NUMBER = "type number"
    SPEAK = "speak"
    MENU = "menu"
    INQUIRE = "inquire"
    PRINT = "print"
    LEAVE = "leave"
    OTHER_KPJ = "other kpj"
    KPJ = "kpj"
    RESULT = "result"
    PIN_AGAIN = "pin again"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Key:
    """A side key's label, what it does with which number, and a second line that says more."""

    label: str
    act: Act
    value: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """The glass and the keys beside it."""

    lines: tuple[str, ...] = ()
    keys: Mapping[int, Key] = field(default_factory=dict)
    title: str = ""
    hint: str = ""
    """A line below the title."""
    is_alarm: bool = False
    is_block: bool = False
    """Whether the lines are a text set by the host, which keeps its columns."""


@dataclass(slots=True, repr=False)
class State:
    """All there is to know of a visit; not printable, it may hold a PAN."""

    deck: tuple[SampleCard, ...] = ()
    page: Page = Page.WELCOME
    language: str = "ID"
    deck_at: int = 0
    card: str = ""
    typed: int = 0
    """How many digits are typed."""
    typed_shown: str = ""
    """Those of them that may be seen."""
    result: InquiryResult | None = None
    note: str = ""
    slip: Paper | None = None
    seconds_left: float = 0.0
    seconds_whole: float = 0.0
    """How long the page waits altogether."""

    @property
    def words(self) -> ScreenWords:
        """The screen's words in the customer's language."""
        return words.WORDS[self.language]

    @property
    def kpj_count(self) -> int:
        """How many KPJ the customer has."""
        balance = self.result.balance if self.result is not None else None
        return 0 if balance is None else balance.kpj_count


def face_of(state: State) -> Face:
    """Draw a page; never more than ``LINES`` lines of ``WIDTH`` columns."""
    face = _FACES[state.page](state)
    most = LINES - 1 if face.title else LINES
    return replace(face, lines=tuple(line[:WIDTH] for line in face.lines[:most]))


def _closed(state: State) -> Face:
    retry = Key(words.RETRY[0], Act.RETRY, note=words.RETRY[1])
    lines = tuple(wrap(state.note, WIDTH))
    return Face(lines, {LAST: retry}, title=words.BOTH_CLOSED, is_alarm=True)


def _welcome(state: State) -> Face:
    shown = state.deck[state.deck_at : state.deck_at + CARDS_SHOWN]
    keys = {
        at: Key(short_pan(card.pan), Act.INSERT, state.deck_at + at, _shortened(card.shows))
        for at, card in enumerate(shown)
    }
    if len(state.deck) > CARDS_SHOWN:
        keys[ABOVE_LAST] = Key(words.MORE[0], Act.MORE_CARDS, note=words.MORE[1])
    keys[LAST] = Key(words.TYPE[0], Act.TYPE_NUMBER, note=words.TYPE[1])
    hint = words.BOTH_INSERT if state.deck else words.BOTH_NO_CARDS
    return Face((), keys, title=words.BOTH_WELCOME, hint=hint)


def _shortened(shows: str) -> str:
    return shorten(shows, SHOWS_WIDTH, placeholder=" …")


def _number(state: State) -> Face:
    stars = "*" * (state.typed - len(state.typed_shown))
    note = (words.BOTH_BAD_NUMBER,) if state.note else ()
    lines = (f"{state.typed_shown}{stars}_", "", *note)
    return Face(lines, title=words.BOTH_NUMBER, hint=words.BOTH_ENTER)


def _language(_state: State) -> Face:
    keys = {
        BOTTOM_LEFT: Key(words.INDONESIAN, Act.SPEAK, 0),
        LAST: Key(words.ENGLISH, Act.SPEAK, 1),
    }
    return Face((), keys, title=words.BOTH_LANGUAGE)


def _pin(state: State) -> Face:
    own = state.words
    note = (texts.WORDS[state.language].bad_pin,) if state.note else ()
    open_places = "_ " * max(PIN_DIGITS_SHOWN - state.typed, 0)
    places = f"{'● ' * state.typed}{open_places}".rstrip()
    return Face((own.cover, "", places, "", *note), title=own.enter_pin, hint=own.pin_hint)


def _menu(state: State) -> Face:
    own = state.words
    keys = {0: Key(own.balance, Act.MENU), LAST: Key(own.leave, Act.LEAVE)}
    return Face((), keys, title=own.menu)


def _slip(state: State) -> Face:
    own = state.words
    keys = {BOTTOM_LEFT: Key(own.yes, Act.PRINT, 1), LAST: Key(own.no, Act.PRINT, 0)}
    return Face((), keys, title=own.slip)


def _wait(state: State) -> Face:
    seconds, whole = max(0.0, state.seconds_left), max(state.seconds_whole, 1.0)
    full = min(BAR_WIDTH, round(BAR_WIDTH * seconds / whole))
    bar = "█" * full + "░" * (BAR_WIDTH - full)
    return Face((state.words.under_way, "", bar, f"{round(seconds)} s"), title=state.words.wait)


def _result(state: State) -> Face:
    own = state.words
    keys = {ABOVE_LAST: Key(own.again, Act.INQUIRE), LAST: Key(own.done, Act.LEAVE)}
    if state.kpj_count > 1:
        keys[BOTTOM_LEFT] = Key(own.other_kpj, Act.OTHER_KPJ)
    lines = () if state.result is None else screen_lines(state.result)
    return Face(lines, keys, is_block=True)


def _kpj(state: State) -> Face:
    own, count = state.words, str(state.kpj_count)
    keys = {
        at: Key(f"KPJ {at + 1:02d}", Act.KPJ, at + 1)
        for at in range(min(KPJ_SHOWN, state.kpj_count))
    }
    keys[LAST] = Key(own.back, Act.RESULT)
    ask = own.type_kpj.replace("{count}", count)
    note = (texts.WORDS[state.language].no_such_choice,) if state.note else ()
    title = own.choose_kpj.replace("{count}", count)
    return Face((ask, "", f"{state.typed_shown}_", "", *note), keys, title=title)


def _declined(state: State) -> Face:
    own, result = state.words, state.result
    keys = {ABOVE_LAST: Key(own.again, Act.INQUIRE), LAST: Key(own.done, Act.LEAVE)}
    if result is None:
        return Face((), keys, title=own.failed, is_alarm=True)
    if result.outcome is Outcome.WRONG_PIN:
        keys[BOTTOM_LEFT] = Key(own.retry_pin, Act.PIN_AGAIN)
    title = f"{own.failed} ({result.code})"
    return Face(_why(result, state.language), keys, title=title, is_alarm=True)


def _why(result: InquiryResult, language: str) -> tuple[str, ...]:
    fault = (f"{result.fault}",) if result.fault else ()
    advice = wrap(texts.advice(result.outcome, language), WIDTH)
    return (*screen_lines(result), *fault, "", *advice)


def _failed(state: State) -> Face:
    own = state.words
    said = texts.WORDS[state.language].out_of_service
    keys = {ABOVE_LAST: Key(own.again, Act.INQUIRE), LAST: Key(own.done, Act.LEAVE)}
    lines = (*wrap(said, WIDTH), "", *wrap(state.note, WIDTH))
    return Face(lines, keys, title=own.failed, is_alarm=True)


def _retained(state: State) -> Face:
    advice = wrap(texts.advice(Outcome.PIN_TRIES_EXCEEDED, state.language), WIDTH)
    own = state.words
    return Face((own.too_many, "", *advice), title=own.retained, is_alarm=True)


def _goodbye(state: State) -> Face:
    note = (*wrap(state.note, WIDTH), "") if state.note else ()
    take = wrap(texts.WORDS[state.language].take_card, WIDTH)
    slip = ("", state.words.take_slip) if state.slip is not None else ()
    return Face((*note, *take, *slip), title=state.words.thanks)


_FACES: Mapping[Page, Callable[[State], Face]] = {
    Page.CLOSED: _closed, Page.WELCOME: _welcome, Page.NUMBER: _number,
    Page.LANGUAGE: _language, Page.PIN: _pin, Page.MENU: _menu, Page.SLIP: _slip,
    Page.WAIT: _wait, Page.RESULT: _result, Page.KPJ: _kpj, Page.DECLINED: _declined,
    Page.FAILED: _failed, Page.RETAINED: _retained, Page.GOODBYE: _goodbye,
}  # fmt: skip
