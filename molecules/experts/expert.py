"""The experts beside the networks: what each can do, and how to make one."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from molecules.experts.forest import DRAFT, Forest
from molecules.experts.inputs import Inputs
from molecules.experts.kernel import Kernel
from molecules.experts.trees import Trees
from molecules.tasks import Tasks

ExpertName = Literal["kernel", "trees", "forest"]
PREFIX = "experts."  # of all that is not the networks' in a model file


class Expert(Protocol):
    """A fitted model of all tasks."""

    def predict(self, inputs: Inputs) -> NDArray[np.float64]:
        """(molecule, task) on the scale of the labels, or the probability of 1."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it is, for a model file."""
        ...


def fit_expert(
    name: ExpertName,
    inputs: Inputs,
    labels: NDArray[np.float64],
    weights: NDArray[np.float64],
    tasks: Tasks,
    seed: int,
    threads: int = 1,
    draft: bool = False,
) -> Expert:
    """Fit one; arguments as of `Kernel.fit` and `Trees.fit`.

    Args:
        draft: only to see how much it is worth.
    """
    match name:
        case "kernel":
            return Kernel.fit(inputs, labels, weights, tasks, seed)
        case "trees":
            return Trees.fit(inputs, labels, weights, tasks, seed, threads)
        case "forest":
            trees = DRAFT if draft else None
            return Forest.fit(inputs, labels, weights, tasks, seed, threads, trees)


def tell(expert: Expert, inputs: Inputs) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """What an expert predicts, and how unsure it is if it can say, (molecule, task) each."""
    return expert.tell(inputs) if isinstance(expert, Kernel) else (expert.predict(inputs), None)


def experts_as_arrays(
    names: Sequence[ExpertName], experts: Sequence[Expert], weights: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """All of some experts and the weights (1 + expert, task), under names for a model file."""
    if not names:
        return {}
    return {f"{PREFIX}weights": weights} | {
        f"{PREFIX}{name}.{part}": array
        for name, expert in zip(names, experts, strict=True)
        for part, array in expert.arrays().items()
    }


def read_experts(
    names: Sequence[ExpertName], arrays: Mapping[str, NDArray[Any]]
) -> tuple[list[Expert], NDArray[np.float64] | None]:
    """What `experts_as_arrays` was given; no weights where there are no experts."""
    return [read_expert(name, _inside(f"{PREFIX}{name}.", arrays)) for name in names], arrays.get(
        f"{PREFIX}weights"
    )


def read_expert(name: ExpertName, arrays: Mapping[str, NDArray[Any]]) -> Expert:
    """The expert whose `arrays` these are."""
    match name:
        case "kernel":
            return Kernel.of_arrays(arrays)
        case "trees":
            return Trees.of_arrays(arrays)
        case "forest":
            return Forest.of_arrays(arrays)


def _inside(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
