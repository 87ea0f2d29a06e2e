"""An interaction filled in for a concrete request.

A pact gives one example. What may vary in its request is what has a rule there; this module puts the concrete
request's values at those places and carries them over to the answer, its rules and the provider states. So an
answer about ids that no example ever named can be rendered, and judged, from the same contract.

Two callers want different things. `fill` says what the contract *would* say about the concrete request, for judging,
and for shapes, which are made to be filled in. `answer_for` gives an answer to serve, and never leaves the contract: a
value is carried over only where a rule leaves its place open, and keys change only in a map that is keyed by ids asked
for.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from bff_contracts.pact.file import Interaction, Request, Rule, State
from bff_contracts.pact.json_path import STEP, is_array, is_object, most_exact, step_name, steps_of
from bff_contracts.pact.text_rules import UnknownMatcherError, compiled
from bff_contracts.platform import SHAPE

_MISSING: Final = object()
_DIGIT: Final = re.compile("[0-9]")
"""What ids have and the names of members have not."""
_PLAIN_MATCHERS: Final = frozenset(
    {"type", "equality", "regex", "include", "integer", "decimal", "number", "boolean", "null"}
)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*|\*")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comma-separated value: the example's elements, and which of them each element asked for is modelled on."""

    elements: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    """Pairs of an element asked for and the example's element whose form it takes."""


@dataclass(frozen=True, slots=True)
class _Binding:
    """Which example strings stand for which concrete ones."""

    strings: Mapping[str, str]
    lists: tuple[_Asked, ...]
    open: "_Open | None" = None
    """Where values may be carried over to; everywhere for `None`."""

    def within(self, element: str, asked: str) -> "_Binding":
        return _Binding({**self.strings, element: asked}, self.lists, self.open)

    def text(self, value: str, at: tuple[str, ...]) -> str:
        concrete = self.strings.get(value, value)
        return value if self.open is not None and not self.open.takes(concrete, at) else concrete

    def key(self, name: str) -> str:
        return self.strings.get(name, name) if self.open is None else name

    def is_keyed(self, value: Mapping[str, Any], asked: _Asked) -> bool:
        """Whether a map has an entry for each element asked for; to be served, it has to be one of ids at that."""
        others = value.keys() - set(asked.elements)
        if not set(asked.elements) <= value.keys() or others & {name for name, _ in asked.models}:
            return False  # an id that is the name of another member would take its place
        return self.open is None or all(
            _DIGIT.search(element) is not None and (value[element] is None or is_object(value[element]))
            for element in asked.elements
        )

    def is_listed(self, value: list[Any], asked: _Asked, at: tuple[str, ...]) -> bool:
        """Whether a list has an item for each element asked for; to be served, it has to be free in its length."""
        if len(value) != len(asked.elements) or (self.open is not None and not self.open.has_any_length(asked, at)):
            return False
        return all(_mentions(item, element) for item, element in zip(value, asked.elements, strict=True))


class _Open:
    """Which places of an answer its rules leave open.

    Only what is plain is taken for open: a rule of the place itself that the value keeps, or a `type` above it. The
    engine is asked besides, where it is installed.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        names = {str(matcher["match"]) for rule in rules.values() for matcher in rule.matchers}
        is_plain = names <= _PLAIN_MATCHERS and not any(".." in path for path in rules)
        self._rules: Mapping[str, Rule] = rules if is_plain else {}

    def takes(self, value: str, at: tuple[str, ...]) -> bool:
        rule, is_own = most_exact(self._rules, at) or (None, False)
        if rule is None or not rule.matchers:
            return False
        if not is_own:
            return _is_type(rule)
        try:
            check = compiled(rule.matchers, rule.combine, "\0")  # nothing is equal to it
        except (UnknownMatcherError, KeyError, re.error):  # another dialect, or half a rule
            return False
        return bool(check.accepts(value))

    def has_any_length(self, asked: _Asked, at: tuple[str, ...]) -> bool:
        rule, is_own = most_exact(self._rules, at) or (None, False)
        if rule is None or not _is_type(rule):
            return False
        (matcher,), wanted = rule.matchers, len(asked.models)
        return not is_own or bool(matcher.get("min", 0) <= wanted <= matcher.get("max", wanted))


def _is_type(rule: Rule) -> bool:
    return [matcher["match"] for matcher in rule.matchers] == ["type"]


def fill(interaction: Interaction, *, path: str, query: Mapping[str, Sequence[str]], answer: Any = None) -> Interaction:
    """Carry the values of a concrete request over to the answer and the states of `interaction`.

    Each segment of a ruled path, and each element of a ruled (comma-separated) query value, replaces the example's
    string at its place: as a whole string, in one pass, in values and keys. Numbers are never carried over. Where
    the example has an entry per element asked for, the result has one per element of the concrete request.

    Args:
        interaction: The interaction whose request is like the concrete one; its own request stays as it is.
        path: The concrete path, percent-encoded.
        query: The concrete query, decoded.
        answer: The answer to be judged, if there is one: of the example's forms, each id takes the object or the
            `null` form as the answer does. Without it, ids take the example's forms in turn.
    """
    binding = _binding(interaction, path, query, answer)
    response = interaction.response
    body = _filled(response.body, binding)
    return replace(
        interaction,
        states=tuple(State(state.name, _filled(state.params, binding)) for state in interaction.states),
        response=replace(
            response,
            body=body,
            rules={
                concrete: rule
                for example, rule in response.rules.items()
                for concrete in _filled_path(example, binding)
            },
        ),
    )


def answer_for(interaction: Interaction, *, path: str, query: Mapping[str, Sequence[str]]) -> Any:
    """The body of the example as an answer to a concrete request, which the contract allows.

    Args:
        interaction: The interaction whose request is like the concrete one.
        path: The concrete path, percent-encoded.
        query: The concrete query, decoded.
    """
    response = interaction.response
    if response.content is None or not response.content.is_json:
        return response.body
    binding = _binding(interaction, path, query, None)
    if interaction.role != SHAPE:
        binding = replace(binding, open=_Open(response.rules))
    return _filled(response.body, binding)


def _binding(interaction: Interaction, path: str, query: Mapping[str, Sequence[str]], answer: object) -> _Binding:
    request = interaction.request
    strings = _path_strings(request, path)
    lists: list[_Asked] = []
    for elements, asked in _query_values(request, query):
        # A request may ask for more or fewer elements than the example; `_models` says what stands for the others.
        for example, concrete in zip(elements, asked, strict=False):
            strings.setdefault(example, concrete)
        lists.append(_Asked(elements, _models(elements, asked, interaction.response.body, answer)))
    return _Binding(strings, tuple(lists))


def asked_for(interaction: Interaction, query: Mapping[str, Sequence[str]]) -> tuple[frozenset[str], ...]:
    """The sets of ids (or other strings) that a request asks for in the ruled, comma-separated values of its query."""
    return tuple(frozenset(asked) for _, asked in _query_values(interaction.request, query))


def _path_strings(request: Request, path: str) -> dict[str, str]:
    if request.path_rule is None:
        return {}
    examples, concretes = request.path.split("/"), path.split("/")
    if len(examples) != len(concretes):
        return {}
    pairs = ((unquote(example), unquote(concrete)) for example, concrete in zip(examples, concretes, strict=True))
    return {example: concrete for example, concrete in pairs if _is_bound(example)}


def _query_values(
    request: Request, query: Mapping[str, Sequence[str]]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for name in request.query_rules:
        # A parameter may be sent more or less often than in the example.
        for example, concrete in zip(request.query.get(name, ()), query.get(name, ()), strict=False):
            elements = tuple(example.split(","))
            if all(_is_bound(element) for element in elements):
                yield elements, tuple(dict.fromkeys(part for part in concrete.split(",") if part))


def _is_bound(example: str) -> bool:
    """Whether an example string can stand for another: a number would be mistaken for unrelated ones."""
    return example != "" and not example.isnumeric()


def _models(
    elements: tuple[str, ...], asked: tuple[str, ...], body: object, answer: object
) -> tuple[tuple[str, str], ...]:
    forms = _find_map(body, elements)
    answered = _find_keys(answer, asked)
    nulls = [element for element in elements if forms is not None and forms[element] is None]
    objects = [element for element in elements if forms is not None and is_object(forms[element])]

    def model(at: int, name: str) -> str:
        if answered is not None and nulls and objects:
            return nulls[0] if answered.get(name, _MISSING) is None else objects[0]
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


def _filled(value: Any, binding: _Binding, at: tuple[str, ...] = ()) -> Any:
    if isinstance(value, str):
        return binding.text(value, at)
    if is_object(value):
        return _filled_map(value, binding, at)
    return _filled_list(value, binding, at) if is_array(value) else value


def _filled_map(value: Mapping[str, Any], binding: _Binding, at: tuple[str, ...]) -> dict[str, Any]:
    for asked in binding.lists:
        if binding.is_keyed(value, asked):
            rest = {key: item for key, item in value.items() if key not in asked.elements}
            entries = {
                name: _filled(value[element], binding.within(element, name), (*at, element))
                for name, element in asked.models
            }
            return {**entries, **_filled_map(rest, binding, at)}
    return {binding.key(key): _filled(item, binding, (*at, key)) for key, item in value.items()}


def _filled_list(value: list[Any], binding: _Binding, at: tuple[str, ...]) -> list[Any]:
    for asked in binding.lists:
        if binding.is_listed(value, asked, at):
            items = {
                element: (item, str(place))
                for place, (element, item) in enumerate(zip(asked.elements, value, strict=True))
            }
            return [
                _filled(items[element][0], binding.within(element, name), (*at, items[element][1]))
                for name, element in asked.models
            ]
    return [_filled(item, binding, (*at, str(place))) for place, item in enumerate(value)]


def _mentions(value: object, text: str) -> bool:
    if is_object(value):
        return text in value or any(_mentions(item, text) for item in value.values())
    if is_array(value):
        return any(_mentions(item, text) for item in value)
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
            return ".*"  # no path can spell this name out, so the rule is for whatever is there
        return f".{concrete}" if _PLAIN_KEY.fullmatch(concrete) else f"['{concrete}']"

    return STEP.sub(step, path)
