"""Pre-training without labels: hide some atoms and bonds, and tell what they were."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS, MASKED_ATOM, MASKED_BOND
from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch
from sciml.layers import MLP


class MaskedAtoms(nn.Module):
    """Hide some atoms and bonds, and tell what they were (Hu et al. 2020, section 3.1).

    Args:
        dim: channels of the encoder's atoms.
        share: of atoms, and of bonds, that are hidden.
    """

    def __init__(self, dim: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.atom = MLP(dim, dim, sum(ATOM_FIELDS.values()))
        self.bond = MLP(dim, dim, BOND_FIELDS["order"])

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean cross-entropy per field of the hidden atoms, plus that of the hidden bonds."""
        atoms = torch.rand(len(batch.x), device=batch.x.device) < self.share
        bonds = _same_both_ways(torch.rand(batch.edge_index.shape[1]), batch) < self.share
        states = model.encoder.atoms(hide(batch, atoms, bonds))
        logits = self.atom(states[atoms]).split(list(ATOM_FIELDS.values()), dim=1)
        truth = batch.x[atoms].unbind(1)
        losses = [_entropy(found, code) for found, code in zip(logits, truth, strict=True)]
        sender, receiver = batch.edge_index[:, bonds]
        orders = self.bond(states[sender] + states[receiver])
        return torch.stack(losses).mean() + _entropy(orders, batch.edge_attr[bonds, 0])


def hide(batch: MoleculeBatch, atoms: Tensor, bonds: Tensor) -> MoleculeBatch:
    """The batch with the features of some atoms and bonds hidden.

    Args:
        batch: the molecules.
        atoms: (atom,) bool.
        bonds: (edge,) bool, the same for both directions.
    """
    no_atom = torch.zeros_like(batch.x[:1])
    no_atom[:, 0] = MASKED_ATOM
    no_bond = torch.zeros_like(batch.edge_attr[:1])
    no_bond[:, 0] = MASKED_BOND
    return replace(
        batch,
        x=torch.where(atoms.unsqueeze(1), no_atom, batch.x),
        edge_attr=torch.where(bonds.unsqueeze(1), no_bond, batch.edge_attr),
    )


def _same_both_ways(values: Tensor, batch: MoleculeBatch) -> Tensor:
    """(edge,) values, with those of each bond's reverse direction made the same."""
    sender, receiver = batch.edge_index
    bond = torch.minimum(sender, receiver) * len(batch.x) + torch.maximum(sender, receiver)
    _, number = bond.unique(return_inverse=True)
    return values.to(number.device)[number]


def _entropy(logits: Tensor, codes: Tensor) -> Tensor:
    """Mean cross-entropy; zero for no rows."""
    return F.cross_entropy(logits, codes, reduction="sum") / max(1, len(codes))
