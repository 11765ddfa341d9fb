"""What the gradient of a prediction says about each atom.

Every atom's embedding, and every count of the fingerprint, is multiplied by a gate g.
Integrated gradients (Sundararajan et al. 2017) from no information (g = 0) to the molecule
(g = 1):

    A(atom) = integral over a from 0 to 1 of df/dg(atom) at g = a

They are complete: the atoms add up to f(molecule) - f(no information). The integral is
computed with as many steps as a molecule needs for that. Gradient times input is df/dg at
g = 1 alone. What counts of environments contribute is shared out among the atoms they rest
on.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molecules.explanation.environments import Environments
from molecules.features.data import MoleculeData
from molecules.molecule import MoleculeBatch
from molecules.prediction.predictor import PropertyPredictor

STEPS, MOST_STEPS = 32, 1024  # of the Gauss-Legendre rule: twice as many until the sum is right
OPEN = 0.01  # part of the sum, or of the spread of measured values, that may be missing
_MOLECULES = 64  # computed at once

Array = NDArray[np.float64]


def by_gradient(
    predictor: PropertyPredictor,
    data: MoleculeData,
    environments: Sequence[Environments] | None,
    steps: int = STEPS,
) -> Array:
    """Contribution of every atom, (atom, task) in the unit of the task or as probability.

    Args:
        predictor: the model.
        data: molecules.
        environments: of each molecule, for a model that reads fingerprints.
        steps: of the integral, at first; 1 is gradient times input.
    """
    start = data.packed.atom_start
    result = np.zeros((int(start[-1]), len(predictor.tasks)))
    for first in range(0, len(data), _MOLECULES):
        rows = np.arange(first, min(first + _MOLECULES, len(data)))
        tasks, number = list(range(len(predictor.tasks))), steps
        while len(rows):
            batch = data.__getitems__(rows).to(predictor.device)
            atoms, bits = _integral(predictor, batch, number, tasks)
            parts = np.split(atoms, batch.ptr[1:-1].tolist())
            for place, row in enumerate(rows.tolist()):
                own = parts[place]
                if environments is not None:
                    own = own + environments[row].share_out(bits[place])
                result[start[row] : start[row + 1], tasks] = own
            if steps == 1 or number >= MOST_STEPS:
                break
            total = np.stack([part.sum(axis=0) for part in parts])
            total += bits.sum(axis=1) if environments is not None else 0.0
            missed = _missed(predictor, batch, total, tasks)
            tasks = [tasks[column] for column in np.flatnonzero(missed.any(axis=0))]
            rows, number = rows[missed.any(axis=1)], 2 * number
    return result


def no_information(predictor: PropertyPredictor, data: MoleculeData) -> Array:
    """(molecule, task) predictions with every gate closed: where integrated gradients begin."""
    found = np.zeros((len(data), len(predictor.tasks)))
    for first in range(0, len(data), _MOLECULES):
        rows = np.arange(first, min(first + _MOLECULES, len(data)))
        batch = data.__getitems__(rows).to(predictor.device)
        found[rows] = _told(predictor, batch, 0.0)
    return found


def _missed(
    predictor: PropertyPredictor, batch: MoleculeBatch, total: Array, tasks: Sequence[int]
) -> NDArray[np.bool_]:
    """(molecule, task) whether contributions miss what they are to add up to."""
    whole = (_told(predictor, batch, 1.0) - _told(predictor, batch, 0.0))[:, tasks]
    allowed = OPEN * np.maximum(np.abs(whole), predictor.scales[tasks])
    return np.asarray(np.abs(total - whole) > allowed)


def _told(predictor: PropertyPredictor, batch: MoleculeBatch, place: float) -> Array:
    return np.asarray(_gated(predictor, batch, place)[0].detach().cpu())


def _integral(
    predictor: PropertyPredictor, batch: MoleculeBatch, steps: int, tasks: Sequence[int]
) -> tuple[Array, Array]:
    """Of atoms (atom, task), and of counts (molecule, FINGERPRINT, task), for some tasks."""
    atoms, bits = 0.0, 0.0
    for place, weight in zip(*_rule(steps), strict=True):
        value, gates = _gated(predictor, batch, place)
        slopes = [
            torch.autograd.grad(value[:, task].sum(), gates, retain_graph=True) for task in tasks
        ]
        atoms = atoms + weight * torch.stack([slope[0] for slope in slopes], dim=-1)
        if batch.fingerprint is not None:
            bits = bits + weight * torch.stack([slope[1] for slope in slopes], dim=-1)
    return np.asarray(torch.as_tensor(atoms).cpu()), np.asarray(torch.as_tensor(bits).cpu())


def _rule(steps: int) -> tuple[Array, Array]:
    """Places and weights of the integral from 0 to 1.

    In t with a = t^2, as a model that normalizes its input changes fastest near zero.
    """
    if steps == 1:
        return np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    t = (nodes + 1) / 2
    return t**2, weights * t


def _gated(
    predictor: PropertyPredictor, batch: MoleculeBatch, place: float
) -> tuple[Tensor, list[Tensor]]:
    """The prediction with all gates at `place`, and the gates to take its gradient by."""
    dtype = next(predictor.members[0].parameters()).dtype
    options = {"dtype": dtype, "device": batch.x.device, "requires_grad": True}
    gates = [torch.full((len(batch.x),), place, **options)]  # type: ignore[call-overload]
    if batch.fingerprint is not None:
        counts = batch.fingerprint.to(dtype)
        gates.append(torch.full(counts.shape, place, **options))  # type: ignore[call-overload]
        batch = replace(batch, fingerprint=counts * gates[1])
    with ExitStack() as hooks:
        for member in predictor.members:
            hooks.enter_context(_gate(member.encoder.backbone.embed, gates[0]))
        return predictor.network_mean(batch), gates


@contextmanager
def _gate(embed: nn.Module, gate: Tensor) -> Iterator[None]:
    """Multiply what an embedding gives by a number for each atom while the block runs."""
    hook = embed.register_forward_hook(lambda module, codes, out: out * gate.unsqueeze(1))
    try:
        yield
    finally:
        hook.remove()
