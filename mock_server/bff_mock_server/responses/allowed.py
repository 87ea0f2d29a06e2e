"""Whether an answer that was filled in is one that its contract allows: the official engine says so, where it is."""

import json
from functools import lru_cache
from importlib.util import find_spec

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server.matching.request import Asked


def _names(value: object) -> set[str]:
    """The names of all members, at any depth."""
    if is_object(value):
        return {*value, *(name for item in value.values() for name in _names(item))}
    return {name for item in value for name in _names(item)} if is_array(value) else set()


@lru_cache(maxsize=1)
def _has_engine() -> bool:
    return find_spec("pact_ffi") is not None


def is_allowed(interaction: Interaction, asked: Asked, body: bytes) -> bool:
    """Whether the contract allows a body: the example as it stands, or as it is about what was asked for.

    Without the engine nothing is carried over but what plainly keeps its own rule (`answer_for`), so the answer is yes.
    """
    content = interaction.response.content
    if content is None or body == content.raw or not body or not _has_engine():
        return True
    from bff_contracts.engine import answer_mismatches  # noqa: PLC0415  # as above

    rules = interaction.response.rules
    if not answer_mismatches(content, rules, body, content.content_type):
        return True
    if not content.is_json or _names(json.loads(body)) == _names(content.value):
        return False
    # A map keyed by ids has other keys than the example: it is held against the example with these keys.
    filled = fill(interaction, path=asked.path, query=asked.query).response
    return filled.content is not None and not answer_mismatches(filled.content, filled.rules, body, None)
