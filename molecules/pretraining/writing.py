"""Pre-training without labels: read a graph into latent space, and write it as SELFIES."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from molecules.features.selfies import START, STOP
from molecules.models.generator import GraphToSelfies
from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch


class SelfiesWriting(nn.Module):
    """Minus the evidence's lower bound, per token (Kingma and Welling 2014, equation 3).

    Each molecule is written from its point, and from none. The weight of the divergence grows
    from zero over the first part of the training, so that points are used before they cost
    (Bowman et al. 2016, section 3.1).

    Args:
        divergence: weight of the divergence, at last.
        annealing: share of the training over which the weight grows.
        hidden_tokens: share of tokens that the decoder does not see again.
    """

    def __init__(self, divergence: float, annealing: float, hidden_tokens: float) -> None:
        super().__init__()
        self.divergence, self.annealing = divergence, annealing
        self.hidden_tokens = hidden_tokens
        self.share = 1.0

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """The loss, in nats."""
        assert isinstance(model, GraphToSelfies)
        assert batch.sequence is not None
        assert batch.conditions is not None
        conditions = model.standard(batch.conditions)
        posterior = model.posterior(batch, conditions)
        latent = posterior.sample(torch.randn_like(posterior.mean))
        hidden = self.hidden_tokens if self.training else 0.0
        entropy = surprise(model, (latent, None), conditions, batch.sequence, hidden)
        weight = self.divergence * min(1.0, self.share / self.annealing)
        rate = posterior.divergence().sum()
        return (entropy + weight * rate) / _sizes(batch.sequence).sum()


def surprise(
    model: GraphToSelfies,
    points: Sequence[Tensor | None],
    conditions: Tensor,
    sequence: Tensor,
    hidden: float,
) -> Tensor:
    """Negative log-likelihood of sequences (molecule, place), in nats, of all together.

    Args:
        model: that writes.
        points: (molecule, slot, channel), or None for no point; all are added up.
        conditions: (molecule, condition), normalized.
        sequence: codes, STOP behind the last.
        hidden: share of tokens that the model does not see again.
    """
    slots = torch.cat([model.decoder.slots(latent, conditions) for latent in points])
    conditions, sequence = (part.repeat(len(points), 1) for part in (conditions, sequence))
    sizes = _sizes(sequence)
    before = F.pad(sequence, (1, 0), value=START)[:, :-1]
    drop = torch.rand(before.shape, device=before.device) < hidden
    before = torch.where(drop, START, before)
    logits = model.decoder(slots, conditions, sequence, before, sizes)
    target = pack_padded_sequence(sequence, sizes, batch_first=True, enforce_sorted=False).data
    return F.cross_entropy(logits.float(), target, reduction="sum")


def _sizes(sequence: Tensor) -> Tensor:
    """(molecule,) tokens and one STOP, in host memory."""
    return (sequence != STOP).sum(dim=1).cpu() + 1
