"""Converts pact files of specification versions 1 to 3 to version 4.

The differences are those that the Pact specification lists (https://github.com/pact-foundation/pact-specification): one
state without params instead of several with them, a query as one string, bodies without a content type, headers as one
text, and (in version 2) matching rules in one map whose keys begin with the part that they are about. Writers mix
these: the rules of version 2 are read in files of every version.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from bff_contracts.pact.content import JSON_TYPE, guessed_type, is_json_type, is_textual
from bff_contracts.pact.json_path import STEP, is_array, is_object, step_name

UPGRADABLE: Final = ("1", "2", "3")
_PARTS: Final = {"headers": "header", "header": "header", "query": "query", "path": "path", "body": "body"}


def upgraded(document: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The document as version 4; unknown parts stay unchanged, and the reader rejects them."""
    interactions: object = document.get("interactions")
    if not is_array(interactions):
        return dict(document)
    return {
        **document,
        "interactions": [_interaction(one, version) if is_object(one) else one for one in interactions],
    }


def _interaction(interaction: Mapping[str, Any], version: str) -> dict[str, Any]:
    changed = dict(interaction)
    state = changed.pop("providerState", changed.pop("provider_state", None))
    if isinstance(state, str) and state and not changed.get("providerStates"):
        changed["providerStates"] = [{"name": state}]
    for part in ("request", "response"):
        if is_object(changed.get(part)):
            changed[part] = _part(changed[part], version)
    return changed


def _part(part: Mapping[str, Any], version: str) -> dict[str, Any]:
    changed = dict(part)
    if isinstance(changed.get("query"), str):
        changed["query"] = parse_qs(changed["query"].removeprefix("?"), keep_blank_values=True)
    if version in UPGRADABLE and "body" in changed:
        changed["body"] = _wrapped(changed["body"], _content_type(part))
    rules = changed.get("matchingRules")
    if version == "1":
        changed.pop("matchingRules", None)
    elif is_object(rules):
        changed["matchingRules"] = _rules(rules)
    return changed


def _content_type(part: Mapping[str, Any]) -> str | None:
    headers = part.get("headers")
    if is_object(headers):
        for name, value in headers.items():
            if name.lower() == "content-type":
                return ", ".join(map(str, value)) if is_array(value) else str(value)
    return None


def _wrapped(body: Any, content_type: str | None) -> dict[str, Any]:
    """A body without a declaration, with the type and encoding that the official engine assumes for it."""
    if not isinstance(body, str):
        return {"content": body, "contentType": content_type or JSON_TYPE}
    kind = content_type or guessed_type(body)
    wrapped: dict[str, Any] = {"content": body, "contentType": kind}
    if content_type is None and is_json_type(kind):
        wrapped["encoded"] = "JSON"  # it was guessed from how the text looks, so it is that text
    elif is_json_type(kind):
        # The text of an object is the object; that of a list or a number is a string.
        wrapped["encoded"] = "JSON" if _is_text_of_object(body) else False
    elif not is_textual(kind) and _is_base64(body):
        wrapped["encoded"] = "base64"
    return wrapped


def _is_text_of_object(text: str) -> bool:
    try:
        return is_object(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules by category: those that are so already, and those of version 2, which begin with `$`."""
    grouped: dict[str, Any] = {}
    for key, rule in rules.items():
        if not key.startswith("$"):
            category = _PARTS.get(key, key)
            known = grouped.get(category)
            grouped[category] = {**known, **rule} if is_object(known) and is_object(rule) else rule
    for key, rule in rules.items():
        if key.startswith("$"):
            _add(grouped, key, rule)
    return grouped


def _add(grouped: dict[str, Any], key: str, rule: object) -> None:
    first = STEP.match(key, 1)
    part = _PARTS.get(step_name(first)) if first is not None else None
    if first is None or part is None or not is_object(rule):
        # Unknown in version 2. Put under a name that no part has, so that the reader rejects it.
        grouped.setdefault("body", {})[key] = {"matchers": [rule]}
        return
    matcher = rule if "matchers" in rule else {"matchers": [rule]}
    rest = key[first.end() :]
    if part == "path":
        grouped["path"] = matcher
    elif part == "body":
        grouped.setdefault("body", {})[f"${rest}"] = matcher
    else:
        grouped.setdefault(part, {})[_name(rest)] = matcher


def _name(rest: str) -> str:
    """The name of a header or a parameter: `.q`, `['q']`, `.q[0]`; in `[0].q` the number says nothing."""
    steps = [step_name(step) for step in STEP.finditer(rest)]
    names = [step for step in steps if not (step.isdecimal() or step == "*")]
    return names[0] if names else "".join(steps) or rest
