"""`bff-contracts diff`: what a new contract demands of the providers that the old one did not."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bff_contracts.broker.checkout import SourceError, git
from bff_contracts.cli.common import CommandError, Commands, needs_contracts, print_text
from bff_contracts.pact.file import Pact, PactError, load_pact, read_pact, shipped_pacts
from bff_contracts.terminal import one_line

if TYPE_CHECKING:
    from bff_contracts.comparison.diff import Change

_FAILED: Final = 1
_FOLDER: Final = "contracts/bff_contracts/pacts"

_EPILOG: Final = """\
OLD and NEW are pact files, folders of pact files, or revisions of git, such as main or v0.1.0; without NEW, the
contracts of this package are the new ones. Verdicts are the provider's view: stricter means that a provider that passes
today may fail.

exit codes: 0 compared, 1 there is what --fail-on names, 2 could not run
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "diff",
        help="what a change of the contract means for the providers",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW", nargs="?")
    parser.add_argument("--format", choices=["text", "markdown"], default="text", help="markdown for a comment")
    parser.add_argument(
        "--fail-on",
        choices=["stricter", "any"],
        help="return 1 if anything is stricter or new, or if anything has changed at all",
    )
    parser.set_defaults(run=_diff)


def _diff(options: argparse.Namespace) -> int:
    with needs_contracts():
        from bff_contracts.comparison.diff import ComparisonError, Verdict, diff  # noqa: PLC0415  # the extra
    try:
        changes = diff(_pacts(options.old), shipped_pacts() if options.new is None else _pacts(options.new))
    except ComparisonError as error:
        raise CommandError(str(error)) from error
    layout = _markdown if options.format == "markdown" else _text
    print_text("\n".join(layout(changes)))
    failing = {
        None: False,
        "stricter": any(change.verdict.demands for change in changes),
        "any": any(change.verdict is not Verdict.EQUIVALENT for change in changes),
    }
    return _FAILED if failing[options.fail_on] else 0


def _text(changes: Sequence["Change"]) -> Iterator[str]:
    for provider in _providers(changes):
        yield f"{provider}: {_counted(changes, provider)}"
        for change in _notable(changes, provider):
            yield f"\n  {change.verdict:<8}  {change.what} {change.name!r}"
            yield from (f"    {one_line(example)}" for example in change.examples)
        yield ""
    yield f"Nothing changed for {_same(changes)} interactions."


def _markdown(changes: Sequence["Change"]) -> Iterator[str]:
    yield "## What this change of the contract means for the providers"
    for provider in _providers(changes):
        yield f"\n### {provider}: {_counted(changes, provider)}\n"
        for change in _notable(changes, provider):
            yield f"- **{change.verdict}** {change.what} {_safe(change.name)}"
            yield from (f"  - {_safe(example)}" for example in change.examples)
    yield f"\nNothing changed for {_same(changes)} interactions."


def _providers(changes: Sequence["Change"]) -> list[str]:
    return sorted({change.provider for change in changes if change.verdict != "equivalent"})


def _notable(changes: Sequence["Change"], provider: str) -> list["Change"]:
    return [change for change in changes if change.provider == provider and change.verdict != "equivalent"]


def _counted(changes: Sequence["Change"], provider: str) -> str:
    counts = Counter(change.verdict for change in _notable(changes, provider))
    return ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items(), reverse=True))


def _same(changes: Sequence["Change"]) -> int:
    return sum(change.verdict == "equivalent" for change in changes)


def _safe(text: str) -> str:
    """The text as inline code; names and examples come from pact files and may hold anything."""
    plain = " ".join(text.replace("`", "'").split())
    return f"`{plain}`"


def _pacts(name: str) -> Sequence[Pact]:
    """The pacts of a file, of a folder, or of a revision."""
    path = Path(name)
    try:
        if path.is_dir():
            return _distinct([load_pact(file) for file in sorted(path.glob("*.json"))], name)
        return [load_pact(path)] if path.exists() else _distinct(_at_revision(name), name)
    except (PactError, OSError, SourceError) as error:
        raise CommandError(str(error)) from error


def _at_revision(revision: str) -> list[Pact]:
    try:
        git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except SourceError as error:
        message = f"{revision!r} is neither a file nor a folder, nor a revision of git"
        raise SourceError(message) from error
    names = git("ls-tree", "--full-tree", "--name-only", revision, f"{_FOLDER}/").splitlines()
    return [
        read_pact(git("show", f"{revision}:{name}"), source=f"{revision}:{name}")
        for name in names
        if name.endswith(".json")
    ]


def _distinct(pacts: list[Pact], name: str) -> list[Pact]:
    if not pacts:
        message = f"there are no pacts in {name!r}"
        raise CommandError(message)
    providers = Counter(pact.provider for pact in pacts)
    twice = [provider for provider, number in providers.items() if number > 1]
    if twice:
        message = f"there are two contracts with {twice[0]} in {name!r}"
        raise CommandError(message)
    return pacts
