"""What a pair of atoms adds to their attention: distance in space, distance along bonds.

All of it depends on distances alone, so a model that sees conformers only through it is
invariant to rotation, translation and reflection.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from molecules.encoding import BOND_FIELDS
from molecules.molecule import MoleculeBatch, Padded
from sciml.embeddings import GaussianKernels
from sciml.layers import MLP

Geometry = Literal["graph", "conformer", "both"]

FARTHEST = 9  # bonds along the shortest path; beyond, and between fragments, all are alike
_ELEMENTS = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)  # the others share one class
_KERNELS, _LONGEST = 64, 12.0  # Gaussian kernels, and their range in Å


@dataclass(frozen=True)
class Pairs:
    """Pairs of atoms of each molecule, padded.

    Attributes:
        kind: (molecule, place, place) int64, the two element classes.
        hops: (molecule, place, place) int64, bonds along the shortest path.
        bond: (molecule, place, place) int64, 0 without a bond, else its code.
        distance: (molecule, place, place) Å, 0 where unknown.
        known: (molecule,) bool, whether there is a conformer.
    """

    kind: Tensor
    hops: Tensor
    bond: Tensor
    distance: Tensor
    known: Tensor

    @classmethod
    def of(cls, batch: MoleculeBatch, padded: Padded) -> "Pairs":
        """Pairs of a batch."""
        element = padded.pad(_element_class(batch.x[:, 0]))
        bond = _bond_matrix(batch, padded)
        known = batch.has_conformer
        return cls(
            kind=element.unsqueeze(2) * (len(_ELEMENTS) + 1) + element.unsqueeze(1),
            hops=_shortest_paths(bond > 0),
            bond=bond,
            distance=_distances(batch, padded, known),
            known=known,
        )


class PairEmbedding(nn.Module):
    """Features of pairs of atoms, made once and used by the bias of every block.

    Distances in space go through Gaussian kernels after a scale and a shift for each
    pair of elements (Uni-Mol, appendix; Transformer-M, section 3); bonds and hops are
    embedded (Graphormer, section 3.1). Without a conformer the first part is zero.

    Args:
        geometry: which of the two parts to use.
        dim: features.
    """

    def __init__(self, geometry: Geometry, dim: int) -> None:
        super().__init__()
        self.from_graph, self.from_space = geometry != "conformer", geometry != "graph"
        if self.from_graph:
            self.hops = nn.Embedding(FARTHEST + 1, dim)
            self.bond = nn.Embedding(1 + _BOND_CODES, dim)
        if self.from_space:
            kinds = (len(_ELEMENTS) + 1) ** 2
            self.scale, self.shift = nn.Embedding(kinds, 1), nn.Embedding(kinds, 1)
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)
            self.kernels = GaussianKernels(_KERNELS, 0.0, _LONGEST)
            self.mix = MLP(_KERNELS, dim, dim)

    def forward(self, pairs: Pairs) -> Tensor:
        """Pairs -> (molecule, place, place, dim)."""
        features = self.hops.weight.new_zeros(()) if self.from_graph else 0.0
        if self.from_graph:
            features = self.hops(pairs.hops) + self.bond(pairs.bond)
        if self.from_space:
            scale, shift = self.scale(pairs.kind), self.shift(pairs.kind)
            distance = pairs.distance.to(scale.dtype)
            kernels = self.kernels(scale.squeeze(-1) * distance + shift.squeeze(-1))
            features = features + self.mix(kernels) * pairs.known.view(-1, 1, 1, 1)
        return features


class PairBias(nn.Module):
    """Attention bias of one block: (molecule, place, place, dim) -> (molecule, 1, head, ...)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, heads, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features of pairs -> (molecule, 1, head, place, place)."""
        return self.linear(features).permute(0, 3, 1, 2).unsqueeze(1)


_BOND_CODES = BOND_FIELDS["order"] * BOND_FIELDS["ring"] * BOND_FIELDS["stereo"]


def _element_class(atomic_number: Tensor) -> Tensor:
    table = torch.full((256,), len(_ELEMENTS), device=atomic_number.device)
    table[list(_ELEMENTS)] = torch.arange(len(_ELEMENTS), device=table.device)
    return table[atomic_number]


def _bond_matrix(batch: MoleculeBatch, padded: Padded) -> Tensor:
    order, ring, stereo = batch.edge_attr.unbind(1)
    code = 1 + (order * BOND_FIELDS["ring"] + ring) * BOND_FIELDS["stereo"] + stereo
    molecules, places = padded.valid.shape
    sender, receiver = padded.place[batch.edge_index]
    matrix = torch.zeros(molecules * places * places, dtype=torch.long, device=code.device)
    matrix[receiver * places + sender % places] = code
    return matrix.view(molecules, places, places)


@torch.no_grad()
def _shortest_paths(bonded: Tensor) -> Tensor:
    """(molecule, place, place) bonded or not -> bonds along the shortest path, at most FARTHEST."""
    step = bonded.float()
    reached = torch.eye(bonded.shape[-1], device=step.device).expand_as(step)
    hops = torch.full(bonded.shape, FARTHEST, device=step.device)
    hops[reached > 0] = 0
    for distance in range(1, FARTHEST):
        reached = torch.bmm(reached, step) + reached
        reached = reached.clamp(max=1)
        hops = torch.where(reached > 0, hops.clamp(max=distance), hops)
    return hops


def _distances(batch: MoleculeBatch, padded: Padded, known: Tensor) -> Tensor:
    molecules, places = padded.valid.shape
    if batch.pos is None:
        return torch.zeros(molecules, places, places, device=batch.x.device)
    pos = padded.pad(torch.where(known[batch.batch, None], batch.pos, 0.0))
    squared = (pos.unsqueeze(2) - pos.unsqueeze(1)).square().sum(-1)
    apart = squared > 0
    return torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0)
