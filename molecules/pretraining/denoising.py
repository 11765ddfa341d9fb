"""Pre-training without labels: move the atoms of a conformer, and tell where they came from."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch
from sciml.layers import MLP


class CoordinateDenoising(nn.Module):
    """Add noise to conformers, and tell it (Uni-Mol; Transformer-M, section 3.3).

    The noise of atom i is told as sum_j s_ij (r_i - r_j) / |r_i - r_j|, with s_ij made of
    invariant numbers only, so the answer turns and mirrors with the molecule.

    Args:
        dim: channels of the encoder's atoms.
        noise: standard deviation in Å.
        channels: products that s_ij sums up.
    """

    def __init__(self, dim: int, noise: float, channels: int = 16) -> None:
        super().__init__()
        self.noise = noise
        self.norm = nn.LayerNorm(dim)
        self.left, self.right = nn.Linear(dim, channels), nn.Linear(dim, channels)
        self.radial = MLP(1, channels, channels)

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean squared error over the noise's variance, over atoms that have a place.

        Zero, with gradients of zero, where none has: in several processes each waits for the
        gradients of all parameters from all.
        """
        known = batch.has_conformer[batch.batch]
        pos = places(batch)
        noise = torch.randn_like(pos)
        noisy = replace(batch, pos=pos + self.noise * noise)
        told = self.tell(model.encoder.atoms(noisy), noisy)[known]
        error = F.mse_loss(told, noise[known].to(told.dtype), reduction="sum")
        return error / max(1, told.numel())

    def tell(self, atoms: Tensor, batch: MoleculeBatch) -> Tensor:
        """(atom, dim) and positions -> (atom, 3), in units of the noise."""
        sender, receiver = all_pairs(batch)
        assert batch.pos is not None
        pos = torch.where(batch.has_conformer[batch.batch, None], batch.pos, 0.0).to(atoms.dtype)
        apart = pos[receiver] - pos[sender]
        squared = apart.square().sum(1, keepdim=True)
        distance = torch.where(squared > 0, squared, 1.0).sqrt()
        states = self.norm(atoms)
        products = self.left(states)[receiver] * self.right(states)[sender]
        scale = (products * self.radial(distance)).sum(1, keepdim=True)
        told = torch.zeros(len(atoms), 3, dtype=atoms.dtype, device=atoms.device)
        return told.index_add(0, receiver, scale * apart / distance)


def places(batch: MoleculeBatch) -> Tensor:
    """(atom, 3) Å, NaN for a molecule without conformer, also where none has one."""
    if batch.pos is None:
        return torch.full((len(batch.x), 3), torch.nan, device=batch.x.device)
    return batch.pos


def all_pairs(batch: MoleculeBatch) -> tuple[Tensor, Tensor]:
    """Sender and receiver of all ordered pairs of atoms of the same molecule."""
    sizes = batch.ptr.diff()[batch.batch]
    receiver = torch.arange(len(batch.x), device=sizes.device).repeat_interleave(sizes)
    begin = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    within = torch.arange(len(receiver), device=sizes.device) - begin
    return batch.ptr[batch.batch[receiver]] + within, receiver
