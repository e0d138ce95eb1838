"""Every outcome of the profile's table, reached through the core by a whole message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.member import CardStatus
from atm_switch.domain.money import ZERO
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.statement import AccountHistory
from atm_switch.switch.ports import Commit, FindAccount
from tests.doubles.bench import BUDI, PAN, PIN, Bench, bank
from tests.doubles.inquiries import block_of, commits, de48, last_outcome, sentence_of

Changes = dict[int, str | None]


def nothing(_bench: Bench) -> None:
    """Leave the bench as it is."""


@dataclass(frozen=True)
class Scene:
    """How to get one outcome, and what the terminal must then see."""

    outcome: Outcome
    code: str
    texts: tuple[str, str] = ("", "")
    """Indonesian, English."""
    changes: Changes = field(default_factory=dict)
    stage: Callable[[Bench], None] = nothing
    how: dict[str, Any] = field(default_factory=dict)
    signs_on: bool = True
    is_kept: bool = True
    """A row B is written."""


def with_card(**changes: Any) -> Callable[[Bench], None]:
    """Change Budi's card in the registry."""

    def stage(bench: Bench) -> None:
        bench.link_card(PAN, BUDI, PIN, **changes)

    return stage


def with_answer(kind: type, answer: Exception) -> Callable[[Bench], None]:
    """Have one kind of question met by an exception."""

    def stage(bench: Bench) -> None:
        bench.memory.faults[kind] = answer

    return stage


def asked_before(changes: Changes) -> Callable[[Bench], None]:
    """Have the golden request, changed so, answered before."""

    def stage(bench: Bench) -> None:
        assert "00" == bench.ask(bench.inquiry(changes))[39]

    return stage


def without_cards(bench: Bench) -> None:
    """Empty the registry."""
    bench.memory.cards.clear()


def without_tries(bench: Bench) -> None:
    """Use up the tries of Budi's card."""
    for digest in bench.memory.cards:
        bench.memory.tries[digest] = 3


def without_postings(bench: Bench) -> None:
    """Have nothing booked on Budi's account yet."""
    bench.memory.histories[BUDI] = _unbooked


def _unbooked(as_of: date) -> AccountHistory:
    return AccountHistory(as_of.year, ZERO, (), has_postings=False, last_contribution=None)


NOT_LINKED = (
    "Kartu belum terdaftar BPJS Ketenagakerjaan. Hubungi kantor cabang/175",
    "Card not linked to a participant. Call 175",
)
BLOCKED = ("Kartu diblokir", "Restricted card")
END_OF_DAY = bank(end_of_day=(time(14), time(15)))
Is = Outcome
SCENES = (
    Scene(Is.APPROVED, "00"),
    Scene(
        Is.NOT_SIGNED_ON, "58", ("Terminal/bank belum sign-on", "Not signed on"), signs_on=False
    ),
    Scene(
        Is.TERMINAL_NOT_LISTED, "58", ("Terminal tidak terdaftar", "Terminal not listed"),
        how={"banks": (bank(admits_any_terminal=False),)},
    ),
    Scene(
        Is.UNSUPPORTED_TRANSACTION, "12",
        ("Jenis transaksi tidak dikenal", "Invalid transaction"),
        changes={3: "010000"}, is_kept=False,
    ),
    Scene(
        Is.AMOUNT_NOT_ZERO, "13", ("Nilai transaksi tidak sah", "Invalid amount"),
        changes={4: "000000000001"},
    ),
    Scene(
        Is.BAD_PAN, "14", ("Nomor kartu tidak sah", "Invalid card number"),
        changes={2: "9990090000000013"},
    ),
    Scene(Is.FORMAT_ERROR, "30", changes={49: "840"}),
    Scene(
        Is.ACQUIRER_NOT_ALLOWED, "31", ("Bank tidak terdaftar", "Bank not supported"),
        changes={32: "008"},
    ),
    Scene(
        Is.CHANNEL_NOT_ALLOWED, "40",
        ("Layanan tidak tersedia di kanal ini", "Function not supported"), changes={18: "6014"},
    ),
    Scene(
        Is.CARD_EXPIRED, "54", ("Kartu sudah kedaluwarsa", "Expired card"),
        stage=with_card(expiry=Expiry("2505")),
    ),
    Scene(
        Is.WRONG_PIN, "55", ("PIN salah", "Incorrect PIN"), changes={52: "0123456789ABCDEF"}
    ),
    Scene(Is.CARD_NOT_LINKED, "56", NOT_LINKED, stage=without_cards),
    Scene(
        Is.NOT_PERMITTED, "57", ("Layanan diblokir untuk kartu ini", "Not permitted to card"),
        stage=with_card(consent_on=None),
    ),
    Scene(Is.CARD_BLOCKED, "62", BLOCKED, stage=with_card(status=CardStatus.BLOCKED)),
    Scene(
        Is.TOO_MANY_INQUIRIES, "65",
        ("Batas permintaan tercapai, coba lagi nanti", "Frequency limit, try again later"),
        stage=asked_before({11: "000122"}), how={"inquiries_per_card_per_hour": 1},
    ),
    Scene(
        Is.STALE_REQUEST, "68",
        ("Waktu habis, silakan coba lagi", "Response too late, please try again"),
        changes={7: "0630071006"},
    ),
    Scene(
        Is.PIN_TRIES_EXCEEDED, "75", ("Batas salah PIN tercapai", "PIN tries exceeded"),
        stage=without_tries,
    ),
    Scene(
        Is.BALANCE_NOT_AVAILABLE, "88", ("Data saldo belum tersedia", "Data not available"),
        stage=without_postings,
    ),
    Scene(
        Is.CUT_OFF_RUNNING, "90", ("Sedang proses akhir hari", "Cut-off in progress"),
        how={"banks": (END_OF_DAY,)},
    ),
    Scene(
        Is.LEDGER_UNAVAILABLE, "91",
        ("Sistem BPJS Ketenagakerjaan sedang gangguan", "Issuer inoperative"),
        stage=with_answer(FindAccount, LedgerUnavailable("away")),
    ),
    Scene(
        Is.DUPLICATE, "94", ("Transaksi ganda", "Duplicate transmission"),
        stage=asked_before({22: "021"}),
    ),
    Scene(
        Is.INTERNAL_ERROR, "96", ("Gangguan sistem", "System malfunction"),
        stage=with_answer(FindAccount, ValueError("a mistake of ours")),
    ),
)  # fmt: skip
each_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.outcome.value)
SPOKEN = tuple(scene for scene in SCENES if scene.texts[0])
KEPT = tuple(scene for scene in SCENES if scene.is_kept)


def staged(scene: Scene) -> Bench:
    """Set the bench for a scene."""
    bench = Bench(**scene.how)
    if scene.signs_on:
        bench.sign_on()
    scene.stage(bench)
    return bench


def test_table_here_reaches_every_outcome() -> None:
    """
    The scenes below are all outcomes there are but the MAC's, which comes with the MAC.
    """
    reached = {scene.outcome for scene in SCENES}

    assert set(Outcome) == reached | {Outcome.MAC_WRONG}
    assert len(SCENES) == len(reached)


@each_scene
def test_each_outcome_has_its_code(scene: Scene) -> None:
    """
    Each scene ends in its DE39, answers the very request, and only 00 carries a balance.
    """
    bench = staged(scene)

    response = bench.ask(bench.inquiry(scene.changes))

    assert scene.code == response[39]
    assert ("0210", "000123", "518107000123") == (response.mti, response[11], response[37])
    assert (scene.code == "00") == (48 in response) == (54 in response) == (63 in response)
    assert (scene.code == "30") == (44 in response)


@pytest.mark.parametrize("scene", SPOKEN, ids=lambda scene: scene.outcome.value)
@pytest.mark.parametrize("language", [0, 1], ids=["ID", "EN"])
def test_declines_speak_the_member_language(scene: Scene, language: int) -> None:
    """
    A decline's DE62 is an error block of forty columns with the sentence in the language
    that DE48 asks for, whichever door said no.
    """
    bench = staged(scene)

    data = de48(language=("ID", "EN")[language])
    response = bench.ask(bench.inquiry({48: data, **scene.changes}))

    assert scene.texts[language] == sentence_of(response)
    assert ("E", 40) == (block_of(response).kind, block_of(response).width)


def test_format_error_names_its_element_only() -> None:
    """
    A 30 says in DE44 which element is at fault and holds no text block.
    """
    bench = Bench()
    bench.sign_on()

    response = bench.ask(bench.inquiry({49: "840"}))

    assert {3, 7, 11, 37, 39, 41, 44} == set(response.elements)
    assert "DE049" == response[44]


@pytest.mark.parametrize("scene", KEPT, ids=lambda scene: scene.outcome.value)
def test_row_is_kept_before_the_response(scene: Scene) -> None:
    """
    While the journal has not confirmed row B nothing is sent; then exactly one response,
    and the row says the same outcome and code.
    """
    bench = staged(scene)
    before = len(bench.sent)
    bench.holds = (Commit,)

    early = bench.feed(bench.dialect.packager.pack(bench.inquiry(scene.changes)))
    bench.release()

    assert [] == early
    assert before + 1 == len(bench.sent)
    assert (scene.outcome, scene.code) == (
        last_outcome(bench),
        commits(bench)[-1].ending.response_code,
    )


def test_unsupported_transaction_is_no_inquiry() -> None:
    """
    A processing code that is none of the profile's is refused; only the journal hears of it.
    """
    bench = Bench()
    bench.sign_on()

    response = bench.ask(bench.inquiry({3: "010000"}))

    assert "12" == response[39]
    assert ["Commit"] == [type(question).__name__ for question in bench.memory.asked]


@pytest.mark.parametrize("code", ["310000", "311000", "319999", "380000", "370000"])
def test_aliases_of_the_inquiry_are_answered(code: str) -> None:
    """
    31xxxx and the profile's aliases are the balance inquiry, echoed as asked.
    """
    bench = Bench()
    bench.sign_on()

    response = bench.ask(bench.inquiry({3: code}))

    assert ("00", code) == (response[39], response[3])
