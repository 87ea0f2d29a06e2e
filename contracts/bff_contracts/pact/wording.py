"""Describes interactions and provider states, for people who do not read pact files."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode

from bff_contracts.http import header_label
from bff_contracts.pact.file import Interaction, Pact, Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of
from bff_contracts.platform import DATE_TIME_PATTERN, UUID_PATTERN

if TYPE_CHECKING:
    from bff_contracts.states import ProviderState

_CHOICE: Final = re.compile(r"\^\(\?:([\w|]+)\)\$")
_KNOWN: Final[Mapping[str, str]] = {UUID_PATTERN: "a UUID in lower case", DATE_TIME_PATTERN: "a date-time"}
_MOMENT_END: Final = "[+]02:00)$"
"""How the rule for one moment in any of its spellings ends."""

_BOUNDS: Final[Mapping[str, str]] = {"min": "at least", "max": "at most"}
_WORDS: Final[Mapping[str, str]] = {
    "arrayContains": "the items of the example in any order",
    "boolean": "a boolean",
    "decimal": "a decimal number",
    "equality": "just this value",
    "integer": "an integer",
    "null": "`null`",
    "number": "a number",
}
_TYPES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a text",
}
"""What the matcher `type` accepts, by the type of the example."""


def target_of(interaction: Interaction) -> str:
    """Method, path and query, as on a request line."""
    request = interaction.request
    pairs = [(name, value) for name, values in request.query.items() for value in values]
    query = f"?{urlencode(pairs, safe=',')}" if pairs else ""
    return f"{request.method} {request.path}{query}"


def endpoint_of(shape: Interaction) -> str:
    """Method and path of the endpoint that a shape is of, such as `GET /internal/v1/batches/{batch_id}/status`.

    A segment that the path's rule leaves open has the name of the state's param with that value.
    """
    request = shape.request
    if request.path_rule is None:
        return f"{request.method} {request.path}"
    pattern = str(request.path_rule.matchers[0].get("regex", ""))
    names = {value: name for state in shape.states for name, value in _texts_of(state.params)}
    segments = (
        segment if segment in pattern or re.escape(segment) in pattern else f"{{{names.get(unquote(segment), '…')}}}"
        for segment in request.path.split("/")
    )
    return f"{request.method} {'/'.join(segments)}"


def _texts_of(value: object) -> Iterator[tuple[str, str]]:
    """The name and the value of each text at any depth; values under a UUID belong to the batch with this id."""
    if is_object(value):
        yield from (("batch_id", name) for name in value if re.fullmatch(UUID_PATTERN, name))
        yield from ((name, member) for name, member in value.items() if isinstance(member, str))
        for member in value.values():
            yield from _texts_of(member)
    elif is_array(value):
        for member in value:
            yield from _texts_of(member)


def request_text(interaction: Interaction) -> str:
    """The request of the example, as HTTP sends it."""
    return "\n".join([target_of(interaction), *_headers(interaction.request.headers)])


def response_text(interaction: Interaction) -> str:
    """The response of the example, its body laid out."""
    response = interaction.response
    lines = [f"{response.status}", *_headers(response.headers)]
    if response.has_body:
        lines += ["", json.dumps(response.body, indent=2, ensure_ascii=False)]
    return "\n".join(lines)


def params_text(params: Mapping[str, Any]) -> str:
    """The params of a state in an example, laid out."""
    return json.dumps(params, indent=2, ensure_ascii=False)


def freedoms(interaction: Interaction) -> list[tuple[str, str]]:
    """Where a response may differ from the example, and what it may have there; everything else has to be equal.

    Fields that the example does not have may be added anywhere.
    """
    response = interaction.response
    return [(path, _rule_in_words(rule, _value_at(response.body, path))) for path, rule in response.rules.items()]


def _value_at(body: object, path: str) -> object:
    """The example at the place of a rule, the first one for `*`; `None` where the body has none."""
    for step in steps_of(path):
        members: object = list(body.values()) if is_object(body) and step == "*" else body
        if is_array(members):
            at = "0" if step == "*" else step
            body = members[int(at)] if at.isdecimal() and int(at) < len(members) else None
        else:
            body = members.get(step) if is_object(members) else None
    return body


def _rule_in_words(rule: Rule, example: object) -> str:
    """What a matching rule accepts in the place of the example."""
    word = " or " if rule.combine == "OR" else " and "
    return word.join(_matcher_in_words(matcher, example) for matcher in rule.matchers)


def _matcher_in_words(matcher: Mapping[str, Any], example: object) -> str:
    kind = str(matcher["match"])
    if kind != "regex":
        words = _TYPES.get(type(example), "any value of this type") if kind == "type" else _WORDS.get(kind, kind)
        bounds = [f", {bound} {matcher[name]}" for name, bound in _BOUNDS.items() if name in matcher]
        return "".join([words, *bounds])
    pattern = str(matcher["regex"])
    choice = _CHOICE.fullmatch(pattern)
    if choice is not None:
        return "one of " + ", ".join(f"`{value}`" for value in choice[1].split("|"))
    if pattern.endswith(_MOMENT_END):
        return "the same moment: naive, in UTC or in Swedish time, its fraction of a second kept or cut"
    return _KNOWN.get(pattern, f"a text that matches `{pattern}`")


def _headers(headers: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"{header_label(name)}: {', '.join(values)}" for name, values in headers.items()]


@dataclass(frozen=True, slots=True)
class Param:
    """One param of a provider state, or one field below it.

    Attributes:
        path: Its place, such as `batches[].essays[].filename`.
        kind: What it holds, in words.
    """

    path: str
    kind: str


def params_of(state: "ProviderState") -> list[Param]:
    """All params of a state, with the fields below them."""
    schema = state.params.model_json_schema()
    return list(_fields(schema, schema.get("$defs", {}), ""))


UNUSED: Final = "No interaction uses this state any more; the next major release removes it."


def example_of(state: "ProviderState", pact: Pact) -> Mapping[str, Any] | None:
    """The params that an interaction in this state has: a shape, if there is one; `None` if no interaction uses it."""
    found = [
        (interaction.role is None, used.params)
        for interaction in pact.interactions
        for used in interaction.states
        if used.name == state.name
    ]
    return min(found, key=lambda each: each[0])[1] if found else None


def function_name(state: "ProviderState") -> str:
    """A function name for a handler of the state."""
    return re.sub(r"\W+", "_", state.name)


def _fields(schema: Mapping[str, Any], models: Mapping[str, Any], at: str) -> Iterator[Param]:
    for name, field in schema["properties"].items():
        path = f"{at}{name}"
        yield Param(path, _kind(field, models))
        yield from _below(field, models, path)


def _below(field: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Iterator[Param]:
    for form in field.get("anyOf", [field]):
        if "$ref" in form:
            yield from _fields(_model(form, models), models, f"{path}.")
        elif "items" in form:
            yield from _below(form["items"], models, f"{path}[]")
        else:
            for entry in form.get("patternProperties", {}).values():
                yield from _below(entry, models, f"{path}{{}}")


def _kind(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(form, models) for form in field["anyOf"])
    if "$ref" in field:
        return "object"
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "pattern" in field:
        return _KNOWN.get(field["pattern"], f"text that matches `{field['pattern']}`")
    kind = {"array": "list", "string": "text", "null": "`null`"}.get(field["type"], str(field["type"]))
    if field["type"] == "object" and "patternProperties" in field:
        return "object by UUID"
    return f"{kind}, at least {field['minimum']}" if "minimum" in field else kind


def _model(form: Mapping[str, Any], models: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = models[form["$ref"].rpartition("/")[2]]
    return found
