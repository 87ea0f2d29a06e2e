"""Prints what the mock serves: addresses, key, teachers, and a command to paste."""

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bff_contracts.http import header_label
from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_object
from bff_contracts.platform import KEY_HEADER
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.mock import Mock
from bff_mock_server.world.scenarios.model import Scenario


class Address(NamedTuple):
    """A base URL and the backends that answer there."""

    url: str
    backends: Sequence[Backend]


def banner(addresses: Sequence[Address], control: str | None, mock: Mock) -> str:
    """The text of the banner."""
    scenario = mock.sessions.scenario
    rows = [
        (one.provider, _where(address.url, mock.proxied.get(one.provider)))
        for address in addresses
        for one in address.backends
    ]
    if control is not None:
        rows.append(("control page", f"{control}/  (its API: {control}/_mock/openapi.json)"))
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {where}" for name, where in rows]
    key = next(
        (key for address in addresses for backend in address.backends for key in _examples(backend, KEY_HEADER)), None
    )
    if key is not None:
        lines += ["", f"Key for {header_label(KEY_HEADER)}: {key}  (a placeholder that every mock accepts)"]
    if any(backend.has_states for backend in mock.backends):
        lines += _teachers(scenario)
        armed = [one for one in mock.sessions.default.faults if not one.route.about]
        lines += (
            ["", *(f"Armed: {'; '.join(fault.text for fault in one.faults)} on {one.route}" for one in armed)]
            if armed
            else []
        )
        line = next(_curl_lines(addresses, scenario, mock), None)
        if line is not None:
            lines += ["", "Try:", line]
    return "\n".join(["Mocks that keep the contract are listening; stop them with Ctrl-C.", "", *lines])


def _where(url: str, real: str | None) -> str:
    return url if real is None else f"{url}  (passes requests on to {real}, and checks the responses)"


def _teachers(scenario: Scenario) -> Iterator[str]:
    if not scenario.teachers:
        yield from ("", f"Scenario {scenario.name!r}: no teachers.")
        return
    yield from ("", f"Teachers of the scenario {scenario.name!r}:")
    names = max(len(teacher.name) for teacher in scenario.teachers)
    ids = max(len(teacher.user_id) for teacher in scenario.teachers)
    for teacher in scenario.teachers:
        who = f"  {teacher.user_id:<{ids}}  {teacher.name:<{names}}  {teacher.batches:>3} batches"
        yield f"{who}  {teacher.purpose}".rstrip()


def _curl_lines(addresses: Sequence[Address], scenario: Scenario, mock: Mock) -> Iterator[str]:
    """A curl command for each endpoint that needs a key, about the first teacher; endpoints of a user come first."""
    users = [teacher.user_id for teacher in scenario.teachers] or list(scenario.rows.users)
    if not users:
        return
    batch_ids = [row.batch_id for row in mock.sessions.default.rows.users.get(users[0], ())]
    shapes = [
        (address.url, endpoint.shape.interaction)
        for address in addresses
        for backend in address.backends
        for endpoint in backend.table.endpoints
        if endpoint.shape is not None and KEY_HEADER in endpoint.shape.interaction.request.headers
    ]
    for url, interaction in sorted(
        shapes, key=lambda shape: _user_of(shape[1]) not in shape[1].request.path.split("/")
    ):
        headers = interaction.request.headers.items()
        sent = " ".join(f"-H {shlex.quote(f'{header_label(name)}: {_joined(values)}')}" for name, values in headers)
        yield f"curl {sent} {_quoted(url + _target(interaction, users[0], batch_ids))}"


def _target(interaction: Interaction, user_id: str, batch_ids: Sequence[str]) -> str:
    """The example's request target, with a user and batches that exist."""
    request = interaction.request
    pairs = [f"{name}={value}" for name, values in request.query.items() for value in values]
    target = request.path + (f"?{'&'.join(pairs)}" if pairs else "")
    # The example may name more batches than the teacher has.
    replacements = dict(zip(_batches_of(interaction), batch_ids, strict=False))
    if (example := _user_of(interaction)) is not None:
        replacements[example] = user_id
    for example, concrete in replacements.items():
        target = target.replace(example, concrete)
    return target


def _user_of(interaction: Interaction) -> str | None:
    users = (state.params.get("user_id") for state in interaction.states)
    return next((user for user in users if isinstance(user, str)), None)


def _batches_of(interaction: Interaction) -> Iterator[str]:
    for state in interaction.states:
        yield from (str(row["batch_id"]) for row in state.params.get("batches", ()))
        yield from (name for value in state.params.values() if is_object(value) for name in value)


def _joined(values: Sequence[str]) -> str:
    return ", ".join(values)


def _quoted(url: str) -> str:
    # Always quoted: the & of a query would end the command.
    return shlex.quote(url) if "'" in url else f"'{url}'"


def _examples(backend: Backend, header: str) -> Iterator[str]:
    for endpoint in backend.table.endpoints:
        for entry in endpoint.entries:
            yield from entry.interaction.request.headers.get(header, ())
