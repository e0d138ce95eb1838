"""The interface sheet a bank signs, made from the profile: Markdown text.

Because it is made from what the switch runs on, it cannot say anything else.
"""

from collections.abc import Iterable, Iterator, Sequence

from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import Element, Framing, MessageRule, Profile
from atm_switch.profile.protection import protection_lines

MANDATORY, OPTIONAL = "M", "O"


def sheet(profile: Profile) -> str:
    """Write the sheet."""
    parts = [
        f"# Interface sheet: {profile.title}",
        f"Profile `{profile.name}`. ISO 8583:1987 over TCP.",
        _section("Framing", _framing(profile.framing)),
        _section("Encoding", _encoding(profile)),
        _section("Messages", _messages(profile)),
        _section("Data elements", _elements(profile)),
        *(_section(f"DE48, {name}", _layout(profile, name)) for name in sorted(profile.layouts)),
        _section("Network management (DE70)", _network(profile)),
        _section("Security", protection_lines(profile)),
        _section("Channels (DE18)", _channels(profile)),
        _section("Outcomes (DE39)", _outcomes(profile)),
        _section("Limits", _limits(profile)),
        _section("Assumed, to be agreed", [f"- {line}" for line in profile.assumed]),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, lines: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _framing(framing: Framing) -> Iterator[str]:
    itself = "" if framing.counts_itself else "not "
    size = f"{framing.length}, {framing.length_bytes} bytes"
    yield f"- length header: {size}, {itself}counting itself"
    if framing.header_bytes:
        kind = "TPDU, addresses swapped on the way back" if framing.header_is_tpdu else "put back"
        yield f"- header: {framing.header_bytes} bytes before the MTI, {kind}"
    if framing.trailer:
        counted = "counted" if framing.counts_trailer else "not counted"
        yield f"- trailer: hexadecimal {framing.trailer.hex()}, {counted}"
    yield f"- payload: 1 to {framing.payload_bytes_max} bytes"
    yield "- a length that cannot be true closes the connection"


def _encoding(profile: Profile) -> Iterator[str]:
    encoding = profile.encoding
    for what, how in (
        ("text", encoding.text),
        ("MTI", encoding.mti),
        ("numbers (class n)", encoding.numbers),
        ("LL and LLL", encoding.lengths),
        ("bitmaps", encoding.bitmap),
        ("binary (class b)", encoding.binary),
    ):
        yield f"- {what}: {how}"


def _messages(profile: Profile) -> Iterator[str]:
    for rule in profile.messages.values():
        codes = f", DE3 {', '.join(rule.processing_codes)}" if rule.processing_codes else ""
        yield f"- {', '.join(rule.mti)}: {rule.name}{codes}"
    yield f"- anything else readable: DE39 {profile.code_of(Outcome.UNSUPPORTED_TRANSACTION)}"
    yield (
        f"- unreadable but framed: DE39 {profile.code_of(Outcome.FORMAT_ERROR)}, the element in "
        f"DE44, echoing {_numbers(profile.refusal_echo)}"
    )


def _elements(profile: Profile) -> Iterator[str]:
    rules = list(profile.messages.values())
    head = ["DE", "name", "class", "length", *(f"{r.mti[0]}" for r in rules)]
    head += [f"answer to {r.mti[0]}" for r in rules]
    rows = []
    for element in sorted(profile.elements.values(), key=lambda e: e.number):
        asks = [_presence(rule, element.number) for rule in rules]
        answers = [_answer(rule, element.number) for rule in rules]
        if any(asks + answers):
            shape = [str(element.number), element.name, element.content, _length(element)]
            rows.append([*shape, *asks, *answers])
    yield from _table(head, rows)
    yield ""
    yield "M mandatory, O optional, E echoed, R made by the switch; empty: must not be there."


def _presence(rule: MessageRule, number: int) -> str:
    if number in rule.mandatory:
        return MANDATORY
    return OPTIONAL if number in rule.optional else ""


def _answer(rule: MessageRule, number: int) -> str:
    if number in rule.echo:
        return "E"
    return "R" if number in rule.response else ""


def _length(element: Element) -> str:
    if not element.length_digits:
        return str(element.longest)
    return f"{'L' * element.length_digits}VAR {element.shortest}-{element.longest}"


def _layout(profile: Profile, name: str) -> Iterator[str]:
    rows, start = [], 1
    for field in profile.layouts[name]:
        place = f"{start}-{start + field.length - 1}"
        rows.append([place, str(field.length), field.content, field.name])
        start += field.length
    yield from _table(["position", "length", "class", "field"], rows)


def _network(profile: Profile) -> Iterator[str]:
    codes = profile.network
    for code, what in (
        (codes.sign_on, "sign-on"),
        (codes.sign_off, "sign-off"),
        (codes.echo, "echo, answered before sign-on too"),
        (codes.cut_over, "cut-over"),
    ):
        yield f"- {code} {what}"


def _channels(profile: Profile) -> Iterator[str]:
    for code, rule in profile.channels.items():
        yield f"- {code} {rule.name}: looks up by {', '.join(rule.lookups)}"


def _outcomes(profile: Profile) -> Iterator[str]:
    rows = [
        [row.code, outcome.value.replace("_", " "), *row.texts.values()]
        for outcome, row in sorted(profile.outcomes.items(), key=lambda item: item[1].code)
    ]
    yield from _table(["DE39", "outcome", *profile.inquiry.languages], rows)


def _limits(profile: Profile) -> Iterator[str]:
    rules = profile.inquiry
    yield f"- DE7 (UTC) further than {rules.de7_window_seconds} s from now is stale (0: not judged)"
    yield f"- a repeat gets the stored answer for {rules.repeat_window_seconds} s"
    yield f"- a request is given up after {rules.request_seconds_max} s"
    yield f"- PIN tries: {rules.pin_tries_max}"
    yield f"- refused messages a minute that close the connection: {rules.bad_frames_per_minute}"
    yield f"- slip widths: {_numbers(rules.receipt_widths)}; screen width: {rules.screen_width}"
    yield f"- amounts: {rules.amount_exponent} implied decimals, currency {rules.currency}"


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))
