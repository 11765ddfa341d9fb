"""Proposals as a table, with all that is known of each, and as one HTML page."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from molecules.drawing import draw
from molecules.generation.exchanges import Exchanges
from molecules.generation.goal import Limits
from molecules.generation.search import Proposal, Search, SearchConfig
from molecules.prediction.writers import resolved
from molecules.tasks import Task
from sciml.files import atomic_path, write_text
from sciml.page import environment


@dataclass(frozen=True)
class Account:
    """What a reader must know to judge proposals.

    Attributes:
        start: the molecule that was begun with, judged as the others.
        tasks: of the objectives.
        wishes: `logS:max`, one per objective that has a weight.
        limits, config: what was asked for.
        looked_at: distinct molecules.
        proposals: those of them that pass all limits.
        better: those of these that score higher than the start.
        reasons: why others do not pass, the commonest first.
        empty, repeats: see `Search`.
        known: SMILES that the offspring's source knows.
        source: what offspring was made of.
        models: names of their files.
        exchanged: whether offspring was made by exchange of parts.
    """

    start: Proposal
    tasks: list[Task]
    wishes: list[str]
    limits: Limits
    config: SearchConfig
    looked_at: int
    proposals: int
    better: int
    reasons: list[tuple[str, int]]
    empty: int
    repeats: int
    known: frozenset[str]
    source: str
    models: list[str]
    exchanged: bool

    @classmethod
    def of(cls, search: Search, ranked: Sequence[Proposal], models: Sequence[Path]) -> Self:
        """Count what a search has found."""
        start = search.found[search.start]
        good = [p for p in ranked if not p.judged.reason]
        kinds = Counter(
            broken_limit(reason)
            for p in ranked
            if p.judged.reason
            for reason in p.judged.reason.split("; ")
        )
        smiles = [p.judged.smiles for p in ranked]
        known = search.source.knows(smiles)
        return cls(
            start=start,
            tasks=search.goal.tasks,
            wishes=search.goal.wishes,
            limits=search.goal.limits,
            config=search.config,
            looked_at=len(ranked),
            proposals=len(good),
            better=sum(p.judged.score > start.judged.score for p in good),
            reasons=kinds.most_common(),
            empty=search.empty,
            repeats=search.repeats,
            known=frozenset(t for t, seen in zip(smiles, known, strict=True) if seen),
            source=search.source.describe(),
            models=[model.name for model in models],
            exchanged=isinstance(search.source, Exchanges),
        )

    def __str__(self) -> str:
        told = (
            f"{self.proposals:,} proposals among {self.looked_at:,} molecules, {self.better:,} of "
            f"them better than the start by {' + '.join(self.wishes)}"
        )
        return f"{told}: {self.nothing}" if self.nothing else told

    @property
    def nothing(self) -> str:
        """Why there is no proposal; empty if there is one."""
        if self.proposals:
            return ""
        if self.looked_at:
            return f"most often rejected for: {self.reasons[0][0]}"
        tried = f"of {self.empty + self.repeats:,} trials {self.repeats:,} gave the start again"
        if not self.exchanged:
            return f"{tried}, and the others no molecule; give a larger --radius"
        return (
            f"{tried}, and for the others no known part fits: none hangs on an atom with the "
            "element and neighbours of one of the start's; give another start, or --parts TABLE "
            "with molecules like it"
        )


def write_table(ranked: Sequence[Proposal], account: Account, csv: Path) -> None:
    """Write every molecule that was looked at, the start first."""
    rows = [_cells(0, account.start, account)]
    rows += [_cells(rank, p, account) for rank, p in enumerate(ranked, start=1)]
    with atomic_path(csv) as path:
        resolved(pd.DataFrame(rows)).to_csv(path, index=False)


def write_page(shown: Sequence[Proposal], account: Account, html: Path) -> None:
    """Write the best proposals as a page that needs no other file."""
    templates = environment("molecules.generation", drawn=draw, finite=math.isfinite)
    proposed = [p for p in shown if not p.judged.reason]
    text = templates.get_template("proposals.html").render(account=account, shown=proposed)
    write_text(html, text)


def _cells(rank: int, proposal: Proposal, account: Account) -> dict[str, object]:
    judged = proposal.judged
    cells: dict[str, object] = {"rank": rank, "smiles": judged.smiles}
    for task, *ends in zip(account.tasks, judged.values, judged.lower, judged.upper, strict=True):
        cells |= {
            f"{task.name}_{part}": value
            for part, value in zip(("pred", "lower", "upper"), ends, strict=True)
        }
    status = "start" if rank == 0 else "rejected" if judged.reason else "proposed"
    return cells | {
        "score": judged.score,
        "status": status,
        "reason": judged.reason,
        "start": account.start.judged.smiles,
        "step": proposal.step,
        "parent": proposal.parent,
        "how": proposal.how,
        "similarity": judged.similarity,
        "similarity_to_train": judged.similarity_to_train,
        "distance_to_train": judged.distance_to_train,
        "sa_score": judged.difficulty,
        "alerts": "; ".join(judged.alerts),
        "filters": " ".join(account.limits.filters),
        "known": judged.smiles in account.known,
    }


def broken_limit(reason: str) -> str:
    """A reason without the molecule's own numbers, with the limit that it breaks."""
    told, *limit = re.split(r"(?= is (?:below|above) )", reason.split(":")[0])
    words = [word for word in told.split() if not word.replace(".", "", 1).isdigit()]
    return " ".join(words) + "".join(limit)
