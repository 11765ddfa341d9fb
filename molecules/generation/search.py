"""Search in latent space: the best so far have neighbours, and the best of these have more.

An evolution strategy (Beyer and Schwefel 2002, Natural Computing 1, 3) with mutation by
Gaussian noise and intermediate recombination. Whatever is found is read back into latent
space, so that a molecule stands where the encoder sees it, however it was come upon.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from pydantic import Field

from molecules.generation.generator import Generator, Points
from molecules.generation.goal import Goal, Judged
from sciml.config import Config

_SHORTEST = 0.1  # of a radius: mutations of all sizes down to that


class SearchConfig(Config):
    """How long to search, and how boldly.

    Attributes:
        steps: generations.
        offspring: points that are written in each.
        parents: molecules that have offspring: the best so far, and the start.
        radius: largest distance of offspring, in standard deviations of the latent space.
        recombined: share of offspring that begin between two parents.
        temperature: of the writing.
        seed: the same seed finds the same.
    """

    steps: int = Field(20, ge=1)
    offspring: int = Field(128, ge=1)
    parents: int = Field(16, ge=1)
    radius: float = Field(1.0, gt=0)
    recombined: float = Field(0.3, ge=0, le=1)
    temperature: float = Field(0.7, ge=0)
    seed: int = 0


@dataclass(frozen=True)
class Proposal:
    """A molecule and how it was found.

    Attributes:
        judged: what the models and filters say.
        step: at which it was first written; 0 is the start itself.
        parent: SMILES that it is offspring of.
        latent_distance: from the start, see `Generator.distance`.
    """

    judged: Judged
    step: int
    parent: str
    latent_distance: float

    @property
    def rank_key(self) -> tuple[bool, float, str]:
        """Smaller is better: those without a reason against them first, by score."""
        return bool(self.judged.reason), -self.judged.score, self.judged.smiles


@dataclass
class Search:
    """A search from one molecule.

    Attributes:
        generator, goal, config: see there.
        start: canonical SMILES without stereochemistry.
        found: by SMILES; the start among them.
        places: of all that was found, in latent space.
        empty: offspring that wrote no atom, or more than the generator reads.
        repeats: offspring that had been found before.
    """

    generator: Generator
    goal: Goal
    config: SearchConfig
    start: str
    found: dict[str, Proposal] = field(default_factory=dict)
    places: dict[str, Points] = field(default_factory=dict)
    empty: int = 0
    repeats: int = 0

    def __post_init__(self) -> None:
        self.draws = torch.Generator().manual_seed(self.config.seed)
        self._take([self.start], [""], 0)

    def steps(self) -> Iterator[int]:
        """Do one step after the other."""
        for step in range(1, self.config.steps + 1):
            self.step(step)
            yield step

    def ranked(self) -> list[Proposal]:
        """Every molecule found but the start, the best proposal first."""
        others = [p for text, p in self.found.items() if text != self.start]
        return sorted(others, key=lambda proposal: proposal.rank_key)

    def step(self, step: int) -> None:
        """Write offspring, and judge those that are new."""
        parents = self._parents()
        points, owners = self._offspring(parents)
        written = self.generator.write(points, self.config.temperature, self.draws)
        self.empty += written.count("")
        new: dict[str, str] = {}
        for text, owner in zip(written, owners, strict=True):
            if text and text not in self.found:
                new.setdefault(text, parents[owner])
        self.repeats += len(written) - written.count("") - len(new)
        self._take(list(new), list(new.values()), step)

    def _parents(self) -> list[str]:
        """The start, and the best proposals."""
        ranked = sorted(self.found.values(), key=lambda proposal: proposal.rank_key)
        good = [p.judged.smiles for p in ranked if not p.judged.reason]
        return list(dict.fromkeys([self.start, *good[: self.config.parents]]))

    def _offspring(self, parents: Sequence[str]) -> tuple[Points, list[int]]:
        """Points near or between parents, and the row of the parent each is nearest to."""
        config, number = self.config, self.config.offspring
        places = Points.join([self.places[text] for text in parents])
        first, second = torch.randint(len(parents), (2, number), generator=self.draws)
        share = torch.rand(number, 1, generator=self.draws) / 2
        share *= torch.rand(number, 1, generator=self.draws) < config.recombined
        middle = Points(
            torch.lerp(places.latent[first], places.latent[second], share),
            torch.lerp(places.conditions[first], places.conditions[second], share),
        )
        radius = config.radius * _SHORTEST ** torch.rand(number, 1, generator=self.draws)
        return self.generator.near(middle, radius, self.draws), first.tolist()

    def _take(self, smiles: Sequence[str], parents: Sequence[str], step: int) -> None:
        """Judge new molecules, and find their places."""
        readable = [text for text in smiles if self.generator.reads(text)]
        self.empty += len(smiles) - len(readable)
        if not readable:
            return
        owner = dict(zip(smiles, parents, strict=True))
        points = self.generator.read(readable)
        places = [points[row : row + 1] for row in range(len(points))]
        origin = self.places.get(self.start, places[0])
        for text, judged, place in zip(readable, self.goal.judge(readable), places, strict=True):
            self.places[text] = place
            distance = float(self.generator.distance(place, origin)[0])
            self.found[text] = Proposal(judged, step, owner[text], distance)
