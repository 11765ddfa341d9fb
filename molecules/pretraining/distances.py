"""Pre-training without labels: tell how far apart the atoms of a molecule are in space."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch
from molecules.pretraining.denoising import all_pairs, places
from sciml.layers import MLP

BIN, BINS = 0.5, 30  # Å of a class of distances, and classes: the last takes all from 14.5 Å on


class AtomDistances(nn.Module):
    """Tell the class of the distance of every two atoms.

    As GEM does (Fang et al. 2022, Nat. Mach. Intell. 4, 127). A model of the graph tells what
    shape its atoms will take. One that sees conformers is shown them with noise, and tells the
    distances before it.

    Args:
        dim: channels of the encoder's atoms.
        noise: standard deviation in Å.
        channels: of a pair.
    """

    def __init__(self, dim: int, noise: float, channels: int = 64) -> None:
        super().__init__()
        self.noise = noise
        self.norm = nn.LayerNorm(dim)
        self.both = nn.Linear(dim, channels)
        self.head = MLP(channels, channels, BINS)

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean cross-entropy of pairs within molecules that have a conformer.

        Zero, with gradients of zero, where there are none.
        """
        pos = places(batch)
        noisy = replace(batch, pos=pos + self.noise * torch.randn_like(pos))
        one, other = pairs(batch)
        truth = classes((pos[one] - pos[other]).norm(dim=1))
        told = self.tell(model.encoder.atoms(noisy), one, other)
        return F.cross_entropy(told, truth, reduction="sum") / max(1, len(truth))

    def tell(self, atoms: Tensor, one: Tensor, other: Tensor) -> Tensor:
        """(atom, dim) -> (pair, BINS) logits, the same in both directions."""
        states = self.both(self.norm(atoms))
        return self.head(states[one] * states[other]).float()


def pairs(batch: MoleculeBatch) -> tuple[Tensor, Tensor]:
    """Both atoms of every pair within a molecule that has a conformer, each pair once."""
    one, other = all_pairs(batch)
    chosen = (one < other) & batch.has_conformer[batch.batch[one]]
    return one[chosen], other[chosen]


def classes(distance: Tensor) -> Tensor:
    """(pair,) Å -> (pair,) int64."""
    return (distance / BIN).long().clamp(max=BINS - 1)
