"""Exchanges that were recorded from a real Pact Broker (2.120.0), as data and as templates for the double's answers."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "data" / "recorded_broker"
BASE: Final = "http://broker.test"
"""What the recordings have in the place of the broker's address."""


@dataclass(frozen=True)
class Recorded:
    """One exchange, word for word, except for what `note` says was left out."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    sent: Any
    status: int
    answer_headers: dict[str, str]
    body: Any
    note: str


@cache
def recorded(number: int) -> Recorded:
    """The exchange of that number."""
    (file,) = FOLDER.glob(f"{number:02}_*.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    request, response = document["request"], document["response"]
    return Recorded(
        file.stem,
        request["method"],
        request["path"],
        request["headers"],
        request["body"],
        response["status"],
        response["headers"],
        response["body"],
        document.get("note", ""),
    )


def template(number: int, *path: str | int, **values: str) -> Any:
    """A part of a recorded answer, with its own values put in the place of others, all in one pass.

    The names of `values` are those of `PLACES`: what the recording has at that place.
    """
    part: Any = recorded(number).body
    for step in path:
        part = part[step]
    return filled(part, {PLACES[name]: value for name, value in values.items()})


def filled(part: Any, values: dict[str, str]) -> Any:
    """A copy of a document in which some texts are others, in keys as in values."""
    text = json.dumps(part, ensure_ascii=False)
    if not values:
        return json.loads(text)
    pattern = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True))))
    return json.loads(pattern.sub(lambda found: json.dumps(values[found[0]], ensure_ascii=False)[1:-1], text))


PLACES: Final = {
    "base": BASE,
    "provider": "class-management-service",
    "provider_title": "Class Management Service",
    "consumer": "bff-teacher-service",
    "provider_version": "cms-1",
    "consumer_version": "bff-1",
    "content": "6328dc5a5756da2de5beceecdfd9d09138a0e7bf",
    "environment": "73a3baea-1044-4c82-943c-47eb73c48247",
    "deployment": "912c8e83-f583-4eee-9434-e575fa4c8d94",
}
