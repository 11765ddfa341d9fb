"""Molecules for the window transformer: a molecule is one window of atoms."""

import torch
from torch import Tensor, nn

from molecules.features.encoding import ATOM_FIELDS
from molecules.models.bias import KERNELS, Geometry, PairBias, PairEmbedding
from molecules.models.embedding import FieldEmbedding
from molecules.molecule import MoleculeBatch, Padded
from sciml.transformer import WindowTransformer
from sciml.transformer_config import BlockShape, WindowTransformerConfig

_PAIRS = 2**20  # pairs of atoms computed together, unless one molecule has more
_PAIRS_OF_A_CORE = 2**13  # on a CPU: more leave its cache, and take up to twice the time


class MoleculeTransformer(nn.Module):
    """Attention between all atoms of a molecule, biased by their distances.

    With `geometry: conformer` it is of Uni-Mol's class (Zhou et al. 2023), with `graph`
    of Graphormer's (Ying et al. 2021), with `both` of Transformer-M's (Luo et al. 2023).

    Args:
        config: of the shared backbone; one stage, one window.
        geometry: what the bias is made of.
        pair_dim: features of a pair of atoms.
        local: see `PairEmbedding`.
    """

    def __init__(
        self,
        config: WindowTransformerConfig,
        geometry: Geometry,
        pair_dim: int,
        local: bool = False,
    ) -> None:
        super().__init__()
        self.embed = FieldEmbedding(ATOM_FIELDS, config.dim)
        self.pairs = PairEmbedding(geometry, pair_dim, local)
        self.around = None if geometry == "graph" else nn.Linear(KERNELS, config.dim, bias=False)

        def make_bias(shape: BlockShape) -> nn.Module:
            return PairBias(geometry, pair_dim, shape.heads)

        self.network = WindowTransformer(config, (None,), (False,), make_bias)
        self.norm = nn.LayerNorm(config.dim)
        self.out_dim = self.network.out_dim

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (atom, dim).

        Molecules of similar size are computed together: the work grows with the square
        of the largest.
        """
        nodes = self.embed(batch.x)
        atoms, states = [], []
        most = _PAIRS_OF_A_CORE if batch.x.device.type == "cpu" else _PAIRS
        for molecules in _groups(batch.ptr.diff().tolist(), most):
            part, rows = batch.select(torch.tensor(molecules, device=batch.x.device))
            atoms.append(rows)
            states.append(self._states(part, nodes[rows]))
        together = torch.cat(states)
        return torch.empty_like(together).index_copy(0, torch.cat(atoms), together)

    def _states(self, batch: MoleculeBatch, nodes: Tensor) -> Tensor:
        padded = Padded.of(batch)
        pairs, states = self.pairs(batch, padded), padded.pad(nodes)
        if self.around is not None:  # attention averages, and a sum tells how crowded it is
            states = states + self.around(pairs.around)
        states = self.network(states, padded.valid, pairs)
        return self.norm(padded.gather(states))


def _groups(sizes: list[int], most: int) -> list[list[int]]:
    """Numbers of the molecules to compute together, by size, of at most so many pairs."""
    groups: list[list[int]] = []
    for number in sorted(range(len(sizes)), key=sizes.__getitem__):
        if not groups or (len(groups[-1]) + 1) * sizes[number] ** 2 > most:
            groups.append([])
        groups[-1].append(number)
    return groups
