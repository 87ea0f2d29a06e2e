"""A pact file about one thing, to be read as it is or with a change."""

import copy
import json
from collections.abc import Callable
from typing import Any

from bff_contracts.pact.file import Interaction, read_pact

Change = Callable[[Any], object]

REGEX = {"combine": "AND", "matchers": [{"match": "regex", "regex": "^/things/[a-z]+$"}]}
PACT: dict[str, Any] = {
    "consumer": {"name": "a consumer"},
    "provider": {"name": "a provider"},
    "interactions": [
        {
            "type": "Synchronous/HTTP",
            "description": "a thing",
            "comments": {"role": "shape"},
            "providerStates": [{"name": "there is a thing", "params": {"id": "x"}}, {"name": "it is Monday"}],
            "request": {
                "method": "get",
                "path": "/things/x",
                "query": {"ids": ["a,b"], "sort": ["up"]},
                "headers": {"X-Key": ["k"], "Accept": "application/json"},
                "matchingRules": {
                    "path": REGEX,
                    "query": {"ids": REGEX},
                    "header": {"X-Key": {"matchers": [{"match": "type"}]}},
                },
            },
            "response": {
                "status": 200,
                "headers": {"ETag": ["1"]},
                "body": {"content": {"a": [None]}, "contentType": "application/json", "encoded": False},
                "matchingRules": {"body": {"$.a": {"combine": "OR", "matchers": [{"match": "null"}]}}},
            },
        }
    ],
    "metadata": {"pactSpecification": {"version": "4.0"}},
}


def changing(change: Change) -> Change:
    """Give a change its type, which a function without a name has not among parameters."""
    return change


def read(change: Change = lambda _: None) -> Interaction:
    """The interaction of the file once it is changed."""
    pact = copy.deepcopy(PACT)
    change(pact)
    return read_pact(json.dumps(pact), source="a.json").interactions[0]


def response_of(pact: Any) -> Any:
    return pact["interactions"][0]["response"]


def thing_of(pact: Any) -> Any:
    return pact["interactions"][0]
