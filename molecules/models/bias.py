"""What a pair of atoms adds to their attention: distance in space, distance along bonds.

All of it depends on distances alone, so a model that sees conformers only through it is
invariant to rotation, translation and reflection.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from molecules.features.encoding import BOND_FIELDS
from molecules.molecule import MoleculeBatch, Padded
from sciml.embeddings import GaussianKernels
from sciml.layers import MLP
from sciml.windows import MASKED

Geometry = Literal["graph", "conformer", "both"]

FARTHEST = 9  # bonds along the shortest path; beyond, and between fragments, all are alike
_BOND_CODES = BOND_FIELDS["order"] * BOND_FIELDS["ring"] * BOND_FIELDS["stereo"]
_ELEMENTS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)  # the others share one class
KERNELS, LONGEST = 64, 12.0  # Gaussian kernels, and their range in Å


@dataclass(frozen=True)
class Pairs:
    """Pairs of atoms of each molecule, padded.

    Attributes:
        path: (molecule, place, place) int64: bonds along the shortest path, at most
            FARTHEST, or for bonded atoms FARTHEST + 1 + code of the bond.
        space: (molecule, place, place, dim) features of the distance; None without.
        around: (molecule, place, kernel) the distances to all atoms, itself at 0 among them, as
            a sum over their kernels; None without.
        reach: (molecule, place, place) logarithm of what a pair counts, for a model of atoms
            in their surroundings; None where all count.
    """

    path: Tensor
    space: Tensor | None = None
    around: Tensor | None = None
    reach: Tensor | None = None


class PairEmbedding(nn.Module):
    """Makes the `Pairs` of a batch, once for all blocks.

    Distances in space go through Gaussian kernels, after a scale and a shift for each
    pair of elements (Uni-Mol, appendix; Transformer-M, section 3). A molecule without
    conformer has zeros there.

    Args:
        geometry: whether to use paths along bonds, distances in space, or both.
        dim: features of a distance in space.
        local: let a pair count less the farther apart it is, and nothing from LONGEST on:
            (cos(pi d / LONGEST) + 1) / 2 (Behler & Parrinello 2007, equation 4).
    """

    def __init__(self, geometry: Geometry, dim: int, local: bool = False) -> None:
        super().__init__()
        self.local = local
        self.from_space = geometry != "graph"
        if self.from_space:
            kinds = (len(_ELEMENTS) + 1) ** 2
            self.scale, self.shift = nn.Embedding(kinds, 1), nn.Embedding(kinds, 1)
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)
            self.kernels = GaussianKernels(KERNELS, 0.0, LONGEST)
            self.mix = MLP(KERNELS, dim, dim)

    def forward(self, batch: MoleculeBatch, padded: Padded) -> Pairs:
        """Pairs of a batch."""
        path = _paths(batch, padded)
        if not self.from_space:
            return Pairs(path)
        distance = _distances(batch, padded)
        known = batch.has_conformer.view(-1, 1, 1)
        weight = _weight(distance) if self.local else torch.ones_like(distance)
        kernels = self._kernels(batch, padded, distance)
        counted = weight * (known & padded.valid.unsqueeze(1))
        around = (kernels * counted.to(kernels.dtype).unsqueeze(-1)).sum(2)
        space = self.mix(kernels) * known.unsqueeze(-1)
        return Pairs(path, space, around, _logarithm(weight) if self.local else None)

    def _kernels(self, batch: MoleculeBatch, padded: Padded, distance: Tensor) -> Tensor:
        element = padded.pad(_element_class(batch.x[:, 0]))
        kind = element.unsqueeze(2) * (len(_ELEMENTS) + 1) + element.unsqueeze(1)
        scale, shift = self.scale(kind).squeeze(-1), self.shift(kind).squeeze(-1)
        return self.kernels(scale * distance.to(scale.dtype) + shift)


class PairBias(nn.Module):
    """Attention bias of one block: a table over paths (Graphormer), a linear map of space.

    Args:
        geometry: which of the two.
        dim: features of a distance in space.
        heads: of the block.
    """

    def __init__(self, geometry: Geometry, dim: int, heads: int) -> None:
        super().__init__()
        graph, space = geometry != "conformer", geometry != "graph"
        self.path = nn.Embedding(FARTHEST + 1 + _BOND_CODES, heads) if graph else None
        self.space = nn.Linear(dim, heads, bias=False) if space else None

    def forward(self, pairs: Pairs) -> Tensor:
        """Pairs -> (molecule, 1, head, place, place)."""
        parts = []
        if self.path is not None:
            parts.append(self.path(pairs.path))
        if self.space is not None:
            parts.append(self.space(pairs.space))
        if pairs.reach is not None:
            parts.append(pairs.reach.to(parts[0].dtype).unsqueeze(-1))
        return sum(parts[1:], start=parts[0]).permute(0, 3, 1, 2).unsqueeze(1)


def _weight(distance: Tensor) -> Tensor:
    """What a pair counts: Å -> 1 at no distance to 0 from LONGEST on."""
    return 0.5 * (torch.cos(math.pi * distance.clamp(max=LONGEST) / LONGEST) + 1)


def _logarithm(weight: Tensor) -> Tensor:
    """To be added to a logit; of zero `MASKED`."""
    none = weight == 0
    return torch.where(none, 1.0, weight).log().masked_fill(none, MASKED)


def _element_class(atomic_number: Tensor) -> Tensor:
    table = torch.full((256,), len(_ELEMENTS), device=atomic_number.device)
    table[list(_ELEMENTS)] = torch.arange(len(_ELEMENTS), device=table.device)
    return table[atomic_number]


@torch.no_grad()
def _paths(batch: MoleculeBatch, padded: Padded) -> Tensor:
    """What `Pairs.path` holds."""
    molecules, places = padded.valid.shape
    order, ring, stereo = batch.edge_attr.unbind(1)
    code = (order * BOND_FIELDS["ring"] + ring) * BOND_FIELDS["stereo"] + stereo
    sender, receiver = padded.place[batch.edge_index]
    cell = receiver * places + sender % places
    path = torch.zeros(molecules * places * places, dtype=torch.long, device=code.device)
    path[cell] = 1
    path = _shortest(path.view(molecules, places, places)).flatten()
    path[cell] = FARTHEST + 1 + code
    return path.view(molecules, places, places)


def _shortest(bonded: Tensor) -> Tensor:
    """(molecule, place, place) 1 for bonded atoms -> bonds along the shortest path."""
    step = bonded.float()
    reached = torch.eye(bonded.shape[-1], device=step.device).expand_as(step)
    hops = torch.where(reached > 0, 0, FARTHEST)
    for distance in range(1, FARTHEST):
        reached = (torch.bmm(reached, step) + reached).clamp(max=1)
        hops = torch.where(reached > 0, hops.clamp(max=distance), hops)
    return hops


def _distances(batch: MoleculeBatch, padded: Padded) -> Tensor:
    """(molecule, place, place) Å; zero without conformer."""
    if batch.pos is None:
        return torch.zeros(len(batch), *2 * padded.valid.shape[1:], device=batch.x.device)
    known = batch.has_conformer[batch.batch].unsqueeze(1)
    pos = padded.pad(torch.where(known, batch.pos, 0.0))
    squared = (pos.unsqueeze(2) - pos.unsqueeze(1)).square().sum(-1)
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)
