"""Write docs/contract/: what the BFF expects of each provider, from the pacts and the catalogue of provider states.

A provider has an index page and one page per endpoint. An endpoint's page shows its shape in full, and of each other
interaction what differs from the shape.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from bff_contracts.http import header_label
from bff_contracts.pact.file import Interaction, Pact, Response, shipped_pacts
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.pact.wording import (
    UNUSED,
    endpoint_of,
    example_of,
    freedoms,
    params_of,
    params_text,
    request_text,
    response_text,
)
from bff_contracts.platform import BY_NAME, UUID_PATTERN
from bff_contracts.states import CATALOGUE, ProviderState

FOLDER: Final = Path(__file__).parents[1] / "docs" / "contract"

_RULES: Final = """\
- A response may have more fields than the contract names.
- Every value is compared exactly, unless the table below the example says what else may be there.
- A date-time is `2026-01-15T10:30:00.123456`, with six digits of a second, three or none. It means UTC, with or without
  a `Z`, unless an offset such as `+01:00` follows.
- `INJECTED-AT-VERIFICATION` is replaced by the real key. `X-Correlation-ID` is any UUID; a provider may ignore it.
- The BFF sends no request of another form, such as an empty or a malformed query."""

_SHOWN: Final = 6
"""The most differences of an answer in a row; `bff-contracts show` has the whole answer."""

_LONGEST_VALUE: Final = 48
_PINNED: Final = frozenset({"equality", "arrayContains"})
"""The matchers that pin the value of the example; any other leaves it open."""


def pages() -> Mapping[str, str]:
    """The text of each page, by its path in docs/contract/."""
    texts: dict[str, str] = {}
    for pact in shipped_pacts():
        endpoints = _by_endpoint(pact)
        texts[f"{pact.provider}.md"] = _text(_index(pact, endpoints))
        for shape, interactions in endpoints:
            texts[f"{pact.provider}/{_slug(shape)}.md"] = _text(_endpoint(pact, shape, interactions))
    return texts


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _by_endpoint(pact: Pact) -> list[tuple[Interaction, list[Interaction]]]:
    """The shape of each endpoint with the other interactions of that endpoint."""
    shapes = [interaction for interaction in pact.interactions if interaction.role is not None]

    def place(interaction: Interaction) -> int:
        request = interaction.request
        return next(at for at, shape in enumerate(shapes) if shape.is_for(request.method, request.path))

    others = sorted((each for each in pact.interactions if each.role is None), key=place)
    found = {at: list(each) for at, each in groupby(others, key=place)}
    return [(shape, found.get(at, [])) for at, shape in enumerate(shapes)]


def _slug(shape: Interaction) -> str:
    """The name of an endpoint's page: what the description of its shape begins with."""
    return re.sub(r"\W+", "-", shape.description.partition(":")[0].strip()).lower()


def _index(pact: Pact, endpoints: list[tuple[Interaction, list[Interaction]]]) -> Iterator[str]:
    yield f"# What the BFF expects of {BY_NAME[pact.provider].label}"
    yield ""
    yield f"Consumer: `{pact.consumer}`. Provider: `{pact.provider}`. [How to verify your service](../providers.md)."
    yield "`pdm run contracts` writes these pages from the contract."
    yield from ("", "## Endpoints", "")
    yield "| endpoint | interactions | provider states |"
    yield "|---|---:|---|"
    for shape, others in endpoints:
        page = f"{pact.provider}/{_slug(shape)}.md"
        yield f"| [`{endpoint_of(shape)}`]({page}) | {len(others) + 1} | {_states_of([shape, *others], '') or 'none'} |"
    yield from ("", "## How to read the pages", "", _RULES, "", "## Provider states")
    for state in CATALOGUE:
        if state.provider == pact.provider:
            yield from _state(state, pact)


def _states_of(interactions: list[Interaction], index: str) -> str:
    """Links to the provider states of some interactions, on the index page."""
    names = dict.fromkeys(state.name for interaction in interactions for state in interaction.states)
    return ", ".join(f"[{name}]({index}#{name.replace(' ', '-')})" for name in names)


def _state(state: ProviderState, pact: Pact) -> Iterator[str]:
    yield from ("", f"### {state.name}", "", state.meaning, "")
    yield from (f"Params (`{state.params.__name__}`):", "")
    yield "| param | holds |"
    yield "|---|---|"
    yield from (f"| `{param.path}` | {param.kind} |" for param in params_of(state))
    example = example_of(state, pact)
    if example is None:
        yield from ("", UNUSED)
    else:
        yield from _folded("Example", ["```json", params_text(example), "```"])


def _endpoint(pact: Pact, shape: Interaction, others: list[Interaction]) -> Iterator[str]:
    index = f"../{pact.provider}.md"
    states = _states_of([shape, *others], index)
    yield f"# `{endpoint_of(shape)}`"
    yield ""
    provider = f"Provider: [{BY_NAME[pact.provider].label}]({index})."
    yield f"{provider} Provider states: {states}." if states else provider
    yield from ("", f"## {shape.description}")
    for state in shape.states:
        yield from _folded(f"Given: {state.name}", ["```json", params_text(state.params), "```"])
    yield from ("", "```http", request_text(shape), "```")
    yield from ("", "```http", f"HTTP/1.1 {response_text(shape)}", "```")
    free = freedoms(shape)
    if free:
        yield from ("", "| may differ | what may be there |", "|---|---|")
        yield from (f"| `{path}` | {_cell(words)} |" for path, words in free)
    expected = [other for other in others if not _is_refusal(other)]
    if expected:
        yield from ("", "## The other interactions", "")
        yield "Each row says what differs from the exchange above; all expect the exact values of their provider state."
        yield from (f'`bff-contracts show "{expected[0].description}"` shows a whole interaction.', "")
        yield from _rows(expected, shape)
    refusals = [other for other in others if _is_refusal(other)]
    if refusals:
        yield from ("", "## Requests to refuse", "", "They have no provider state.", "")
        yield from _rows(refusals, shape)


def _is_refusal(interaction: Interaction) -> bool:
    return interaction.response.status == HTTPStatus.UNAUTHORIZED and not interaction.states


def _rows(interactions: list[Interaction], shape: Interaction) -> Iterator[str]:
    """What differs from the shape; a column without any difference is left out."""
    rows = [
        (
            interaction.description,
            _state_difference(interaction, shape),
            ", ".join(_request_differences(interaction, shape)),
            ", ".join(_answer_differences(interaction.response, shape.response)),
        )
        for interaction in interactions
    ]
    used = [at for at in range(len(rows[0])) if any(row[at] for row in rows)]
    yield "| " + " | ".join(("interaction", "given", "request", "response")[at] for at in used) + " |"
    yield "|" + "---|" * len(used)
    for row in rows:
        yield "| " + " | ".join(_cell(row[at] or "the same") for at in used) + " |"


def _state_difference(interaction: Interaction, shape: Interaction) -> str:
    """The provider states of an interaction, where it has other ones than the shape, or several."""
    counts = Counter(state.name for state in interaction.states)
    if _is_refusal(interaction) or counts == Counter(state.name for state in shape.states):
        return ""
    return ", ".join(name if count == 1 else f"{name}, {count} times" for name, count in counts.items())


def _request_differences(interaction: Interaction, shape: Interaction) -> Iterator[str]:
    query, usual = interaction.request.query, shape.request.query
    for name in sorted({*query, *usual}):
        if query.get(name) != usual.get(name):
            yield _parameter(name, query[name]) if name in query else f"no `{name}`"
    headers, usual_headers = interaction.request.headers, shape.request.headers
    for name in sorted({*headers, *usual_headers}):
        if headers.get(name) != usual_headers.get(name):
            value = ", ".join(headers.get(name, ()))
            yield f"`{header_label(name)}: {value}`" if name in headers else f"no `{header_label(name)}`"


def _parameter(name: str, values: tuple[str, ...]) -> str:
    words = [word for value in values for word in value.split(",")]
    return f"`{name}={words[0]}`" if len(words) == 1 else f"{len(words)} `{name}`"


def _answer_differences(response: Response, shape: Response) -> Iterator[str]:
    if response.status != shape.status:
        yield f"{response.status}"
    if response.has_body:
        differences = _value_differences(response.body, shape.body, response, "$", "$")
        found = sorted(differences, key=lambda each: each.count("."))
        yield from found[:_SHOWN]
        if len(found) > _SHOWN:
            yield f"and {len(found) - _SHOWN} more"
    elif shape.has_body:
        yield "no body"


def _value_differences(value: Any, usual: Any, response: Response, path: str, rule_path: str) -> Iterator[str]:
    rule = response.rules.get(rule_path)
    matchers = () if rule is None else tuple(str(matcher["match"]) for matcher in rule.matchers)
    name = path.removeprefix("$").removeprefix(".")
    place = f"`{name}`: " if name else ""
    if is_object(value):
        known: Mapping[str, Any] = usual if is_object(usual) else {}
        if len(value) > 1 and all(map(_is_uuid, value)):
            missing = sum(member is None for member in value.values())
            yield f"{len(value)} ids, {missing} of them `null`" if missing else f"{len(value)} ids"
            return
        for key, member in value.items():
            at = path if _is_uuid(key) else f"{path}.{key}"
            yield from _value_differences(member, known.get(key), response, at, f"{rule_path}.{key}")
    elif is_array(value) and "arrayContains" in matchers:
        yield f"{place}{len(value)} items in any order"
    elif is_array(value):
        if len(value) != 1:
            yield f"{place}{len(value)} items"
        first: Any = usual[0] if is_array(usual) and usual else None
        yield from _value_differences(_shared(value), first, response, f"{path}[*]", f"{rule_path}[*]")
    elif value != usual and _PINNED.issuperset(matchers) and not _is_uuid(str(value)):
        yield f"{place}`{_shortened(json.dumps(value, ensure_ascii=False))}`"


def _shared(items: list[Any]) -> Any:
    """What all items of a list have in common: the members of the first that the others have as well."""
    first, *others = items or [{}]
    if not is_object(first):
        return {}
    return {name: value for name, value in first.items() if all(value == other.get(name) for other in others)}


def _is_uuid(key: str) -> bool:
    return re.fullmatch(UUID_PATTERN, key) is not None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _folded(title: str, lines: list[str]) -> Iterator[str]:
    yield from ("", f"<details><summary>{title}</summary>", "", *lines, "", "</details>")


if __name__ == "__main__":
    for name, page in pages().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(page, encoding="utf-8")
