"""What came of a run: for people, for JUnit, as JSON.  Nothing that could be a secret shows."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from atm_switch.profile.model import Profile
from terminal_emulator.explain.guess import readings
from terminal_emulator.explain.show import text_of
from terminal_emulator.scenario.deeds import deeds
from terminal_emulator.scenario.play import CaseResult, StepResult


def line_of(result: CaseResult) -> str:
    """Write one case on one line."""
    mark = "skip" if result.skipped else "ok  " if result.is_passed else "FAIL"
    why = f"  ({result.skipped})" if result.skipped else ""
    return f"{mark}  {result.case.name}  {result.seconds * 1000:.0f} ms{why}"


def deeds_of(result: CaseResult, profile: Profile) -> Iterator[str]:
    """Write what the host did in each step it was watched in, a line each."""
    for number, step in enumerate(result.steps, 1):
        done = "; ".join(deeds(step.heard, step.watched, profile))
        if done:
            yield f"      {number} {step.step.do}: {done}"


def failure_of(result: CaseResult, profile: Profile) -> str:
    """Write what was wrong with a case: expected beside got, then the messages, masked."""
    lines = [result.case.name]
    if result.case.proves:
        lines.append(f"  proves: {result.case.proves}")
    if result.error:
        lines.append(f"  {result.case.file}: {result.error}")
    for step in result.steps:
        if step.wrong:
            lines += list(_step(step, profile))
    return "\n".join(lines) + "\n"


def summary_of(results: Sequence[CaseResult]) -> str:
    """Write the counts on one line."""
    skipped = sum(bool(one.skipped) for one in results)
    failed = sum(not one.skipped and not one.is_passed for one in results)
    seconds = sum(one.seconds for one in results)
    passed = len(results) - skipped - failed
    return f"{passed} passed, {failed} failed, {skipped} skipped; {seconds:.1f} s of cases"


def junit_of(results: Sequence[CaseResult], profile: Profile) -> str:
    """Write JUnit's XML, a test case for each case."""
    failed = [one for one in results if not one.skipped and not one.is_passed]
    suite = ET.Element(
        "testsuite", name="scenarios", tests=str(len(results)), failures=str(len(failed)),
        skipped=str(sum(bool(one.skipped) for one in results)), errors="0",
        time=f"{sum(one.seconds for one in results):.3f}",
    )  # fmt: skip
    for one in results:
        case = ET.SubElement(
            suite, "testcase", name=one.case.name, classname=one.case.file.split(":")[0],
            time=f"{one.seconds:.3f}",
        )  # fmt: skip
        if one.skipped:
            ET.SubElement(case, "skipped", message=one.skipped)
        elif not one.is_passed:
            first = one.error or str(next(w for step in one.steps for w in step.wrong))
            ET.SubElement(case, "failure", message=first).text = failure_of(one, profile)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def json_of(results: Sequence[CaseResult], seed: str, profile: Profile) -> str:
    """Write the results as JSON."""
    cases = [_document(one, profile) for one in results]
    return json.dumps({"seed": seed, "profile": profile.name, "cases": cases}, indent=2) + "\n"


def _document(result: CaseResult, profile: Profile) -> dict[str, Any]:
    return {
        "name": result.case.name,
        "file": result.case.file,
        "proves": result.case.proves,
        "tags": sorted(result.case.tags),
        "passed": result.is_passed and not result.skipped,
        "skipped": result.skipped or None,
        "error": result.error or None,
        "milliseconds": round(result.seconds * 1000, 1),
        "wrong": [
            {"step": step.step.at, "what": one.what, "expected": one.expected, "got": one.got}
            for step in result.steps
            for one in step.wrong
        ],
        "steps": [
            {"do": step.step.do, "host": list(deeds(step.heard, step.watched, profile))}
            for step in result.steps
        ],
    }


def _step(step: StepResult, profile: Profile) -> Iterator[str]:
    yield f"  {step.step.at}: {step.step.do}"
    for one in step.wrong:
        yield f"    {one}"
    for done in deeds(step.heard, step.watched, profile):
        yield f"    the host {done}"
    if step.sent:
        yield from _indented("sent", step.sent, profile)
    for heard in step.heard:
        yield from _indented(f"answer after {heard.seconds * 1000:.1f} ms", heard.payload, profile)


def _indented(what: str, payload: bytes, profile: Profile) -> Iterator[str]:
    for line in text_of(readings(payload, [profile])[:1], what).splitlines():
        yield f"      {line}"
