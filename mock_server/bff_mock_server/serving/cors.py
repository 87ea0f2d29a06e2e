"""Allows cross-origin requests from web pages, with `--cors` only."""

from typing import Final

from bff_mock_server.matching.request import Asked
from bff_mock_server.responses.reply import Head, Reply
from bff_mock_server.serving.app import MockApp

_ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_EXPOSED: Final = (b"access-control-expose-headers", b"*")
_WANTED: Final = "access-control-request-method"
_NO_CONTENT: Final = 204


class CorsApp(MockApp):
    """Lets pages of any origin read the responses, and answers their preflights for the contracts' requests."""

    def reply(self, asked: Asked) -> Reply:
        """The response to a request, or to a preflight for one; never raises."""
        preflight = self._preflight(asked)
        if preflight is not None:
            return preflight
        reply = super().reply(asked)
        own = {name for name, _ in reply.head.headers}
        more = tuple(header for header in (_ANY_ORIGIN, _EXPOSED) if header[0] not in own)
        return reply._replace(head=reply.head.plus(*more))

    def _preflight(self, asked: Asked) -> Reply | None:
        """The response to a preflight; `None` if the request is none, or the contracts do not have its request."""
        wanted = asked.headers.get(_WANTED)
        if asked.method != "OPTIONS" or wanted is None:
            return None
        methods = {endpoint.method for backend in self.backends for endpoint in backend.table.at(asked.path)}
        if "OPTIONS" in methods or wanted not in methods:
            return None  # the contract's own response, or its refusal
        names = asked.headers.get("access-control-request-headers", "*")
        headers = (
            _ANY_ORIGIN,
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode("ascii", "replace")),
            (b"access-control-allow-headers", names.encode("latin-1", "replace")),
        )
        return Reply(Head(_NO_CONTENT, headers), b"")
