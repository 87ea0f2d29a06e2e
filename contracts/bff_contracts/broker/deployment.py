"""Asks the broker whether a version may be deployed, and records that it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote

from bff_contracts.broker.access import BrokerRefusalError, BrokerResponseError
from bff_contracts.broker.hal import Document, Hal, texts_of

_NO_VERSION: Final = "no version"


@dataclass(frozen=True, slots=True)
class Row:
    """What the broker knows about one contract.

    Attributes:
        consumer: The consumer of the contract.
        consumer_version: Its version.
        provider: The provider.
        provider_version: Its version in the environment, or `no version`.
        success: Whether that version keeps the contract; `None` if it has not been verified.
    """

    consumer: str
    consumer_version: str
    provider: str
    provider_version: str
    success: bool | None

    def __str__(self) -> str:
        word = {True: "verified", False: "FAILED", None: "unknown"}[self.success]
        return f"{word:<8} {self.consumer} {self.consumer_version} and {self.provider} {self.provider_version}"


@dataclass(frozen=True, slots=True)
class DeploymentVerdict:
    """Whether a version may be deployed.

    Attributes:
        deployable: What the broker says; `None` while verifications are missing that may still come.
        reasons: Why, in the broker's words.
        rows: What it knows of each contract.
        missing: The providers with which there has to be a contract, but is none.
    """

    deployable: bool | None
    reasons: Sequence[str]
    rows: Sequence[Row]
    missing: Sequence[str]

    @property
    def yes(self) -> bool:
        """Whether the version may be deployed: the broker says so, and every required contract is verified."""
        return self.deployable is True and not self.missing and all(row.success for row in self.rows)

    @property
    def open(self) -> bool:
        """Whether the response may change while verifications are under way."""
        return self.deployable is None and not self.missing


def can_i_deploy(
    hal: Hal, participant: str, version: str, environment: str, *, providers: Iterable[str] = ()
) -> DeploymentVerdict:
    """Ask whether a version may be deployed.

    Args:
        hal: The broker.
        participant: Whose version.
        version: Its number.
        environment: Where it is to be deployed.
        providers: Those that the participant has contracts with. The broker also says yes for a version that lacks a
            contract, so each of these providers has to have a row.

    Raises:
        BrokerRefusalError: There is no such participant or environment.
        BrokerResponseError: The broker gave no usable response.
    """
    hal.root()
    query = {"q[][pacticipant]": participant, "q[][version]": version, "latestby": "cvpv", "environment": environment}
    # No link of the root leads to the matrix.
    words = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    response = hal.get(f"{hal.broker.base_url}/matrix?{words}")
    summary = response.get("summary")
    if not isinstance(summary, Mapping) or not isinstance(cast("Document", summary).get("deployable", 0), bool | None):
        message = "the Pact Broker's response has no summary that says yes or no"
        raise BrokerResponseError(message)
    rows = [_row(row) for row in cast("list[Any]", response.get("matrix") or [])]
    there = {row.provider for row in rows if row.consumer == participant}
    missing = [provider for provider in providers if provider not in there]
    return DeploymentVerdict(cast("Document", summary)["deployable"], texts_of(response), rows, missing)


def record_deployment(hal: Hal, participant: str, version: str, environment: str) -> None:
    """Record that a version is deployed.

    Raises:
        BrokerRefusalError: There is no such participant, version or environment.
        BrokerResponseError: The broker gave no usable response.
    """
    url = hal.link("pb:pacticipant-version", pacticipant=participant, version=version)
    try:
        found = hal.get(url)
    except BrokerRefusalError:
        message = f"the broker knows no version {version} of {participant}"
        raise BrokerRefusalError(message) from None  # the broker's own message does not say what is missing
    links = found.get("_links", {}).get("pb:record-deployment", [])
    places = {link["name"]: link["href"] for link in links}
    if environment not in places:
        known = ", ".join(places) or "none"
        message = f"the broker knows no environment {environment!r}; it knows {known}"
        raise BrokerRefusalError(message)
    hal.send("POST", places[environment], {})


def _row(row: Mapping[str, Any]) -> Row:
    try:
        consumer, provider, result = row["consumer"], row["provider"], row.get("verificationResult")
        return Row(
            consumer["name"],
            _number(consumer),
            provider["name"],
            _number(provider),
            None if result is None else result["success"] is True,
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"the Pact Broker's response has a row that cannot be read: {error!r}"
        raise BrokerResponseError(message) from error


def _number(participant: Mapping[str, Any]) -> str:
    version = participant.get("version")
    return str(version["number"]) if version else _NO_VERSION
