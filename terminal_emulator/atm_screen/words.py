"""What the full screen says beyond ``texts``: one table, both languages side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

BOTH_WELCOME = "SELAMAT DATANG / WELCOME"
BOTH_INSERT = "Masukkan kartu / Insert a card    PIN: sample/cards.txt"
BOTH_NO_CARDS = "Ketik nomor kartu / Type a card number"
MORE = ("Kartu lain", "More cards")
TYPE = ("Ketik nomor", "Type number")
BOTH_NUMBER = "NOMOR KARTU / CARD NUMBER"
BOTH_ENTER = "lalu ENTER / then ENTER"
BOTH_BAD_NUMBER = "1-19 angka / digits"
BOTH_LANGUAGE = "PILIH BAHASA / CHOOSE YOUR LANGUAGE"
INDONESIAN, ENGLISH = "Bahasa Indonesia", "English"
BOTH_CLOSED = "MESIN TIDAK MELAYANI / OUT OF SERVICE"
RETRY = ("Coba lagi", "Try again")


@dataclass(frozen=True, slots=True)
class ScreenWords:
    """The screen's texts in one language; ``{...}`` marks what is put in."""

    enter_pin: str
    cover: str
    pin_hint: str
    balance: str
    leave: str
    menu: str
    slip: str
    yes: str
    no: str
    wait: str
    under_way: str
    other_kpj: str
    choose_kpj: str
    type_kpj: str
    back: str
    again: str
    done: str
    retry_pin: str
    failed: str
    retained: str
    too_many: str
    thanks: str
    cancelled: str
    timed_out: str
    take_slip: str


WORDS: Mapping[str, ScreenWords] = {
    "ID": ScreenWords(
        enter_pin="MASUKKAN PIN ANDA",
        cover="Tutupi tombol saat mengetik PIN.",
        pin_hint="lalu ENTER; CLEAR menghapus",
        balance="Cek Saldo BPJS Ketenagakerjaan",
        leave="Keluar",
        menu="PILIH TRANSAKSI",
        slip="CETAK STRUK?",
        yes="Ya",
        no="Tidak",
        wait="MOHON TUNGGU",
        under_way="Transaksi sedang diproses.",
        other_kpj="KPJ lain",
        choose_kpj="Anda memiliki {count} nomor KPJ.",
        type_kpj="Pilih tombol, atau ketik 1-{count}:",
        back="Kembali",
        again="Ke menu",
        done="Selesai",
        retry_pin="Ulangi PIN",
        failed="TRANSAKSI GAGAL",
        retained="KARTU DITAHAN",
        too_many="Batas salah PIN tercapai.",
        thanks="TERIMA KASIH",
        cancelled="Transaksi dibatalkan.",
        timed_out="Waktu Anda habis.",
        take_slip="Jangan lupa struk Anda.",
    ),
    "EN": ScreenWords(
        enter_pin="ENTER YOUR PIN",
        cover="Cover the keys while you type.",
        pin_hint="then ENTER; CLEAR begins again",
        balance="BPJS Ketenagakerjaan balance",
        leave="Leave",
        menu="CHOOSE A TRANSACTION",
        slip="PRINT A RECEIPT?",
        yes="Yes",
        no="No",
        wait="PLEASE WAIT",
        under_way="Your transaction is under way.",
        other_kpj="Another KPJ",
        choose_kpj="You have {count} KPJ numbers.",
        type_kpj="Press a key, or type 1-{count}:",
        back="Back",
        again="Menu",
        done="Finish",
        retry_pin="PIN again",
        failed="TRANSACTION FAILED",
        retained="CARD RETAINED",
        too_many="Too many wrong PINs.",
        thanks="THANK YOU",
        cancelled="The transaction was cancelled.",
        timed_out="Your time is up.",
        take_slip="Do not forget your slip.",
    ),
}
