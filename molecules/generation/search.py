"""A search by evolution: the best so far have offspring, and the best of these have more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from molecules.generation.goal import Goal, Judged
from molecules.generation.offspring import Offspring, Source
from sciml.config import Config


class SearchConfig(Config):
    """How long to search.

    Attributes:
        steps: generations.
        offspring: molecules that are made in each.
        parents: molecules that have offspring: the best so far, and the start.
        seed: the same seed finds the same.
    """

    steps: int = Field(20, ge=1)
    offspring: int = Field(128, ge=1)
    parents: int = Field(16, ge=1)
    seed: int = 0


@dataclass(frozen=True)
class Proposal:
    """A molecule and how it was found.

    Attributes:
        judged: what the models and filters say.
        step: at which it was first made; 0 is the start itself.
        parent: SMILES that it is offspring of.
        how: see `Offspring`.
    """

    judged: Judged
    step: int
    parent: str
    how: str

    @property
    def rank_key(self) -> tuple[bool, float, str]:
        """Smaller is better: those without a reason against them first, by score."""
        return bool(self.judged.reason), -self.judged.score, self.judged.smiles


@dataclass
class Search:
    """A search from one molecule.

    Attributes:
        source, goal, config: see there.
        start: canonical SMILES without stereochemistry.
        found: by SMILES; the start among them.
        empty: offspring that came to nothing, or that can have none.
        repeats: offspring that had been found before.
    """

    source: Source
    goal: Goal
    config: SearchConfig
    start: str
    found: dict[str, Proposal] = field(default_factory=dict)
    empty: int = 0
    repeats: int = 0

    def __post_init__(self) -> None:
        self._take([Offspring(self.start, "", "")], 0)

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
        """Make offspring, and judge those that are new."""
        made = self.source.offspring(self._parents(), self.config.offspring)
        written = [child for child in made if child.smiles]
        new: dict[str, Offspring] = {}
        for child in written:
            if child.smiles not in self.found:
                new.setdefault(child.smiles, child)
        self.empty += len(made) - len(written)
        self.repeats += len(written) - len(new)
        self._take(list(new.values()), step)

    def _parents(self) -> list[str]:
        """The start, and the best proposals."""
        ranked = sorted(self.found.values(), key=lambda proposal: proposal.rank_key)
        good = [p.judged.smiles for p in ranked if not p.judged.reason]
        return list(dict.fromkeys([self.start, *good[: self.config.parents]]))

    def _take(self, children: Sequence[Offspring], step: int) -> None:
        """Judge new molecules, and get them ready to have offspring."""
        usable = [child for child in children if self.source.accepts(child.smiles)]
        self.empty += len(children) - len(usable)
        smiles = [child.smiles for child in usable]
        if not smiles:
            return
        self.source.place(smiles)
        for child, judged in zip(usable, self.goal.judge(smiles), strict=True):
            self.found[child.smiles] = Proposal(judged, step, child.parent, child.how)
