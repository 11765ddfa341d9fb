"""Property models as scikit-learn estimators.

scikit-learn's own checks make tables of numbers. `Numbered` turns each row of numbers into
a molecule, so that they apply: cloning, idempotence, pickling, subsets, order, ...
"""

import json
import pickle
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from molecules import MoleculeClassifier, MoleculeRegressor
from molecules.files.table import Table
from molecules.training.experiment import ExperimentConfig, train
from sciml.config import load_config, named_config
from sciml.errors import InputError

TINY = (
    "transfer=null",
    "experts=[]",
    "model.backbone.kind=graph_network",
    "keep_molecules=false",
    "model.backbone.dim=8",
    "model.backbone.steps=1",
    "model.head_hidden=8",
    "training.epochs=2",
    "training.batch_size=16",
    "training.accelerator=cpu",
)
SMILES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "F", "=O", "Cl")]
LENGTH = np.array([float(text.count("C")) for text in SMILES])
OXYGEN = np.array(["yes" if "O" in text else "no" for text in SMILES])


def as_smiles(X: np.ndarray) -> list[str]:
    """A molecule for each row of numbers: the same for the same row."""
    rows = np.ascontiguousarray(X, np.float64) + 0.0  # -0 is 0
    return ["C" + "".join("CNO"[b % 3] for b in zlib.crc32(row).to_bytes(4)) for row in rows]


class Numbered:
    """Takes tables of numbers in place of SMILES."""

    def fit(self, X: Any, y: Any) -> Any:
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=False)
        columns = X.shape[1]
        super().fit(as_smiles(X), y)  # type: ignore[misc]
        self.n_features_in_ = columns
        return self

    def _mean(self, X: Any) -> np.ndarray:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return super()._mean(as_smiles(X))  # type: ignore[misc]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.string, tags.input_tags.one_d_array = False, False
        tags.input_tags.two_d_array = True
        if tags.regressor_tags is not None:
            tags.regressor_tags.poor_score = True  # two epochs on hashes
        if tags.classifier_tags is not None:
            tags.classifier_tags.poor_score = True
        return tags


class NumberedRegressor(Numbered, MoleculeRegressor):
    def __init__(
        self, config: str = "small", overrides: Any = TINY, folds: int | None = 1,
        validation: float = 0.1, random_state: Any = 0, verbose: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(config, overrides, folds, validation, random_state, verbose)


class NumberedClassifier(Numbered, MoleculeClassifier):
    def __init__(
        self, config: str = "small", overrides: Any = TINY, folds: int | None = 1,
        validation: float = 0.1, random_state: Any = 0, verbose: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(config, overrides, folds, validation, random_state, verbose)


def test_regressor() -> None:
    model = MoleculeRegressor(overrides=TINY, folds=2)
    told = model.fit(pd.Series(SMILES, index=range(100, 140)), LENGTH).predict(SMILES[:3])
    assert told.shape == (3,)
    with pytest.warns(UserWarning, match="1 rows hold no usable molecule"):
        again = clone(model).fit([*SMILES, "C1CC"], [*LENGTH, 3.0])
    assert np.isnan(again.predict(["CCO", None, "bad("])).tolist() == [False, True, True]
    both = clone(model).fit(pd.DataFrame({"s": SMILES}), np.stack([LENGTH, -LENGTH], axis=1))
    assert both.predict(SMILES[:4]).shape == (4, 2)
    prediction = model.predictor_.predict(SMILES[:3])
    np.testing.assert_array_equal(prediction.mean[:, 0], told)
    ends = model.predict_interval(SMILES[:3])
    np.testing.assert_array_equal(ends, np.hstack([prediction.lower, prediction.upper]))
    assert both.predict_interval(SMILES[:4]).shape == (4, 2, 2)
    assert prediction.similarity is not None
    pickled = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(pickled.predict(SMILES), model.predict(SMILES))


def test_numbers_of_a_regressor_that_are_0_and_1_stay_numbers() -> None:
    model = MoleculeRegressor(overrides=TINY, folds=1).fit(SMILES, LENGTH > 4)
    assert model.predictor_.tasks.tasks[0].kind == "regression"


def test_an_estimator_of_conformers_learns_from_them(tmp_path: Path) -> None:
    """It predicts what a model of `train` does that learned from the same rows."""
    split = tmp_path / "split.json"
    split.write_text(
        json.dumps({"train": [*range(14)], "valid": [14, 15], "test": [*range(16, 20)]})
    )
    small = ["backbone.dim=8", "backbone.depths=[1]", "backbone.heads=[2]", "pair_dim=4"]
    chosen = [
        *(f"model.{name}" for name in small),
        *("training.epochs=3", "training.accelerator=cpu", "training.seed=5"),
        *(f"data.split_file={split}", f"data.cache={tmp_path}"),
    ]
    smiles, energy = SMILES[:20], -10 * LENGTH[:20] + np.arange(20) % 3
    model = MoleculeRegressor("energies", chosen).fit(smiles, energy)
    config = load_config(ExperimentConfig, named_config("molecules", "energies"), chosen)
    table = Table(pd.DataFrame({"smiles": smiles, "y": energy}), "smiles")
    trained = train(table, ["y"], config, tmp_path / "run").predictor
    np.testing.assert_array_equal(model.predict(smiles), trained.predict(smiles).mean[:, 0])


def test_classifier() -> None:
    model = MoleculeClassifier(overrides=TINY, folds=1).fit(SMILES, OXYGEN)
    assert list(model.classes_) == ["no", "yes"]
    chances = model.predict_proba([*SMILES, "bad("])
    np.testing.assert_allclose(chances[:-1].sum(axis=1), 1)
    assert np.isnan(chances[-1]).all()
    assert set(model.predict(SMILES)) <= {"no", "yes"}
    with pytest.raises(InputError, match="the first is row 1"):
        model.predict(["C", "bad("])


def test_classifier_of_three_classes() -> None:
    size = np.array(["small", "medium", "large"])[np.searchsorted([3, 6], LENGTH)]
    model = MoleculeClassifier(overrides=TINY, folds=1).fit(SMILES, size)
    assert list(model.classes_) == ["large", "medium", "small"]
    chances = model.predict_proba([*SMILES, "bad("])
    assert chances.shape == (len(SMILES) + 1, 3)
    np.testing.assert_allclose(chances[:-1].sum(axis=1), 1, rtol=1e-6)
    assert np.isnan(chances[-1]).all()
    np.testing.assert_array_equal(model.predict(SMILES), model.classes_[chances[:-1].argmax(1)])


def test_in_a_search_and_a_pipeline() -> None:
    model = MoleculeRegressor(overrides=TINY, folds=1)
    search = GridSearchCV(model, {"overrides": [TINY, (*TINY, "training.epochs=1")]}, cv=2)
    search.fit(SMILES, LENGTH)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    pipeline = make_pipeline(FunctionTransformer(partial(map_text, str.strip)), model)
    scores = cross_val_score(pipeline, [f" {text} " for text in SMILES], LENGTH, cv=2)
    assert np.isfinite(scores).all()


def map_text(function: Callable[[str], str], X: Any) -> list[str]:
    return [function(text) for text in X]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ("CCO", [1.0], "one text"),
        ([["C", "O"]], [1.0], "one column"),
        ([], [], "X has 0 samples"),
        ([1.5, 2.5], [1.0, 2.0], "holds 1.5"),
        (["C", "CC"], [1.0], "2 rows and y 1"),
        (["C1CC", "bad("], [1.0, 2.0], "no valid molecule"),
        (["C", "CC"], [np.nan, np.nan], "no label"),
    ],
)
def test_what_the_user_can_mend(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MoleculeRegressor(overrides=TINY).fit(X, y)


def test_more_that_the_user_can_mend() -> None:
    with pytest.raises(InputError, match="1 class; expected at least 2"):
        MoleculeClassifier(overrides=TINY).fit(["C", "CC", "CCC"], ["a", "a", "a"])
    with pytest.raises(InputError, match="validation is 1"):
        MoleculeRegressor(overrides=TINY, validation=1.0).fit(SMILES, LENGTH)
    with pytest.raises(InputError, match="epoch"):
        MoleculeRegressor(overrides=("training.epoch=1",)).fit(SMILES, LENGTH)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings of their own
@pytest.mark.parametrize("estimator", [NumberedRegressor(), NumberedClassifier()])
def test_scikit_learns_own_checks(estimator: Any) -> None:
    results = check_estimator(estimator, on_skip=None)
    assert len(results) > 45
    skipped = {row["check_name"] for row in results if row["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # wants SCIPY_ARRAY_API; text is no array


def test_without_the_stand_in_no_table_of_numbers_is_taken() -> None:
    with pytest.raises(InputError, match="one column of SMILES"):
        MoleculeRegressor(overrides=TINY).fit(np.ones((4, 2)), np.ones(4))
