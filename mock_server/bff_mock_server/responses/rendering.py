"""Renders responses from an example, with the world's values where it has them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bff_contracts.pact.file import Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of
from bff_mock_server._json import dumps

_MISSING: Final = object()
_HOLE: Final = re.compile("\x00([a-z]+)\x00")

Steps = tuple[str, ...]


class Hole(str):
    """A place in a rendered template that is filled for each response."""

    __slots__ = ()


class Frame:
    """A template rendered once, as bytes with holes: a response only joins them with its values."""

    def __init__(self, template: "Template", value: object) -> None:
        # A NUL is never in JSON text: there it is written as an escape.
        self._parts = [
            (part.encode(), "") if at % 2 == 0 else (b"", part)
            for at, part in enumerate(_HOLE.split(template.render(value)))
        ]

    def fill(self, **values: bytes) -> bytes:
        """The bytes with a value in each hole."""
        return b"".join([values[hole] if hole else part for part, hole in self._parts])


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One value of an example and how it is rendered.

    Attributes:
        text: The example's JSON text, for values that the world does not have.
        members: For an object: each key as JSON text, its name, its template.
        extras: For an object: members that only other responses of the endpoint have; served if the world has them.
        element: For an array: the template of each element.
        nullable: Whether the contract allows `null` here.
        is_null: Whether the contract allows nothing but `null` here.
    """

    text: str
    members: tuple[tuple[str, str, "Template"], ...] | None
    extras: tuple[tuple[str, str], ...]
    element: "Template | None"
    nullable: bool
    is_null: bool

    def member(self, name: str) -> "Template":
        """The template of one member of an object.

        Raises:
            KeyError: There is no such member.
        """
        for _, key, template in self.members or ():
            if key == name:
                return template
        raise KeyError(name)

    def render(self, value: object) -> str:
        """The JSON text of `value` in the form of the example."""
        if isinstance(value, Hole):
            return f"\0{value}\0"
        if self.is_null or (value is None and not self.nullable):
            return self.text
        if self.members is not None and is_object(value):
            return self._object(value)
        if self.element is not None and is_array(value):
            return f"[{','.join(map(self.element.render, value))}]"
        return dumps(value)

    def _object(self, value: Mapping[str, Any]) -> str:
        parts: list[str] = []
        for key, name, template in self.members or ():
            known = value.get(name, _MISSING)
            parts.append(key + (template.text if known is _MISSING else template.render(known)))
        parts += [key + dumps(value[name]) for key, name in self.extras if name in value]
        return f"{{{','.join(parts)}}}"


def template_of(
    example: object, rules: Mapping[str, Rule], *, at: Iterable[str] = (), others: Iterable[object] = ()
) -> Template:
    """Build the template of an example body, or of the part of it at the steps `at`.

    Args:
        example: The body, or the part of it.
        rules: The rules of the whole body, by JSON path.
        at: The steps from the body to the part.
        others: Bodies of other responses that have the same form, and may have members that the example has not.
    """
    by_steps = {
        tuple("*" if step.isdecimal() else step for step in steps_of(path)): rule for path, rule in rules.items()
    }
    return _template(example, by_steps, tuple(at), list(others))


def _template(example: object, rules: Mapping[Steps, Rule], at: Steps, others: Sequence[object]) -> Template:
    members: tuple[tuple[str, str, Template], ...] | None = None
    extras: tuple[tuple[str, str], ...] = ()
    element: Template | None = None
    if is_object(example):
        maps = [other for other in others if is_object(other)]
        members = tuple(
            (f"{dumps(name)}:", name, _template(value, rules, (*at, name), [map_.get(name) for map_ in maps]))
            for name, value in example.items()
        )
        more = dict.fromkeys(name for map_ in maps for name in map_ if name not in example)
        extras = tuple((f"{dumps(name)}:", name) for name in more)
    elif is_array(example) and example:
        elements = [item for other in others if is_array(other) for item in other]
        element = _template(example[0], rules, (*at, "*"), elements)
    rule = rules.get(at)
    allows_null = rule is not None and any(matcher.get("match") == "null" for matcher in rule.matchers)
    only_null = example is None and (rule is None or all(matcher.get("match") == "null" for matcher in rule.matchers))
    return Template(
        dumps(example), members, extras, element, nullable=allows_null or example is None, is_null=only_null
    )
