"""How the consumer tests write the contract: one `pact.Pact` for each test, collected in one folder."""

import json
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

# The engine reports usage to its makers unless this is set before it starts.
os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Pact, match
from pact.interaction import HttpInteraction
from pydantic import SecretStr

from bff_clients import BackendSettings
from tests.consumer.rules import UUID, Rules

CONSUMER: Final = "bff-teacher-service"
PLACEHOLDER_KEY: Final = "INJECTED-AT-VERIFICATION"
CORRELATION_ID: Final = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99"

KEY = match.regex(PLACEHOLDER_KEY, regex=r"^\S+$")
LIMIT: Final = r"^(?:[1-9][0-9]?|100)$"
OFFSET: Final = r"^(?:0|[1-9][0-9]{0,17})$"
USER_PATH: Final = "/internal/v1/batches/user/"
# RAS takes an escaped slash for a slash, so that no user id can hold one. The client refuses control characters; RAS's
# database fails at one of them.
USER_PATH_PATTERN: Final = rf"^{USER_PATH}(?:[^/?#%]|%(?:[2-7][0-9A-Ea-e]|[3-6][Ff]|[89A-Fa-f][0-9A-Fa-f]))+$"
STATUS_PATH_PATTERN: Final = f"^/internal/v1/batches/{UUID}/status$"
NAMES_PATH_PATTERN: Final = f"^/internal/v1/batches/{UUID}/student-names$"
BATCH_IDS_PATTERN: Final = f"^{UUID}(?:,{UUID})*$"


class Collection:
    """The folder that gathers the interactions of a session, and which there are.

    The engine merges a pact into the file that is there. Of two interactions with the same description and states it
    keeps the last one without a word, so that is refused here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: set[str] = set()

    def claim(self, provider: str, description: str, states: list[tuple[str, Any]]) -> None:
        """Note an interaction, or raise if there is one with the same description and states."""
        identity = json.dumps([provider, description, states], sort_keys=True)
        if identity in self._seen:
            message = f"{provider}: two interactions share the description {description!r} and their states"
            raise AssertionError(message)
        self._seen.add(identity)


class Expectation:
    """One interaction with a provider, while a test spells it."""

    def __init__(self, collection: Collection, provider: str, description: str) -> None:
        self._collection = collection
        self._provider = provider
        self._description = description
        self._states: list[tuple[str, Any]] = []
        self._pact = Pact(CONSUMER, provider).with_specification("V4")
        self._interaction: HttpInteraction = self._pact.upon_receiving(description)

    def given(self, state: str, **params: Any) -> Self:
        """Ask for a provider state; more than one adds up."""
        self._states.append((state, params))
        self._interaction.given(state, params)
        return self

    def shape(self) -> Self:
        """Mark the interaction as the template of all answers of its endpoint."""
        self._interaction.set_comment("role", "shape")
        return self

    def get(self, path: str, pattern: str | None = None, **query: Any) -> Self:
        """Expect a GET; a path with a pattern may vary, and so may a query value that is a matcher."""
        self._interaction.with_request("GET", match.regex(path, regex=pattern) if pattern else path)
        for name, value in query.items():
            self._interaction.with_query_parameter(name, value)
        return self

    def authenticated(self, **changed: str | None) -> Self:
        """Expect the headers of every request, except for the changed ones; `None` removes one."""
        headers = {"X-Internal-API-Key": KEY, "X-Service-ID": CONSUMER, **changed}
        for name, value in headers.items():
            if value is not None:
                self._interaction.with_header(name, value)
        self._interaction.with_header("X-Correlation-ID", match.regex(CORRELATION_ID, regex=f"^{UUID}$"))
        return self

    def answers(self, status: int, body: Any = None, rules: Rules | None = None) -> Self:
        """Expect an answer; a body is JSON, and rules say how far another answer may differ from it."""
        self._interaction.will_respond_with(status)
        if body is not None:
            self._interaction.with_header("Content-Type", "application/json")
            self._interaction.with_body(body)
        if rules:
            self._interaction.with_matching_rules({"body": rules}, "Response")
        return self

    @contextmanager
    def served(self) -> Generator[str, None, None]:
        """Serve the interaction; it joins the collection once the client has made exactly this request.

        Yields:
            The base URL of the provider.
        """
        self._collection.claim(self._provider, self._description, self._states)
        with self._pact.serve(addr="127.0.0.1", raises=False) as server:
            try:
                yield str(server.url)
            except Exception as error:
                # What the engine thought of the request is the likeliest cause, and would be lost.
                error.add_note(f"mismatches: {server.mismatches}")
                raise
            if not server.matched:
                message = f"{self._description}: not the expected request: {server.mismatches}"
                raise AssertionError(message)
        self._pact.write_file(self._collection.folder)


def settings_for(base_url: str, *, key: str = PLACEHOLDER_KEY, service_id: str = CONSUMER) -> BackendSettings:
    """Settings of clients that talk to `base_url`."""
    return BackendSettings(
        internal_api_key=SecretStr(key), ras_base_url=base_url, cms_base_url=base_url, service_id=service_id
    )


def page_query(*, limit: int = 20, offset: int = 0) -> dict[str, Any]:
    """The query of a page, free to vary."""
    return {"limit": match.regex(str(limit), regex=LIMIT), "offset": match.regex(str(offset), regex=OFFSET)}


def ids_query(*batch_ids: str) -> dict[str, Any]:
    """The query of class-info, free to vary."""
    return {"batch_ids": match.regex(",".join(batch_ids), regex=BATCH_IDS_PATTERN)}


def differences(fresh: Path, committed: Path) -> list[str]:
    """The differences between two folders of pacts, byte for byte; empty if there are none."""
    names = sorted({path.name for folder in (fresh, committed) for path in folder.glob("*.json")})
    return [name for name in names if _bytes(fresh / name) != _bytes(committed / name)]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def pact_name(provider: str) -> str:
    """The engine's file name of a pact."""
    return re.sub(r"\s+", "_", f"{CONSUMER}-{provider}.json")
