"""The recorded exchanges of the real services."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bff_contracts.judge import Judge, Mismatch
from bff_contracts.pact.file import shipped_pacts

_FOLDER: Final = Path(__file__).parent.parent / "data" / "recorded"
_JUDGES: Final = {pact.provider: Judge(pact) for pact in shipped_pacts()}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the answer to it."""

    name: str
    method: str
    target: str
    status: int
    content_type: str
    body: str

    def json(self) -> Any:
        """A copy of the body that may be changed."""
        return json.loads(self.body)


def recorded(name: str) -> Exchange:
    """The exchange of that file."""
    exchange = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    request, response = exchange["request"], exchange["response"]
    content_type = response["headers"]["content-type"]
    return Exchange(name, request["method"], request["target"], response["status"], content_type, response["body"])


def all_recorded() -> Iterable[Exchange]:
    """All of them, in the order of their names."""
    return [recorded(path.stem) for path in sorted(_FOLDER.glob("*.json"))]


def judge_of(name: str) -> Judge:
    """The judge of the provider that an exchange was recorded from."""
    return _JUDGES["class-management-service" if name.startswith("cms") else "result-aggregator-service"]


def violations(exchange: Exchange, **changes: Any) -> list[Mismatch]:
    """The contract's violations of an exchange, some parts of which may be replaced."""
    parts: dict[str, Any] = {
        "method": exchange.method,
        "target": exchange.target,
        "status": exchange.status,
        "content_type": exchange.content_type,
        "body": exchange.body.encode(),
    }
    return judge_of(exchange.name).violations(**{**parts, **changes})
