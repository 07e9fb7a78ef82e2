"""Running only what comes after a weight: what was computed before it is recorded, and given again.

A first run notes what every module returned, and when it was called. In later runs each module that
had returned before the changed weight was first used returns the same again, without being run.
What is done between modules is done again, on the same numbers. Where that does not give the same
logits as a whole run (:mod:`interp_checks.networks.changes` tries it), every run is a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass
class Call:
    """One call of one module.

    Attributes:
        module: that was called.
        begins: its place among all beginnings and ends of calls.
        ends: likewise; infinite while it runs.
        parent: the call that it was made in, by its number; -1 for none.
        output: a copy of what it returned.
    """

    module: nn.Module
    begins: int
    parent: int
    ends: float = float("inf")
    output: Any = None


@dataclass
class Recording:
    """The calls of one run, in the order of their beginnings."""

    calls: list[Call] = field(default_factory=list)

    def first_use(self, modules: Iterable[nn.Module], within: dict[nn.Module, nn.Module]) -> int:
        """When one of some modules was first called; if none was, a module around it.

        A module can be used without being called, as fused kernels do with those inside.

        Args:
            modules: that use a weight.
            within: the module around each module.
        """
        begins: dict[nn.Module, int] = {}
        for call in self.calls:
            begins.setdefault(call.module, call.begins)
        first = []
        for module in modules:
            around: nn.Module | None = module
            while around is not None and around not in begins:
                around = within.get(around)
            first.append(0 if around is None else begins[around])
        return min(first, default=0)

    def before(self, place: int) -> dict[nn.Module, list[Call | None]]:
        """What each module returns in a later run, call by call, that is recorded up to a place.

        A call that is within one that is given again is not made, and not listed. None stands for a
        call that is run.
        """
        given: set[int] = set()
        plan: dict[nn.Module, list[Call | None]] = {}
        for number, call in enumerate(self.calls):
            if call.parent in given:
                given.add(number)
                continue
            if call.ends < place:
                given.add(number)
                plan.setdefault(call.module, []).append(call)
            else:
                plan.setdefault(call.module, []).append(None)
        return {module: calls for module, calls in plan.items() if any(calls)}


@contextmanager
def recorded(model: nn.Module, users: Set[frozenset[nn.Module]]) -> Iterator[Recording]:
    """Record the calls of a model's modules while the block runs.

    Args:
        model: the model; its modules are as they were afterwards, whatever happens.
        users: the modules that use each weight that will be changed. Once some of each have been
            called, what modules return is not kept any more.
    """
    recording = Recording()
    open_calls: list[int] = []
    clock = count()
    waiting = set(users)

    def around(module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any, **named: Any) -> Any:
            for using in [each for each in waiting if module in each]:
                waiting.remove(using)
            call = Call(module, next(clock), open_calls[-1] if open_calls else -1)
            recording.calls.append(call)
            open_calls.append(len(recording.calls) - 1)
            try:
                output = forward(*arguments, **named)
            finally:
                open_calls.pop()
            call.ends = next(clock)
            if waiting:
                call.output = copied(output)
            return output

        return record

    with patched(model.modules(), around):
        yield recording


class Replay:
    """What modules return again, call by call, without being run.

    A model may write into what its modules return. Where a first run of a replay shows that it
    does, a copy is given each time.

    Args:
        plan: see :meth:`Recording.before`.
    """

    def __init__(self, plan: dict[nn.Module, list[Call | None]]) -> None:
        self.plan = plan
        self._written: set[int] | None = None
        #: Whether the last run wrote into something that is not copied.
        self.spoiled = False

    @contextmanager
    def given(self) -> Iterator[None]:
        """Let modules return what they returned before while the block runs."""
        seen: list[tuple[int, list[Any], list[int]]] = []

        def around(module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
            coming = iter(self.plan[module])

            def replay(*arguments: Any, **named: Any) -> Any:
                call = next(coming, None)
                if call is None:
                    return forward(*arguments, **named)
                careful = self._written is None or call.begins in self._written
                output = copied(call.output) if careful else call.output
                tensors = tensors_in(output)
                seen.append((call.begins, tensors, [part._version for part in tensors]))
                return output

            return replay

        with patched(self.plan, around):
            yield
        written = {
            begins
            for begins, tensors, versions in seen
            if [part._version for part in tensors] != versions
        }
        if self._written is None:
            self._written = written
        self.spoiled = bool(written - self._written)


@contextmanager
def patched(
    modules: Iterable[nn.Module], around: Callable[[nn.Module, Callable[..., Any]], Any]
) -> Iterator[None]:
    """Put something in the place of the ``forward`` of modules while the block runs.

    Hooks would do the same, but some modules compute otherwise where there are any.

    Args:
        modules: each once.
        around: makes what stands in the place of a module's own ``forward``.
    """
    before: list[tuple[nn.Module, Any]] = []
    try:
        for module in modules:
            own = module.__dict__.get("forward")
            replacement = around(module, module.forward)
            before.append((module, own))
            module.__dict__["forward"] = replacement
        yield
    finally:
        for module, own in before:
            if own is None:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = own


def tensors_in(value: Any) -> list[torch.Tensor]:
    """All tensors in a value."""
    import torch
    from torch.utils import _pytree

    return [leaf for leaf in _pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def copied(value: Any) -> Any:
    """A copy of all tensors in a value: whoever gets it may write into it."""
    import torch
    from torch.utils import _pytree

    def copy(leaf: Any) -> Any:
        return leaf.clone() if isinstance(leaf, torch.Tensor) else leaf

    return _pytree.tree_map(copy, value)
