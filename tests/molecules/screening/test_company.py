"""What hits are compared with."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from molecules.evaluation.similarity import fingerprints
from molecules.features.standardize import standardized
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.training_set import TrainingSet
from molecules.screening.company import Known
from molecules.screening.options import HitOptions
from molecules.screening.screen_file import screen_file
from molecules.tasks import Task, Tasks


def test_what_a_model_has_learned_from_is_measured_company():
    """By the tasks that count; a molecule without a value of theirs is left out."""
    labels = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]])
    trained = TrainingSet(["CCO", "CCN", "c1ccccc1O"], labels)
    known = Known.learned(trained, [0])
    assert known.smiles == ["CCO", "c1ccccc1O"]
    nearest, other = known.near(fingerprints(["c1ccccc1O"]))
    assert (nearest.smiles, nearest.similarity, nearest.values) == ("Oc1ccccc1", 1.0, (3.0,))
    assert other.values == (1.0,)
    both = Known.learned(trained, [1, 0]).near(fingerprints(["CCN"]), 1)[0]
    assert both.values[0] == 2.0
    assert np.isnan(both.values[1])


def test_neighbours_are_written_canonically() -> None:
    """Also those that the model has learned from, as their table had them."""
    known = Known.learned(TrainingSet(["C(O)C ", "c1(O)ccccc1"], np.ones((2, 1))), [0])
    found = [near.smiles for near in known.near(fingerprints(["CCO"]))]
    assert found == ["CCO", "Oc1ccccc1"]


def test_a_molecule_that_was_measured_several_times_fills_one_place(tmp_path: Path) -> None:
    """With the mean of its values, under its first name; also one written in other ways."""
    smiles, values = ["CCO", "OCC", "CCCO", "CCO", "C(O)C"], [1.0, 2.0, 5.0, 6.0, np.nan]
    learned = Known.learned(TrainingSet(smiles, np.array(values)[:, None]), [0])
    table = tmp_path / "measured.csv"
    rows = zip(smiles, "abcde", values, strict=True)
    table.write_text("smiles,name,logS\n" + "".join(f"{s},{n},{v}\n" for s, n, v in rows))
    tasks = Tasks(tasks=(Task(name="logS"),))
    predictor = cast("PropertyPredictor", SimpleNamespace(tasks=tasks, standardized=list))
    read = Known.read(table, predictor, [0])
    for known in (learned, read):
        near = known.near(fingerprints(["CCO"]))
        assert [(one.smiles, one.values) for one in near] == [("CCO", (3.0,)), ("CCCO", (5.0,))]
    assert read.names == ["a", "c"]


def test_salts_that_the_model_reads_alike_fill_one_place(tmp_path: Path) -> None:
    table = tmp_path / "measured.csv"
    table.write_text("smiles,logS\nCCN.Cl,1.0\nCCN,2.0\n")
    stripped = SimpleNamespace(
        tasks=Tasks(tasks=(Task(name="logS"),)),
        standardized=lambda smiles: standardized(smiles, "salts"),
    )
    known = Known.read(table, cast("PropertyPredictor", stripped), [0])
    assert (known.smiles, known.values.tolist()) == (["CCN.Cl"], [[1.5]])


def test_without_a_measured_value_there_is_no_measured_company(
    model_file: Path, tmp_path: Path
) -> None:
    """Neither to an objective that no model predicts, nor where only bounds were learned."""
    predictor = PropertyPredictor.load(model_file)
    labels = np.array([[np.nan, 1.0], [np.nan, 0.0]])
    predictor.metadata |= TrainingSet(["CCO", "CCN"], labels).to_metadata()
    predictor.save(model := tmp_path / "bounds.safetensors")
    library = tmp_path / "library.smi"
    library.write_text("CCCO\nCCCN\n")

    def neighbours(target: str, out: Path) -> list[int]:
        options = HitOptions(actives=library)
        rows = screen_file(model, str(library), out, targets=[target], options=options)
        return [len(row.neighbours) for row in rows]

    out = tmp_path / "hits.html"
    for target in ("similarity", "logS"):
        assert neighbours(target, out) == [0, 0]
        assert "Measured neighbours" not in out.read_text()
    assert neighbours("toxic", out) == [2, 2]
    assert "Measured neighbours" in out.read_text()


def test_measured_company_in_the_words_and_classes_of_the_model(tmp_path: Path) -> None:
    """A bound is no measured value, and of a molecule that has nothing else it is none."""
    table = tmp_path / "measured.csv"
    table.write_text(
        "smiles,tox,grade,logS\nCCO,toxic,high,-1.5\nCCN,non-toxic,low,<-4.5\nCCC,,,>2\n"
    )
    tasks = Tasks(
        tasks=(
            Task(name="tox", kind="binary", words=("non-toxic", "toxic")),
            *(Task(name=f"grade={c}", kind="binary", of="grade") for c in ("high", "low")),
            Task(name="logS"),
        )
    )
    predictor = cast("PropertyPredictor", SimpleNamespace(tasks=tasks, standardized=list))
    known = Known.read(table, predictor, [0, 1, 3])
    assert known.smiles == ["CCO", "CCN"]
    np.testing.assert_array_equal(known.values, [[1, 1, -1.5], [0, 0, np.nan]])
    assert len(Known.read(table, predictor).smiles) == 3
