"""The contracts that a broker has for a provider, and the results that are published to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as version_of
from typing import Any, Final

from bff_contracts.broker.access import BrokerRefusalError, BrokerResponseError
from bff_contracts.broker.hal import Document, Hal
from bff_contracts.platform import DISTRIBUTION

_SELECTORS: Final = ("mainBranch", "matchingBranch", "deployedOrReleased")
"""Selects the contracts of the consumer's main branch, of its branch with the provider's branch name, and of every
version in use."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract that a broker has.

    Attributes:
        document: The contract, with what the broker adds to it.
        version: The version of the consumer that it was published for.
        pending: Whether no version of the provider's branch has been verified against it yet.
        reason: Why it is to be verified, such as `latest from main branch`.
    """

    document: Document = field(repr=False)
    version: str
    pending: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Results:
    """The results of verifying a contract.

    Attributes:
        success: Whether all interactions were verified.
        tests: The result of each interaction, as the broker wants it.
    """

    success: bool
    tests: Sequence[Mapping[str, Any]]


def selected(hal: Hal, provider: str, branch: str, *, consumer: str | None) -> list[Contract]:
    """The contracts that a provider's branch has to be verified against.

    Args:
        hal: The broker.
        provider: The provider's name.
        branch: Its branch.
        consumer: The consumer whose contracts count; `None` for all.

    Raises:
        BrokerRefusalError: The broker does not know the provider.
        BrokerResponseError: It gave no usable response.
    """
    whose = {} if consumer is None else {"consumer": consumer}
    selection = {
        "includePendingStatus": True,
        "providerVersionBranch": branch,
        "consumerVersionSelectors": [{selector: True, **whose} for selector in _SELECTORS],
    }
    response = hal.send("POST", hal.link("pb:provider-pacts-for-verification", provider=provider), selection)
    try:
        return [
            fetched(
                hal,
                offer["_links"]["self"]["href"],
                pending=offer["verificationProperties"]["pending"],
                reason=offer.get("shortDescription", ""),
            )
            for offer in response["_embedded"]["pacts"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        message = f"the Pact Broker's list of contracts cannot be read: {error!r}"
        raise BrokerResponseError(message) from error


def fetched(hal: Hal, url: str, *, pending: bool = False, reason: str = "") -> Contract:
    """The contract at a URL, such as the one that a webhook sends.

    Raises:
        BrokerResponseError: The broker has no contract there, or gave no usable response.
    """
    hal.root()
    try:
        document = hal.get(url)
    except BrokerRefusalError as error:
        message = f"the Pact Broker gave no contract at {url}: {error}"
        raise BrokerResponseError(message) from error
    version = document.get("_links", {}).get("pb:consumer-version", {}).get("name", "")
    return Contract(document, str(version), pending, reason)


def publish_results(hal: Hal, contract: Contract, results: Results, *, version: str, build_url: str | None) -> None:
    """Publish the results of verifying a contract.

    Raises:
        BrokerRefusalError: The broker refuses the results.
        BrokerResponseError: It gave no usable response.
    """
    body = {
        "providerApplicationVersion": version,
        "success": results.success,
        "testResults": list(results.tests),
        "verifiedBy": {"implementation": DISTRIBUTION, "version": version_of(DISTRIBUTION)},
        **({"buildUrl": build_url} if build_url else {}),
    }
    hal.send("POST", hal.href(contract.document, "pb:publish-verification-results"), body)


def put_on_branch(hal: Hal, participant: str, version: str, branch: str) -> None:
    """Set the branch of a version. Call it before publishing results: the broker evaluates those by the branch.

    Raises:
        BrokerRefusalError: The broker refuses it.
        BrokerResponseError: It gave no usable response.
    """
    hal.send(
        "PUT",
        hal.link("pb:pacticipant-branch-version", pacticipant=participant, branch=branch, version=version),
        {},
    )
