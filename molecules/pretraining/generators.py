"""What makes a generator of a library: its vocabulary, its model, and how it was used."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch

from molecules.features.selfies import REASONS, WRITTEN, Vocabulary
from molecules.models.generator import DecoderConfig, GeneratorConfig, GraphToSelfies
from molecules.models.model import ModelConfig
from molecules.pretraining.library import Library, Part
from molecules.pretraining.texts import Texts
from molecules.pretraining.writing import surprise
from sciml.errors import InputError
from sciml.normalize import Normalizer

_SAMPLE = 20_480  # molecules that a vocabulary is learned from
_MEASURED = 1024  # held-out molecules that are read and written
_BATCH = 128
_ACTIVE = 0.01  # variance of a channel's mean over molecules (Burda et al. 2016, section 5.2)


def in_tokens(library: Library, config: DecoderConfig) -> tuple[Library, Vocabulary, Counter[str]]:
    """The molecules that can be written, their vocabulary, and why others cannot.

    Raises:
        InputError: none can.
    """
    sample: list[Texts] = []
    for part in library.parts:
        if sum(len(texts.sequences) for texts in sample) < _SAMPLE:
            sample.append(_texts(part))
    vocabulary = Vocabulary.fit(
        [(texts.sequences, list(texts.alphabet)) for texts in sample], config.tokens, config.longest
    )
    parts = [replace(part, texts=_texts(part).in_tokens(vocabulary)) for part in library.parts]
    state = np.concatenate([_texts(part).sequences.state for part in parts])
    (rows,) = np.nonzero(state == WRITTEN)
    left_out = Counter({why: int((state == code).sum()) for code, why in REASONS.items()})
    if not len(rows):
        raise InputError(f"none of {len(state)} molecules can be written in SELFIES")
    return Library(parts, rows), vocabulary, +left_out


def make_generator(
    library: Library,
    vocabulary: Vocabulary,
    encoder: ModelConfig,
    decoder: DecoderConfig,
) -> GraphToSelfies:
    """A fresh model for the molecules of a library in tokens."""
    conditions = torch.from_numpy(_all(library, "conditions"))
    seen = np.unique(_all(library, "identities")).astype(np.int32)
    config = GeneratorConfig(
        encoder=encoder,
        decoder=decoder,
        vocabulary=vocabulary,
        known=min(decoder.known, len(library)),
        seen=len(seen),
    )
    known = conditions[: config.known]
    normalizer = Normalizer.fit([conditions])
    return GraphToSelfies(config, normalizer, known, torch.from_numpy(seen))


def compact(model: GraphToSelfies) -> dict[str, torch.Tensor]:
    """Tensors for a file: all that is not the encoder's as float16, which halves it.

    Its 11 bits are more than the 8 of the bfloat16 that it was trained in.
    """
    return {
        name: tensor.half() if name.startswith(("decoder.", "reader.")) else tensor
        for name, tensor in model.state_dict().items()
    }


@dataclass(frozen=True)
class LatentUse:
    """How much of a molecule goes through the latent space, on held-out molecules.

    Attributes:
        molecules: how many.
        reconstruction: share that comes back in the same tokens, from the posterior's mean by
            the likeliest ones; as the same molecule, written otherwise, some more do.
        rate: nats of the posterior from a standard normal distribution, per molecule.
        surprise: nats of the text from a point of the posterior, per molecule.
        without: the same from no point: what is not told by the properties.
        active: channels of slots whose mean differs among molecules.
        latent: channels of all slots.
    """

    molecules: int
    reconstruction: float
    rate: float
    surprise: float
    without: float
    active: int
    latent: int

    @classmethod
    @torch.inference_mode()
    def of(cls, model: GraphToSelfies, held: Library, seed: int = 0) -> Self:
        """Read and write the first molecules of a library."""
        draws = torch.Generator().manual_seed(seed)
        model.eval()
        means, sums = [], np.zeros(4)
        number = min(_MEASURED, len(held))
        for first in range(0, number, _BATCH):
            batch = held.__getitems__(range(first, min(first + _BATCH, number)))
            assert batch.sequence is not None
            assert batch.conditions is not None
            conditions = model.standard(batch.conditions)
            posterior = model.posterior(batch, conditions)
            noise = torch.randn(posterior.mean.shape, generator=draws)
            latent = posterior.sample(noise)
            written = model.decoder.write(posterior.mean, conditions, 0.0, draws)
            means.append(posterior.mean.flatten(1))
            sums += (
                float(_same(written, batch.sequence).sum()),
                float(posterior.divergence().sum()),
                *(
                    float(surprise(model, [point], conditions, batch.sequence, 0.0))
                    for point in (latent, None)
                ),
            )
        active = int((torch.cat(means).var(dim=0, correction=0) > _ACTIVE).sum())
        same, rate, cost, without = (sums / number).tolist()
        return cls(number, same, rate, cost, without, active, means[0].shape[1])

    def plain(self) -> dict[str, Any]:
        """For a model file."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in vars(self).items()}


def _same(written: torch.Tensor, sequence: torch.Tensor) -> torch.Tensor:
    """(molecule,) bool: the same tokens, and so the same molecule."""
    longest = min(written.shape[1], sequence.shape[1])
    rest = written[:, longest:].any(dim=1) | sequence[:, longest:].any(dim=1)
    return (written[:, :longest] == sequence[:, :longest]).all(dim=1) & ~rest


def _texts(part: Part) -> Texts:
    assert part.texts is not None
    return part.texts


def _all(library: Library, name: str) -> np.ndarray:
    """One array of all texts, in the order of the library's rows."""
    parts: Sequence[np.ndarray] = [getattr(_texts(part), name) for part in library.parts]
    return np.concatenate(parts)[library.indices]
