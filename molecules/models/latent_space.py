"""The generator's latent space: a few numbers for each atom, in the order of writing.

A molecule is a row of slots, each a point in a few channels that stands for an atom and its bonds.
So a molecule of many atoms has more room than one of few, and what writes it finds what comes
next in a known place. Slots behind the last atom stand for nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS
from molecules.models.embedding import FieldEmbedding
from molecules.molecule import MoleculeBatch
from sciml.graph import gather_sum

_WIDEST = 4.0  # logarithm of a standard deviation, at most and at least


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian with independent channels: (..., channel) each."""

    mean: Tensor
    log_std: Tensor

    @classmethod
    def of(cls, told: Tensor) -> "Gaussian":
        """(..., 2 channels) of a layer; standard deviations are bounded against a bad start."""
        wide = told if told.dtype == torch.float64 else told.float()
        mean, log_std = wide.chunk(2, dim=-1)
        return cls(mean, _WIDEST * torch.tanh(log_std / _WIDEST))

    def sample(self, noise: Tensor) -> Tensor:
        """The point that a standard normal `noise` leads to."""
        return self.mean + self.log_std.exp() * noise

    def divergence(self) -> Tensor:
        """Kullback-Leibler divergence from a standard normal one, (..., channel) in nats.

        KL = (s² + m² - 1) / 2 - ln s for mean m, standard deviation s.
        """
        return ((2 * self.log_std).exp() + self.mean.square() - 1) / 2 - self.log_std


class SlotReader(nn.Module):
    """Posterior: atoms, numbered as they are written, to a Gaussian for each slot.

    An atom is what an encoder says of it, what it is itself, and its bonds: how many places
    before or behind its own the other atom is, and of which kind they are.

    Args:
        encoder: channels of an atom that the encoder tells.
        conditions: number of conditions.
        slots: atoms of a molecule, at most.
        latent: channels of a slot.
        dim: hidden channels of an atom.
    """

    def __init__(self, encoder: int, conditions: int, slots: int, latent: int, dim: int) -> None:
        super().__init__()
        self.slots, self.dim = slots, dim
        self.norm = nn.LayerNorm(encoder)
        self.told = nn.Linear(encoder, dim)
        self.kind = FieldEmbedding(ATOM_FIELDS, dim)
        self.places = nn.Embedding(2 * slots + 1, dim)
        self.bond = FieldEmbedding(BOND_FIELDS, dim)
        self.nothing = nn.Parameter(torch.zeros(dim))
        self.widen = nn.Linear(dim, 2 * dim)
        self.neighbours = nn.GRU(2 * dim, dim, batch_first=True, bidirectional=True)
        self.tell = nn.Linear(4 * dim + conditions, 2 * latent)

    def forward(self, states: Tensor, batch: MoleculeBatch, conditions: Tensor) -> Gaussian:
        """Gaussians (molecule, slot, latent).

        Args:
            states: (atom, encoder), what the encoder says.
            batch: of at most `slots` atoms a molecule.
            conditions: (molecule, condition), normalized.
        """
        sender, receiver = batch.edge_index
        apart = sender - receiver + self.slots
        bonds = gather_sum(self.places(apart) * self.bond(batch.edge_attr), receiver, len(states))
        atoms = F.relu(self.told(self.norm(states)) + self.kind(batch.x) + bonds)
        place = torch.arange(len(states), device=states.device) - batch.ptr[batch.batch]
        table = self.nothing.to(atoms.dtype).expand(len(batch), self.slots, self.dim).clone()
        table[batch.batch, place] = atoms
        slots = F.relu(self.widen(table))
        around, _ = self.neighbours(slots)
        asked = conditions.unsqueeze(1).expand(-1, self.slots, -1)
        return Gaussian.of(self.tell(torch.cat([slots, around, asked], dim=2)))
