"""The words of the printed statement, in Indonesian and in English.

Limits: amounts and dates are written the Indonesian way in both, as on the slips.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StatementWords:
    """Every word of the page; ``{rate}`` and ``{date}`` are filled in."""

    language: str
    """BCP 47, for whoever reads the page aloud."""
    title: str
    organisation: str
    as_of: str
    name: str
    kpj: str
    membership: str
    last_contribution: str
    none: str
    segments: Mapping[str, str]
    states: Mapping[str, str]
    opening: str
    contributions: str
    estimated: str
    booked: str
    claims: str
    closing: str
    additional: str
    chart: str
    columns: tuple[str, ...]
    """Year, opening, contributions, adjustments, development, claims, closing."""
    up_to: str
    estimate_note: str
    notes: tuple[str, ...]


INDONESIAN: Final = StatementWords(
    language="id",
    title="RINCIAN SALDO JAMINAN HARI TUA",
    organisation="BPJS Ketenagakerjaan",
    as_of="Posisi tanggal {date}",
    name="Nama",
    kpj="Nomor KPJ",
    membership="Kepesertaan",
    last_contribution="Iuran terakhir",
    none="belum ada",
    segments={"PU": "Penerima Upah (PU)", "BPU": "Bukan Penerima Upah (BPU)",
              "PMI": "Pekerja Migran Indonesia (PMI)"},
    states={"A": "Aktif", "N": "Non-aktif", "K": "Klaim lunas"},
    opening="Saldo awal tahun",
    contributions="Iuran tahun ini",
    estimated="Hasil pengembangan *), estimasi {rate} %",
    booked="Hasil pengembangan, {rate} %",
    claims="Klaim tahun ini",
    closing="SALDO JHT",
    additional="di antaranya di rekening tambahan",
    chart="Saldo akhir menurut tahun",
    columns=("Tahun", "Saldo awal", "Iuran", "Koreksi", "Pengembangan", "Klaim", "Saldo akhir"),
    up_to="s.d. {year}",
    estimate_note="*) Hasil pengembangan tahun berjalan adalah estimasi dengan tingkat {rate} % "
    "dan dapat berubah saat dibukukan pada 31 Desember.",
    notes=("Semua jumlah dalam rupiah. Rincian ini bukan bukti klaim.",
           "Informasi: 175 atau kantor cabang terdekat."),
)  # fmt: skip
ENGLISH: Final = StatementWords(
    language="en",
    title="OLD-AGE SAVINGS (JHT) STATEMENT",
    organisation="BPJS Ketenagakerjaan",
    as_of="As of {date}",
    name="Name",
    kpj="KPJ number",
    membership="Membership",
    last_contribution="Last contribution",
    none="none yet",
    segments={"PU": "Wage earner (PU)", "BPU": "Self-employed (BPU)",
              "PMI": "Migrant worker (PMI)"},
    states={"A": "Active", "N": "Inactive", "K": "Claimed in full"},
    opening="Balance on 1 January",
    contributions="Contributions this year",
    estimated="Development *), estimated at {rate} %",
    booked="Development, {rate} %",
    claims="Claims this year",
    closing="JHT BALANCE",
    additional="of it in the additional account",
    chart="Closing balance by year",
    columns=("Year", "Opening", "Contributions", "Adjustments", "Development", "Claims",
             "Closing"),
    up_to="to {year}",
    estimate_note="*) This year's development is an estimate at {rate} % and may change when it "
    "is booked on 31 December.",
    notes=("All amounts in rupiah. This statement is no proof of a claim.",
           "Information: 175 or the nearest branch office."),
)  # fmt: skip
WORDS: Final = {words.language: words for words in (INDONESIAN, ENGLISH)}
