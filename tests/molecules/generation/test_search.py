"""The search keeps to its limits, improves, and tells where everything came from."""

from pathlib import Path

import pytest
from rdkit import Chem

from molecules.features.coordinates import LACKING
from molecules.generation.generator import Generator
from molecules.generation.goal import Goal, Limits
from molecules.generation.latent import LatentNeighbours
from molecules.generation.search import Search, SearchConfig
from molecules.generation.synthesis import synthetic_accessibility
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.screening.objectives import RankBy
from molecules.tasks import Task, Tasks
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig
from sciml.transformer_config import WindowTransformerConfig

START = "CCCCCCO"
LIMITS = Limits(window=(0.3, 0.95), min_similarity=0.2)
SHORT = SearchConfig(steps=4, offspring=48)


def search(generator: Generator, predictor_file: Path, target: str = "logS:max") -> Search:
    models = [PropertyPredictor.load(predictor_file)]
    goal = Goal.of(START, models, [target], "mean", LIMITS)
    found = Search(LatentNeighbours(generator, 2.0, 0), goal, SHORT, START)
    assert list(found.steps()) == [1, 2, 3, 4]
    return found


@pytest.mark.parametrize("target", ["logS:max", "logS:min"])
def test_the_best_proposal_is_better_and_within_the_window(
    generator: Generator, predictor_file: Path, target: str
) -> None:
    found = search(generator, predictor_file, target)
    ranked = found.ranked()
    passed = [p for p in ranked if not p.judged.reason]
    assert passed[0].judged.score > found.found[START].judged.score
    assert [p.judged.score for p in passed] == sorted(
        (p.judged.score for p in passed), reverse=True
    )
    for proposal in ranked:
        within = 0.3 <= proposal.judged.similarity <= 0.95
        assert within or "similarity to the start" in proposal.judged.reason
        at_home = proposal.judged.similarity_to_train >= 0.2
        assert at_home or "similarity to the training set" in proposal.judged.reason
    assert len(ranked) + found.repeats + found.empty == SHORT.steps * SHORT.offspring


def test_parents_were_found_before_their_offspring(
    generator: Generator, predictor_file: Path
) -> None:
    found = search(generator, predictor_file)
    for proposal in found.ranked():
        assert found.found[proposal.parent].step < proposal.step


def test_the_seed_decides(generator: Generator, predictor_file: Path) -> None:
    one, again = (search(generator, predictor_file).ranked() for _ in range(2))
    assert one == again


@pytest.mark.parametrize(
    ("targets", "limits", "message"),
    [
        (["logD"], LIMITS, "no model predicts 'logD'"),
        ([], LIMITS, "choose one with --target"),
        (["logS:0", "toxic:0"], LIMITS, "every --target has weight 0"),
        (["logS"], Limits(window=(0.9, 0.4)), "--similarity is 0.9:0.4"),
        (["logS"], Limits(filters=("nonsense",)), "no filter is called"),
    ],
)
def test_a_goal_that_cannot_be_meant(
    predictor_file: Path, targets: list[str], limits: Limits, message: str
) -> None:
    models = [PropertyPredictor.load(predictor_file)]
    with pytest.raises(InputError, match=message):
        Goal.of(START, models, targets, "mean", limits)


def test_a_remark_beside_a_prediction_is_no_reason_against_it() -> None:
    """As of a model of file coordinates, which makes conformers of proposals."""
    backbone = WindowTransformerConfig(dim=8, depths=(1,), heads=(2,))
    config = ModelConfig(backbone=backbone, geometry="both", pair_dim=8, head_hidden=8)
    tasks = Tasks(tasks=(Task(name="energy"),))
    reads = PredictorConfig(model=config, tasks=tasks, coordinates="own", max_atoms=8)
    model = PropertyPredictor(reads, [PropertyModel(config, tasks)])
    assert model.predict(["CCCCO"]).reason == [LACKING]
    goal = Goal.of(START, [model], [], "mean", Limits(window=(0, 1)))
    proposed, too_large = goal.judge(["CCCCO", "CCCCCCCCCO"])
    assert proposed.reason == ""
    assert "at most 8" in too_large.reason


def test_two_models_of_the_same_property_are_refused(predictor_file: Path) -> None:
    models = [PropertyPredictor.load(predictor_file)] * 2
    with pytest.raises(InputError, match="2 models predict 'logS'"):
        Goal.of(START, models, ["logS"], "mean", LIMITS)


@pytest.mark.parametrize("by", ["mean", "bound"])
def test_a_weight_of_zero_only_shows(predictor_file: Path, by: RankBy) -> None:
    """Beside another property of the same model, or as the only one of a second model."""
    config = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1), head_hidden=8)
    tasks = Tasks(tasks=(Task(name="logP"),))
    other = PropertyPredictor(
        PredictorConfig(model=config, tasks=tasks),
        [PropertyModel(config, tasks)],
        [Calibration(width=0.5)],
    )
    models = [PropertyPredictor.load(predictor_file), other]
    (alone,) = Goal.of(START, models[:1], ["logS"], by, LIMITS).judge([START])
    goal = Goal.of(START, models, ["logS", "toxic:0", "logP:min:0"], by, LIMITS)
    (shown,) = goal.judge([START])
    assert [task.name for task in goal.tasks] == ["logS", "toxic", "logP"]
    assert goal.wishes == ["logS:max"]
    expected = [*models[0].predict([START]).mean[0], other.predict([START]).mean[0, 0]]
    assert shown.values == pytest.approx(expected)
    assert shown.score == alone.score


def test_the_sa_score_is_ertls() -> None:
    """Easy and hard as in the paper's figure 4: aspirin is easy, morphine is not."""
    aspirin, morphine = (
        synthetic_accessibility(Chem.MolFromSmiles(smiles))
        for smiles in ("CC(=O)Oc1ccccc1C(=O)O", "CN1CCC23C4C1CC5=C2C(=C(C=C5)O)OC3C(C=C4)O")
    )
    assert aspirin < 2 < 4 < morphine
