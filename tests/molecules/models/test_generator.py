"""The generator's parts by their closed forms."""

import torch
from torch.distributions import Normal, kl_divergence

from molecules.features.selfies import START, STOP, Vocabulary
from molecules.models.generator import (
    DecoderConfig,
    Gaussian,
    GeneratorConfig,
    GraphToSelfies,
    SelfiesDecoder,
)
from molecules.models.model import ModelConfig
from molecules.pretraining.writing import surprise
from sciml.graph import GraphNetworkConfig

SIZES = DecoderConfig(latent=4, dim=16, embedding=8, tokens=64, longest=12)


def gaussian(rows: int = 5) -> Gaussian:
    return Gaussian(
        torch.randn(rows, 4, dtype=torch.float64), torch.randn(rows, 4, dtype=torch.float64)
    )


def small() -> GraphToSelfies:
    torch.manual_seed(0)
    encoder = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1))
    words = Vocabulary(symbols=("[C]", "[O]", "[N]"), longest=12)
    return GraphToSelfies(
        GeneratorConfig(encoder=encoder, decoder=SIZES, vocabulary=words, max_atoms=50)
    )


def test_divergence_is_that_of_normal_distributions() -> None:
    torch.manual_seed(0)
    one, other = gaussian(), gaussian()
    expected = kl_divergence(
        Normal(one.mean, one.log_std.exp()), Normal(other.mean, other.log_std.exp())
    )
    torch.testing.assert_close(one.divergence(other), expected, atol=1e-10, rtol=1e-10)
    assert one.divergence(one).abs().max() < 1e-12


def test_writing_step_by_step_is_what_is_trained() -> None:
    torch.manual_seed(0)
    decoder = SelfiesDecoder(6, SIZES, tokens=9).eval()
    context = torch.randn(7, 6)
    written = decoder.write(context, 12, 0.0, torch.Generator())
    sizes = (written != STOP).sum(1) + 1
    for row, size in enumerate(sizes.clamp(max=12).tolist()):
        before = torch.cat([torch.tensor([START]), written[row, : size - 1]])
        logits = decoder(context[row : row + 1], before[None], torch.tensor([size]))
        logits[:, START] = logits[0, STOP] = -torch.inf
        assert torch.equal(logits.argmax(1), written[row, :size])


def test_padding_changes_nothing() -> None:
    model = small().double()
    latent, conditions = torch.randn(3, 4).double(), torch.randn(3, 4).double()
    sequence = torch.tensor([[2, 3, STOP, STOP], [4, STOP, STOP, STOP], [2, 2, 3, STOP]])
    together = surprise(model, latent, conditions, sequence, 0.0)
    alone = sum(
        surprise(model, latent[i, None], conditions[i, None], sequence[i, None, :n], 0.0)
        for i, n in enumerate((3, 2, 4))
    )
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=1e-10)
