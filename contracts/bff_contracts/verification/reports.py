"""Reports of a verification for machines: JSON and JUnit XML."""

import json
from dataclasses import asdict
from xml.etree import ElementTree as ET

from bff_contracts.terminal import plain_json
from bff_contracts.verification.outcomes import Outcome
from bff_contracts.verification.result import Verification


def as_json(verification: Verification) -> str:
    """All outcomes, with every difference in full."""
    document = {
        "provider": verification.provider,
        "verified": verification.verified,
        "interactions": [_document(outcome) for outcome in verification.outcomes],
    }
    return plain_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "interaction": outcome.interaction,
        "given": [{"state": state.name, "params": state.params} for state in outcome.given],
        "request": outcome.request,
        "verified": outcome.verified,
        "pending": outcome.pending,
        "verdict": outcome.verdict,
        "seconds": round(outcome.seconds, 4),
        "troubles": list(outcome.troubles),
        "differences": [asdict(each) for each in outcome.differences],
    }


def as_junit(verification: Verification) -> str:
    """One test case for each interaction, in the common subset of JUnit formats."""
    seconds = sum(outcome.seconds for outcome in verification.outcomes)
    suite = ET.Element(
        "testsuite",
        name=verification.provider,
        tests=str(len(verification.outcomes)),
        failures=str(len(verification.failed)),
        skipped=str(len(verification.pending) + len(verification.not_yet)),
        errors="0",
        time=f"{seconds:.3f}",
    )
    for outcome in verification.outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=verification.provider,
            name=_printable(outcome.interaction),
            time=f"{outcome.seconds:.3f}",
        )
        if outcome.verdict in {"pending", "not yet"}:
            ET.SubElement(case, "skipped", message=f"{outcome.verdict}: {_first(outcome)}")
        elif outcome.verdict == "built":
            ET.SubElement(case, "failure", message=_printable(str(outcome)))
        elif not outcome.verified:
            ET.SubElement(case, "failure", message=_first(outcome)).text = _printable(str(outcome))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _first(outcome: Outcome) -> str:
    causes = [*outcome.troubles, *(f"{each.where}: {each.rule}" for each in outcome.differences)]
    return _printable(causes[0])


def _printable(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(character for character in text if character in "\n\t" or character.isprintable())
