"""The generator: a molecular graph to a Gaussian in latent space, and a point there to SELFIES.

A conditional variational autoencoder (Kingma and Welling 2014; Sohn, Lee and Yan 2015) that
reads a graph and writes a text, as the PanGu drug model does (Lin et al. 2022, Sci. China
Life Sci., doi 10.1007/s11427-022-2239-y). A molecule x with properties c has the posterior
q(z | x, c); without a molecule, z is drawn from the prior p(z | c), which is learned too.
"""

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from molecules.features.conditions import CONDITIONS
from molecules.features.selfies import START, STOP, Vocabulary
from molecules.models.model import EncoderModel, ModelConfig
from molecules.molecule import MoleculeBatch
from sciml.config import Config
from sciml.layers import MLP
from sciml.normalize import Normalizer

GENERATOR = "molecules.generator"  # kind of a file that holds a `GraphToSelfies`
_WIDEST = 4.0  # logarithm of a standard deviation, at most and at least
_FARTHEST = 4.0  # standard deviations of a condition: a prior learns little of what lies beyond


class DecoderConfig(Config):
    """Size of what is put on an encoder to make a generator.

    Attributes:
        latent: channels of the latent space.
        dim: of the recurrent network that writes.
        embedding: channels of a token.
        tokens: codes of the vocabulary, at most.
        longest: tokens of a molecule, at most.
        known: molecules whose properties the file keeps, to draw from what is not asked for.
    """

    latent: int = Field(96, ge=1)
    dim: int = Field(512, ge=1)
    embedding: int = Field(192, ge=1)
    tokens: int = Field(512, ge=64, lt=65_536)
    longest: int = Field(48, ge=1)
    known: int = Field(4096, ge=1)


class GeneratorConfig(Config):
    """What builds a `GraphToSelfies` anew.

    Attributes:
        encoder: what reads molecules.
        decoder: see `DecoderConfig`.
        vocabulary: what is written with.
        max_atoms: larger molecules are not read.
        known, seen: rows of the buffers of these names.
    """

    encoder: ModelConfig
    decoder: DecoderConfig
    vocabulary: Vocabulary
    max_atoms: int = Field(ge=1)
    known: int = Field(1, ge=1)
    seen: int = Field(0, ge=0)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian with independent channels: (molecule, latent) each."""

    mean: Tensor
    log_std: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """The point that a standard normal `noise` leads to."""
        return self.mean + self.log_std.exp() * noise

    def divergence(self, other: "Gaussian") -> Tensor:
        """Kullback-Leibler divergence from `other`, (molecule, latent) in nats.

        KL = ln(s' / s) + (s² + (m - m')²) / (2 s'²) - 1/2 for mean m, standard deviation s.
        """
        ratio = 2 * (self.log_std - other.log_std)
        away = (self.mean - other.mean).square() * (-2 * other.log_std).exp()
        return (ratio.exp() + away - 1 - ratio) / 2


class GaussianHead(nn.Module):
    """Vectors to Gaussians: (molecule, inputs) -> (molecule, latent)."""

    def __init__(self, inputs: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.layers = MLP(inputs, hidden, 2 * latent)

    def forward(self, vectors: Tensor) -> Gaussian:
        """Standard deviations are bounded, for a start that no loss blows up."""
        mean, log_std = self.layers(vectors).float().chunk(2, dim=1)
        return Gaussian(mean, _WIDEST * torch.tanh(log_std / _WIDEST))


class SelfiesDecoder(nn.Module):
    """A gated recurrent network that writes one token after the other (Cho et al. 2014).

    Args:
        context: channels of what is to be written.
        config: sizes.
        tokens: codes of the vocabulary.
    """

    def __init__(self, context: int, config: DecoderConfig, tokens: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, config.embedding)
        self.reminder = nn.Linear(context, config.embedding)
        self.begin = nn.Linear(context, config.dim)
        self.network = nn.GRU(config.embedding, config.dim, batch_first=True)
        self.tell = nn.Linear(config.dim, tokens)

    def forward(self, context: Tensor, before: Tensor, sizes: Tensor) -> Tensor:
        """Logits of each next token, of all molecules packed.

        Args:
            context: (molecule, context).
            before: (molecule, place) the token before each place, START first.
            sizes: (molecule,) places that count, in host memory.

        Returns:
            (places that count, token), in the order of `pack_padded_sequence`.
        """
        inputs = self.embed(before) + self.reminder(context).unsqueeze(1)
        packed = pack_padded_sequence(inputs, sizes, batch_first=True, enforce_sorted=False)
        states, _ = self.network(packed, torch.tanh(self.begin(context)).unsqueeze(0))
        return self.tell(states.data)

    def write(
        self, context: Tensor, longest: int, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Write molecules, token by token.

        Args:
            context: (molecule, context).
            longest: tokens at most.
            temperature: of the draws; 0 takes the likeliest token each time.
            generator: of the draws.

        Returns:
            (molecule, longest) codes, STOP behind the last.
        """
        state = torch.tanh(self.begin(context)).unsqueeze(0)
        reminder = self.reminder(context).unsqueeze(1)
        token = torch.full((len(context), 1), START, device=context.device)
        written = torch.full((len(context), longest), STOP, device=context.device)
        going = torch.ones(len(context), dtype=torch.bool, device=context.device)
        for place in range(longest):
            output, state = self.network(self.embed(token) + reminder, state)
            logits = self.tell(output[:, 0]).float()
            logits[:, START] = -torch.inf
            if place == 0:
                logits[:, STOP] = -torch.inf  # no empty molecule
            token = _drawn(logits, temperature, generator)
            token = torch.where(going.unsqueeze(1), token, STOP)
            written[:, place] = token[:, 0]
            going &= token[:, 0] != STOP
            if not going.any():
                break
        return written


class GraphToSelfies(EncoderModel):
    """Molecular graphs to points in latent space, and points to SELFIES.

    Args:
        config: see `GeneratorConfig`.
        normalizer: of the conditions, in the order of `CONDITIONS`.
        known: (known, condition) of training molecules, in their units.
        seen: (seen,) int32, ascending hashes of the training molecules.
    """

    known: Tensor
    seen: Tensor

    def __init__(
        self,
        config: GeneratorConfig,
        normalizer: Normalizer | None = None,
        known: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> None:
        super().__init__(config.encoder)
        self.config = config
        asked, sizes = len(CONDITIONS), config.decoder
        self.normalizer = normalizer or Normalizer(torch.zeros(asked), torch.ones(asked))
        self.norm = nn.LayerNorm(self.encoder.dim)
        self.posterior = GaussianHead(self.encoder.dim + asked, sizes.dim, sizes.latent)
        self.prior = GaussianHead(asked, 64, sizes.latent)
        self.decoder = SelfiesDecoder(sizes.latent + asked, sizes, len(config.vocabulary))
        self.register_buffer(
            "known", torch.zeros(config.known, asked) if known is None else known.float()
        )
        self.register_buffer(
            "seen", torch.zeros(config.seen, dtype=torch.int32) if seen is None else seen
        )

    def standard(self, conditions: Tensor) -> Tensor:
        """(molecule, condition) in the units of `CONDITIONS`, in standard deviations and bounded.

        Unbounded, the prior of one huge molecule costs a batch a thousand times its usual loss.
        """
        return self.normalizer.normalize(conditions).clamp(-_FARTHEST, _FARTHEST)

    def read(self, molecules: Tensor, conditions: Tensor) -> Gaussian:
        """Posterior of molecules.

        Args:
            molecules: (molecule, dim), vectors of the encoder.
            conditions: (molecule, condition), normalized.
        """
        return self.posterior(torch.cat([self.norm(molecules), conditions], dim=1))

    def posterior_of(self, batch: MoleculeBatch, conditions: Tensor) -> Gaussian:
        """As `read`, from graphs."""
        return self.read(self.encoder(batch), conditions)

    def write(
        self,
        latent: Tensor,
        conditions: Tensor,
        temperature: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Points (molecule, latent) with normalized conditions to codes (molecule, place)."""
        context = torch.cat([latent, conditions], dim=1)
        longest = self.config.vocabulary.longest
        return self.decoder.write(context, longest, temperature, generator)


def _drawn(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """(molecule, token) -> (molecule, 1)."""
    if temperature == 0:
        return logits.argmax(dim=1, keepdim=True)
    return torch.multinomial((logits / temperature).softmax(dim=1), 1, generator=generator)
