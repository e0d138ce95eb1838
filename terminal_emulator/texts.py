"""What the ATM says, in Indonesian and English: one table, both languages side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

from atm_switch.domain.outcome import Outcome

WELCOME = (
    "SELAMAT DATANG / WELCOME",
    "",
    "1  Bahasa Indonesia",
    "2  English",
    "0  Matikan ATM / Switch off",
)
CHOOSE_LANGUAGE = "Pilih / Choose [1/2/0]: "
NO_SUCH_CHOICE = "Pilihan tidak ada / No such choice"


@dataclass(frozen=True, slots=True)
class Words:
    """The ATM's texts in one language; ``{...}`` marks what is put in."""

    card: str
    bad_card: str
    pin: str
    bad_pin: str
    menu: tuple[str, ...]
    choose: str
    receipt: str
    yes: str
    wait: str
    several: str
    which: str
    declined: str
    again: tuple[str, ...]
    take_card: str
    out_of_service: str
    no_such_choice: str


WORDS: Mapping[str, Words] = {
    "ID": Words(
        card="Masukkan kartu (ketik nomor kartu; kosong = batal): ",
        bad_card="Nomor kartu terdiri dari 1 sampai 19 angka.",
        pin="PIN: ",
        bad_pin="PIN terdiri dari 4 sampai 12 angka.",
        menu=("PILIH TRANSAKSI", "", "1  Cek Saldo BPJS Ketenagakerjaan", "0  Keluar"),
        choose="Pilihan Anda [1/0]: ",
        receipt="Cetak struk? [y/t]: ",
        yes="y",
        wait="Mohon tunggu, paling lama {seconds} detik ...",
        several="Anda memiliki {count} nomor KPJ.",
        which="KPJ lain [1-{count}, kosong = tidak]: ",
        declined="Transaksi tidak dapat diproses ({code}).",
        again=("TRANSAKSI LAIN?", "", "1  Ya", "0  Tidak, ambil kartu"),
        take_card="Silakan ambil kartu Anda. Terima kasih.",
        out_of_service="Mesin tidak dapat menghubungi host:",
        no_such_choice="Pilihan tidak ada.",
    ),
    "EN": Words(
        card="Insert card (type its number; empty = cancel): ",
        bad_card="A card number has 1 to 19 digits.",
        pin="PIN: ",
        bad_pin="A PIN has 4 to 12 digits.",
        menu=("CHOOSE A TRANSACTION", "", "1  BPJS Ketenagakerjaan balance", "0  Leave"),
        choose="Your choice [1/0]: ",
        receipt="Print a receipt? [y/n]: ",
        yes="y",
        wait="Please wait, {seconds} seconds at most ...",
        several="You have {count} KPJ numbers.",
        which="Another KPJ [1-{count}, empty = no]: ",
        declined="The transaction could not be done ({code}).",
        again=("ANOTHER TRANSACTION?", "", "1  Yes", "0  No, take card"),
        take_card="Please take your card. Thank you.",
        out_of_service="The machine cannot reach its host:",
        no_such_choice="No such choice.",
    ),
}

_WAIT_ID = "Coba lagi beberapa saat lagi."
_WAIT_EN = "Try again in a little while."
_BANK_ID = "Hubungi bank penerbit kartu Anda."
_BANK_EN = "Call the bank that issued your card."
_MACHINE_ID = "Mesin ini keliru disetel. Gunakan mesin lain atau hubungi bank."
_MACHINE_EN = "This machine is set up wrongly. Use another one, or call the bank."

ADVICE: Mapping[Outcome, Mapping[str, str]] = {
    Outcome.APPROVED: {"ID": "", "EN": ""},
    Outcome.NOT_SIGNED_ON: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.TERMINAL_NOT_LISTED: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.UNSUPPORTED_TRANSACTION: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.AMOUNT_NOT_ZERO: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.BAD_PAN: {
        "ID": "Periksa nomor kartu, lalu ulangi.",
        "EN": "Check the card number and try again.",
    },
    Outcome.FORMAT_ERROR: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.ACQUIRER_NOT_ALLOWED: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.CHANNEL_NOT_ALLOWED: {
        "ID": "Gunakan ATM atau kantor cabang bank.",
        "EN": "Use an ATM or a branch of the bank.",
    },
    Outcome.CARD_EXPIRED: {
        "ID": "Ganti kartu di kantor cabang bank.",
        "EN": "Have the card replaced at a branch of the bank.",
    },
    Outcome.WRONG_PIN: {
        "ID": "Ulangi dengan PIN yang benar; kartu diblokir setelah beberapa kali salah.",
        "EN": "Try again with the right PIN; too many wrong ones block it.",
    },
    Outcome.CARD_NOT_LINKED: {
        "ID": "Bawa KTP dan kartu peserta ke kantor BPJS Ketenagakerjaan, atau telepon 175.",
        "EN": "Take your ID and member card to a BPJS Ketenagakerjaan office, or call 175.",
    },
    Outcome.NOT_PERMITTED: {"ID": _BANK_ID, "EN": _BANK_EN},
    Outcome.CARD_BLOCKED: {"ID": _BANK_ID, "EN": _BANK_EN},
    Outcome.MAC_WRONG: {"ID": _MACHINE_ID, "EN": _MACHINE_EN},
    Outcome.TOO_MANY_INQUIRIES: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.STALE_REQUEST: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.PIN_TRIES_EXCEEDED: {"ID": _BANK_ID, "EN": _BANK_EN},
    Outcome.BALANCE_NOT_AVAILABLE: {
        "ID": "Saldo muncul setelah iuran pertama dibukukan. Info: 175.",
        "EN": "The balance shows once the first contribution is booked. Info: 175.",
    },
    Outcome.CUT_OFF_RUNNING: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.LEDGER_UNAVAILABLE: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.DUPLICATE: {"ID": _WAIT_ID, "EN": _WAIT_EN},
    Outcome.INTERNAL_ERROR: {"ID": _WAIT_ID, "EN": _WAIT_EN},
}
"""What the customer can do about each decline."""


def advice(outcome: Outcome | None, language: str) -> str:
    """Say what to do about an outcome; an unknown code gets the bank's number to call."""
    if outcome is None:
        return _BANK_ID if language == "ID" else _BANK_EN
    return ADVICE[outcome][language]
