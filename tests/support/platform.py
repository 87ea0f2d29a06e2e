"""The platform's facts as test data: recorded exchanges and what the tests send."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import httpx
import respx
from pydantic import SecretStr

KEY: Final = SecretStr("made-up-key-4711")
TEACHER: Final = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
BATCH: Final = "26b9045a-e947-5833-ab3e-161507389763"
RECORDED: Final = Path(__file__).parents[1] / "data" / "recorded"


@dataclass(frozen=True)
class Recorded:
    """One exchange as it was observed on a running service."""

    target: str
    status: int
    content_type: str
    body: bytes


def sent(route: respx.Route) -> list[httpx.Request]:
    """The requests of a respx route, typed."""
    calls: list[Any] = list(cast("Any", route.calls))
    return [call.request for call in calls]


def recorded(name: str) -> Recorded:
    exchange = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    response = exchange["response"]
    return Recorded(
        exchange["request"]["target"],
        response["status"],
        response["headers"]["content-type"],
        response["body"].encode(),
    )
