"""A file of three dimensions: its own positions are learned from, and predicted with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molecules.explanation.explain_file import explain_file
from molecules.features.coordinates import LACKING
from molecules.files.table import read_table
from molecules.prediction.predict_file import predict_file
from molecules.prediction.predictor import DEVIATION, PropertyPredictor
from molecules.screening.options import HitOptions
from molecules.screening.screen_file import screen_file
from molecules.training.experiment import ExperimentConfig, train
from molecules.training.preparation import prepare
from sciml.config import load_config, named_config

SMILES = [f"{'C' * n}{end}" for n in range(2, 7) for end in ("O", "N", "F", "C#N", "=O")]
SMALL = [
    "model.backbone.dim=16",
    "model.backbone.depths=[1]",
    "model.backbone.heads=[2]",
    "model.pair_dim=8",
    "training.epochs=1",
    "training.accelerator=cpu",
]


def molecule(smiles: str, number: int) -> Chem.Mol:
    """In three dimensions, with hydrogens, its atoms in random order."""
    whole = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(whole, randomSeed=number + 1) == 0
    order = np.random.default_rng(number).permutation(whole.GetNumAtoms()).tolist()
    return Chem.RenumberAtoms(whole, order)


@pytest.fixture
def geometries(tmp_path: Path) -> Path:
    path = tmp_path / "geometries.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for number, smiles in enumerate(SMILES):
            record = molecule(smiles, number)
            record.SetProp("energy", f"{-100.0 * record.GetNumAtoms() + number % 3}")
            writer.write(record)
    return path


def experiment(*overrides: str) -> ExperimentConfig:
    return load_config(
        ExperimentConfig, named_config("molecules", "energies"), [*SMALL, *overrides]
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_positions_stand_in_the_order_of_the_smiles(geometries: Path) -> None:
    table = read_table(geometries)
    assert set(table.positions) == set(range(len(SMILES)))
    for row, text in enumerate(table.smiles):
        read, place = Chem.MolFromSmiles(text), table.positions[row]
        lengths = [
            np.linalg.norm(place[bond.GetBeginAtomIdx()] - place[bond.GetEndAtomIdx()])
            for bond in read.GetBonds()
        ]
        assert 1.0 < min(lengths) <= max(lengths) < 1.7
        assert len(place) == read.GetNumAtoms()


def test_drawings_in_the_plane_and_other_columns_have_no_positions(
    geometries: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat.sdf"
    with Chem.SDWriter(str(flat)) as writer:
        for smiles in SMILES:
            writer.write(Chem.MolFromSmiles(smiles))
    assert not read_table(flat).positions
    lines = geometries.read_text().replace("<energy>", "<code>")
    named = tmp_path / "named.sdf"
    named.write_text(lines)
    assert not read_table(named, smiles="code").positions


def test_own_positions_decide_and_are_told(
    geometries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = train(str(geometries), ["energy"], experiment(), tmp_path / "run")
    assert "positions of atoms: those of the file" in capsys.readouterr().err
    model = tmp_path / "run" / "model.safetensors"
    loaded = PropertyPredictor.load(model)
    assert loaded.config.coordinates == "own"
    table = read_table(geometries)
    predicted = loaded.predict(table.smiles, positions=table.positions)
    assert not any(predicted.reason)
    predict_file(model, str(geometries), tmp_path / "out.csv")
    written = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(written["energy_pred"], predicted.mean[:, 0], rtol=1e-6)
    stretched = {row: 1.2 * place for row, place in table.positions.items()}
    moved = loaded.predict(table.smiles, positions=stretched).mean
    assert np.abs(moved - predicted.mean).max() > 1e-3
    lacking = loaded.predict(table.smiles)
    assert set(lacking.reason) == {LACKING}
    assert lacking.status == ["ok"] * len(SMILES)
    assert np.isfinite(trained.predictor.predict(["CCO"]).mean).all()


def test_predict_screen_and_explain_say_the_same_of_the_same_file(
    geometries: Path, tmp_path: Path
) -> None:
    """Screened in parts; explained by rows of which the second hides its structure."""
    train(str(geometries), ["energy"], experiment(), tmp_path / "run")
    model, out = tmp_path / "run" / "model.safetensors", tmp_path / "hits.html"
    records = geometries.read_text().split("$$$$\n")
    records.insert(1, "broken\n\n\n\n")
    geometries.write_text("$$$$\n".join(records))
    source = str(geometries)
    predict_file(model, source, tmp_path / "out.csv")
    screen_file(model, source, out, targets=["energy"], options=HitOptions(reference=geometries))
    explain_file(model, source, tmp_path / "explained.csv", draw=0)
    predicted = pd.read_csv(tmp_path / "out.csv")["energy_pred"]
    hits = pd.read_csv(tmp_path / "hits.csv").set_index("library_row").sort_index()
    explained = pd.read_csv(tmp_path / "explained.csv").groupby("row")["pred"].first()
    assert hits.index.tolist() == [1, *range(3, len(SMILES) + 2)]
    np.testing.assert_allclose(hits["energy_pred"], predicted[hits.index - 1], atol=1e-4)
    np.testing.assert_allclose(explained[hits.index], predicted[hits.index - 1], rtol=1e-6)
    middle = 100 * (hits["energy_pred"].rank() - 0.5) / len(hits)  # among themselves
    np.testing.assert_allclose(hits["energy_percentile"], middle, atol=1e-3)


def test_predictions_written_as_sdf_keep_the_geometry(geometries: Path, tmp_path: Path) -> None:
    """What is predicted of the file written is what it holds."""
    with Chem.SDWriter(str(tmp_path / "more.sdf")) as writer:
        for number, smiles in enumerate(["C[C@H](O)F", "C[C@@H](O)F", "F/C=C/C", "F/C=C\\C"]):
            writer.write(molecule(smiles, number))
    train(str(geometries), ["energy"], experiment(), tmp_path / "run")
    model = tmp_path / "run" / "model.safetensors"
    for number, file in enumerate([geometries, tmp_path / "more.sdf"]):
        out, again = (tmp_path / f"{name}{number}.sdf" for name in ("out", "again"))
        predict_file(model, str(file), out)
        predict_file(model, str(out), again)
        given, kept = read_table(file), read_table(again)
        assert kept.smiles == given.smiles
        told = kept.frame[["energy_pred", "energy_pred_2"]].astype(float)
        np.testing.assert_allclose(told["energy_pred_2"], told["energy_pred"], rtol=1e-6)
        assert set(kept.frame["reason_2"]) == {""}
        for row, place in given.positions.items():
            np.testing.assert_array_equal(kept.positions[row], place)


def test_the_scale_of_a_sum_over_atoms_is_that_of_the_measured_values(
    geometries: Path, tmp_path: Path
) -> None:
    """Not of what the elements leave over; also of a file that does not tell it."""
    made = experiment("data.coordinates=made", "training.max_steps=1")
    train(str(geometries), ["energy"], made, tmp_path / "run")
    loaded = PropertyPredictor.load(tmp_path / "run" / "model.safetensors")
    assert loaded.training_set is not None
    deviation = loaded.training_set.labels.std(axis=0)
    np.testing.assert_allclose(loaded.scales, deviation)
    assert loaded.scales > 10 * loaded.members[0].head.normalizer.std.numpy()
    del loaded.metadata[DEVIATION]
    np.testing.assert_allclose(loaded.scales, deviation)


def test_made_conformers_are_made_again(
    geometries: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(str(geometries), ["energy"], experiment("data.coordinates=made"), tmp_path / "run")
    assert "the file's own, of 25 of 25 rows, are not used" in capsys.readouterr().err
    model = tmp_path / "run" / "model.safetensors"
    predict_file(model, str(geometries), tmp_path / "out.csv")
    assert "positions of atoms are not used" in capsys.readouterr().err
    table = read_table(geometries)
    loaded = PropertyPredictor.load(model)
    plain = loaded.predict(table.smiles).mean
    np.testing.assert_array_equal(loaded.predict(table.smiles, positions={}).mean, plain)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["energy_pred"], plain[:, 0], 1e-6)


def test_one_missing_geometry_or_a_standardization_makes_all(geometries: Path) -> None:
    table = read_table(geometries)
    data = experiment().data
    assert prepare(table, ["energy"], data, True).coordinates == "own"
    salts = data.model_copy(update={"standardize": "salts"})
    assert prepare(table, ["energy"], salts, True).coordinates == "made"
    table.positions.pop(3)  # type: ignore[attr-defined]
    assert prepare(table, ["energy"], data, True).coordinates == "made"
