"""The commands' work, behind the light ``cli``: everything heavy is imported here.

Each returns an exit code, or raises ``Refused`` with the sentence for stderr and
``click.UsageError`` for what the person at the keys can put right.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.mask import mask_kpj, mask_long_numbers
from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import BalanceData, InquiryData, Lookup
from atm_switch.profile.model import Profile
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm import typed_pin
from terminal_emulator.flow import line_to, one_inquiry
from terminal_emulator.keypad import Keypad
from terminal_emulator.kit import Kit, find_profile
from terminal_emulator.screen import receipt_lines, screen_lines, show
from terminal_emulator.slips.export import export, form_of, require_ready
from terminal_emulator.slips.paper import paper_of_result
from terminal_emulator.terminal import Verb
from terminal_emulator.wanted import kit_of, look_of_stdout, manner_of

if TYPE_CHECKING:
    from terminal_emulator.options import InquiryOptions, TerminalOptions

DONE, DECLINED = 0, 1
SLIP_WIDTH = 40
PIN_BLOCK = "DE052"
AMOUNTS = ("opening", "contributions", "development", "claims", "closing")


def inquire(options: "TerminalOptions", asked: "InquiryOptions") -> int:
    """Make one inquiry and print it; 0 only for an approval."""
    kit = kit_of(options)
    wish = _wish_of(asked, find_profile(kit.profile))
    form = None if asked.slip is None else form_of(asked.slip)
    if asked.slip is not None and form is not None:
        require_ready(form, asked.slip)  # an inquiry cannot be made anew for its slip
    pin = _pin_of(asked, kit)
    manner = replace(manner_of(options), signs_on=not asked.no_sign_on, stan=asked.stan)
    try:
        result = asyncio.run(one_inquiry(str(options.connect), kit, asked.pan, pin, wish, manner))
    except Refused as error:
        _print_failure(options, str(error))
        raise
    finally:
        if pin is not None:
            pin.wipe()
    _print_result(options, result)
    if asked.slip is not None and form is not None:
        now, width = datetime.now(UTC), asked.width or SLIP_WIDTH
        paper = paper_of_result(result, width, wish.language, kit.station, now)
        export(paper, form, asked.slip)
    if result.is_approved:
        return DONE
    # Not by way of an exception: what is told of those has its long numbers hidden, and this
    # one's RRN is what the host's journal is searched by.
    click.echo(f"terminal-emulator: {_why_refused(result, has_pin=pin is not None)}", err=True)
    return DECLINED


def network(options: "TerminalOptions", verb: Verb) -> int:
    """Send one 0800 and print what became of it; 0 only for an approval."""

    async def once() -> dict[str, Any]:
        manner = replace(manner_of(options), signs_on=False)
        async with line_to(options.connect, kit_of(options), manner) as line:
            result = await line.network(verb)
        return {
            "request": verb.value,
            "response_code": result.code,
            "outcome": result.text,
            "approved": result.is_approved,
            "stan": result.stan,
            "milliseconds": round(result.milliseconds, 3),
        }

    try:
        told = asyncio.run(once())
    except Refused as error:
        _print_failure(options, str(error))
        raise
    if options.as_json:
        click.echo(json.dumps(told))
    elif told["approved"]:
        click.echo(
            f"{verb.value}: {told['response_code']} {told['outcome']}, {told['milliseconds']} ms"
        )
    if told["approved"]:
        return DONE
    raise Refused(
        f"{verb.value} refused: {told['response_code']} {told['outcome']} (STAN {told['stan']})"
    )


def request_keys(options: "TerminalOptions") -> int:
    """Have the host deliver new keys; 0 only if every one of them was taken."""
    kit = kit_of(options)
    held = [key for key in (kit.pin_key, kit.mac_key) if key is not None]
    if kit.path is None or kit.exchange_key is None or not held:
        raise click.UsageError("keys are delivered to a kit that has some: pass --kit KIT.json")

    async def once() -> list[str]:
        manner = manner_of(options)
        async with line_to(options.connect, kit, manner) as line:
            return await line.request_keys(len(held))

    try:
        told = asyncio.run(once())
    except Refused as error:
        _print_failure(options, str(error))
        raise
    if options.as_json:
        click.echo(json.dumps({"kit": str(kit.path), "deliveries": told}))
    refused = [one for one in told if one.startswith("refused")]
    if refused:
        raise Refused(f"a delivered key was not taken: {refused[0]}")
    if not options.as_json:
        click.echo(f"{kit.path}: new {' and '.join(told)}")
    return DONE


def result_document(result: InquiryResult) -> dict[str, Any]:
    """Return what ``--json`` prints: no PAN, no PIN, no PIN block, KPJ masked."""
    return {
        "mti": result.mti,
        "response_code": result.code,
        "outcome": result.text,
        "approved": result.is_approved,
        "fault": result.fault or None,
        "stan": result.stan,
        "rrn": result.rrn,
        "pan": result.pan_masked,
        "balance": _balance_document(result.balance),
        "additional_amounts": [
            {"account_type": a.account_type, "amount_type": a.amount_type,
             "currency": a.currency, "minor": a.minor}
            for a in result.amounts
        ],
        "screen": list(screen_lines(result)),
        "receipt": list(receipt_lines(result)),
        "milliseconds": round(result.milliseconds, 3),
    }  # fmt: skip


def _balance_document(balance: BalanceData | None) -> Mapping[str, Any] | None:
    if balance is None:
        return None
    return {
        "kpj": mask_kpj(balance.kpj) if balance.kpj.isdigit() else balance.kpj,
        "name": balance.name,
        "segment": balance.segment,
        "status": balance.status,
        "as_of": balance.as_of.isoformat(),
        **{name: getattr(balance, name).plain() for name in AMOUNTS},
        **{f"{name}_sen": getattr(balance, name).sen for name in AMOUNTS},
        "rate_millipercent": balance.rate_millipercent,
        "is_estimate": balance.is_estimate,
        "kpj_count": balance.kpj_count,
        "last_contribution": (
            f"{balance.last_contribution:%Y-%m}" if balance.last_contribution else None
        ),
        "host_reference": balance.host_reference,
    }


def _print_result(options: "TerminalOptions", result: InquiryResult) -> None:
    if options.as_json:
        click.echo(json.dumps(result_document(result)))
    else:
        click.echo(show(result, look_of_stdout()), nl=False)


def _why_refused(result: InquiryResult, *, has_pin: bool) -> str:
    at_fault = f", at fault: {result.fault}" if result.fault else ""
    remedy = ""
    if result.fault == PIN_BLOCK and not has_pin:
        remedy = "; the host wants a PIN: pass --kit DIR/terminal-kit.json and --pin"
    numbers = f"(STAN {result.stan}, RRN {result.rrn})"
    said = mask_long_numbers(f"refused: {result.code} {result.text}{at_fault}")
    return f"{said} {numbers}{remedy}"


def _print_failure(options: "TerminalOptions", sentence: str) -> None:
    if options.as_json:
        click.echo(json.dumps({"response_code": None, "approved": False, "error": sentence}))


def _wish_of(asked: "InquiryOptions", profile: Profile) -> InquiryData:
    widths = (0, *profile.inquiry.receipt_widths)
    if asked.width not in widths:
        raise click.UsageError(f"--width is one of {', '.join(map(str, widths))}")
    if asked.kpj is not None and asked.index:
        raise click.UsageError("--kpj and --index exclude each other")
    try:
        kpj = None if asked.kpj is None else Kpj(asked.kpj)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return InquiryData(
        lookup=Lookup.CARD if kpj is None else Lookup.KPJ,
        language=asked.language.upper(),
        kpj_index=asked.index,
        receipt_width=asked.width,
        kpj=kpj,
    )


def _pin_of(asked: "InquiryOptions", kit: Kit) -> Pin | None:
    if asked.pin is not None:
        if kit.pin_key is None:
            raise click.UsageError(
                "--pin needs the terminal's key: pass --kit DIR/terminal-kit.json"
            )
        return Pin(asked.pin.encode("ascii"))
    if kit.pin_key is None or not sys.stdin.isatty():
        return None
    pin = typed_pin(Keypad(sys.stdin.fileno(), sys.stderr), "PIN: ")
    if pin is None:
        raise click.UsageError("a PIN has 4 to 12 digits")
    return pin
