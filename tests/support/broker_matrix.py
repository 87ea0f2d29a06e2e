"""The matrix of the Pact Broker double: required verifications, and their results."""

import base64
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import quote

from tests.support.broker_publication import HAL, Answered
from tests.support.broker_records import filled, template
from tests.support.broker_state import JSON, Deployment, Published, State, Version, hash_of

_SELECTORS: Final = frozenset({"mainBranch", "matchingBranch", "deployedOrReleased", "consumer", "branch", "latest"})


def matrix(state: State, base: str, query: dict[str, str]) -> Answered:
    """Whether a version may be deployed to an environment."""
    name, number, environment = query["q[][pacticipant]"], query["q[][version]"], query["environment"]
    errors = [] if name in state.participants else [f"Pacticipant {name} not found"]
    if state.environment(environment) is None:
        errors.append(f"Environment with name '{environment}' does not exist")
    if errors:
        return 400, HAL, {"errors": errors}
    version = state.version(name, number)
    if version is None:
        return 200, HAL, filled(template(24), {"never": number, "bff-teacher-service": name})
    return 200, HAL, _verdict([_Pair(state, base, each) for each in _pairs(state, version, environment)])


@dataclass
class _Case:
    """A contract, and the version at its other end that is in the environment, if one is."""

    published: Published
    other: Version | None
    environment: str
    asks_consumer: bool


def _pairs(state: State, version: Version, environment: str) -> list[_Case]:
    own = sorted((each for each in state.published if each.version is version), key=lambda each: each.provider)
    cases: list[_Case] = []
    for each in own:
        there = [found.version for found in state.deployed(each.provider, environment)]
        others: list[Version | None] = [*there] or [None]
        cases += [_Case(each, other, environment, asks_consumer=True) for other in others]
    for deployment in state.deployed(environment=environment):
        contract = state.contract(deployment.version, version.participant)
        if contract:
            cases.append(_Case(contract, version, environment, asks_consumer=False))
    return cases


class _Pair:
    """A row of the matrix."""

    def __init__(self, state: State, base: str, case: _Case) -> None:
        self._case, self._state, self._base = case, state, base
        self.result = state.result(case.published.content, case.other) if case.other else None
        self.success = self.result.success if self.result else None

    def row(self) -> JSON:
        published, base = self._case.published, self._base
        url = f"{base}/pacts/provider/{published.provider}/consumer/{published.consumer}"
        metadata = base64.urlsafe_b64encode(f"cvn={published.version.number}".encode()).decode().rstrip("=")
        result = self.result
        verified = result and {
            "success": result.success,
            "verifiedAt": result.at,
            "_links": {
                "self": {
                    "href": f"{url}/pact-version/{published.content}/metadata/{metadata}"
                    f"/verification-results/{result.number}"
                }
            },
        }
        return {
            "consumer": self._participant(published.consumer, published.version),
            "provider": self._participant(published.provider, result.version if result else None),
            "pact": {
                "createdAt": published.created,
                "_links": {"self": {"href": f"{url}/version/{published.version.number}"}},
            },
            "verificationResult": verified,
        }

    def reason(self) -> str | None:
        """Why it is not a yes."""
        if self.success:
            return None
        case, published = self._case, self._case.published
        there = f"currently in {case.environment}"
        if not case.asks_consumer and case.other:
            ends = (
                f"the version of {published.consumer} {there} ({published.version.number})",
                f"version {case.other.number} of {published.provider}",
            )
        else:
            lacking = "no version is currently recorded as deployed/released in this environment"
            ends = (
                f"version {published.version.number} of {published.consumer}",
                f"the version of {published.provider} {there} ({case.other.number})"
                if case.other
                else f"a version of {published.provider} {there} ({lacking})",
            )
        if self.success is None:
            return f"There is no verified pact between {ends[0]} and {ends[1]}"
        return f"The verification for the pact between {ends[0]} and {ends[1]} failed"

    def _participant(self, name: str, version: Version | None) -> JSON:
        url = f"{self._base}/pacticipants/{name}"
        return {"name": name, "version": version and self._version(url, version), "_links": {"self": {"href": url}}}

    def _version(self, url: str, version: Version) -> JSON:
        branches = [branch_version(self._state, url, version, branch) for branch in version.branches]
        same_tags = [each for each in self._state.versions if each.participant == version.participant]
        return {
            "number": version.number,
            "branch": version.branch,
            "branches": branches,
            "branchVersions": branches,
            "environments": [
                {
                    **each.environment,
                    "_links": {
                        "self": {
                            "title": "Environment",
                            "name": each.environment["name"],
                            "href": f"{self._base}/environments/{each.environment['uuid']}",
                        }
                    },
                }
                for each in self._state.deployed(version.participant)
                if each.version is version
            ],
            "_links": {"self": {"href": f"{url}/versions/{version.number}"}},
            "tags": [
                {
                    "name": tag,
                    "latest": [each for each in same_tags if tag in each.tags][-1] is version,
                    "_links": {"self": {"href": f"{url}/versions/{version.number}/tags/{tag}"}},
                }
                for tag in version.tags
            ],
        }


def branch_version(state: State, url: str, version: Version, branch: str) -> JSON:
    """That a version is of a branch, and whether it is the newest there."""
    return {
        "name": branch,
        "latest": state.newest(version.participant, branch) is version,
        "_links": {
            "self": {
                "title": "Branch version",
                "name": branch,
                "href": f"{url}/branches/{branch}/versions/{version.number}",
            }
        },
    }


def _verdict(pairs: list[_Pair]) -> JSON:
    successes = [pair.success for pair in pairs]
    deployable = False if False in successes else None if None in successes else True
    reasons = [reason for reason in (pair.reason() for pair in pairs) if reason]
    fine = (
        "All required verification results are published and successful"
        if pairs
        else "There are no missing dependencies"
    )
    return {
        "summary": {
            "deployable": deployable,
            "reason": "\n".join(reasons or [fine]),
            "success": successes.count(True),
            "failed": successes.count(False),
            "unknown": successes.count(None),
        },
        "notices": [{"type": "error", "text": each} for each in reasons] or [{"type": "success", "text": fine}],
        "matrix": [pair.row() for pair in pairs],
    }


# Which contracts a provider has to verify


@dataclass
class _Choice:
    """A content that was selected: by which selectors, and for which versions."""

    published: Published
    short: list[str] = field(default_factory=list[str])
    criteria: list[str] = field(default_factory=list[str])
    metadata: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def for_verification(state: State, base: str, provider: str, wish: JSON | None) -> Answered:
    """The contracts that are to be verified; without a wish, the newest of each main branch."""
    if provider not in state.participants:
        return 404, HAL, filled(template(16), {"class-management-service": provider})
    for selector in (wish or {}).get("consumerVersionSelectors", ()):
        if not selector.keys() <= _SELECTORS:
            return 400, HAL, {"errors": {"consumerVersionSelectors": ["has an unknown selector (at index 0)"]}}
    document = template(58, base=base)
    document["_links"]["self"]["href"] = f"{base}/pacts/provider/{provider}/for-verification"
    branch = wish.get("providerVersionBranch") if wish else None
    choices = _choices(state, provider, wish)
    document["_embedded"]["pacts"] = [_offer(state, base, each, branch, short=wish is None) for each in choices]
    return 200, HAL, document


def _choices(state: State, provider: str, wish: JSON | None) -> list[_Choice]:
    found: dict[str, _Choice] = {}
    consumers = sorted({each.consumer for each in state.published if each.provider == provider})
    if wish is None:
        for consumer in consumers:
            _add_newest(state, found, consumer, provider, None)
        return list(found.values())
    selectors = wish.get("consumerVersionSelectors", [])
    for consumer in consumers:
        mine = [each for each in selectors if each.get("consumer", consumer) == consumer]
        if any(each.get("matchingBranch") for each in mine):
            _add_newest(state, found, consumer, provider, wish.get("providerVersionBranch"))
        if any(each.get("mainBranch") for each in mine):
            _add_newest(state, found, consumer, provider, None, also=True)
        if any(each.get("deployedOrReleased") for each in mine):
            _add_deployed(state, found, consumer, provider)
    return sorted(found.values(), key=lambda each: each.published.version.id)


def _choice(found: dict[str, _Choice], published: Published) -> _Choice:
    return found.setdefault(published.content, _Choice(published))


def _add_newest(
    state: State, found: dict[str, _Choice], consumer: str, provider: str, branch: str | None, *, also: bool = False
) -> None:
    """The contract of the newest version of a branch, or of the main one; it need not have one."""
    main = state.participants[consumer].main_branch
    version = state.newest(consumer, branch or main)
    published = state.contract(version, provider) if version else None
    if published is None or version is None:
        return
    choice, id_ = _choice(found, published), ("s[][cv]", str(version.id))
    if branch:
        choice.short.append(f"latest from branch {branch}")
        choice.criteria.append(f"    * latest version from branch '{branch}' ({version.number})")
        choice.metadata += [("s[][b]", branch), ("s[][l]", "true"), id_]
    else:
        choice.short.append("latest from main branch")
        whose = "" if also else f" of {consumer}"
        choice.criteria.append(f"    * latest version{whose} from the main branch '{main}' ({version.number})")
        choice.metadata += [*([("s[][l]", "true")] if also else []), id_]


def _add_deployed(state: State, found: dict[str, _Choice], consumer: str, provider: str) -> None:
    there: dict[str, list[Deployment]] = {}
    for each in state.deployed(consumer):
        published = state.contract(each.version, provider)
        if published:
            _choice(found, published)
            there.setdefault(published.content, []).append(each)
    for content, deployments in there.items():
        choice = found[content]
        places = [(each.environment["name"], each.version) for each in deployments]
        choice.short += [f"deployed to {name}" for name, _ in places]
        choice.metadata += [("s[][cv]", str(version.id)) for _, version in places]
        versions = " and ".join(f"{name} ({version.number})" for name, version in places)
        choice.criteria.append(f"    * consumer version(s) currently deployed to {versions}")


def _offer(state: State, base: str, choice: _Choice, branch: str | None, *, short: bool) -> JSON:
    published = choice.published
    pending = state.is_pending(published.content, published.provider, branch)
    values = {
        "base": base,
        "provider": published.provider,
        "consumer": published.consumer,
        "consumer_version": published.version.number,
        "content": published.content,
    }
    number = 26 if short else 27 if pending else 33
    offer = cast("JSON", template(number, "_embedded", "pacts", 0, **values))
    offer["shortDescription"] = ", ".join(choice.short)
    notices = offer["verificationProperties"]["notices"]
    if branch and branch != "main":
        offer["verificationProperties"]["notices"] = notices = filled(notices, {"branch 'main'": f"branch '{branch}'"})
    notice = notices[1 if short else 0]
    several = len(choice.criteria) > 1 or "deployed to" in choice.criteria[0]
    begin = notice["text"].partition(" consumer version")[0]
    kind = "versions matching the following criteria" if several else "version matching the following criterion"
    notice["text"] = "\n".join([f"{begin} consumer {kind}:", *choice.criteria])
    link = offer["_links"]["self"]
    words = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in [*choice.metadata, ("p", str(pending).lower())]
    )
    start = link["href"].partition("/metadata/")[0]
    link["href"] = f"{start}/metadata/{base64.urlsafe_b64encode(words.encode()).decode().rstrip('=')}"
    return offer


def contract_document(state: State, base: str, published: Published) -> JSON:
    """A contract as the verifier fetches it: with an id for each interaction, and links."""
    content: Any = state.contents[published.content]
    links = template(
        28,
        "_links",
        base=base,
        provider=published.provider,
        consumer=published.consumer,
        consumer_version=published.version.number,
        content=published.content,
    )
    interactions = [{"_id": hash_of(each), **each} for each in content["interactions"]]
    return {**content, "interactions": interactions, "createdAt": published.created, "_links": links}
