"""A screen finds what sorting the whole library finds, whatever the size of its parts."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from molecules.choices import Combine
from molecules.evaluation.similarity import fingerprints
from molecules.evaluation.splits import canonical_smiles
from molecules.models.model import ModelConfig
from molecules.prediction.model_source import ModelSource
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.reading import ReadingConfig
from molecules.screening.hits import Hit
from molecules.screening.job import Job, LibraryFile
from molecules.screening.objectives import Objective, Ranking
from molecules.screening.screening import Part, Screen, Screener
from molecules.tasks import Task, Tasks

rng = np.random.default_rng(0)
LIBRARY = ["C" * n + end for n in range(1, 40) for end in ("O", "N", "")]


@dataclass
class Predicted:
    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    status: list[str]
    reason: list[str]


class LetterCounter:
    """A model that predicts the number of letters and of O and N of the canonical SMILES."""

    tasks = Tasks(tasks=(Task(name="length"), Task(name="polar")))

    def standardized(self, smiles: list[str]) -> list[str]:
        return smiles

    config = ReadingConfig(model=ModelConfig())

    def predict(
        self,
        smiles: list[str],
        domain: bool = True,
        cache: None = None,
        positions: dict[int, object] | None = None,
    ) -> Predicted:
        found = canonical_smiles(smiles)
        mean = np.array(
            [[len(s), s.count("O") + s.count("N")] if s else [np.nan] * 2 for s in found], float
        )
        status = ["ok" if text else "invalid_smiles" for text in found]
        wrong = [f"atom # {i} C is wrong" for i in range(len(found))]
        remarks = ["open" if "*" in text else "" for text in smiles]
        reason = [
            remark if text else why for text, remark, why in zip(found, remarks, wrong, strict=True)
        ]
        return Predicted(mean, mean - 1, mean + 1, status, reason)


def make_screener(
    *objectives: Objective, top: int = 10, combine: Combine = "sum", **more: object
) -> Screener:
    known = more.pop("known", None)
    job = Job(
        model=ModelSource(("m",), ""),
        files=(LibraryFile(path="library.smi"),),
        objectives=objectives,
        top=top,
        combine=combine,
        **more,  # type: ignore[arg-type]
    )
    columns = [LetterCounter.tasks.names.index(o.name) for o in objectives]
    ranking = Ranking(
        tuple(o for o in objectives if o.weight),
        [c for c, o in zip(columns, objectives, strict=True) if o.weight],
        np.zeros(sum(o.weight > 0 for o in objectives), bool),
        np.ones(sum(o.weight > 0 for o in objectives)),
        np.full(sum(o.weight > 0 for o in objectives), np.nan),
    )
    predictor = cast("PropertyPredictor", LetterCounter())
    return Screener(job, predictor, ranking, columns, cast("NDArray[np.uint8] | None", known))


def screen(screener: Screener, smiles: list[str], chunk: int = 7) -> Screen:
    whole = Screen.of(screener.job)
    for i in range(0, len(smiles), chunk):
        names = [f"m{j}" for j in range(i, min(i + chunk, len(smiles)))]
        part = Part(0, i + 1, smiles[i : i + chunk], names)
        whole.merge(screener.screen(part, whole.best.floor()))
    return whole


def hits(found: Screen, top: int = 1000) -> list[Hit]:
    return found.best.ranked()[:top]


LENGTH, POLAR = Objective(name="length"), Objective(name="polar")


@pytest.mark.parametrize("minimize", [False, True])
@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_equals_sorting_everything(minimize: bool, chunk: int) -> None:
    shuffled = [LIBRARY[i] for i in rng.permutation(len(LIBRARY))]
    found = screen(make_screener(Objective(name="length", minimize=minimize)), shuffled, chunk)
    sign, canonical = 1 if minimize else -1, canonical_smiles(shuffled)
    order = sorted(range(len(shuffled)), key=lambda i: (sign * len(shuffled[i]), canonical[i]))[:10]
    assert [hit.row - 1 for hit in hits(found)] == order
    assert [hit.name for hit in hits(found)] == [f"m{i}" for i in order]
    assert found.counts == {"ok": len(LIBRARY)}
    assert all(hit.lower[0] == hit.value[0] - 1 for hit in hits(found))


def test_weights_add_up_and_a_weight_of_zero_only_shows() -> None:
    objectives = (LENGTH, Objective(name="polar", minimize=True, weight=30))
    found = screen(make_screener(*objectives, top=500), LIBRARY)
    scores = [hit.value[0] - 30 * hit.value[1] for hit in hits(found)]
    assert scores == sorted(scores, reverse=True)
    shown = screen(make_screener(LENGTH, Objective(name="polar", weight=0)), LIBRARY)
    plain = screen(make_screener(LENGTH), LIBRARY)
    assert [hit.row for hit in hits(shown)] == [hit.row for hit in hits(plain)]
    assert len(hits(shown)[0].value) == 2


@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_pareto_fronts_are_what_comparing_all_pairs_finds(chunk: int) -> None:
    smiles = [
        "C" * rng.integers(1, 9) + "N" * rng.integers(0, 3) + "O" * rng.integers(0, 2) + "C"
        for _ in range(60)
    ]
    both = (Objective(name="length", minimize=True), POLAR)
    found = screen(make_screener(*both, combine="pareto", top=20), smiles, chunk)
    texts = [text or "" for text in canonical_smiles(smiles)]
    left = {text: (-len(text), text.count("O") + text.count("N")) for text in texts}
    fronts = dict[str, int]()
    while left:
        front = {
            text
            for text, (a, b) in left.items()
            if not any(c >= a and d >= b and (c, d) != (a, b) for c, d in left.values())
        }
        fronts |= dict.fromkeys(front, max(fronts.values(), default=0) + 1)
        left = {text: values for text, values in left.items() if text not in front}
    best = hits(found, 20)
    assert [hit.front for hit in best] == sorted(fronts.values())[:20]
    assert all(fronts[hit.smiles] == hit.front for hit in best)
    assert all(hit.copies == texts.count(hit.smiles) for hit in best)
    assert all(hit.row == texts.index(hit.smiles) + 1 for hit in best)


def test_what_is_passed_over_beats_nothing() -> None:
    known = fingerprints(["c1ccccc1CCO"])
    smiles = ["C" * 30, "c1ccccc1CCO", "c1ccccc1CCN"]
    screener = make_screener(LENGTH, combine="pareto", top=2, known=known, min_similarity=0.4)
    assert {(hit.row, hit.front) for hit in hits(screen(screener, smiles))} == {(2, 1), (3, 1)}


@pytest.mark.parametrize("combine", ["sum", "pareto"])
def test_parts_may_be_merged_in_any_order(combine: Combine) -> None:
    smiles = [LIBRARY[i] for i in rng.integers(0, len(LIBRARY), 300)]
    screener = make_screener(LENGTH, Objective(name="polar", minimize=True), combine=combine)
    whole = screen(screener, smiles, 300)
    names = [f"m{i}" for i in range(300)]
    found = Screen.of(screener.job)
    for i in (10 * rng.permutation(30)).tolist():
        found.merge(screener.screen(Part(0, i + 1, smiles[i : i + 10], names[i : i + 10])))
    assert repr(hits(found)) == repr(hits(whole))  # NaN equals itself here
    assert (found.counts, found.reasons) == (whole.counts, whole.reasons)
    for mine, theirs in zip(found.histograms, whole.histograms, strict=True):
        np.testing.assert_array_equal(mine.counts, theirs.counts)


def test_a_molecule_is_listed_once_with_its_copies() -> None:
    found = screen(make_screener(LENGTH, top=2), ["CCO", "CCCC", "OCC", "C", "C(O)C", "CCCC"], 2)
    assert [(hit.smiles, hit.row, hit.copies) for hit in hits(found)] == [
        ("CCCC", 2, 2),
        ("CCO", 1, 3),
    ]


def test_fewer_molecules_than_asked_for() -> None:
    found = screen(make_screener(LENGTH), ["C", "bad(", "CC", ""])
    assert [hit.smiles for hit in hits(found)] == ["CC", "C"]
    assert found.counts == {"ok": 2, "invalid_smiles": 2}
    assert found.reasons == {"atom C is wrong": 2}


def test_a_remark_on_a_molecule_is_no_reason_against_it() -> None:
    found = screen(make_screener(LENGTH), ["*CC", "bad("])
    assert (found.counts["ok"], found.reasons) == (1, {"atom C is wrong": 1})


def test_molecules_unlike_the_training_set_are_passed_over() -> None:
    known = fingerprints(["c1ccccc1CCO"])
    smiles = ["C" * 30, "c1ccccc1CCO", "c1ccccc1CCN"]
    free = screen(make_screener(LENGTH, known=known), smiles)
    assert {hit.row: hit.similarity == 1 for hit in hits(free)} == {1: False, 2: True, 3: False}
    near = screen(make_screener(LENGTH, known=known, min_similarity=0.4), smiles)
    assert {hit.row for hit in hits(near)} == {2, 3}


def test_what_a_filter_flags_is_not_predicted() -> None:
    quinone = "O=C1C=CC(=O)C=C1CCCCCCCC"
    found = screen(make_screener(LENGTH, exclude=("pains", "lipinski")), [quinone, "CCO", "bad("])
    assert [hit.smiles for hit in hits(found)] == ["CCO"]
    assert found.counts == {"ok": 1, "excluded": 1, "invalid_smiles": 1}
    assert found.reasons["PAINS quinone A"] == 1


def test_a_structure_hidden_by_its_file_says_so() -> None:
    part = Part(0, 1, ["", "CC"], ["a", "b"], {0: "the record is cut short"})
    found = make_screener(LENGTH).screen(part)
    assert found.counts == {"invalid_structure": 1, "ok": 1}
    assert found.reasons == {"the record is cut short": 1}
