"""Heat maps and measured neighbours of some molecules, as one HTML page and as SVG files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from molecules.choices import Method
from molecules.drawing import draw
from molecules.evaluation.similarity import FAR
from molecules.explanation.attribution import share_told
from molecules.explanation.contributions import Explained
from molecules.explanation.heat_map import as_file, colour_scale, heat_map
from molecules.explanation.matched_pairs import MatchedPair, matched_pairs
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Task, Tasks
from sciml.files import write_text
from sciml.page import environment

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor

MOST_TASKS = 8  # heat maps per molecule
MEANING: dict[Method, str] = {
    "masking": "what the prediction loses when the atom and its bonds are taken away",
    "integrated": "its integrated gradient: the atoms add up to the prediction minus that of "
    "no information",
    "gradient": "gradient times input: what the prediction would lose, were the model linear",
}


@dataclass(frozen=True)
class Context:
    """What a reader must know.

    Attributes:
        method: how contributions were found.
        model, table: their names, as the user gave them.
        counts: status -> rows of the table.
    """

    method: Method
    model: str
    table: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Map:
    """One property of one molecule, explained.

    Attributes:
        task: the property.
        value, lower, upper: prediction and interval.
        svg: the heat map.
    """

    task: Task
    value: float
    lower: float
    upper: float
    svg: str

    @property
    def interval(self) -> str:
        """As text; blank without two ends."""
        ends = self.lower, self.upper
        return f"{ends[0]:.3g} to {ends[1]:.3g}" if np.isfinite(ends).all() else ""


@dataclass(frozen=True)
class Card:
    """What the page shows of one row.

    Attributes:
        row: from 1.
        name, smiles, reason: as in the table.
        similarity: to the nearest training molecule; NaN if unknown.
        maps: one per property; none without a molecule.
        neighbours: each with its drawing.
    """

    row: int
    name: str
    smiles: str
    reason: str
    similarity: float
    maps: list[Map]
    neighbours: list[tuple[MatchedPair, str]]


def write_page(
    path: Path, rows: Sequence[Explained], predictor: "AnyPredictor", context: Context
) -> None:
    """Write the page; it needs no other file and appears when it is complete."""
    known = predictor.training_set
    scales = colour_scales(rows, len(predictor.tasks))
    template = environment("molecules.explanation").get_template("explanation.html")
    page = template.render(
        context=context,
        meaning=MEANING[context.method],
        share=share_told(predictor),
        cards=[_card(row, scales, known) for row in rows],
        tasks=predictor.tasks.tasks,
        scales=scales,
        shown=MOST_TASKS,
        knows=known is not None,
        far=FAR,
    )
    write_text(path, page)


def write_pictures(folder: Path, rows: Sequence[Explained]) -> None:
    """Write `row-00001-TASK.svg` for each molecule and property.

    A task's number stands before its name where names differ only in signs that no file name has.
    """
    tasks = rows[0].attribution.prediction.tasks if rows else Tasks.model_construct(tasks=())
    scales = colour_scales(rows, len(tasks))
    names = ["".join(c if c.isalnum() else "_" for c in name)[:60] for name in tasks.names]
    if len({name.lower() for name in names}) < len(names):
        names = [f"{number}-{name}" for number, name in enumerate(names, start=1)]
    for row in rows:
        smiles, atoms = row.attribution.smiles[row.start], row.attribution.atoms[row.start]
        for column, name in enumerate(names if len(atoms) else ()):
            picture = heat_map(str(smiles), atoms[:, column], scales[column])
            write_text(folder / f"row-{row.first:05d}-{name}.svg", as_file(picture))


def colour_scales(rows: Sequence[Explained], tasks: int) -> list[float]:
    """For each property the contribution of full colour, the same in all rows."""
    return [
        colour_scale([row.attribution.atoms[row.start][:, column] for row in rows])
        for column in range(tasks)
    ]


def _card(row: Explained, scales: Sequence[float], known: TrainingSet | None) -> Card:
    told, i = row.attribution, row.start
    prediction, atoms, smiles = told.prediction, told.atoms[i], told.smiles[i] or ""
    maps = [
        Map(
            task,
            float(prediction.mean[i, column]),
            float(prediction.lower[i, column]),
            float(prediction.upper[i, column]),
            heat_map(smiles, atoms[:, column], scales[column]),
        )
        for column, task in enumerate(prediction.tasks.tasks[:MOST_TASKS] if len(atoms) else ())
    ]
    pairs = matched_pairs(smiles, known) if known is not None and maps else []
    return Card(
        row=row.first,
        name=row.names[0],
        smiles=smiles,
        reason=prediction.reason[i],
        similarity=np.nan if prediction.similarity is None else float(prediction.similarity[i]),
        maps=maps,
        neighbours=[(pair, draw(pair.smiles)) for pair in pairs],
    )
