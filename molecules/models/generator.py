"""The generator: a molecular graph to a point in latent space, and a point there to SELFIES.

A conditional variational autoencoder (Kingma and Welling 2014; Sohn, Lee and Yan 2015) that
reads a graph and writes a text, as the PanGu drug model does (Lin et al. 2022, Sci. China
Life Sci., doi 10.1007/s11427-022-2239-y). A molecule x with properties c has the posterior
q(z | x, c), which stays near a standard normal distribution, and p(x | z, c) writes it.

Most of what is drawn from a standard normal distribution is no place where a molecule is. So what
writes also learns p(x | c), without a point; where molecules of that are, is what is drawn from:
p(z | c) is the mean of q(z | x, c) over p(x | c), the aggregated posterior that is the best prior
(Tomczak and Welling 2018, arXiv:1705.07120, section 2).
"""

import torch
from pydantic import Field
from torch import Tensor

from molecules.features.conditions import CONDITIONS
from molecules.features.selfies import Vocabulary
from molecules.models.latent_space import Gaussian, SlotReader
from molecules.models.model import EncoderModel, ModelConfig
from molecules.models.selfies_decoder import SelfiesDecoder
from molecules.molecule import MoleculeBatch
from sciml.config import Config
from sciml.normalize import Normalizer

GENERATOR = "molecules.generator"  # kind of a file that holds a `GraphToSelfies`
_FARTHEST = 4.0  # standard deviations of a condition: little is learned of what lies beyond


class DecoderConfig(Config):
    """Size of what is put on an encoder to make a generator.

    Attributes:
        slots: atoms of a molecule, at most; each has some channels, see `models.latent_space`.
        latent: channels of a slot.
        dim: of the recurrent network that writes.
        embedding: channels of what it sees.
        reader: channels of what reads atoms and slots.
        tokens: codes of the vocabulary, at most.
        longest: tokens of a molecule, at most.
        known: molecules whose properties the file keeps, to draw from what is not asked for.
    """

    slots: int = Field(50, ge=1)
    latent: int = Field(6, ge=1)
    dim: int = Field(512, ge=1)
    embedding: int = Field(192, ge=1)
    reader: int = Field(128, ge=1)
    tokens: int = Field(512, ge=64, lt=65_536)
    longest: int = Field(48, ge=1)
    known: int = Field(4096, ge=1)


class GeneratorConfig(Config):
    """What builds a `GraphToSelfies` anew.

    Attributes:
        encoder: what reads molecules.
        decoder: see `DecoderConfig`.
        vocabulary: what is written with.
        known, seen: rows of the buffers of these names.
    """

    encoder: ModelConfig
    decoder: DecoderConfig
    vocabulary: Vocabulary
    known: int = Field(1, ge=1)
    seen: int = Field(0, ge=0)


class GraphToSelfies(EncoderModel):
    """Molecular graphs to points in latent space, and points to SELFIES.

    The atoms of the graphs are numbered in the order of writing, see `writing_order`.

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
        self.reader = SlotReader(
            self.encoder.backbone.out_dim,
            asked,
            sizes.slots,
            sizes.latent,
            sizes.reader,
        )
        self.decoder = SelfiesDecoder(
            config.vocabulary,
            asked,
            sizes.slots,
            sizes.latent,
            sizes.dim,
            sizes.embedding,
            sizes.reader,
        )
        self.register_buffer(
            "known", torch.zeros(config.known, asked) if known is None else known.float()
        )
        self.register_buffer(
            "seen", torch.zeros(config.seen, dtype=torch.int32) if seen is None else seen
        )

    def standard(self, conditions: Tensor) -> Tensor:
        """(molecule, condition) in the units of `CONDITIONS`, in bounded standard deviations."""
        return self.normalizer.normalize(conditions).clamp(-_FARTHEST, _FARTHEST)

    def posterior(self, batch: MoleculeBatch, conditions: Tensor) -> Gaussian:
        """Where molecules are: (molecule, slot, channel).

        Args:
            batch: graphs, their atoms in the order of writing.
            conditions: (molecule, condition), normalized.
        """
        return self.reader(self.encoder.atoms(batch), batch, conditions)
