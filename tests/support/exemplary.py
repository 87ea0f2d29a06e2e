"""A provider that answers with the examples of one contract."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

PLACEHOLDER: Final = "INJECTED-AT-VERIFICATION"
_KEY: Final = "X-Internal-API-Key"
_SERVICE: Final = "X-Service-ID"

Message = MutableMapping[str, Any]


class Exemplary:
    """An ASGI application; its provider states are set up by a POST to `/states`.

    Attributes:
        document: The contract whose examples it answers with.
        key: The key that it accepts.
        spoil: Changes an answer's body, given the key that was sent.
        echoes: Whether it sends the key back in a header.
        asked: How many requests it was sent.
    """

    def __init__(self, document: Mapping[str, Any], *, key: str = PLACEHOLDER) -> None:
        self.document = document
        self.key = key
        self.spoil: Callable[[Any, str], Any] = lambda body, _: body
        self.echoes = False
        self.asked = 0
        self._state: tuple[str, Any] | None = None

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer."""
        if scope["type"] != "http":
            raise NotImplementedError
        text = b""
        while (message := await receive()) and message["type"] == "http.request":
            text += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, body = self._set_up(json.loads(text)) if scope["path"] == "/states" else self._answer(scope)
        headers = [(b"content-type", b"application/json")]
        if self.echoes:
            headers.append((b"x-echo", dict(scope["headers"]).get(_KEY.lower().encode(), b"")))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _set_up(self, change: Mapping[str, Any]) -> tuple[int, Any]:
        self._state = (change["state"], change.get("params") or {}) if change["action"] == "setup" else None
        return 200, {}

    def _answer(self, scope: Message) -> tuple[int, Any]:
        self.asked += 1
        given = dict(scope["headers"]).get(_KEY.lower().encode(), b"").decode()
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        service = dict(scope["headers"]).get(_SERVICE.lower().encode(), b"").decode()
        asked = (scope["method"], scope["raw_path"].decode(), query, self._kind_of(given), service, self._state)
        for interaction in self.document["interactions"]:
            if _wanted(interaction) == asked:
                response = interaction["response"]
                body = response.get("body", {}).get("content", {})
                return response["status"], self.spoil(body, given)
        return 418, {"error": "no example of the contract is for this"}

    def _kind_of(self, key: str) -> str:
        return "right" if key == self.key else "wrong" if key else "none"


def _wanted(interaction: Mapping[str, Any]) -> tuple[Any, ...]:
    request = interaction["request"]
    kind = "none" if _KEY not in request.get("headers", {}) else "wrong"
    if _KEY in request.get("matchingRules", {}).get("header", {}):
        kind = "right"
    states: list[Any] = [(state["name"], state.get("params") or {}) for state in interaction.get("providerStates", ())]
    service = ",".join(request.get("headers", {}).get(_SERVICE, ()))
    return request["method"], request["path"], request.get("query", {}), kind, service, states[-1] if states else None
