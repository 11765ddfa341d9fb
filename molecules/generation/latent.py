"""Offspring in latent space: neighbours of parents, and of pieces of two of them.

Mutation by Gaussian noise, as in evolution strategies (Beyer and Schwefel 2002, Natural Computing
1, 3), and crossing at one point (Holland 1975). Whatever is written is read back, so that a
molecule stands where the encoder sees it, however it was come upon.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.generation.generator import Generator, Points, crossed
from molecules.generation.offspring import Offspring

_SHORTEST = 0.1  # of a radius: mutations of all sizes down to that


class LatentNeighbours:
    """Makes offspring with a generator.

    Args:
        generator: reads and writes molecules.
        radius: largest distance of offspring, in standard deviations of the latent space.
        recombined: share of offspring with the end of another parent.
        temperature: of the writing.
        seed: the same seed makes the same.
    """

    def __init__(
        self,
        generator: Generator,
        radius: float,
        seed: int,
        recombined: float = 0.3,
        temperature: float = 0.7,
    ) -> None:
        self.generator, self.radius = generator, radius
        self.recombined, self.temperature = recombined, temperature
        self.draws = torch.Generator().manual_seed(seed)
        self.places: dict[str, Points] = {}

    def describe(self) -> str:
        """What offspring is made of, for a reader."""
        return (
            f"neighbours in a generator's latent space, up to {self.radius:g} standard deviations"
        )

    def accepts(self, smiles: str) -> bool:
        """Whether a molecule is small enough for the generator."""
        return self.generator.reads(smiles)

    def place(self, smiles: Sequence[str]) -> None:
        """Find molecules in latent space."""
        points = self.generator.read(smiles)
        self.places |= {text: points[row : row + 1] for row, text in enumerate(smiles)}

    def knows(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """(molecule,) whether the generator has learned from it."""
        return self.generator.learned_from(smiles)

    def offspring(self, parents: Sequence[str], number: int) -> list[Offspring]:
        """Molecules near or across parents; each is the child of the one it begins as."""
        places = Points.join([self.places[text] for text in parents])
        first, second = torch.randint(len(parents), (2, number), generator=self.draws)
        share = torch.rand(number, generator=self.draws) / 2
        share *= torch.rand(number, generator=self.draws) < self.recombined
        begin = crossed(places[first], places[second], share)
        radius = self.radius * _SHORTEST ** torch.rand(number, generator=self.draws)
        points = self.generator.near(begin, radius, self.draws)
        written = self.generator.write(points, self.temperature, self.draws)
        away = self.generator.distance(points, places[first])
        return [
            Offspring(text, parents[row], f"latent distance {far:.2f}")
            for text, row, far in zip(written, first.tolist(), away.tolist(), strict=True)
        ]
