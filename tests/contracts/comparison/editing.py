"""Contracts to be compared: ours before and after an edit, and small ones of other people's."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bff_contracts
from bff_contracts.comparison.diff import Change, diff
from bff_contracts.pact.file import read_pact

PACTS = Path(bff_contracts.__file__).parent / "pacts"
RAS = "bff-teacher-service-result-aggregator-service.json"
CMS = "bff-teacher-service-class-management-service.json"
PAGE, STATUS, CLASSES = "batches of a user: a page", "batch status: a batch", "classes of batches: all have one"
MISSING = "batch status: no such batch"
Json = dict[str, Any]
Edit = Callable[[Json], object]


def document(name: str) -> Json:
    found: Json = json.loads((PACTS / name).read_text(encoding="utf-8"))
    return found


def interaction(pact: Json, description: str) -> Json:
    found: Json = next(each for each in pact["interactions"] if each["description"] == description)
    return found


FIRST = next(iter(interaction(document(CMS), CLASSES)["response"]["body"]["content"]))
"""The first batch of `CLASSES`."""


def changes(old: Json, new: Json) -> list[Change]:
    before, after = (read_pact(json.dumps(each), source="a pact") for each in (old, new))
    return [change for change in diff([before], [after]) if change.verdict != "equivalent"]


def edited(name: str, description: str, edit: Edit) -> tuple[Json, Json]:
    """A contract before and after one of its interactions is edited, with two others that stay as they are."""
    old = document(name)
    others = [each for each in old["interactions"] if each["description"] != description]
    old["interactions"] = [interaction(old, description), *others[:2]]
    new = copy.deepcopy(old)
    edit(interaction(new, description))
    return old, new


def rules(each: Json) -> Json:
    found: Json = each["response"]["matchingRules"]["body"]
    return found


def body(each: Json) -> Any:
    return each["response"]["body"]["content"]


def matchers(*each: Json, combine: str = "AND") -> Json:
    return {"combine": combine, "matchers": list(each)}


NULL, TYPE, INTEGER, NUMBER = ({"match": kind} for kind in ("null", "type", "integer", "number"))


def regex(pattern: str) -> Json:
    return {"match": "regex", "regex": pattern}


def ruled(path: str, rule: Json) -> Edit:
    return lambda each: rules(each).update({path: rule})


def other(body_example: Any, body_rules: Json | None = None, **response: Any) -> Json:
    """A contract with one interaction whose response is this."""
    answer: Json = {"status": 200, "body": {"contentType": "application/json", "content": body_example}, **response}
    if body_rules:
        answer["matchingRules"] = {"body": body_rules}
    one = {
        "type": "Synchronous/HTTP",
        "description": "it",
        "request": {"method": "GET", "path": "/"},
        "response": answer,
    }
    return {
        "consumer": {"name": "a"},
        "provider": {"name": "b"},
        "interactions": [one],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
