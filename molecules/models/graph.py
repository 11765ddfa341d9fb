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

    Args:
        config: of the shared backbone.
    """

    def __init__(self, config: GraphNetworkConfig) -> None:
        super().__init__()
        self.out_dim = config.dim
        self.embed = FieldEmbedding(ATOM_FIELDS, config.dim)
        self.network = GraphNetwork(config, process=sum(BOND_FIELDS.values()))

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (atom, dim)."""
        sender, receiver = batch.edge_index
        nodes = self.embed(batch.x)
        features = _one_hot(batch.edge_attr).to(nodes.dtype)
        return self.network(nodes, Edges(sender, receiver, features))


def _one_hot(codes: Tensor) -> Tensor:
    """(edge, bond field) codes -> (edge, sum of the numbers of codes)."""
    columns = zip(codes.unbind(1), BOND_FIELDS.values(), strict=True)
    return torch.cat([F.one_hot(column, count) for column, count in columns], dim=1)
