"""A screen finds what sorting the whole library finds, whatever the size of its parts."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from molecules.evaluation.similarity import fingerprints
from molecules.evaluation.splits import canonical_smiles
from molecules.files.table import Table
from molecules.prediction.predictor import PropertyPredictor
from molecules.screening.screening import Screen, screen
from molecules.tasks import Task, Tasks
from sciml.errors import InputError

rng = np.random.default_rng(0)
LIBRARY = ["C" * n + end for n in range(1, 40) for end in ("O", "N", "")]


@dataclass
class Predicted:
    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    status: list[str]
    reason: list[str]


class CarbonCounter:
    """A model that predicts the number of letters of the canonical SMILES."""

    tasks = Tasks(tasks=(Task(name="length"),))

    def predict(self, smiles: list[str], domain: bool = True) -> Predicted:
        found = canonical_smiles(smiles)
        mean = np.array([[len(text) if text else np.nan] for text in found], float)
        status = ["ok" if text else "invalid_smiles" for text in found]
        reason = ["" if text else f"atom # {i} C is wrong" for i, text in enumerate(found)]
        return Predicted(mean, mean - 1, mean + 1, status, reason)


def run(smiles: list[str], top: int, chunk: int = 7, minimize: bool = False) -> Screen:
    frame = pd.DataFrame({"SMILES": smiles, "ID": [f"m{i}" for i in range(len(smiles))]})
    parts = [frame[i : i + chunk].reset_index(drop=True) for i in range(0, len(frame), chunk)]
    tables = (Table(part, "SMILES") for part in parts)
    return screen(cast("PropertyPredictor", CarbonCounter()), tables, 0, top, minimize)


@pytest.mark.parametrize("minimize", [False, True])
@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_equals_sorting_everything(minimize: bool, chunk: int) -> None:
    shuffled = [LIBRARY[i] for i in rng.permutation(len(LIBRARY))]
    found = run(shuffled, 10, chunk, minimize)
    sign = 1 if minimize else -1
    order = sorted(range(len(shuffled)), key=lambda i: (sign * len(shuffled[i]), i))[:10]
    assert [hit.row - 1 for hit in found.hits] == order
    assert [hit.name for hit in found.hits] == [f"m{i}" for i in order]
    assert found.counts == {"ok": len(LIBRARY)}
    assert all(hit.lower == hit.value - 1 for hit in found.hits)


def test_a_molecule_is_listed_once_with_its_copies() -> None:
    found = run(["CCO", "CCCC", "OCC", "C", "C(O)C", "CCCC"], top=2, chunk=2)
    assert [(hit.smiles, hit.row, hit.copies) for hit in found.hits] == [
        ("CCCC", 2, 2),
        ("CCO", 1, 3),
    ]


def test_fewer_molecules_than_asked_for() -> None:
    found = run(["C", "bad(", "CC", ""], top=10)
    assert [hit.smiles for hit in found.hits] == ["CC", "C"]
    assert found.counts == {"ok": 2, "invalid_smiles": 2}
    assert found.reasons == {"atom C is wrong": 2}


def test_no_molecule_at_all() -> None:
    with pytest.raises(InputError, match="none of 2 rows"):
        run(["bad(", ""], top=3)


def test_molecules_unlike_the_training_set_are_passed_over() -> None:
    known = fingerprints(["c1ccccc1CCO"])
    frame = pd.DataFrame({"SMILES": ["C" * 30, "c1ccccc1CCO", "c1ccccc1CCN"]})
    model = cast("PropertyPredictor", CarbonCounter())
    free = screen(model, [Table(frame, "SMILES")], 0, 3, known=known)
    assert [hit.row for hit in free.hits] == [1, 2, 3]
    assert free.hits[1].similarity == 1
    near = screen(model, [Table(frame, "SMILES")], 0, 3, known=known, min_similarity=0.4)
    assert [hit.row for hit in near.hits] == [2, 3]
