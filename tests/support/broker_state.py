"""The state of the Pact Broker double."""

import hashlib
import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.support.broker_records import recorded

JSON = dict[str, Any]
MAIN_BRANCHES: Final = ("main", "master", "develop")
"""The default main branch of a participant."""

_FIRST_VERSION: Final = 9
_FIRST_RESULT: Final = 101
"""A fresh database has example data, which took the numbers before."""


PARAMETERS: Final = (
    "pactUrl",
    "consumerName",
    "consumerVersionNumber",
    "consumerVersionBranch",
    "consumerVersionTags",
    "consumerLabels",
    "providerName",
    "providerVersionNumber",
    "providerVersionBranch",
    "providerVersionTags",
    "providerVersionDescriptions",
    "providerLabels",
    "verificationResultUrl",
    "currentlyDeployedProviderVersionNumber",
    "eventName",
    "githubVerificationStatus",
    "bitbucketVerificationStatus",
)
"""What the broker fills; it sends others as they are."""


def now() -> str:
    """The time, as the broker writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def hash_of(document: Any) -> str:
    """Names a content; not in the way of the real broker."""
    return hashlib.sha1(json.dumps(document, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Participant:
    name: str
    main_branch: str | None = None
    created: str = field(default_factory=now)


@dataclass
class Version:
    """A version of a participant; `id` grows, and is in the links to contracts."""

    id: int
    participant: str
    number: str
    branches: list[str] = field(default_factory=list[str])
    tags: list[str] = field(default_factory=list[str])
    created: str = field(default_factory=now)

    @property
    def branch(self) -> str | None:
        """The branch that it was put on last."""
        return self.branches[-1] if self.branches else None


@dataclass
class Published:
    """The contract of one version of a consumer with a provider."""

    version: Version
    provider: str
    content: str
    created: str = field(default_factory=now)

    @property
    def consumer(self) -> str:
        return self.version.participant


@dataclass
class Result:
    """The result that a version of a provider published for a content."""

    number: int
    version: Version
    content: str
    success: bool
    at: str = field(default_factory=now)


@dataclass
class Deployment:
    """That a version is in an environment."""

    version: Version
    environment: JSON
    current: bool = True
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: str = field(default_factory=now)


@dataclass
class Triggered:
    """A webhook that has to be sent, or was."""

    webhook: JSON
    event: str
    values: dict[str, str]
    context: JSON
    log: str = ""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    def filled(self, text: str) -> str:
        """A text of the webhook with its parameters."""
        for name in PARAMETERS:
            text = text.replace(f"${{pactbroker.{name}}}", self.values.get(name, ""))
        return text


@dataclass
class State:
    """All that a broker keeps; a fresh one has the two environments of the recordings."""

    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    versions: list[Version] = field(default_factory=list[Version])
    contents: dict[str, JSON] = field(default_factory=dict[str, JSON])
    published: list[Published] = field(default_factory=list[Published])
    results: list[Result] = field(default_factory=list[Result])
    environments: list[JSON] = field(
        default_factory=lambda: [
            {name: value for name, value in each.items() if name != "_links"}
            for each in recorded(12).body["_embedded"]["environments"]
        ]
    )
    deployments: list[Deployment] = field(default_factory=list[Deployment])
    webhooks: list[JSON] = field(default_factory=list[JSON])
    triggered: list[Triggered] = field(default_factory=list[Triggered])

    def version(self, participant: str, number: str) -> Version | None:
        return next((each for each in self.versions if (each.participant, each.number) == (participant, number)), None)

    def put_participant(self, name: str) -> Participant:
        return self.participants.setdefault(name, Participant(name))

    def put_version(self, participant: str, number: str, branch: str | None) -> tuple[Version, bool]:
        """The version, made if it is new, and whether it is new on that branch."""
        who = self.put_participant(participant)
        version = self.version(participant, number)
        if version is None:
            version = Version(_FIRST_VERSION + len(self.versions), participant, number)
            self.versions.append(version)
        fresh = branch is not None and branch not in version.branches
        if branch is not None and fresh:
            version.branches.append(branch)
            if who.main_branch is None and branch in MAIN_BRANCHES:
                who.main_branch = branch
        return version, fresh

    def newest(self, participant: str, branch: str | None) -> Version | None:
        """The newest version of a branch."""
        found = [each for each in self.versions if each.participant == participant and branch in each.branches]
        return found[-1] if found else None

    def newest_of_main(self, participant: str) -> Version | None:
        who = self.participants.get(participant)
        return self.newest(participant, who.main_branch) if who and who.main_branch else None

    def contract(self, version: Version | None, provider: str) -> Published | None:
        return next((each for each in self.published if each.version is version and each.provider == provider), None)

    def deployed(self, participant: str | None = None, environment: str | None = None) -> Iterator[Deployment]:
        """The versions that are in environments now."""
        for each in self.deployments:
            of_it = participant in {None, each.version.participant}
            if each.current and of_it and environment in {None, each.environment["name"]}:
                yield each

    def deploy(self, version: Version, environment: JSON) -> Deployment:
        """The deployment, which replaces that of another version."""
        for each in self.deployed(version.participant, environment["name"]):
            if each.version is version:
                return each
            each.current = False
        self.deployments.append(Deployment(version, environment))
        return self.deployments[-1]

    def add_result(self, version: Version, content: str, success: bool) -> Result:  # noqa: FBT001  # what was sent
        self.results.append(Result(_FIRST_RESULT + len(self.results), version, content, success))
        return self.results[-1]

    def result(self, content: str, version: Version) -> Result | None:
        """The newest result of a version for a content."""
        found = [each for each in self.results if each.content == content and each.version is version]
        return found[-1] if found else None

    def is_pending(self, content: str, provider: str, branch: str | None) -> bool:
        """Whether no version of a provider's branch has kept a content; of any branch, if none is given."""
        return not any(
            each.success
            for each in self.results
            if each.content == content
            and each.version.participant == provider
            and (branch is None or branch in each.version.branches)
        )

    def environment(self, name: str) -> JSON | None:
        return next((each for each in self.environments if each["name"] == name), None)

    def add_environment(self, wish: JSON) -> JSON:
        self.environments.append({"uuid": str(uuid.uuid4()), **wish, "createdAt": now()})
        return self.environments[-1]

    def add_webhook(self, wish: JSON) -> JSON:
        self.webhooks.append({"uuid": secrets.token_urlsafe(16), **wish, "createdAt": now()})
        return self.webhooks[-1]

    def hooks_for(self, consumer: str, provider: str) -> Iterable[JSON]:
        """The webhooks that are about a contract."""
        for each in self.webhooks:
            names = {
                role: each.get(role, {}).get("name", name)
                for role, name in (("consumer", consumer), ("provider", provider))
            }
            if names == {"consumer": consumer, "provider": provider}:
                yield each
