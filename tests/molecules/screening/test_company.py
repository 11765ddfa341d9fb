"""What hits are compared with."""

import numpy as np

from molecules.evaluation.similarity import fingerprints
from molecules.prediction.training_set import TrainingSet
from molecules.screening.company import Known


def test_what_a_model_has_learned_from_is_measured_company():
    """By the tasks that count; a molecule without a value of theirs is left out."""
    labels = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]])
    trained = TrainingSet(["CCO", "CCN", "c1ccccc1O"], labels)
    known = Known.learned(trained, [0])
    assert known.smiles == ["CCO", "c1ccccc1O"]
    nearest, other = known.near(fingerprints(["c1ccccc1O"]))
    assert (nearest.smiles, nearest.similarity, nearest.values) == ("c1ccccc1O", 1.0, (3.0,))
    assert other.values == (1.0,)
    both = Known.learned(trained, [1, 0]).near(fingerprints(["CCN"]), 1)[0]
    assert both.values[0] == 2.0
    assert np.isnan(both.values[1])
