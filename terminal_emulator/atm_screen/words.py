"""What the full screen says beyond ``texts``: one table, both languages side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

BOTH_WELCOME = ("SELAMAT DATANG / WELCOME", "")
BOTH_INSERT = "Masukkan kartu / Insert a card:"
BOTH_NO_CARDS = "Ketik nomor kartu / Type a card number."
BOTH_PINS = "PIN: lihat / see sample/cards.txt"
BOTH_MORE = "Kartu lain / More cards"
BOTH_TYPE = "Ketik nomor / Type number"
BOTH_NUMBER = ("NOMOR KARTU / CARD NUMBER", "")
BOTH_BAD_NUMBER = "1-19 angka / digits"
BOTH_LANGUAGE = ("PILIH BAHASA", "CHOOSE YOUR LANGUAGE")
INDONESIAN, ENGLISH = "Bahasa Indonesia", "English"
BOTH_CLOSED = ("MESIN TIDAK MELAYANI", "OUT OF SERVICE", "")
BOTH_RETRY = "Coba lagi / Try again"


@dataclass(frozen=True, slots=True)
class ScreenWords:
    """The screen's texts in one language; ``{...}`` marks what is put in."""

    enter_pin: tuple[str, ...]
    balance: str
    leave: str
    menu: tuple[str, ...]
    slip: tuple[str, ...]
    yes: str
    no: str
    wait: tuple[str, ...]
    other_kpj: str
    choose_kpj: str
    type_kpj: str
    back: str
    again: str
    done: str
    retry_pin: str
    retained: tuple[str, ...]
    cancelled: str
    timed_out: str
    take_slip: str


WORDS: Mapping[str, ScreenWords] = {
    "ID": ScreenWords(
        enter_pin=("MASUKKAN PIN ANDA", "", "Tutupi tombol saat mengetik PIN.", ""),
        balance="Cek Saldo BPJS Ketenagakerjaan",
        leave="Keluar",
        menu=("PILIH TRANSAKSI", ""),
        slip=("CETAK STRUK?", ""),
        yes="Ya",
        no="Tidak",
        wait=("MOHON TUNGGU", "Transaksi sedang diproses.", ""),
        other_kpj="KPJ lain",
        choose_kpj="Anda memiliki {count} nomor KPJ.",
        type_kpj="Pilih tombol, atau ketik 1-{count}:",
        back="Kembali",
        again="Transaksi lain",
        done="Selesai",
        retry_pin="Ulangi PIN",
        retained=("KARTU DITAHAN", "", "Batas salah PIN tercapai."),
        cancelled="Transaksi dibatalkan.",
        timed_out="Waktu Anda habis.",
        take_slip="Jangan lupa struk Anda.",
    ),
    "EN": ScreenWords(
        enter_pin=("ENTER YOUR PIN", "", "Cover the keys while you type.", ""),
        balance="BPJS Ketenaga- kerjaan balance",
        leave="Leave",
        menu=("CHOOSE A TRANSACTION", ""),
        slip=("PRINT A RECEIPT?", ""),
        yes="Yes",
        no="No",
        wait=("PLEASE WAIT", "Your transaction is under way.", ""),
        other_kpj="Another KPJ",
        choose_kpj="You have {count} KPJ numbers.",
        type_kpj="Press a key, or type 1-{count}:",
        back="Back",
        again="Another transaction",
        done="Finish",
        retry_pin="PIN again",
        retained=("CARD RETAINED", "", "Too many wrong PINs."),
        cancelled="The transaction was cancelled.",
        timed_out="Your time is up.",
        take_slip="Do not forget your slip.",
    ),
}
