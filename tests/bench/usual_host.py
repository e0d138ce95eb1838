"""The same inquiry written the usual way: what the full path is measured against.

    python -m tests.bench.usual_host DIR JOURNAL     prints the port it listens on

Plan: asyncio streams, a task a request, a drain a response; pyiso8583 on its dictionaries;
SQLite in an executor's one thread, as aiosqlite has it, a hop for each question; a journal
row committed and synced before its response leaves; structlog on the standard library's
logging, a JSON line a request.  Ledger, registry, card hash, accrual and the words of screen
and slip are those of the product, so both answer with the same elements.
Limits, all in its favour: no session rules, MAC, PIN, repeats, chain, sealing, events,
metrics or bounds, and its decoder checks nothing that pyiso8583 does not.
"""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import iso8583
import structlog

from atm_switch.domain.card import Pan
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.instant import Zone
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind, sort_year
from atm_switch.domain.statement import AccountHistory, Statement, draw_up
from atm_switch.folder import open_folder
from atm_switch.ledger.rates_file import read_rates
from atm_switch.messages.amounts import AdditionalAmount, write_amounts
from atm_switch.messages.inquiry_data import BalanceData, read_inquiry_data, write_balance_data
from atm_switch.profile.load import load_profile
from atm_switch.switch.slip import Balance, Place, printable, receipt, screen
from atm_switch.wire.reference import ReferenceCodec

CARD = "SELECT kpj, expiry, status FROM cards WHERE pan_digest = ? AND unlinked_on IS NULL"
SIBLINGS = """
SELECT other.kpj FROM participants AS mine
JOIN participants AS other ON other.person = mine.person AND other.merged_into IS NULL
WHERE mine.kpj = ? ORDER BY other.kpj <> mine.kpj, other.kpj
"""
MEMBER = """
SELECT person, name, segment, status, coalesce(balance_sen, 0), coalesce(postings, 0)
FROM participants WHERE kpj = ?
"""
SINCE = """
SELECT coalesce(sum(contributions_sen + adjustments_sen + development_sen + claims_sen), 0)
FROM year_totals WHERE kpj = ? AND year >= ?
"""
MOVED = "SELECT posted_on, kind, amount_sen FROM postings WHERE year = ? AND kpj = ?"
TABLE = """
CREATE TABLE journal (id INTEGER PRIMARY KEY, at TEXT, terminal TEXT, stan TEXT, rrn TEXT,
                      pan TEXT, kpj TEXT, code TEXT, request BLOB, response BLOB)
"""
KEEP = "INSERT INTO journal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class UsualHost:
    """One process, written as most would write it first."""

    def __init__(self, folder: Path, journal: Path) -> None:
        """Open what is needed."""
        opened = open_folder(folder)
        self.vault = opened.vault()
        self.profile = load_profile("bpjstk-jht-v1")
        self.spec = ReferenceCodec(self.profile).spec
        self.rates = read_rates()
        self.ledger = sqlite3.connect(opened.ledger, check_same_thread=False)
        self.journal = sqlite3.connect(journal, check_same_thread=False)
        self.journal.execute("PRAGMA journal_mode = WAL")
        self.journal.execute("PRAGMA synchronous = FULL")
        self.journal.execute(TABLE)
        self.executor = ThreadPoolExecutor(1)
        self.tasks: set[asyncio.Task[None]] = set()
        self.log = structlog.get_logger("host")
        self.count = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one link: a task for every message."""
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                task = asyncio.create_task(self.answer(await reader.readexactly(size), writer))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        except asyncio.IncompleteReadError:
            writer.close()

    async def answer(self, payload: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer one message."""
        request, _ = iso8583.decode(payload, self.spec)
        if request["t"] == "0800":
            response = self._echoed(request, "network", "0810")
        else:
            response = await self._balance(request, payload)
        raw, _ = iso8583.encode(response, self.spec)
        if request["t"] == "0200":
            await self._kept(request, response, payload, bytes(raw))
        writer.write(len(raw).to_bytes(2, "big") + raw)
        await writer.drain()

    async def _balance(self, request: dict[str, str], payload: bytes) -> dict[str, str]:
        del payload
        now = datetime.now(UTC)
        as_of = now.astimezone(Zone.WIB.tzinfo).date()
        digest = self.vault.card_ref(Pan(request["2"])).digest
        card = await self._asked(self._rows, self.ledger, CARD, (digest,))
        kpj = Kpj(card[0][0])
        siblings = await self._asked(self._rows, self.ledger, SIBLINGS, (kpj.digits,))
        participant, history = await self._asked(self._account, kpj, as_of, len(siblings))
        statement = draw_up(history, as_of, self.rates)
        balance = Balance(participant, statement)
        response = self._echoed(request, "inquiry", "0210")
        self._fill(response, request, balance, now)
        return response

    def _fill(
        self, response: dict[str, str], request: dict[str, str], balance: Balance, now: datetime
    ) -> None:
        profile, rules = self.profile, self.profile.inquiry
        wanted = read_inquiry_data(request["48"], profile)
        words = profile.texts[wanted.language]
        closing = balance.statement.closing.sen
        place = Place(
            "BANK CONTOH", request["41"], Zone.WIB, now, request["37"], request["11"],
            Pan(request["2"]).masked,
        )  # fmt: skip
        kinds = (rules.available_amount_type, rules.ledger_amount_type)
        self.count += 1
        response |= {
            "48": write_balance_data(_shown(balance, f"J{now:%y%j}{self.count:06d}"), profile),
            "54": write_amounts(
                tuple(
                    AdditionalAmount(rules.account_type, kind, rules.currency, closing)
                    for kind in kinds
                )
            ),
            "62": screen(balance, words, rules.screen_width).text(),
            "63": receipt(balance, place, words, wanted.receipt_width).text(),
        }

    def _echoed(self, request: dict[str, str], rule: str, mti: str) -> dict[str, str]:
        echo = self.profile.messages[rule].echo
        kept = {name: text for name, text in request.items() if name.isdigit()}
        return {"t": mti, **{n: kept[n] for n in kept if int(n) in echo}, "39": "00"}

    async def _kept(
        self, request: dict[str, str], response: dict[str, str], payload: bytes, raw: bytes
    ) -> None:
        row = (
            datetime.now(UTC).isoformat(), request["41"], request["11"], request["37"],
            Pan(request["2"]).masked, response["48"][8:19], response["39"], payload, raw,
        )  # fmt: skip
        await self._asked(self._keep, row)
        self.log.info(
            "transaction", stan=request["11"], rrn=request["37"], terminal=request["41"],
            pan=Pan(request["2"]).masked, outcome="approved", de39=response["39"],
        )  # fmt: skip

    async def _asked(self, work: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.executor, work, *values)

    def _rows(self, database: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> list[Any]:
        return database.execute(sql, values).fetchall()

    def _keep(self, row: tuple[Any, ...]) -> None:
        with self.journal:
            self.journal.execute(KEEP, row)

    def _account(self, kpj: Kpj, as_of: date, count: int) -> tuple[Participant, AccountHistory]:
        ledger, year = self.ledger, as_of.year
        person, name, segment, status, held, _ = self._rows(ledger, MEMBER, (kpj.digits,))[0]
        since = self._rows(ledger, SINCE, (kpj.digits, year))[0][0]
        postings = tuple(
            Posting(date.fromisoformat(day), PostingKind(kind), Money(sen))
            for day, kind, sen in self._rows(ledger, MOVED, (year, kpj.digits))
        )
        last = sort_year(postings).last_contribution
        member = Participant(kpj, person, name, Segment(segment), MemberStatus(status), count)
        history = AccountHistory(
            year, Money(held - since), postings, has_postings=True, last_contribution=last
        )
        return member, history


def _shown(balance: Balance, reference: str) -> BalanceData:
    member, statement = balance.participant, balance.statement
    inner = ("open_years", "handed_over")
    slots = Statement.__slots__  # type: ignore[attr-defined]  # mypy knows no slots of a value
    named = {name: getattr(statement, name) for name in slots if name not in inner}
    return BalanceData(
        kpj=member.kpj.masked,
        name=printable(member.masked_name),
        segment=member.segment.value,
        status=member.status.value,
        kpj_count=member.kpj_count,
        host_reference=reference,
        **named,
    )


def log_as_usual() -> None:
    """Set structlog up over the standard library's logging, as its guide does."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


async def serve(folder: Path, journal: Path) -> None:
    """Listen until killed."""
    server = await asyncio.start_server(UsualHost(folder, journal).talk, "127.0.0.1", 0)
    sys.stdout.write(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    log_as_usual()
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
