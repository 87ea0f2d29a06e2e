"""Fills the example of an interaction in for a request; the template is compiled once.

A request names values: a segment of a path with a rule, an element of a comma-separated parameter with a rule. The
example's request has its own values at the same places. Where the example's response repeats one of those, the mock
answers with the request's value instead. A shape is filled in everywhere. Any other response stays within its contract:
a value is replaced only where a rule leaves its place open and accepts the new value, and keys change only in a map
whose keys are the ids asked for.

A compiled example is JSON text with places in it. Most examples have none: their response is the same bytes each time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, groupby
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import unquote

from bff_contracts.pact.binding import is_bound, mentions
from bff_contracts.pact.file import Interaction, Rule
from bff_contracts.pact.json_path import is_array, is_object, most_exact
from bff_contracts.pact.text_rules import UnknownMatcherError, compiled
from bff_contracts.platform import SHAPE
from bff_mock_server._json import dumps
from bff_mock_server.matching.request import Asked

_DIGIT: Final = re.compile("[0-9]")
"""Characters of ids that names of members do not have."""

_PLAIN_MATCHERS: Final = frozenset(
    {"type", "equality", "regex", "include", "integer", "decimal", "number", "boolean", "null"}
)
"""The matchers that the mock can evaluate without the engine."""

At = tuple[str, ...]
Elements = tuple[str, ...]
Takes = Callable[[str], object]
Model = tuple[tuple[str, str], str]


class Carried(NamedTuple):
    """The values of one request for the example's strings.

    Attributes:
        strings: The concrete string for each of the example's, beside it as JSON text.
        models: For the elements of each comma-separated value of the example, what was asked for, beside it as JSON
            text, and the element that it is modelled on.
    """

    strings: Mapping[str, tuple[str, str]]
    models: Mapping[Elements, Sequence[Model]]


class _Piece(Protocol):
    """A part of the example that depends on the request."""

    def render(self, carried: Carried) -> str:
        """The JSON text for a request."""
        ...


Parts = list["str | _Piece"]


class _Compiled:
    """Parts in their order; a piece that occurs several times is rendered once for a request.

    Attributes:
        constant: The text when no request changes it; `None` when requests do.
    """

    def __init__(self, parts: Parts) -> None:
        self._texts: list[str] = []
        self._places: dict[object, tuple[_Piece, list[int]]] = {}
        for _, run in groupby(parts, lambda part: isinstance(part, str)):
            alike = list(run)
            if texts := [part for part in alike if isinstance(part, str)]:
                self._texts.append("".join(texts))
            for piece in (part for part in alike if not isinstance(part, str)):
                same = piece if isinstance(piece, _Text) else id(piece)
                self._places.setdefault(same, (piece, []))[1].append(len(self._texts))
                self._texts.append("")
        self.constant = None if self._places else "".join(self._texts)

    def render(self, carried: Carried) -> str:
        if self.constant is not None:
            return self.constant
        texts = self._texts.copy()
        for piece, places in self._places.values():
            text = piece.render(carried)
            for at in places:
                texts[at] = text
        return "".join(texts)


class Filling:
    """The body of an interaction's example, filled in for requests.

    Attributes:
        constant: The body when no request changes it; `None` when requests do.
    """

    def __init__(self, interaction: Interaction) -> None:
        response = interaction.response
        self._interaction = interaction
        self._segments: Sequence[tuple[int, str]] = ()
        self._lists: Sequence[tuple[str, int, Elements]] = ()
        self._compiled = _Compiled([])
        self.constant: bytes | None = response.content.raw if response.content is not None else b""
        if response.content is None or not response.content.is_json:
            return
        compiler = _Compiler(interaction)
        self._compiled = _Compiled(compiler.parts(response.content.value, ()))
        if self._compiled.constant is None:
            self._lists = [found for found in compiler.lists if compiler.used.intersection(found[2])]
            self._segments = [(at, text) for at, text in compiler.segments if text in compiler.used]
            self.constant = None

    def carried(self, asked: Asked) -> Carried:
        """The request's values for the strings of the example that its body repeats."""
        strings: dict[str, tuple[str, str]] = {}
        concretes = asked.path.split("/") if self._segments else []
        if len(concretes) == len(self._interaction.request.path.split("/")):
            strings = {example: _with_text(unquote(concretes[at])) for at, example in self._segments}
        models: dict[Elements, Sequence[Model]] = {}
        for name, at, elements in self._lists:
            values = asked.query.get(name, ())
            if at >= len(values):
                continue  # a parameter may be sent less often than in the example
            names = [_with_text(part) for part in dict.fromkeys(values[at].split(",")) if part]
            for example, concrete in zip(elements, names, strict=False):
                strings.setdefault(example, concrete)
            if elements not in models:
                models[elements] = list(zip(names, cycle(elements), strict=False))
        return Carried(strings, models)

    def body(self, carried: Carried) -> bytes:
        """The body for a request."""
        if self.constant is not None:
            return self.constant
        return self._compiled.render(carried).encode()


def _with_text(value: str) -> tuple[str, str]:
    return value, dumps(value)


class _Text(NamedTuple):
    """A string of the example that a request may replace; `text` is its JSON text."""

    example: str
    text: str
    takes: Takes

    def render(self, carried: Carried) -> str:
        found = carried.strings.get(self.example)
        return self.text if found is None or not self.takes(found[0]) else found[1]


class _Entries(NamedTuple):
    """A map with an entry, or a list with an item, for each requested element.

    Attributes:
        elements: The example's elements.
        entries: The parts of each entry or item of the example, by its element; without the key.
        rest: The parts of the other members, with their keys.
        is_map: Whether it is a map.
        names: The names of the other members: an element that is one of these would take its place.
        sizes: The fewest and the most items that a list may have.
        otherwise: The parts of the whole when it cannot be filled in.
    """

    elements: Elements
    entries: Mapping[str, _Compiled]
    rest: Sequence[_Compiled]
    is_map: bool
    names: frozenset[str]
    sizes: tuple[int, float]
    otherwise: _Compiled

    def render(self, carried: Carried) -> str:
        models = carried.models.get(self.elements)
        if models is None or not self._fits(models):
            return self.otherwise.render(carried)
        items = [self._item(named, element, carried) for named, element in models]
        items += [compiled.render(carried) for compiled in self.rest]
        return f"{{{','.join(items)}}}" if self.is_map else f"[{','.join(items)}]"

    def _item(self, named: tuple[str, str], element: str, carried: Carried) -> str:
        entry = self.entries[element]
        item = entry.constant
        if item is None:
            item = entry.render(Carried({**carried.strings, element: named}, carried.models))
        return f"{named[1]}:{item}" if self.is_map else item

    def _fits(self, models: Sequence[Model]) -> bool:
        if self.names and any(name in self.names for (name, _), _ in models):
            return False
        return self.sizes[0] <= len(models) <= self.sizes[1]


class _Compiler:
    """Turns the example of one interaction into parts.

    Attributes:
        segments: The example's strings in the path, with the number of their segment.
        lists: Of each comma-separated value its parameter, its place among the parameter's values, and its elements.
        used: The example's strings that have a place in the body.
    """

    def __init__(self, interaction: Interaction) -> None:
        request = interaction.request
        self.lists = [
            (name, at, tuple(value.split(",")))
            for name in request.query_rules
            for at, value in enumerate(request.query.get(name, ()))
            if all(map(is_bound, value.split(",")))
        ]
        self._elements = list(dict.fromkeys(elements for _, _, elements in self.lists))
        self.segments = [
            (at, unquote(segment))
            for at, segment in enumerate(request.path.split("/"))
            if request.path_rule is not None and is_bound(unquote(segment))
        ]
        self._bound = {text for _, text in self.segments} | {one for elements in self._elements for one in elements}
        self._is_shape = interaction.role == SHAPE
        self._rules: Mapping[str, Rule] = {} if self._is_shape else _plain(interaction.response.rules)
        self.used: set[str] = set()

    def parts(self, value: Any, at: At) -> Parts:
        """The parts of a value at a place of the body."""
        if isinstance(value, str):
            takes = self._takes(at) if value in self._bound else None
            return [dumps(value)] if takes is None else [self._text(value, takes)]
        if is_object(value):
            return self._map(value, at, self._elements)
        return self._list(value, at) if is_array(value) else [dumps(value)]

    def _text(self, example: str, takes: Takes) -> _Text:
        self.used.add(example)
        return _Text(example, dumps(example), takes)

    def _takes(self, at: At) -> Takes | None:
        """The check of a value that is carried over to a place; `None` if none may be."""
        if self._is_shape:
            return _always
        rule, is_own = most_exact(self._rules, at) or (None, False)
        if rule is None or not rule.matchers:
            return None
        if not is_own:
            return _always if _is_type(rule) else None
        try:
            check = compiled(rule.matchers, rule.combine, "\0")  # nothing is equal to it
        except (UnknownMatcherError, KeyError, re.error):  # another regex dialect, or an incomplete rule
            return None
        return check.accepts

    def _map(self, value: Mapping[str, Any], at: At, lists: Sequence[Elements]) -> Parts:
        for place, elements in enumerate(lists):
            if not self._is_keyed(value, elements):
                continue
            others = {key: item for key, item in value.items() if key not in elements}
            piece = _Entries(
                elements,
                {element: _Compiled(self.parts(value[element], (*at, element))) for element in elements},
                [_Compiled(self._member(key, item, at)) for key, item in others.items()],
                is_map=True,
                names=frozenset(others),
                sizes=(0, float("inf")),
                otherwise=_Compiled(self._map(value, at, lists[place + 1 :])),
            )
            self.used.update(elements)
            return [piece]
        return _listed("{", [self._member(key, item, at) for key, item in value.items()], "}")

    def _member(self, key: str, item: Any, at: At) -> Parts:
        if self._is_shape and key in self._bound:
            return [self._text(key, _always), ":", *self.parts(item, (*at, key))]
        return [f"{dumps(key)}:", *self.parts(item, (*at, key))]

    def _is_keyed(self, value: Mapping[str, Any], elements: Sequence[str]) -> bool:
        """Whether a map has an entry for each element; to be filled in, its keys have to be ids."""
        return set(elements) <= value.keys() and (
            self._is_shape
            or all(
                _DIGIT.search(element) is not None and (value[element] is None or is_object(value[element]))
                for element in elements
            )
        )

    def _list(self, value: list[Any], at: At) -> Parts:
        items = [self.parts(item, (*at, str(place))) for place, item in enumerate(value)]
        whole = _listed("[", items, "]")
        sizes = self._sizes(at)
        for elements in self._elements:
            is_listed = len(value) == len(elements) and all(map(mentions, value, elements))
            if is_listed and sizes is not None:
                self.used.update(elements)
                entries = {element: _Compiled(parts) for element, parts in zip(elements, items, strict=True)}
                return [_Entries(elements, entries, (), False, frozenset(), sizes, _Compiled(whole))]  # noqa: FBT003
        return whole

    def _sizes(self, at: At) -> tuple[int, float] | None:
        """The fewest and the most items that a list may have; `None` if it has to keep those of the example."""
        if self._is_shape:
            return 0, float("inf")
        rule, is_own = most_exact(self._rules, at) or (None, False)
        if rule is None or not _is_type(rule):
            return None
        (matcher,) = rule.matchers
        return (matcher.get("min", 0), matcher.get("max", float("inf"))) if is_own else (0, float("inf"))


def _plain(rules: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """The rules if the mock can evaluate all of them; none otherwise, so that nothing is carried over."""
    names = {str(matcher["match"]) for rule in rules.values() for matcher in rule.matchers}
    return rules if names <= _PLAIN_MATCHERS and not any(".." in path for path in rules) else {}


def _always(_: str) -> bool:
    return True


def _is_type(rule: Rule) -> bool:
    return [matcher["match"] for matcher in rule.matchers] == ["type"]


def _listed(begin: str, items: Sequence[Parts], end: str) -> Parts:
    parts: Parts = [begin]
    for at, item in enumerate(items):
        parts += [",", *item] if at else item
    return [*parts, end]
