"""What a pair of atoms adds to their attention: distance in space, distance along bonds.

All of it depends on distances alone, so a model that sees conformers only through it is
invariant to rotation, translation and reflection.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from molecules.features.encoding import BOND_FIELDS
from molecules.molecule import MoleculeBatch, Padded
from sciml.embeddings import GaussianKernels
from sciml.layers import MLP

Geometry = Literal["graph", "conformer", "both"]

FARTHEST = 9  # bonds along the shortest path; beyond, and between fragments, all are alike
_BOND_CODES = BOND_FIELDS["order"] * BOND_FIELDS["ring"] * BOND_FIELDS["stereo"]
_ELEMENTS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)  # the others share one class
_KERNELS, _LONGEST = 64, 12.0  # Gaussian kernels, and their range in Å


@dataclass(frozen=True)
class Pairs:
    """Pairs of atoms of each molecule, padded.

    Attributes:
        path: (molecule, place, place) int64: bonds along the shortest path, at most
            FARTHEST, or for bonded atoms FARTHEST + 1 + code of the bond.
        space: (molecule, place, place, dim) features of the distance; None without.
    """

    path: Tensor
    space: Tensor | None


class PairEmbedding(nn.Module):
    """Makes the `Pairs` of a batch, once for all blocks.

    Distances in space go through Gaussian kernels, after a scale and a shift for each
    pair of elements (Uni-Mol, appendix; Transformer-M, section 3). A molecule without
    conformer has zeros there.

    Args:
        geometry: whether to use paths along bonds, distances in space, or both.
        dim: features of a distance in space.
    """

    def __init__(self, geometry: Geometry, dim: int) -> None:
        super().__init__()
        self.from_space = geometry != "graph"
        if self.from_space:
            kinds = (len(_ELEMENTS) + 1) ** 2
            self.scale, self.shift = nn.Embedding(kinds, 1), nn.Embedding(kinds, 1)
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)
            self.kernels = GaussianKernels(_KERNELS, 0.0, _LONGEST)
            self.mix = MLP(_KERNELS, dim, dim)

    def forward(self, batch: MoleculeBatch, padded: Padded) -> Pairs:
        """Pairs of a batch."""
        return Pairs(_paths(batch, padded), self._space(batch, padded) if self.from_space else None)

    def _space(self, batch: MoleculeBatch, padded: Padded) -> Tensor:
        element = padded.pad(_element_class(batch.x[:, 0]))
        kind = element.unsqueeze(2) * (len(_ELEMENTS) + 1) + element.unsqueeze(1)
        scale, shift = self.scale(kind).squeeze(-1), self.shift(kind).squeeze(-1)
        kernels = self.kernels(scale * _distances(batch, padded).to(scale.dtype) + shift)
        return self.mix(kernels) * batch.has_conformer.view(-1, 1, 1, 1)


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
        return sum(parts[1:], start=parts[0]).permute(0, 3, 1, 2).unsqueeze(1)


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
