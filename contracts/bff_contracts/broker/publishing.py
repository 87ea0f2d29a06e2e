"""Publishes contracts: all of a version in one request, which the broker stores completely or not at all."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bff_contracts.broker.hal import Hal, texts_of
from bff_contracts.pact.file import Pact

_REFUSALS: Final = frozenset({400, 409, 422})


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published.

    Attributes:
        version: The version of the consumer.
        branch: Its branch.
        pacts: The contracts, all of the same consumer.
        tags: Tags of the version.
        build_url: The URL of the build that publishes; `None` for none.
    """

    version: str
    branch: str
    pacts: Sequence[Pact]
    tags: Sequence[str] = ()
    build_url: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "pacticipantName": self.pacts[0].consumer,
            "pacticipantVersionNumber": self.version,
            "branch": self.branch,
            "contracts": list(map(_contract, self.pacts)),
        }
        if self.tags:
            body["tags"] = list(self.tags)
        if self.build_url:
            body["buildUrl"] = self.build_url
        return body


def publish(hal: Hal, publication: Publication) -> list[str]:
    """Publish contracts; returns the broker's notices.

    Raises:
        BrokerRefusalError: The broker refuses them, and has stored none.
        BrokerResponseError: It gave no usable response.
    """
    response = hal.send("POST", hal.link("pb:publish-contracts"), publication.as_json(), refusals=_REFUSALS)
    return texts_of(response)


def _contract(pact: Pact) -> dict[str, Any]:
    content = json.dumps(pact.document, ensure_ascii=False).encode()
    return {
        "consumerName": pact.consumer,
        "providerName": pact.provider,
        "specification": "pact",
        "contentType": "application/json",
        "content": base64.b64encode(content).decode(),
    }
