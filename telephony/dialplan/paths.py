from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a Gosub or Macro goes back to."""

    context: str
    pattern: str
    index: int
    number: str
    is_macro: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands: the step to run next, the number dialled there, and whether a human was called before."""

    context: str
    pattern: str
    index: int
    number: str
    human: bool = False
    stack: tuple[Frame, ...] = ()

    def onward(self, *, human: bool = False) -> "Place":
        """Return the next step."""
        return replace(self, index=self.index + 1, human=self.human or human)

    def returned(self) -> "Place":
        """Return the step after the Gosub or Macro that led here."""
        frame = self.stack[-1]
        return Place(frame.context, frame.pattern, frame.index, frame.number, self.human, self.stack[:-1])

    def carrying(self, origin: "Place") -> "Place":
        """Return this place with what `origin` has met and must go back to."""
        return replace(self, human=origin.human, stack=origin.stack)

    def called_from(self, origin: "Place", is_macro: bool) -> "Place":
        """Return this place, to come back to the step after `origin`."""
        frame = Frame(origin.context, origin.pattern, origin.index + 1, origin.number, is_macro)
        return replace(self, human=origin.human, stack=(*origin.stack, frame))


def endless_loops(
    edges: Mapping[Place, Sequence[Place]], leaves: Callable[[Place], bool]
) -> Iterator[tuple[Place, bool]]:
    """Yield (a place of it, whether before any human) for each loop that is entered before a human or has no way out.

    A loop is a strongly connected component (Tarjan 1972) of the places a call can come to.
    """
    for component in _components(edges):
        members = set(component)
        if len(component) == 1 and component[0] not in edges[component[0]]:
            continue
        first = min(component, key=lambda place: (place.context, place.pattern, place.index))
        if not first.human:
            yield first, True
        elif not any(leaves(place) or set(edges[place]) - members for place in component):
            yield first, False


def _components(edges: Mapping[Place, Sequence[Place]]) -> Iterator[list[Place]]:  # noqa: C901 -- one algorithm
    order: dict[Place, int] = {}
    low: dict[Place, int] = {}
    stack: list[Place] = []
    on_stack: set[Place] = set()
    for root in edges:
        if root in order:
            continue
        work = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            place, following = work[-1]
            for other in following:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(edges[other])))
                    break
                if other in on_stack:
                    low[place] = min(low[place], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == order[place]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == place:
                            break
                    yield component
