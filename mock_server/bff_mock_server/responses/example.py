"""Answers with the example of an interaction, after the official engine, if installed, has allowed it."""

import json
from functools import lru_cache
from importlib.util import find_spec
from random import Random
from typing import Final

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_array, is_object, steps_of
from bff_contracts.platform import SHAPE
from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.filling import Carried, Filling
from bff_mock_server.responses.reply import Reply, plain_example

_MOST_WAYS: Final = 1024
"""The most verdicts that are cached for an interaction."""


def _names(value: object) -> set[str]:
    """The names of all members, at any depth."""
    if is_object(value):
        return {*value, *(name for item in value.values() for name in _names(item))}
    return {name for item in value for name in _names(item)} if is_array(value) else set()


@lru_cache(maxsize=1)
def _has_engine() -> bool:
    return find_spec("pact_ffi") is not None


class Example:
    """The response of one interaction to the requests that it allows.

    The engine is asked once for each way in which the example is filled in: a value is carried over only where it
    matches the rule of its place, so only the form of the response remains to be checked. The form is the same for all
    requests with as many elements, unless a rule names one of them. Generated values are always judged.

    Attributes:
        generates: Whether values are generated for each response.
    """

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._filling = Filling(interaction)
        self._example = plain_example(interaction)
        self.generates = bool(interaction.response.generators)
        self._is_trusted = interaction.role == SHAPE or not self._example.body
        self._named = {step for path in interaction.response.rules for step in steps_of(path)}
        self._ways: dict[object, bool] = {}

    def reply(self, asked: Asked, random: Random) -> Reply:
        """The response to a request, with the values of generators drawn from `random`."""
        example = self._example
        if self._filling.constant is not None and not self.generates:
            return example
        carried = self._filling.carried(asked)
        reply = Reply(example.head, self._filling.body(carried)) if example.body else example
        if self.generates:
            from bff_mock_server.responses.generators import generated  # noqa: PLC0415  # few contracts have them

            reply = generated(self._interaction, reply, random, asked.headers.get("host", "localhost"))
            is_allowed = self._is_trusted or _is_allowed(self._interaction, asked, reply.body)
        else:
            is_allowed = self._is_trusted or self._allows_way(carried, asked, reply.body)
        return reply if is_allowed else example

    def _allows_way(self, carried: Carried, asked: Asked, body: bytes) -> bool:
        way = tuple(
            [
                (len(models), frozenset(name for (name, _), _ in models if name in self._named))
                for models in carried.models.values()
            ]
        )
        known = self._ways.get(way)
        if known is None:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            known = self._ways[way] = _is_allowed(self._interaction, asked, body)
        return known


def _is_allowed(interaction: Interaction, asked: Asked, body: bytes) -> bool:
    """Whether the contract allows a body as the response to a request.

    The body is compared with the example. If its keys differ, it is compared with the example filled in for the
    request, because a map keyed by ids has the ids of the request as its keys.

    Without the engine, only values are carried over that certainly match their rule (`Filling`), so it is allowed.
    """
    content = interaction.response.content
    if content is None or body == content.raw or not body or not _has_engine():
        return True
    from bff_contracts.engine import response_mismatches  # noqa: PLC0415  # as above

    rules = interaction.response.rules
    if not response_mismatches(content, rules, body, content.content_type):
        return True
    if not content.is_json or _names(json.loads(body)) == _names(content.value):
        return False
    filled = fill(interaction, path=asked.path, query=asked.query).response
    return filled.content is not None and not response_mismatches(filled.content, filled.rules, body, None)
