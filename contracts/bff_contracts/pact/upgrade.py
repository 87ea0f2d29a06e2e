"""Pact files of specification versions 2 and 3, spelled as version 4 spells them.

The differences are those that the Pact specification lists (https://github.com/pact-foundation/pact-specification): one
state without params instead of several with them, a query as one string, bodies without a content type, headers as one
text, and (in version 2) matching rules in one map whose keys begin with the part that they are about.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from bff_contracts.pact.json_path import is_array, is_object

UPGRADABLE: Final = ("2", "3")
_PARTS: Final = {"headers": "header", "header": "header", "query": "query", "path": "path", "body": "body"}
_V2_KEY: Final = re.compile(r"\$\.(?P<part>headers|header|query|path|body)(?P<rest>.*)", re.DOTALL)


def upgraded(document: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The document in the words of version 4; what is not understood stays as it is, for the reader to refuse."""
    interactions: object = document.get("interactions")
    if not is_array(interactions):
        return dict(document)
    return {
        **document,
        "interactions": [_interaction(one, version) if is_object(one) else one for one in interactions],
    }


def _interaction(interaction: Mapping[str, Any], version: str) -> dict[str, Any]:
    changed: dict[str, Any] = {"type": "Synchronous/HTTP", **interaction}
    state = changed.pop("providerState", changed.pop("provider_state", None))
    if isinstance(state, str) and state and "providerStates" not in changed:
        changed["providerStates"] = [{"name": state}]
    for part in ("request", "response"):
        if is_object(changed.get(part)):
            changed[part] = _part(changed[part], version)
    return changed


def _part(part: Mapping[str, Any], version: str) -> dict[str, Any]:
    changed = dict(part)
    if isinstance(changed.get("query"), str):
        changed["query"] = parse_qs(changed["query"], keep_blank_values=True)
    if "body" in changed:
        body = changed["body"]
        changed["body"] = {"content": body, "contentType": _content_type(part, body)} if body is not None else None
    if version == "2" and is_object(changed.get("matchingRules")):
        changed["matchingRules"] = _rules(changed["matchingRules"])
    return changed


def _content_type(part: Mapping[str, Any], body: object) -> str:
    headers = part.get("headers")
    if is_object(headers):
        for name, value in headers.items():
            if name.lower() == "content-type":
                return ", ".join(map(str, value)) if is_array(value) else str(value)
    return "text/plain" if isinstance(body, str) else "application/json"


def _rules(flat: Mapping[str, Any]) -> dict[str, Any]:
    grouped: dict[str, Any] = {}
    for key, rule in flat.items():
        found = _V2_KEY.fullmatch(key)
        if found is None or not is_object(rule):
            # Nothing that version 2 knows; under a name that no part has, so that the reader's users see it refused.
            grouped.setdefault("body", {})[key] = {"matchers": [rule]}
            continue
        matcher = {"matchers": [{"match": _kind(rule), **rule}]}
        part, rest = _PARTS[found["part"]], found["rest"]
        if part == "path":
            grouped["path"] = matcher
        elif part == "body":
            grouped.setdefault("body", {})[f"${rest}"] = matcher
        else:
            grouped.setdefault(part, {})[_name(rest)] = matcher
    return grouped


def _kind(rule: Mapping[str, Any]) -> str:
    return "regex" if "regex" in rule else "type"


def _name(rest: str) -> str:
    bracketed = re.match(r"\[['\"](?P<name>.+)['\"]\]", rest)
    return bracketed["name"] if bracketed else re.sub(r"\[[0-9*]+\]$", "", rest.removeprefix("."))
