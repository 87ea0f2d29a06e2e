"""Reads the text of a pact file as JSON, and refuses what could not be sent, or is there twice."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.pact.node import Node, PactError
from bff_contracts.pact.strict_json import Members, strict_loads

_HALF_OF_A_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that is sent together with its other half, or not at all."""


def read_document(text: str, source: str) -> Any:
    """The JSON value of a file; `source` is what messages call that file.

    Raises:
        PactError: It is not JSON, has half of a character, or a member twice.
    """
    twice: list[tuple[dict[str, Any], str]] = []

    def object_of(members: Members) -> dict[str, Any]:
        found = dict(members)
        if len(found) < len(members):
            names = [name for name, _ in members]
            twice.append((found, next(name for name in names if names.count(name) > 1)))
        return found

    try:
        text.encode()
        value = strict_loads(text, object_of)
        if _HALF_OF_A_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = f"{source}: $: lone surrogate (\\u{ord(error.object[error.start]):04x}), which cannot be sent"
        raise PactError(message) from error
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, or nested without end
        message = f"{source}: $: not JSON ({error})"
        raise PactError(message) from error
    for holder, name in twice:
        raise next(node for node in _nodes(value, source) if node.value is holder).error(f"{name!r} comes twice")
    return value


def _nodes(value: Any, source: str) -> Iterator[Node]:
    """Every value of a document with its place."""
    waiting = [Node(value, source)]
    while waiting:
        node = waiting.pop()
        yield node
        if is_array(node.value):
            waiting += node.items()
        elif is_object(node.value):
            waiting += node.members().values()
