"""Reports a common cause once: a provider that is down fails every interaction for one reason."""

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from bff_contracts.terminal import plain
from bff_contracts.verification.outcomes import Outcome

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID: Final = re.compile(rf"{_UUID}|\d+")
"""Parts of a place that vary between responses: ids of batches, and indices."""

_VARYING: Final = re.compile(rf"{_UUID}|0x[0-9a-f]+|\d+\.\d+ s", re.IGNORECASE)
"""Parts of a message that vary between failures of one cause: ids of batches, memory addresses, and times."""

_SERVER_ERROR: Final = 500


def cause_of(outcome: Outcome) -> Hashable:
    """The cause of an outcome, for comparison: its troubles, else its wrong status, else its differences."""
    if outcome.troubles:
        return tuple(_VARYING.sub("…", trouble) for trouble in outcome.troubles)
    status = next((each.actual for each in outcome.differences if each.where == "status"), None)
    if status is not None:
        kinds = tuple(each.actual for each in outcome.differences if each.where == "content type")
        broken = status.isdigit() and int(status) >= _SERVER_ERROR
        return status, kinds, "" if broken else _endpoint(outcome)
    return tuple((_ID.sub("…", each.where), _ID.sub("…", each.rule)) for each in outcome.differences)


def blocks(outcomes: Iterable[Outcome]) -> list[str]:
    """A block for each cause: the first outcome in full, and the names of the others."""
    groups: dict[Hashable, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.verdict, cause_of(outcome)), []).append(outcome)
    return [_block(group) for group in groups.values()]


def briefly(outcome: Outcome, first: str) -> str:
    """An outcome whose cause was reported with another interaction."""
    causes = [*outcome.troubles, *(f"{each.where}: {each.rule}" for each in outcome.differences)]
    reason = plain(causes[0]).partition("\n")[0]
    return f"{plain(outcome.interaction)}: {outcome.verdict}, for the same reason as {first!r}:\n  {reason}"


def _block(group: Sequence[Outcome]) -> str:
    first, *others = group
    if not others:
        return str(first)
    names = "\n".join(f"    {plain(other.interaction)}" for other in others)
    return f"{first}\n  {len(group)} interactions have this cause; the others:\n{names}"


def _endpoint(outcome: Outcome) -> str:
    return _ID.sub("…", outcome.request.partition("?")[0])
