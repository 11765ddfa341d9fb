"""The default recipe: folds, out-of-fold predictions, weights, one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rdkit import Chem

from molecules.choices import SplitKind
from molecules.evaluation.splits import scaffolds
from molecules.explanation.attribution import share_told
from molecules.files.table import Table
from molecules.models.model import Head, ModelConfig, PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.prediction.predictor import PropertyPredictor
from molecules.pretraining.experiment import PretrainConfig, pretrain
from molecules.tasks import Task, Tasks
from molecules.training.divisions import Division, divisions, learned_rows
from molecules.training.experiment import ExperimentConfig, fit_predictor, train
from molecules.training.networks import Networks, _held, _tell_of_cut
from molecules.training.objectives import PropertyLoss
from molecules.training.preparation import DataConfig, Prepared, prepare
from molecules.training.stacking import affordable, stack, weights_told
from sciml.config import load_config, named_config
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig
from sciml.normalize import Normalizer

RINGS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCOC1", "c1ccsc1", "C1CCNCC1", "C1CC1", "C1CCC1")
SMILES = [f"{'C' * n}{ring}" for n in range(1, 7) for ring in RINGS] + ["CCO", "CCCO", "CCCCN"]
SMILES += [f"{a}C{b}" for i, a in enumerate(RINGS) for b in RINGS[:i]]  # a framework each
TINY = [
    "model.backbone.kind=graph_network", "model.backbone.dim=8", "model.backbone.steps=1",
    "training.epochs=2", "training.batch_size=16", "training.accelerator=cpu",
]  # fmt: skip


def table(labels: np.ndarray | None = None) -> Table:
    frame = pd.DataFrame({"smiles": SMILES})
    values = [float(len(text)) for text in SMILES] if labels is None else labels
    frame["size"] = [str(value) for value in values]
    return Table(frame, "smiles", "made")


def prepared(labels: np.ndarray | None = None, **options: object) -> Prepared:
    data = DataConfig.model_validate(options)
    return prepare(table(labels), ["size"], data, with_fingerprints=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("molecules.experts.forest.TREES", 10)


@pytest.mark.parametrize("split", ["random", "scaffold_balanced", "butina"])
def test_each_known_row_is_held_out_once_and_no_test_row_ever(split: str) -> None:
    ready = prepared(split=split)
    divided = divisions(ready, DataConfig(split=split), 4)  # type: ignore[arg-type]
    held = np.concatenate([division.held for division in divided])
    np.testing.assert_array_equal(np.sort(held), ready.known)
    for division in divided:
        assert not np.intersect1d(division.learned, division.held).size
        assert not np.intersect1d(division.learned, ready.folds["test"]).size
    np.testing.assert_array_equal(learned_rows(ready, divided), ready.known)


def test_scaffold_folds_share_no_framework_that_fits_into_half_a_fold() -> None:
    ready = prepared(split="scaffold_balanced")
    divided = divisions(ready, DataConfig(split="scaffold_balanced"), 3)
    frames = np.array(scaffolds(SMILES))
    for division in divided:
        shared = set(frames[division.learned]) & set(frames[division.held])
        assert all((frames[ready.known] == frame).sum() > len(ready.known) / 6 for frame in shared)


def test_given_folds_are_taken_for_a_scaffold_split(tmp_path: Path) -> None:
    ready = prepared(split="scaffold_balanced")
    given = DataConfig(split_column="fold")
    one = divisions(ready, given, 3)
    other = divisions(ready, DataConfig(split="scaffold_balanced"), 3)
    np.testing.assert_array_equal(one[0].held, other[0].held)


@pytest.mark.parametrize("kind", ["random", "butina"])
def test_given_folds_are_taken_for_the_kind_that_is_told(kind: SplitKind, tmp_path: Path) -> None:
    ready = prepared()
    given = DataConfig(split_file=tmp_path / "folds.json")
    told = divisions(ready, given, 3, kind)
    own = divisions(ready, DataConfig(split=kind), 3)
    assert [d.held.tolist() for d in told] == [d.held.tolist() for d in own]


def test_one_fold_is_the_validation_fold() -> None:
    ready = prepared()
    (division,) = divisions(ready, DataConfig(), 1)
    np.testing.assert_array_equal(division.held, ready.folds["valid"])
    np.testing.assert_array_equal(learned_rows(ready, [division]), ready.folds["train"])


def test_no_expert_sees_what_it_predicts() -> None:
    """Labels without sense: out of fold nothing can be told, in sample everything."""
    noise = np.random.default_rng(0).normal(size=len(SMILES))
    ready = prepared(noise)
    divided = divisions(ready, DataConfig(), 5)
    blind = Networks([], np.full((len(SMILES), 1), np.nan), 0.0, "")
    blind.held[ready.known] = 0.0
    stacked = stack(blind, ready, divided, ("kernel", "trees"), 0)
    truth, told = ready.exact[ready.known, 0], stacked.held[ready.known, 0]
    assert 1 - np.var(truth - told) / np.var(truth) < 0.15
    assert np.isnan(stacked.held[ready.folds["test"]]).all()
    assert stacked.weights.sum(axis=0) == pytest.approx(1)
    assert (stacked.weights >= 0).all()


def test_an_expert_that_knows_the_answer_is_heard() -> None:
    ready = prepared()
    divided = divisions(ready, DataConfig(), 5)
    knowing = Networks([], ready.exact.copy(), 0.0, "")
    stacked = stack(knowing, ready, divided, ("kernel", "trees"), 0)
    assert stacked.names == ("networks",)
    assert stacked.others == ()
    np.testing.assert_allclose(stacked.held[ready.known], ready.exact[ready.known])
    assert "networks 100% (0 alone); RMSE 0 on" in weights_told(stacked, ready.tasks)[0]
    task = ready.tasks.tasks[0].model_copy(update={"scale": "log"})
    assert "RMSE of natural logarithms 0 on" in weights_told(stacked, Tasks(tasks=(task,)))[0]


def test_networks_that_hold_out_the_same_rows_are_averaged_as_they_predict() -> None:
    """On the scale that is learned: of 1 and 100 the mean is 10, as in the predictor."""
    task = Task(name="size", scale="log")
    ready = replace(prepared(), tasks=Tasks(tasks=(task,)))
    models = []
    for value in (1.0, 100.0):
        model = PropertyModel(ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1)), ready.tasks)
        model.predict = lambda batch, value=value: torch.full((len(batch), 1), value)  # type: ignore[method-assign]
        models.append(model)
    same = Division(ready.folds["train"], ready.folds["valid"])
    held = _held(models, ready, [same, same])
    np.testing.assert_allclose(held[same.held], np.log(10), rtol=1e-6)
    assert np.isnan(held[same.learned]).all()


def test_wild_networks_count_as_far_as_the_limits_go() -> None:
    ready = prepared()
    divided = divisions(ready, DataConfig(), 5)
    wild = Networks([], np.full(ready.labels.shape, 1e6), 0.0, "")
    limits = np.array([[0.0], [50.0]])
    alone = stack(wild, ready, divided, (), 0, limits)
    assert alone.held.max() == 50
    beside = stack(wild, ready, divided, ("kernel",), 0, limits)
    assert beside.signs is not None
    assert np.nanmax(beside.signs[..., 0]) < 50


def test_scores_are_of_what_is_learned() -> None:
    ready = prepared()
    (task,) = ready.tasks.tasks[:1]
    tasks = Tasks(tasks=(task.model_copy(update={"scale": "log"}),))
    exact = np.exp(np.arange(len(ready.exact), dtype=float))[:, None]
    ready = replace(ready, tasks=tasks, exact=exact, labels=exact)
    told = Networks([], np.log(exact) + 0.5, 0.0, "")
    alone = stack(told, ready, divisions(ready, DataConfig(), 5), (), 0)
    assert alone.scores[0] == pytest.approx([0.5, 0.5])


def test_many_properties_or_molecules_get_networks_only() -> None:
    assert affordable(("kernel", "trees"), 10_000, 12) == (("kernel", "trees"), "")
    for rows, tasks in ((8_576, 617), (200_000, 1)):
        experts, why = affordable(("kernel", "trees"), rows, tasks)
        assert experts == ()
        assert f"networks only: {rows:,} molecules with {tasks} properties" in why
    assert affordable((), 200_000, 1) == ((), "")


def test_the_shipped_recipe_in_one_file(tmp_path: Path) -> None:
    source = tmp_path / "molecules.smi"
    source.write_text("\n".join(SMILES), encoding="utf-8")
    base = load_config(PretrainConfig, named_config("molecules", "pretrain_graph"), TINY)
    pretrain([source], base, tmp_path / "base")
    start = f"transfer.checkpoint={tmp_path / 'base' / 'model.safetensors'}"
    short = [start, "folds=3", *TINY[3:]]
    config = load_config(ExperimentConfig, named_config("molecules", "small"), short)
    frame = table()
    frame.frame["oxygen"] = [str(int("O" in text)) for text in SMILES]
    trained = train(frame, ["size", "oxygen"], config, tmp_path / "run")
    predictor = trained.predictor
    assert predictor.config.model.backbone == base.model.backbone
    assert predictor.config.beside
    np.testing.assert_allclose(predictor.weights.sum(axis=0), 1)
    assert "from scratch" in trained.told[-1]
    assert all("on molecules held out" in line for line in trained.told[:-1])
    loaded = PropertyPredictor.load(tmp_path / "run" / "model.safetensors")
    told, again = predictor.predict(SMILES), loaded.predict(SMILES)
    for part in ("mean", "lower", "upper", "spread"):
        np.testing.assert_array_equal(getattr(told, part), getattr(again, part))
    alone = np.concatenate([loaded.predict([text]).mean for text in SMILES[::6]])
    np.testing.assert_allclose(alone, told.mean[::6], rtol=0, atol=1e-5)
    spelled = [Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(t), 1, 3)[0] for t in SMILES[::6]]
    np.testing.assert_allclose(loaded.predict(spelled).mean, told.mean[::6], rtol=0, atol=1e-5)
    shares = share_told(loaded)
    assert shares.startswith("The atoms explain what the networks say, which makes ")
    assert f"{loaded.weights[0, 0]:.0%} of size" in shares
    (tmp_path / "run" / "model.safetensors").unlink()
    resumed = train(frame, ["size", "oxygen"], config, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(resumed.predictor.predict(SMILES).mean, told.mean)


def test_a_folded_head_tells_the_same() -> None:
    torch.manual_seed(0)
    tasks = prepared().tasks
    head = Head(6, ModelConfig(head_hidden=5), tasks, None)
    vectors = torch.randn(40, 6) * torch.tensor([1e-3, 0.1, 1, 10, 100, 3]) + 2
    plain = head(vectors, None)
    seen = Normalizer.fit([vectors])
    head.read_normalized(seen.mean, seen.std)
    told = head(vectors, None)
    assert not torch.allclose(told, plain, atol=1e-3)
    head.fold()
    assert (
        head.state_dict().keys()
        == Head(6, ModelConfig(head_hidden=5), tasks, None).state_dict().keys()
    )
    torch.testing.assert_close(head.inputs.normalize(vectors), vectors, rtol=0, atol=0)
    torch.testing.assert_close(head(vectors, None), told, rtol=1e-4, atol=1e-4)
    head.fold()
    torch.testing.assert_close(head(vectors, None), told, rtol=1e-4, atol=1e-4)


def test_a_new_head_reads_normalized_vectors_only_while_it_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    loss = PropertyLoss.forward

    def spy(self: PropertyLoss, model: PropertyModel, batch: MoleculeBatch) -> object:
        if torch.is_grad_enabled():
            seen.add((model.training, bool(model.head.inputs.mean.any())))
        return loss(self, model, batch)

    monkeypatch.setattr(PropertyLoss, "forward", spy)
    few = ["folds=2", "measure_gain=false", "experts=[]", *TINY[3:], "training.epochs=1"]
    config = load_config(ExperimentConfig, named_config("molecules", "small"), few)
    predictor = train(table(), ["size"], config, tmp_path / "run").predictor
    assert seen == {(True, True)}
    assert not any(member.head.inputs.mean.any() for member in predictor.members)


def test_a_head_that_was_trained_reads_vectors_as_before(tmp_path: Path) -> None:
    few = ["folds=1", "measure_gain=false", "experts=[]", *TINY]
    path = named_config("molecules", "small")
    first = load_config(ExperimentConfig, path, ["transfer=null", *few])
    before = train(table(), ["size"], first, tmp_path / "first").predictor.predict(SMILES)
    start = f"transfer={{checkpoint: {tmp_path / 'first' / 'model.safetensors'}}}"
    still = ["training.optimizer.lr=1e-12", "training.ema_decay=null"]
    again = load_config(ExperimentConfig, path, [*few, start, *still])
    after = train(table(), ["size"], again, tmp_path / "again").predictor.predict(SMILES)
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-4)


def test_a_table_of_alkanes_says_nothing_wild_of_other_molecules(tmp_path: Path) -> None:
    """Where channels hardly differ, they are not blown up."""
    chains = ["C" * n for n in range(1, 41)]
    frame = pd.DataFrame({"smiles": chains, "size": [str(len(text)) for text in chains]})
    few = ["folds=2", "measure_gain=false", "experts=[]", *TINY[3:], "training.epochs=8"]
    config = load_config(ExperimentConfig, named_config("molecules", "small"), few)
    trained = train(Table(frame, "smiles", "made"), ["size"], config, tmp_path / "run")
    others = ["CC(=O)Oc1ccccc1C(=O)O", "CN1CCCC1c1cccnc1", "ClCC(=O)O", "CCO"]
    assert np.abs(trained.predictor.predict(others).mean).max() < 200


def test_quantities_over_decades_scale_with_their_unit(tmp_path: Path) -> None:
    """Learned as logarithms, 1,000 times the labels are 1,000 times all that is said."""
    noise = np.random.default_rng(0).normal(size=len(SMILES))
    values = np.exp(np.array([len(text) for text in SMILES]) / 2 + noise)
    few = ["transfer=null", "folds=3", "measure_gain=false", "experts=[kernel]", *TINY]
    config = load_config(ExperimentConfig, named_config("molecules", "small"), few)
    told = []
    for factor in (1.0, 1000.0):
        trained = train(table(factor * values), ["size"], config, tmp_path / str(factor))
        predictor = trained.predictor
        assert predictor.tasks.logarithmic.tolist() == [True]
        prediction = predictor.predict(SMILES)
        assert (prediction.lower > 0).all()
        assert (prediction.lower < prediction.mean).all()
        assert (prediction.mean < prediction.upper).all()
        assert prediction.spread is not None
        parts = prediction.mean, prediction.lower, prediction.upper, prediction.spread
        ours = [row.score.value for row in trained.held_out.scores if row.model == "our model"]
        told.append([*parts, np.array(ours[:2]), predictor.scales])
    for small, large in zip(*told, strict=True):
        np.testing.assert_allclose(large, 1000 * small, rtol=1e-3)


def test_a_table_too_large_for_the_steps_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    config = ExperimentConfig.model_validate({"training": {"epochs": 10, "max_steps": 100}})
    _tell_of_cut(config, 600)
    assert not capsys.readouterr().err
    _tell_of_cut(config, 6400)
    assert "after 0.5 of 10 epochs" in capsys.readouterr().err


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    config = load_config(
        ExperimentConfig, named_config("molecules", "small"), ["transfer.checkpoint=none", *TINY]
    )
    with pytest.raises(InputError, match="no file none, nor weights of that name"):
        fit_predictor(replace(prepared()), config, tmp_path)
