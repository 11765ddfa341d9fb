"""From molecules without labels to an encoder that a training starts from."""

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from molecules.features.descriptors import NAMES, descriptors
from molecules.features.features import featurize
from molecules.files.table import Table, read_table
from molecules.models.model import ENCODER, EncoderModel, ModelConfig
from molecules.molecule import MoleculeBatch
from molecules.pretraining import library as library_module
from molecules.pretraining.experiment import PretrainConfig, pretrain
from molecules.pretraining.library import Library, make_library
from molecules.pretraining.targets import computed_targets, open_targets, store_targets
from molecules.pretraining.winsorize import Winsorizer
from molecules.training.experiment import ExperimentConfig, train
from sciml.config import load_config, named_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_model_file

SMILES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "F", "c1ccccc1", "=O")]
SHORT = ["training.epochs=2", "training.batch_size=8", "training.accelerator=cpu"]
GRAPH = ["model.backbone.dim=16", "model.backbone.steps=1", "model.head_hidden=16"]
TRANSFORMER = [
    "model.backbone.dim=16",
    "model.backbone.depths=[1]",
    "model.backbone.heads=[2]",
    "model.pair_dim=8",
    "model.head_hidden=16",
]


def config(name: str, *overrides: str) -> PretrainConfig:
    return load_config(
        PretrainConfig, named_config("molecules", name), [*SHORT, "data.processes=1", *overrides]
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "molecules.smi"
    path.write_text("\n".join([*SMILES, "not a molecule", "C1CC"]), encoding="utf-8")
    return path


def test_resumes_with_the_same_molecules_only(source: Path, tmp_path: Path) -> None:
    tiny, run = config("pretrain_graph", *GRAPH, "training.epochs=1"), tmp_path / "run"
    longer = config("pretrain_graph", *GRAPH, "training.epochs=2")
    pretrain([source], tiny, run)
    moved = tmp_path / "moved.csv"
    rows = "".join(f"a,{text}\n" for text in read_table(source).smiles)
    moved.write_text(f"name,smiles\n{rows}")
    assert pretrain([moved], longer, run, resume=True).molecules == len(SMILES)
    with pytest.raises(InputError, match="begun with 42 rows; 84 rows came, and is not the same"):
        pretrain([source, moved], longer, run, resume=True)
    moved.write_text(f"name,smiles\n{rows.replace('a,CCCCO', 'a,CCCCS')}")  # in the middle
    with pytest.raises(InputError, match="begun with 42 rows; 42 rows came"):
        pretrain([moved], longer, run, resume=True)
    with pytest.raises(InputError, match=r"begun with data\.rows null, not 5"):
        pretrain([source], config("pretrain_graph", *GRAPH, "data.rows=5"), run, resume=True)
    (run / "table.json").unlink()
    with pytest.raises(InputError, match="by an earlier version"):
        pretrain([source], longer, run, resume=True)


@pytest.mark.parametrize(
    ("first", "second", "size"),
    [("pretrain", "finetune", TRANSFORMER), ("pretrain_graph", "finetune_graph", GRAPH)],
)
def test_pretrain_then_finetune(
    first: str, second: str, size: list[str], source: Path, tmp_path: Path
) -> None:
    result = pretrain([source], config(first, *size), tmp_path / "pretrain")
    assert np.isfinite(result.fit.best_loss)
    assert result.molecules == len(SMILES)
    model = tmp_path / "pretrain" / "model.safetensors"
    overrides = [
        *SHORT,
        f"transfer.checkpoint={model}",
        'transfer.frozen=["encoder.backbone.*"]',
    ]
    tuned = load_config(ExperimentConfig, named_config("molecules", second), overrides)
    frame = pd.DataFrame({"smiles": SMILES, "length": [str(s.count("C")) for s in SMILES]})
    trained = train(Table(frame, "smiles", "made"), ["length"], tuned, tmp_path / "run")
    assert trained.predictor.config.model.backbone.dim == 16  # as in the file
    _, metadata, before = read_model_file(model, "molecules.encoder")
    assert metadata["tables"] == ["molecules.smi"]
    after = trained.predictor.members[0].state_dict()
    backbone = [name for name in before if name.startswith("encoder.backbone.")]
    assert backbone
    for name in backbone:
        np.testing.assert_array_equal(after[name], before[name])


def test_files_are_made_once(source: Path, tmp_path: Path, monkeypatch) -> None:
    shared = f"data.cache={tmp_path / 'cache'}"
    pretrain([source], config("pretrain_graph", *GRAPH, shared), tmp_path / "first")
    monkeypatch.setattr("molecules.pretraining.targets.computed_targets", None)
    pretrain([source], config("pretrain_graph", *GRAPH, shared), tmp_path / "second")
    kinds = sorted(path.name.split("-")[0] for path in (tmp_path / "cache").iterdir())
    assert kinds == ["graphs", "targets"]


def test_rows_are_drawn_from_all_tables(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.smi"
    other.write_text("\n".join(f"{'N' * n}" for n in range(1, 41)), encoding="utf-8")
    made = config("pretrain_graph", *GRAPH, "data.rows=30")
    result = pretrain([source, other], made, tmp_path / "run")
    assert 25 <= result.molecules <= 30  # two cannot be used


def test_denoising_needs_conformers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sees conformers"):
        pretrain(["demo"], config("pretrain_graph", "objective.denoising=1"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_graph_learns_of_conformers(source: Path, tmp_path: Path) -> None:
    about = ["objective.distances=1", "objective.contrast=1", "data.conformers=12"]
    result = pretrain([source], config("pretrain_graph", *GRAPH, *about), tmp_path / "run")
    assert np.isfinite(result.fit.best_loss)
    _, metadata, tensors = read_model_file(tmp_path / "run" / "model.safetensors", ENCODER)
    assert metadata["objective"]["contrast"] == 1
    assert all(name.startswith("encoder.") for name in tensors)  # no view is left in it


def test_a_contrast_needs_two_views(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sees them itself"):
        pretrain(["demo"], config("pretrain", "objective.contrast=1"), tmp_path / "run")


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    source = tmp_path / "none.smi"
    source.write_text("C1CC\nnot\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"none\.smi: 0 valid molecules"):
        pretrain([source], config("pretrain_graph", *GRAPH), tmp_path / "run")


def test_targets_come_back(tmp_path: Path) -> None:
    smiles = ["CCO", "c1ccccc1", "[U]", "CC(C)(C)C"]
    found = open_targets(store_targets(smiles, tmp_path))
    np.testing.assert_array_equal(found.descriptors, descriptors(smiles, 1))
    expected = featurize(smiles, with_fingerprints=True).fingerprints
    np.testing.assert_array_equal(found.counts(), expected)
    made = computed_targets([])
    assert made.descriptors.shape == (0, len(NAMES))
    assert made.counts().shape[0] == 0


def test_a_batch_is_what_was_asked_for(tmp_path: Path, monkeypatch) -> None:
    """However the molecules lie in files, a batch holds the same ones."""
    monkeypatch.setattr(library_module, "CHUNK", 7)
    library = make_library([*SMILES, "C1CC"], tmp_path, 100, targets=True)
    assert [len(part) for part in library.parts] == [7, 7, 7, 7, 7, 5]
    rows = library.rows(np.arange(3, 33))
    batch = rows.__getitems__([25, 0, 7, 8])  # numbers 28, 3, 10, 11
    expected = [SMILES[number] for number in (3, 10, 11, 28)]
    alone = featurize(expected, with_fingerprints=True)
    one = MoleculeBatch.cut(alone.packed, np.arange(4))
    for name in ("x", "edge_index", "edge_attr", "batch", "ptr"):
        torch.testing.assert_close(getattr(batch, name), getattr(one, name))
    np.testing.assert_array_equal(batch.descriptors, descriptors(expected, 1))
    counts = torch.from_numpy(alone.fingerprints).float()
    torch.testing.assert_close(batch.fingerprint, counts.log1p())


def test_large_libraries_are_read_part_by_part(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(library_module, "CHUNK", 16)
    library = make_library(SMILES, tmp_path, 100, targets=False)
    assert library.runs is None
    monkeypatch.setattr(library_module, "_IN_ANY_ORDER", 3)
    assert library.rows(np.array([0, 15, 16, 39])).runs.tolist() == [0, 0, 1, 2]
    assert isinstance(library, Library)


def test_extremes_are_cut_off() -> None:
    random = np.random.default_rng(0)
    sample = random.normal(size=(5000, 3)).astype(np.float32)
    sample[0, 0] = 1e6
    sample[1, 1] = np.nan
    sample[:, 2] = 4.0
    winsorizer = Winsorizer.fit(sample)
    found = winsorizer(torch.from_numpy(sample))
    assert found[0, 0] < 4
    assert found[1, 1].isnan()
    assert not found[:, 2].any()
    assert abs(float(found[:, 0].mean())) < 1e-3
    assert float(found[:, 0].std()) == pytest.approx(1, abs=1e-3)


def test_the_shipped_base_is_what_its_configuration_says() -> None:
    """It opens, has the model of `base.yaml`, and tells like molecules from unlike ones."""
    path = Path(str(resources.files("molecules"))) / "weights" / "base.safetensors"
    held, metadata, tensors = read_model_file(path, "molecules.encoder")
    made = load_config(PretrainConfig, named_config("molecules", "base"), ())
    assert ModelConfig(**held) == made.model
    assert metadata["objective"]["descriptors"] == made.objective.descriptors
    model = EncoderModel(made.model)
    load_state(model, tensors, path)
    smiles = ["CCCCCCO", "CCCCCCCO", "c1ccc2[nH]ccc2c1"]
    packed = featurize(smiles).packed
    vectors = model.eval().encoder(MoleculeBatch.cut(packed, np.arange(3)))
    near, far = (torch.cosine_similarity(vectors[0], vectors[i], dim=0) for i in (1, 2))
    assert near > 0.9 > far
