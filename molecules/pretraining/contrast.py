"""Pre-training without labels: tell which conformer belongs to which graph."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.models.model import Encoder, EncoderModel, ModelConfig
from molecules.molecule import MoleculeBatch
from sciml.transformer_config import WindowTransformerConfig

TEMPERATURE = 0.1
_ELEMENT = 0  # the field of an atom that a conformer's view sees
_VIEW = ModelConfig(
    backbone=WindowTransformerConfig(dim=64, depths=(2,), heads=(4,), mlp_ratio=2.0),
    geometry="conformer",
)


class OfMolecules(nn.Module):
    """A task on vectors of whole molecules, which several such tasks share."""


class ConformerContrast(OfMolecules):
    """Contrast of two views of a molecule, its graph and its shape.

    As 3D Infomax (Stärk et al. 2022) and GraphMVP (Liu et al. 2022) do. A small transformer of
    this task sees elements and distances in space, and nothing of the graph. Of all conformers
    in a batch, each graph tells its own, and each conformer its graph.

    Args:
        dim: channels of the encoder's molecules.
        channels: that both views are compared in.
    """

    def __init__(self, dim: int, channels: int = 64) -> None:
        super().__init__()
        self.view = Encoder(_VIEW)
        self.graph = nn.Linear(dim, channels)
        self.shape = nn.Linear(self.view.dim, channels)

    def forward(self, model: EncoderModel, molecules: Tensor, batch: MoleculeBatch) -> Tensor:
        """Mean cross-entropy of both choices, over molecules that have a conformer.

        Where none has, one molecule is compared with itself, which leaves nothing to choose:
        the loss and all gradients are zero.
        """
        (known,) = torch.nonzero(batch.has_conformer, as_tuple=True)
        known = known if len(known) else known.new_zeros(1)
        part, _ = batch.select(known)
        graphs, shapes = self.graph(molecules[known]), self.shape(self.view(shape_alone(part)))
        return contrast(graphs.float(), shapes.float())


def shape_alone(batch: MoleculeBatch) -> MoleculeBatch:
    """The batch with elements and positions, and nothing else that tells of its bonds."""
    elements = torch.zeros_like(batch.x)
    elements[:, _ELEMENT] = batch.x[:, _ELEMENT]
    return replace(
        batch, x=elements, edge_index=batch.edge_index[:, :0], edge_attr=batch.edge_attr[:0]
    )


def contrast(one: Tensor, other: Tensor) -> Tensor:
    """Cross-entropy of which row of `other` belongs to which of `one`, and the reverse.

    Args:
        one, other: (molecule, channel); the cosine over TEMPERATURE is the logit.
    """
    logits = F.normalize(one, dim=1) @ F.normalize(other, dim=1).T / TEMPERATURE
    truth = torch.arange(len(one), device=one.device)
    return (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
