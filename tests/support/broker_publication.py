"""The publication of contracts in the Pact Broker double: all of a request or none, with the real notices."""

import base64
import difflib
import json
from collections.abc import Iterable
from typing import Any, Final, cast

from tests.support.broker_records import template
from tests.support.broker_state import JSON, Published, State, Triggered, Version, hash_of

_REQUIREMENT: Final = "contract_requiring_verification_published"
_FIELDS: Final = ("pacticipantName", "pacticipantVersionNumber", "contracts")

Answered = tuple[int, str, Any]
"""Status, content type and body."""

HAL: Final = "application/hal+json;charset=utf-8"
PLAIN_JSON: Final = "application/json;charset=utf-8"


def publish(state: State, base: str, body: JSON) -> Answered:
    """Take the contracts of a version."""
    errors = _errors(body)
    if errors:
        return 400, HAL, {"errors": errors}
    if not body["contracts"]:
        return 500, HAL, template(56)
    conflict = _conflict(state, body)
    if conflict:
        return 409, PLAIN_JSON, conflict
    return 200, HAL, _published(state, base, body)


def _errors(body: JSON) -> dict[str, list[str]]:
    errors = {name: ["is missing"] for name in _FIELDS if name not in body}
    number = body.get("pacticipantVersionNumber", "x")
    if not number.strip():
        errors["pacticipantVersionNumber"] = ["cannot be blank"]
    elif "\n" in number:
        errors["pacticipantVersionNumber"] = ["cannot contain multiple lines"]
    found = [
        f"{error} (at index {at})" for at, each in enumerate(body.get("contracts", ())) for error in _wrong(body, each)
    ]
    return {**errors, **({"contracts": found} if found else {})}


def _wrong(body: JSON, contract: JSON) -> list[str]:
    missing = [f"{name} is missing" for name in ("consumerName", "providerName", "content") if name not in contract]
    if missing:
        return missing
    content = _content(contract)
    if content is None:
        return ["content could not be parsed as application/json"]
    wrong: list[str] = []
    if contract["consumerName"] != body.get("pacticipantName"):
        wrong.append("consumerName does not match pacticipantName")
    names = {role: content.get(role, {}).get("name") for role in ("consumer", "provider")}
    wrong += [
        f"{role}Name does not match that of the content"
        for role, name in names.items()
        if name not in {None, contract[f"{role}Name"]}
    ]
    if contract.get("specification") != "pact":
        wrong.append("specification must be one of: pact")
    return wrong


def _content(contract: JSON) -> JSON | None:
    try:
        content = json.loads(base64.b64decode(contract["content"], validate=True))
    except ValueError:
        return None
    return cast("JSON", content) if isinstance(content, dict) else None


def _conflict(state: State, body: JSON) -> JSON | None:
    version = state.version(body["pacticipantName"], body["pacticipantVersionNumber"])
    for contract in body["contracts"]:
        known = state.contract(version, contract["providerName"]) if version else None
        content = _content(contract)
        if known and known.content != hash_of(content):
            values = {
                "consumer": known.consumer,
                "provider": known.provider,
                "consumer_version": body["pacticipantVersionNumber"],
            }
            document = template(20, **values)
            document["notices"][1]["text"] = _difference(state.contents[known.content], content)
            return cast("JSON", document)
    return None


def _difference(old: Any, new: Any) -> str:
    """What changed, and nothing that did not, as a unified diff without its head.

    The real broker counts two lines more for each interaction; which ones is not in the diff.
    """
    before, after = (json.dumps(each, indent=2, ensure_ascii=False).splitlines() for each in _pruned(old, new))
    return "\n".join(list(difflib.unified_diff(before, after, lineterm=""))[3:])


def _pruned(old: Any, new: Any) -> tuple[Any, Any]:
    if isinstance(old, dict) and isinstance(new, dict):
        one, other = cast("JSON", old), cast("JSON", new)
        names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
        pairs = {name: _pruned(one.get(name), other.get(name)) for name in names}
        return {name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()}
    if isinstance(old, list) and isinstance(new, list):
        rows, others = [*cast("Iterable[Any]", old)], [*cast("Iterable[Any]", new)]
        if len(rows) == len(others):
            both = [_pruned(*each) for each in zip(rows, others, strict=True) if each[0] != each[1]]
            return [pair[0] for pair in both], [pair[1] for pair in both]
    return cast("Any", old), cast("Any", new)


def _published(state: State, base: str, body: JSON) -> JSON:
    name, number, branch, tags = (
        body["pacticipantName"],
        body["pacticipantVersionNumber"],
        body.get("branch"),
        body.get("tags", []),
    )
    word = "Updated" if state.version(name, number) else "Created"
    version, _ = state.put_version(name, number, branch)
    where = " with " + " and ".join(
        [*([f"branch {branch}"] if branch else []), *([f"tags {', '.join(tags)}"] if tags else [])]
    )
    notices = [("debug", f"{word} {name} version {number}{where if branch or tags else ''}")]
    for contract in body["contracts"]:
        notices += _one_published(state, base, version, contract, tags)
    version.tags += [tag for tag in tags if tag not in version.tags]
    document = template(17, base=base, consumer=name, consumer_version=number)
    links = document["_links"]
    (contract_link,) = links["pb:contracts"]
    links["pb:contracts"] = [
        {
            **contract_link,
            "name": f"Pact between {name} ({number}) and {each['providerName']}",
            "href": f"{base}/pacts/provider/{each['providerName']}/consumer/{name}/version/{number}",
        }
        for each in body["contracts"]
    ]
    links["pb:pacticipant-version-tags"] = [
        {"title": "Tag", "name": tag, "href": f"{base}/pacticipants/{name}/versions/{number}/tags/{tag}"}
        for tag in tags
    ]
    replaced = {"deprecationWarning": "Replaced by notices"}
    document["logs"] = [{"level": kind, "message": text, **replaced} for kind, text in notices]
    document["notices"] = [{"type": kind, "text": text} for kind, text in notices]
    return cast("JSON", document)


def _one_published(state: State, base: str, version: Version, contract: JSON, tags: list[str]) -> list[tuple[str, str]]:
    provider, consumer, content = contract["providerName"], version.participant, _content(contract)
    known = state.contract(version, provider)
    change = "" if known else _change(state, version, provider, hash_of(content), tags)
    if known is None:
        known = Published(version, provider, hash_of(content))
        state.put_participant(provider)
        state.contents.setdefault(known.content, content or {})
        state.published.append(known)
        done = f"published for {consumer} version {version.number} and provider {provider}."
    else:
        done = f"republished for {consumer} version {version.number} and provider {provider} with no content changes."
    url = f"{base}/pacts/provider/{provider}/consumer/{consumer}/version/{version.number}"
    wanting = _wanting(state, known)
    events = [
        "contract_published",
        *([_REQUIREMENT] if wanting else []),
        *(["contract_content_changed"] if change else []),
    ]
    return [
        ("success", f"Pact successfully {done}"),
        ("debug", f"  View the published pact at {url}"),
        ("debug", f"  Events detected: {', '.join(events)}{f' ({change})' if change else ''}"),
        *(("debug", text) for event in events for text in _fired(state, base, event, known, wanting)),
        *_next_steps(state, consumer, provider),
    ]


def _change(state: State, version: Version, provider: str, content: str, tags: list[str]) -> str:
    """Why a content counts as changed, or nothing."""
    before = [each for each in state.published if (each.consumer, each.provider) == (version.participant, provider)]
    if not tags:
        untagged = [each for each in before if not each.version.tags]
        if not untagged:
            return "first time untagged pact published"
        return "pact content has changed since previous untagged version" if untagged[-1].content != content else ""
    first = [tag for tag in tags if not any(tag in each.version.tags for each in before)]
    return ", ".join(
        f"first time any pact published for this consumer with consumer version tagged {tag}" for tag in first
    )


def _wanting(state: State, published: Published) -> list[tuple[Version, list[str]]]:
    """The versions of the provider that lack a result for a content, and why each of them matters."""
    why: dict[int, tuple[Version, list[str]]] = {}
    newest = state.newest_of_main(published.provider)
    if newest:
        branch = state.participants[published.provider].main_branch
        why[newest.id] = (newest, [f"latest from {branch} branch"])
    for each in state.deployed(published.provider):
        reasons = why.setdefault(each.version.id, (each.version, []))[1]
        reasons.append(f"deployed in {each.environment['name']}")
    return [(version, reasons) for version, reasons in why.values() if not state.result(published.content, version)]


def _fired(
    state: State, base: str, event: str, published: Published, wanting: list[tuple[Version, list[str]]]
) -> list[str]:
    once: list[tuple[Version | None, list[str]]] = [(None, [])]
    versions = [*wanting] if event == _REQUIREMENT else once
    reported: list[str] = []
    for webhook in state.hooks_for(published.consumer, published.provider):
        if event not in {each["name"] for each in webhook["events"]}:
            continue
        for version, reasons in versions:
            triggered = Triggered(
                webhook,
                event,
                _values(base, event, published, version, reasons),
                _context(base, event, published, version, reasons),
            )
            state.triggered.append(triggered)
            reported.append(
                f'  Webhook "{webhook["description"]}" triggered for event {event}.\n'
                f"    View logs at {base}/triggered-webhooks/{triggered.uuid}/logs"
            )
    return reported


def _values(base: str, event: str, published: Published, version: Version | None, reasons: list[str]) -> dict[str, str]:
    """The values of a webhook's parameters."""
    number = published.version.number
    metadata = base64.urlsafe_b64encode(f"cvn={number}&w=true".encode()).decode().rstrip("=")
    return {
        "pactUrl": f"{base}/pacts/provider/{published.provider}/consumer/{published.consumer}"
        f"/pact-version/{published.content}/metadata/{metadata}",
        "consumerName": published.consumer,
        "consumerVersionNumber": number,
        "consumerVersionBranch": published.version.branch or "",
        "providerName": published.provider,
        "providerVersionNumber": version.number if version else "",
        "providerVersionBranch": (version.branch or "") if version else "",
        "providerVersionDescriptions": ", ".join(reasons),
        "eventName": event,
        "githubVerificationStatus": "pending",
        "bitbucketVerificationStatus": "INPROGRESS",
    }


def _context(base: str, event: str, published: Published, version: Version | None, reasons: list[str]) -> JSON:
    return {
        "base_url": base,
        "consumer_version_branch": published.version.branch,
        "build_url": None,
        "consumer_version_tags": published.version.tags,
        "event_name": event,
        "provider_version_number": version.number if version else None,
        "provider_version_branch": version.branch if version else None,
        "provider_version_descriptions": reasons,
    }


def _next_steps(state: State, consumer: str, provider: str) -> list[tuple[str, str]]:
    steps: list[str] = []
    if not any(each.version.participant == provider for each in state.results):
        steps.append(
            f"    * Add Pact verification tests to the {provider} build. "
            "See https://docs.pact.io/go/provider_verification"
        )
    if not list(state.hooks_for(consumer, provider)):
        steps.append(
            f"    * Configure separate {provider} pact verification build and webhook to trigger it when "
            "the pact content changes. See https://docs.pact.io/go/webhooks"
        )
    return [("prompt", text) for text in (["  Next steps:", *steps] if steps else [])]
