"""`bff-contracts list`, `show` and `states`: describe the contract in words."""

import argparse
from collections.abc import Iterator
from textwrap import fill, indent
from typing import TYPE_CHECKING, Final

from bff_contracts.cli.common import CommandError, Commands, add_provider, pacts_of, print_text
from bff_contracts.pact.file import Interaction, Pact
from bff_contracts.pact.wording import (
    UNUSED,
    example_of,
    freedoms,
    function_name,
    params_of,
    params_text,
    request_text,
    response_text,
    target_of,
)

if TYPE_CHECKING:
    from bff_contracts.states import ProviderState

_WIDTH: Final = 100


def add(commands: Commands) -> None:
    """Describe the commands."""
    listing = commands.add_parser("list", help="the interactions of a contract")
    add_provider(listing, optional=True)
    listing.set_defaults(run=_list)
    showing = commands.add_parser("show", help="one interaction: states, request, response and matching rules")
    showing.add_argument("text", metavar="TEXT", help="its description, or a part of it")
    showing.set_defaults(run=_show)
    states = commands.add_parser("states", help="the provider states to set up: params and an example handler")
    add_provider(states, optional=True)
    states.set_defaults(run=_states)


def _list(options: argparse.Namespace) -> int:
    for pact in pacts_of(options.provider):
        print_text(f"{pact.provider}: {len(pact.interactions)} interactions")
        for interaction in pact.interactions:
            path = target_of(interaction).partition("?")[0]
            print_text(f"  {interaction.response.status}  {interaction.description}  ({path})")
    return 0


def _show(options: argparse.Namespace) -> int:
    known = [(pact, interaction) for pact in pacts_of(None) for interaction in pact.interactions]
    exact = [each for each in known if each[1].description == options.text]
    found = exact or [each for each in known if options.text.casefold() in each[1].description.casefold()]
    if not found:
        message = f"no interaction has {options.text!r} in its description; bff-contracts list shows them all"
        raise CommandError(message)
    print_text("\n\n".join("\n".join(_shown(pact, interaction)) for pact, interaction in found))
    return 0


def _shown(pact: Pact, interaction: Interaction) -> Iterator[str]:
    yield f"{interaction.description}  ({pact.provider})"
    for state in interaction.states:
        yield f"\ngiven: {state.name}"
        yield params_text(state.params)
    yield f"\nrequest:\n{request_text(interaction)}"
    yield f"\nresponse:\n{response_text(interaction)}"
    free = freedoms(interaction)
    yield "\nmay differ:" if free else "\nmay differ: nothing"
    if free:
        width = max(len(path) for path, _ in free)
        yield from (f"  {path:<{width}}  {words.replace('`', '')}" for path, words in free)


def _states(options: argparse.Namespace) -> int:
    from bff_contracts.states import CATALOGUE  # noqa: PLC0415  # Pydantic, for this command alone

    texts = [
        "\n".join(_described(state, pact))
        for pact in pacts_of(options.provider)
        for state in CATALOGUE
        if state.provider == pact.provider
    ]
    print_text("\n\n".join(texts))
    return 0


def _described(state: "ProviderState", pact: Pact) -> Iterator[str]:
    yield f"{state.name}  ({state.provider})"
    yield fill(state.meaning, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield "\n  params:"
    params = params_of(state)
    width = max(len(param.path) for param in params)
    yield from (f"    {param.path:<{width}}  {param.kind.replace('`', '')}" for param in params)
    example = example_of(state, pact)
    if example is None:
        yield f"\n  {UNUSED}"
        return
    yield "\n  for example:"
    yield indent(params_text(example), "    ")
    yield "\n  a handler:"
    yield f"    async def {function_name(state)}(params: {state.params.__name__}) -> None:"
    yield f"        ...  # store what it says: params.{', params.'.join(state.params.model_fields)}"
