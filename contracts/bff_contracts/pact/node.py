"""The values of a pact file, each with its place: file, interaction and JSON path."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bff_contracts.pact.json_path import is_array, is_object


class PactError(ValueError):
    """A pact file that cannot be used; the message names the file, the interaction and the JSON path."""


class Node(NamedTuple):
    """A value in a pact file with its place, so that an error can name it.

    Attributes:
        value: The value.
        source: What messages call the file.
        description: That of its interaction, once it has been read.
        step: The name of the member, or the number of the item.
        above: The value that it is part of; `None` for the whole file.
    """

    value: Any
    source: str
    description: str | None = None
    step: str | int = "$"
    above: "Node | None" = None

    @property
    def path(self) -> str:
        """Its JSON path, which is made for an error: a file has thousands of values."""
        steps: list[str] = []
        node: Node = self
        while node.above is not None:
            steps.append(_step(node.step))
            node = node.above
        return "".join(["$", *reversed(steps)])

    def error(self, expected: str) -> PactError:
        """Make the error for this place."""
        place = f"{self.source}: " + (f"interaction {self.description!r}: " if self.description is not None else "")
        return PactError(f"{place}{self.path}: {expected}")

    def child(self, value: object, step: str | int) -> "Node":
        """A value below this one."""
        return Node(value, self.source, self.description, step, self)

    def get(self, name: str) -> "Node | None":
        """The member; `None` when it is absent or `null`, which means the same to the engine."""
        value = self._object().get(name)
        return None if value is None else self.child(value, name)

    def text_of(self, name: str) -> str | None:
        """The text of a member; `None` as in `get`.

        Raises:
            PactError: It is something else.
        """
        value = self._object().get(name)
        return value if value is None or isinstance(value, str) else self.child(value, name).text()

    def key(self, name: str) -> "Node":
        """The member.

        Raises:
            PactError: It is absent or `null`.
        """
        node = self.get(name)
        if node is None:
            raise self.child(None, name).error("is missing")
        return node

    def members(self) -> "dict[str, Node]":
        """The members of an object.

        Raises:
            PactError: It is something else.
        """
        return {name: self.child(value, name) for name, value in self._object().items()}

    def items(self) -> "list[Node]":
        """The items of an array.

        Raises:
            PactError: It is something else.
        """
        if not is_array(self.value):
            raise self.error(f"expected an array, found {kind_of(self.value)}")
        return [self.child(value, at) for at, value in enumerate(self.value)]

    def text(self) -> str:
        """The text.

        Raises:
            PactError: It is something else.
        """
        if not isinstance(self.value, str):
            raise self.error(f"expected a string, found {kind_of(self.value)}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """The values of a header or a parameter: one or several, numbers and truth values as JSON writes them."""
        if not is_array(self.value):
            return (self.scalar(),)
        if all(isinstance(value, str) for value in self.value):
            return tuple(self.value)
        return tuple(node.scalar() for node in self.items())

    def scalar(self) -> str:
        """The text, or a number or truth value as JSON writes it.

        Raises:
            PactError: It is an object or an array.
        """
        if self.value is None:
            return ""
        return json.dumps(self.value) if isinstance(self.value, bool | int | float) else self.text()

    def _object(self) -> Mapping[str, Any]:
        if not is_object(self.value):
            raise self.error(f"expected an object, found {kind_of(self.value)}")
        return self.value


def _step(step: str | int) -> str:
    is_plain = isinstance(step, str) and re.fullmatch(r"[A-Za-z_][\w-]*", step)
    return f".{step}" if is_plain else f"[{step!r}]"


def kind_of(value: object) -> str:
    """What kind of JSON value it is, for messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
