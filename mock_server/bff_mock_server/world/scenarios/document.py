"""Reads YAML and keeps the line of each value, for messages; refuses what would never end, or is meant otherwise."""

from dataclasses import dataclass
from typing import Any, Final, cast

import yaml
from yaml.reader import ReaderError

from bff_mock_server.world.scenarios.model import ScenarioError

_MOST_NODES: Final = 2_000_000
"""More values than a scenario of 10,000 batches in full has."""
_DEEPEST: Final = 100
"""Levels of lists and fields in each other; the parser takes thousands, and then ends the process."""

_SHOWN: Final = 40

Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a file that knows on which line each part of it is.

    Attributes:
        value: What it says.
        source: What messages call the file.
    """

    value: Any
    source: str
    _root: yaml.Node | None

    def place(self, loc: Loc) -> str:
        """File, line and field of a part, or of what is nearest to it."""
        node = self._root
        for step in loc:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        line = node.start_mark.line + 1 if node is not None else 1
        return f"{self.source}:{line}: {'.'.join(map(str, loc)) or 'file'}"

    def problem(self, loc: Loc, message: str) -> ScenarioError:
        """The error for a part of it."""
        return ScenarioError(f"{self.place(loc)}: {message}")


def read_document(text: str, source: str) -> Document:
    """Read the text of a file.

    Raises:
        ScenarioError: It is not YAML, or of a kind that no scenario needs.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is not None:
            _check_size(root, source)
            _check_keys(root, source, set())
        value: Any = {} if root is None else cast("Any", loader).construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"{source}:{_line(mark)}: not YAML: {error.problem or error}"
        raise ScenarioError(message) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"{source}:{line}: not YAML: {error.reason}"
        raise ScenarioError(message) from error
    finally:
        loader.dispose()
    return Document(value, source, root)


class _Loader(yaml.CSafeLoader):
    """YAML as people mean it: dates and `no` are text, duplicate keys are errors, and each error has its line."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:  # noqa: ARG002
        """Count the levels: the parser calls this for each value before it reads it."""
        self._depth += 1
        if self._depth > _DEEPEST:
            mark = current_node.start_mark if current_node is not None else None
            raise yaml.MarkedYAMLError(problem=f"more than {_DEEPEST} levels", problem_mark=mark)

    def ascend_resolver(self) -> None:
        """Count the levels."""
        self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """The value of a node; any exception of its tag's constructor becomes an error of the file."""
        try:
            return super().construct_object(node, deep)  # pyright: ignore[reportUnknownMemberType]
        except (ValueError, KeyError, AttributeError) as error:
            if isinstance(error, yaml.YAMLError):
                raise
            shown = node.value if isinstance(node, yaml.ScalarNode) else "it"
            problem = f"{shown[:_SHOWN]!r} is no {node.tag.rpartition(':')[2]}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"} or first in "tfTF"
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark is not None else 1


def _check_size(root: yaml.Node, source: str) -> None:
    """Refuse a document whose aliases make it larger than a scenario can be: a few lines may stand for billions."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        sizes[id(node)] = 1  # an alias within itself
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        sizes[id(node)] = total = 1 + sum(map(size, inner))
        if total > _MOST_NODES:
            message = f"{source}:{_line(node.start_mark)}: its aliases make it larger than {_MOST_NODES} values"
            raise ScenarioError(message)
        return total

    size(root)


def _check_keys(node: yaml.Node, source: str, seen: set[int]) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            _check_keys(inner, source, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, inner in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in keys:
                    message = f"{source}:{key.start_mark.line + 1}: {key.value}: duplicate key"
                    raise ScenarioError(message)
                keys.add(key.value)
            _check_keys(inner, source, seen)
