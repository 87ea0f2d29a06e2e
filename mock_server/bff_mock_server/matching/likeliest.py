"""Finds the few interactions that are most like a request, without comparing all of them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, islice
from typing import Final, Generic, TypeVar

MOST_COMPARED: Final = 64
"""The most candidates that a refused request is compared with; no endpoint of the shipped contracts has more."""
_MOST_OF_ONE_MARK: Final = 16
"""The most candidates that share one mark with the request, so that common marks do not crowd out the others."""

T = TypeVar("T")


class Likeliest(Generic[T]):
    """Candidates by their marks: the features that they share with similar requests.

    Args:
        things: All candidates, in the order of the result.
        marks_of: Returns the marks of one.
    """

    def __init__(self, things: Iterable[T], marks_of: Callable[[T], Iterable[Hashable]]) -> None:
        self._things = tuple(things)
        self._marked: dict[Hashable, list[int]] = {}
        if len(self._things) > MOST_COMPARED:
            for at, thing in enumerate(self._things):
                for mark in marks_of(thing):
                    self._marked.setdefault(mark, []).append(at)

    def among(self, marks: Iterable[Hashable]) -> Sequence[T]:
        """All candidates if they are few; otherwise those with the rarest of these marks, and the first ones."""
        if len(self._things) <= MOST_COMPARED:
            return self._things
        shared = sorted([self._marked[mark] for mark in marks if mark in self._marked], key=len)
        likely = (at for found in shared for at in found[:_MOST_OF_ONE_MARK])
        chosen = islice(dict.fromkeys(chain(likely, range(MOST_COMPARED))), MOST_COMPARED)
        return [self._things[at] for at in sorted(chosen)]
