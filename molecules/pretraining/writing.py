"""Pre-training without labels: read a graph into a few numbers, and write it as SELFIES."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from molecules.features.selfies import START, STOP
from molecules.models.generator import Gaussian, GraphToSelfies
from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch
from molecules.pretraining.shared import OfMolecules


class SelfiesWriting(OfMolecules):
    """Minus the evidence's lower bound, per token (Kingma and Welling 2014, equation 3).

    A decoder that writes well by itself learns to ignore the latent space. Against that the
    weight of the divergence grows from zero over the first part of the training, hidden
    tokens are to be told from the latent point, and the first nats of each channel cost
    nothing (Bowman et al. 2016, section 3.1; Kingma et al. 2016, section C.8).

    Args:
        divergence: weight of the divergence, at last.
        annealing: share of the training over which the weight grows.
        free_nats: of each channel, in the mean of a batch.
        hidden_tokens: share of tokens that the decoder does not see again.
    """

    def __init__(
        self, divergence: float, annealing: float, free_nats: float, hidden_tokens: float
    ) -> None:
        super().__init__()
        self.divergence, self.annealing = divergence, annealing
        self.free_nats, self.hidden_tokens = free_nats, hidden_tokens
        self.share = 1.0

    def forward(self, model: EncoderModel, molecules: Tensor, batch: MoleculeBatch) -> Tensor:
        """The loss, in nats."""
        assert isinstance(model, GraphToSelfies)
        assert batch.sequence is not None
        assert batch.conditions is not None
        conditions = model.standard(batch.conditions)
        posterior = model.read(molecules, conditions)
        latent = posterior.sample(torch.randn_like(posterior.mean))
        hidden = self.hidden_tokens if self.training else 0.0
        entropy = surprise(model, latent, conditions, batch.sequence, hidden)
        rate = divergence(posterior, model.prior(conditions), self.free_nats)
        weight = self.divergence * min(1.0, self.share / self.annealing)
        return (entropy + weight * rate * len(batch)) / (_sizes(batch.sequence).sum())


def divergence(posterior: Gaussian, prior: Gaussian, free: float) -> Tensor:
    """Nats of a molecule, in the mean; a channel counts with `free` at least."""
    return posterior.divergence(prior).mean(0).clamp(min=free).sum()


def surprise(
    model: GraphToSelfies, latent: Tensor, conditions: Tensor, sequence: Tensor, hidden: float
) -> Tensor:
    """Negative log-likelihood of sequences (molecule, place), in nats, of all together.

    Args:
        model: that writes.
        latent, conditions: (molecule, channel).
        sequence: codes, STOP behind the last.
        hidden: share of tokens that the model does not see again.
    """
    sizes = _sizes(sequence)
    before = F.pad(sequence, (1, 0), value=START)[:, :-1]
    drop = torch.rand(before.shape, device=before.device) < hidden
    before = torch.where(drop, START, before)
    logits = model.decoder(torch.cat([latent, conditions], dim=1), before, sizes)
    target = pack_padded_sequence(sequence, sizes, batch_first=True, enforce_sorted=False).data
    return F.cross_entropy(logits.float(), target, reduction="sum")


def _sizes(sequence: Tensor) -> Tensor:
    """(molecule,) tokens and one STOP, in host memory."""
    return (sequence != STOP).sum(dim=1).cpu() + 1
