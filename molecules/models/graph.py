"""Molecules for the graph network: atoms are nodes, and each bond two directed edges."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS
from molecules.models.embedding import FieldEmbedding
from molecules.molecule import MoleculeBatch
from sciml.graph import Edges, GraphNetwork, GraphNetworkConfig


class MoleculeGraphNetwork(nn.Module):
    """Message passing along bonds (the class of chemprop: Yang et al. 2019).

    There are a few dozen kinds of bonds, so what follows from a bond alone is computed once
    for each kind.

    Args:
        config: of the shared backbone.
    """

    bonds: Tensor
    place: Tensor

    def __init__(self, config: GraphNetworkConfig) -> None:
        super().__init__()
        self.out_dim = config.dim
        self.embed = FieldEmbedding(ATOM_FIELDS, config.dim)
        self.network = GraphNetwork(config, process=sum(BOND_FIELDS.values()))
        counts = torch.tensor([*BOND_FIELDS.values(), 1])
        self.register_buffer("place", counts.flip(0).cumprod(0)[:-1].flip(0), persistent=False)
        self.register_buffer("bonds", _one_hot(_all_bonds()), persistent=False)

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (atom, dim)."""
        sender, receiver = batch.edge_index
        nodes = self.embed(batch.x)
        kinds = (batch.edge_attr * self.place).sum(1)  # CUDA has no product of integer matrices
        return self.network(nodes, Edges(sender, receiver, self.bonds.to(nodes.dtype), kinds))


def _all_bonds() -> Tensor:
    """(kind, bond field) codes of every bond there can be, the last field's first to change."""
    return torch.cartesian_prod(*(torch.arange(count) for count in BOND_FIELDS.values()))


def _one_hot(codes: Tensor) -> Tensor:
    """(kind, bond field) codes -> (kind, sum of the numbers of codes)."""
    columns = zip(codes.unbind(1), BOND_FIELDS.values(), strict=True)
    return torch.cat([F.one_hot(column, count) for column, count in columns], dim=1)
