"""An interaction filled in for a concrete request.

A pact gives one example. Its request may vary where it has a rule: this module puts the concrete request's values at
those places, and carries them over to the response, its rules and the provider states. So a response about ids that are
in no example can be rendered, and judged, from the same contract.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from bff_contracts.pact.file import Interaction, Request, State
from bff_contracts.pact.json_path import STEP, is_array, is_object, step_name, steps_of

_MISSING: Final = object()
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*|\*")


class _Asked(NamedTuple):
    """A comma-separated value: the example's elements, and which of them each element asked for is modelled on."""

    elements: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    """Pairs of an element asked for and the example's element whose form it takes."""


class _Binding(NamedTuple):
    """Which example strings stand for which concrete ones."""

    strings: Mapping[str, str]
    lists: tuple[_Asked, ...]

    def within(self, element: str, asked: str) -> "_Binding":
        return _Binding({**self.strings, element: asked}, self.lists)

    def text(self, value: str) -> str:
        return self.strings.get(value, value)

    def is_keyed(self, value: Mapping[str, Any], asked: _Asked) -> bool:
        """Whether a map has an entry for each element asked for."""
        others = value.keys() - set(asked.elements)
        # An id that is the name of another member would take its place.
        return set(asked.elements) <= value.keys() and not others & {name for name, _ in asked.models}

    def is_listed(self, value: list[Any], asked: _Asked) -> bool:
        """Whether a list has an item for each element asked for."""
        return len(value) == len(asked.elements) and all(map(mentions, value, asked.elements))


def fill(interaction: Interaction, *, path: str, query: Mapping[str, Sequence[str]], actual: Any = None) -> Interaction:
    """Carry the values of a concrete request over to the response and the states of `interaction`.

    Each segment of a ruled path, and each element of a ruled (comma-separated) query value, replaces the example's
    string at its place: as a whole string, in one pass, in values and keys. Numbers are never carried over. Where
    the example has an entry per element asked for, the result has one per element of the concrete request.

    Args:
        interaction: The interaction whose request is like the concrete one; its own request stays as it is.
        path: The concrete path, percent-encoded.
        query: The concrete query, decoded.
        actual: The body of the response to be judged, if there is one: of the example's forms, each id takes the object
            or the `null` form as the response does. Without it, ids take the example's forms in turn.
    """
    binding = _binding(interaction, path, query, actual)
    response = interaction.response
    content = response.content
    return replace(
        interaction,
        states=tuple(State(state.name, _filled(state.params, binding)) for state in interaction.states),
        response=replace(
            response,
            content=None if content is None else content._replace(value=_filled(content.value, binding)),
            rules={
                concrete: rule
                for example, rule in response.rules.items()
                for concrete in _filled_path(example, binding)
            },
        ),
    )


def _binding(interaction: Interaction, path: str, query: Mapping[str, Sequence[str]], actual: object) -> _Binding:
    request = interaction.request
    strings = _path_strings(request, path)
    lists: list[_Asked] = []
    for elements, asked in _bound_lists(request, query):
        # A request may ask for more or fewer elements than the example; `_models` has the models of the others.
        for example, concrete in zip(elements, asked, strict=False):
            strings.setdefault(example, concrete)
        lists.append(_Asked(elements, _models(elements, asked, interaction.response.body, actual)))
    return _Binding(strings, tuple(lists))


def asked_for(interaction: Interaction, query: Mapping[str, Sequence[str]]) -> tuple[frozenset[str], ...]:
    """The sets of ids (or other strings) that a request has in the ruled, comma-separated values of its query."""
    return tuple(frozenset(asked) for _, asked in _bound_lists(interaction.request, query))


def _path_strings(request: Request, path: str) -> dict[str, str]:
    if request.path_rule is None:
        return {}
    examples, concretes = request.path.split("/"), path.split("/")
    if len(examples) != len(concretes):
        return {}
    pairs = ((unquote(example), unquote(concrete)) for example, concrete in zip(examples, concretes, strict=True))
    return {example: concrete for example, concrete in pairs if is_bound(example)}


def _bound_lists(
    request: Request, query: Mapping[str, Sequence[str]]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The comma-separated values of ruled parameters: the example's elements, and those that a query has instead."""
    for name in request.query_rules:
        # A parameter may be sent more or less often than in the example.
        for example, concrete in zip(request.query.get(name, ()), query.get(name, ()), strict=False):
            elements = tuple(example.split(","))
            if all(is_bound(element) for element in elements):
                yield elements, tuple(dict.fromkeys(part for part in concrete.split(",") if part))


def is_bound(example: str) -> bool:
    """Whether an example string can stand for another: a number would be mistaken for unrelated ones."""
    return example != "" and not example.isnumeric()


def _models(
    elements: tuple[str, ...], asked: tuple[str, ...], body: object, actual: object
) -> tuple[tuple[str, str], ...]:
    """What was asked for, each with the example's element that it is modelled on: in turn, or as a response has it."""
    forms = _find_map(body, elements)
    found = _find_keys(actual, asked)
    nulls = [element for element in elements if forms is not None and forms[element] is None]
    objects = [element for element in elements if forms is not None and is_object(forms[element])]

    def model(at: int, name: str) -> str:
        if found is not None and nulls and objects:
            return nulls[0] if found.get(name, _MISSING) is None else objects[0]
        return elements[at % len(elements)]

    return tuple((name, model(at, name)) for at, name in enumerate(asked))


def _find_map(value: object, keys: Sequence[str]) -> Mapping[str, Any] | None:
    return _first_map(value, lambda found: all(key in found for key in keys))


def _find_keys(value: object, keys: Sequence[str]) -> Mapping[str, Any] | None:
    return _first_map(value, lambda found: any(key in found for key in keys))


def _first_map(value: object, is_it: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any] | None:
    children: Iterable[Any] = ()
    if is_object(value):
        if is_it(value):
            return value
        children = value.values()
    elif is_array(value):
        children = value
    return next((found for child in children if (found := _first_map(child, is_it)) is not None), None)


def _filled(value: Any, binding: _Binding) -> Any:
    if isinstance(value, str):
        return binding.text(value)
    if is_object(value):
        return _filled_map(value, binding)
    return _filled_list(value, binding) if is_array(value) else value


def _filled_map(value: Mapping[str, Any], binding: _Binding) -> dict[str, Any]:
    for asked in binding.lists:
        if binding.is_keyed(value, asked):
            rest = {key: item for key, item in value.items() if key not in asked.elements}
            entries = {name: _filled(value[element], binding.within(element, name)) for name, element in asked.models}
            return {**entries, **_filled_map(rest, binding)}
    return {binding.text(key): _filled(item, binding) for key, item in value.items()}


def _filled_list(value: list[Any], binding: _Binding) -> list[Any]:
    for asked in binding.lists:
        if binding.is_listed(value, asked):
            items = dict(zip(asked.elements, value, strict=True))
            return [_filled(items[element], binding.within(element, name)) for name, element in asked.models]
    return [_filled(item, binding) for item in value]


def mentions(value: object, text: str) -> bool:
    """Whether a text is a key or a string anywhere in a JSON value."""
    if is_object(value):
        return text in value or any(mentions(item, text) for item in value.values())
    if is_array(value):
        return any(mentions(item, text) for item in value)
    return value == text


def _filled_path(path: str, binding: _Binding) -> Iterator[str]:
    """The paths that a rule's path becomes: one for each element asked for that takes the form the rule is about."""
    tokens = steps_of(path)
    for asked in binding.lists:
        element = next((token for token in tokens if token in asked.elements), None)
        if element is not None:
            for name, model in asked.models:
                if model == element:
                    yield _rendered(path, {**binding.strings, element: name})
            return
    yield _rendered(path, binding.strings)


def _rendered(path: str, strings: Mapping[str, str]) -> str:
    def step(found: re.Match[str]) -> str:
        name = step_name(found)
        concrete = strings.get(name)
        if concrete is None or concrete == name:
            return found[0]
        if "'" in concrete:
            return ".*"  # no path can express this name, so the rule applies to every name
        return f".{concrete}" if _PLAIN_KEY.fullmatch(concrete) else f"['{concrete}']"

    return STEP.sub(step, path)
