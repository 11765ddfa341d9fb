"""Training molecules survive the trip through a model file."""

import json

import numpy as np
import pytest

from molecules.prediction import training_set
from molecules.prediction.training_set import KEY, TrainingSet
from sciml.errors import InputError


def test_survives_as_plain_data() -> None:
    labels = np.array([[1.25, np.nan], [0.1 + 0.2, 0.0]])
    kept = TrainingSet(["CCO", "\udce9"], labels)
    again = TrainingSet.read(json.loads(json.dumps(kept.to_metadata())))
    assert again is not None
    assert list(again.smiles) == list(kept.smiles)
    np.testing.assert_array_equal(again.labels, labels)
    assert TrainingSet.read({}) is None
    with pytest.raises(InputError, match="damaged"):
        TrainingSet.read({KEY: "%%"})


def test_text_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = TrainingSet(["C" * 10_000], np.zeros((1, 1))).to_metadata()
    assert TrainingSet.read(kept) is not None
    monkeypatch.setattr(training_set, "_LARGEST_TEXT", 9999)
    with pytest.raises(InputError, match="damaged"):
        TrainingSet.read(kept)


def test_a_random_part_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_set, "MOST_KEPT", 10)
    many = TrainingSet([f"C{n}" for n in range(99)], np.arange(99.0)[:, None])
    kept = TrainingSet.read(many.to_metadata())
    assert kept is not None
    assert len(kept) == 10
    assert [f"C{value:.0f}" for value in kept.labels[:, 0]] == list(kept.smiles)
