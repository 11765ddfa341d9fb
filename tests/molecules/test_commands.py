"""`predict` and `screen` from files to files, with a real model of random weights."""

import gzip
import io
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rdkit import Chem

from molecules.cli import app
from molecules.evaluation.similarity import fingerprints
from molecules.files.table import read_table
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.embedder import Embedder
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.prediction.writers import table_writer
from molecules.tasks import Task, Tasks
from sciml.cli import run
from sciml.graph import GraphNetworkConfig

TASKS = Tasks(tasks=(Task(name="pIC50", unit="-log10 mol/L"), Task(name="toxic", kind="binary")))
TABLE = 'ID,SMILES,status\nm1,CCO,new\nm2,bad(,old\nm3,,\nm4,c1ccccc1,"x\ny"\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    domain = Domain.fit(fingerprints(["c1ccccc1"]), np.zeros((1, 32)))
    predictor = PropertyPredictor(
        PredictorConfig(model=config, tasks=TASKS),
        [PropertyModel(config, TASKS)],
        [Calibration(width=0.5), Calibration()],
        {
            "table": "demo",
            "rows": {"train": 800},
            "scores": {"pIC50/RMSE": 0.5},
            "label_range": {"pIC50": [90.0, 99.0]},
            **domain.to_metadata(),
        },
    )
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    predictor.save(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def call(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, [str(argument) for argument in arguments])
    assert not ended.value.code


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_predict_keeps_every_row_and_column(
    model: Path, table: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"out{suffix}"
    call("predict", model, table, "--out", out)
    given, made = read_table(table).frame, read_table(out, smiles="SMILES").frame
    assert list(made.columns) == [
        "ID", "SMILES", "status",
        "pIC50_pred", "pIC50_lower", "pIC50_upper", "toxic_pred", "toxic_lower", "toxic_upper",
        "toxic_set", "similarity_to_train", "distance_to_train", "status_2", "reason",
    ]  # fmt: skip
    for column in given.columns:
        assert list(made[column]) == list(given[column])
    assert list(made["status_2"]) == ["ok", "invalid_smiles", "empty", "ok"]
    values = pd.to_numeric(made["pIC50_pred"])
    np.testing.assert_array_equal(values.isna(), [False, True, True, False])
    np.testing.assert_allclose(
        values - pd.to_numeric(made["pIC50_lower"]), [0.5, *[np.nan] * 2, 0.5]
    )
    nearness = pd.to_numeric(made["similarity_to_train"])
    assert nearness[3] == 1  # benzene, named C, is the training set
    np.testing.assert_array_equal(nearness.isna(), values.isna())
    assert "4 rows, 2 ok" in capsys.readouterr().out


def test_inchi_is_used_as_the_smiles_of_its_molecule(
    model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    smiles = ["CCO", "CC(=O)Nc1ccccc1", "c1ccccc1"]
    drawn = pd.DataFrame({"id": list("abc"), "smiles": smiles, "y": [1, 2, 3]})
    inchi = [Chem.MolToInchi(Chem.MolFromSmiles(text)) for text in smiles]
    written = drawn.rename(columns={"smiles": "InChI"}).assign(InChI=inchi)
    written.loc[len(written)] = ["d", inchi[1][:-9], 4]  # cut off
    drawn.to_csv(tmp_path / "drawn.csv", index=False)
    written.to_csv(tmp_path / "written.csv", index=False)
    for command in ("predict", "embed"):
        made = []
        for name in ("drawn", "written"):
            out = tmp_path / f"{command}_{name}.csv"
            call(command, model, tmp_path / f"{name}.csv", "--out", out, "--workers", 1)
            made.append(pd.read_csv(out, dtype=str, keep_default_na=False))
        assert list(made[1]["InChI"]) == list(written["InChI"])
        assert list(made[1]["status"]) == ["ok", "ok", "ok", "invalid_inchi"]
        assert "cannot be read as InChI" in made[1]["reason"][3]
        numbers = made[0].columns[2:-2]
        np.testing.assert_array_equal(made[1].loc[:2, numbers], made[0][numbers])
    for name in ("drawn", "written"):
        out = tmp_path / f"hits_{name}.html"
        library = tmp_path / f"{name}.csv"
        call("screen", model, library, "--target", "pIC50", "--out", out, "--workers", 1)
    hits = [pd.read_csv(tmp_path / f"hits_{name}.csv") for name in ("drawn", "written")]
    pd.testing.assert_frame_equal(*(table.drop(columns="library_file") for table in hits))
    capfd.readouterr()
    call("check", tmp_path / "written.csv", "--target", "y")
    told = " ".join(capfd.readouterr().out.split())
    assert "1 of 4 rows hold no molecule" in told
    assert "cannot be read as InChI" in told
    call("predict", model, tmp_path / "written.csv", "--out", tmp_path / "p.csv", "--workers", 1)
    error = capfd.readouterr().err
    assert "InChI from column 'InChI'" in error
    assert "ERROR" not in error  # of RDKit


def test_predictions_are_the_models_whatever_the_chunks(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smiles = ["C" * n + "O" for n in range(1, 30)]
    path = tmp_path / "t.smi"
    path.write_text("\n".join(smiles))
    call("predict", model, path, "--out", tmp_path / "whole.csv")
    from molecules.prediction import rows as module

    monkeypatch.setattr(module.watched, "__defaults__", (4,))
    call("predict", model, path, "--out", tmp_path / "parts.csv", "--workers", 1)
    whole, parts = (pd.read_csv(tmp_path / name) for name in ("whole.csv", "parts.csv"))
    expected = PropertyPredictor.load(model).predict(smiles).mean[:, 0]
    np.testing.assert_allclose(whole["pIC50_pred"], expected, rtol=0, atol=1e-6)  # float32
    np.testing.assert_allclose(parts["pIC50_pred"], expected, rtol=0, atol=1e-6)


def test_workers_and_kept_graphs_change_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from molecules.prediction import rows as module

    path, cache = tmp_path / "t.smi", tmp_path / "cache"
    path.write_text("\n".join(["C" * n + "O" for n in range(1, 30)] + ["bad(", "C1CC1"]))
    monkeypatch.setattr(module.watched, "__defaults__", (5,))
    ways: list[list[object]] = [["--workers", 1], ["--workers", 2, "--cache", cache],
                                ["--workers", 1, "--cache", cache]]  # fmt: skip
    for number, way in enumerate(ways):
        call("predict", model, path, "--out", tmp_path / f"{number}.csv", *way)
    assert len(list(cache.iterdir())) == 7
    texts = {(tmp_path / f"{number}.csv").read_text() for number in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize("suffix", [".sdf", ".sdf.gz"])
def test_predict_to_sdf(model: Path, table: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    call("predict", model, table, "--out", out)
    data = gzip.decompress(out.read_bytes()) if suffix.endswith("gz") else out.read_bytes()
    supplier = Chem.SDMolSupplier()
    supplier.SetData(data.decode())
    records = list(supplier)
    assert [mol.GetProp("_Name") for mol in records] == ["m1", "m2", "m3", "m4"]
    assert [mol.GetNumAtoms() for mol in records] == [3, 0, 0, 6]  # a name follows a line break
    assert [mol.GetProp("status_2") for mol in records] == ["ok", "invalid_smiles", "empty", "ok"]
    assert Chem.MolToSmiles(records[3]) == "c1ccccc1"
    call("predict", model, table, "--out", tmp_path / "out.csv")
    expected = pd.read_csv(tmp_path / "out.csv")
    assert float(records[0].GetProp("pIC50_pred")) == pytest.approx(expected["pIC50_pred"][0])
    assert records[1].GetProp("pIC50_pred") == ""
    assert read_table(out).frame["reason"].iloc[1] == expected["reason"][1]


def test_embed(model: Path, table: Path, tmp_path: Path) -> None:
    expected = PropertyPredictor.load(model).embed(["CCO", "bad(", "", "c1ccccc1"]).vectors
    for name in ("e.csv", "e.parquet"):
        call("embed", model, table, "--out", tmp_path / name)
        made = read_table(tmp_path / name, smiles="SMILES").frame
        vectors = made.filter(like="embedding_").apply(pd.to_numeric).to_numpy(float)
        np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-6)
        assert list(made["ID"]) == ["m1", "m2", "m3", "m4"]
        assert list(made["status_2"]) == ["ok", "invalid_smiles", "empty", "ok"]
    call("embed", model, table, "--out", tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz") as arrays:
        np.testing.assert_allclose(arrays["vectors"], expected, rtol=1e-5, atol=1e-6)
        assert arrays["status"].tolist() == ["ok", "invalid_smiles", "empty", "ok"]


def test_embed_with_what_ships(table: Path, tmp_path: Path) -> None:
    call("embed", "base", table, "--out", tmp_path / "e.npz")
    expected = Embedder.load("base").embed(["CCO", "bad(", "", "c1ccccc1"])
    with np.load(tmp_path / "e.npz") as arrays:
        np.testing.assert_allclose(arrays["vectors"], expected.vectors, rtol=1e-5, atol=1e-6)
        assert arrays["status"].tolist() == expected.status


def test_cells_and_columns_of_any_text_stay_whole_in_an_sdf(tmp_path: Path) -> None:
    cells = ["$$$$ expensive", "> see <note>", "plain"]
    frame = pd.DataFrame({"note": cells, "numArom": ["6", "0", "7"], "last": ["1", "2", "3"]})
    with table_writer(tmp_path / "t.sdf") as write:
        write(frame, ["c1ccccc1", "CCO", "not a molecule"])
    found = read_table(tmp_path / "t.sdf").frame
    assert [cell.strip() for cell in found["note"]] == cells
    for name in ("numArom", "last"):
        assert found[name].tolist() == frame[name].tolist()


def test_broken_sdf_records_are_rows(model: Path, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "molecules" / "dirty" / "sdf" / "good_bad_good_bad.sdf"
    call("predict", model, source, "--out", tmp_path / "out.csv")
    made = pd.read_csv(tmp_path / "out.csv")
    assert list(made["status"]) == ["ok", "invalid_structure", "ok", "invalid_structure"]


def test_dirty_table_end_to_end(model: Path, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "molecules" / "dirty"
    call("predict", model, folder / "dirty_input.csv", "--out", tmp_path / "out.csv")
    expected = pd.read_csv(folder / "dirty_expected.csv")
    made = pd.read_csv(tmp_path / "out.csv")
    assert list(made["ID"]) == list(expected["ID"])
    read = made["status"].isin(["ok", "too_large", "no_atoms"])
    inchi = made["SMILES"].fillna("").str.startswith("InChI=")
    several_lines = expected["category"] == "quoted newline"  # RDKit reads the first
    parses = (expected["rdkit_parses"].astype(bool) | inchi) & ~several_lines
    np.testing.assert_array_equal(read, parses)
    np.testing.assert_array_equal(made["pIC50_pred"].notna(), made["status"] == "ok")
    too_large = made["status"] == "too_large"
    np.testing.assert_array_equal(too_large, expected["heavy_atoms"].fillna(0) > 1000)
    assert made.loc[made["status"] != "ok", "reason"].notna().all()


def test_screen_writes_one_page_that_needs_nothing_else(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = tmp_path / "lib.csv"
    rows = [f"C{'C' * n}O,<b>name {n}</b>" for n in range(20)]
    library.write_text("smiles,name\n" + "\n".join([*rows, rows[0], "bad(,x"]) + "\n")
    out = tmp_path / "hits.html"
    call("screen", model, library, "--top", 5, "--out", out, "--target", "pIC50")
    page = out.read_text()
    assert not re.search(r"(src|href)\s*=|@import|url\(|<link|http(?!://www\.w3\.org)", page)
    assert page.count('<svg viewBox="0 0 220 150"') == 5
    assert "<b>name" not in page
    assert "&lt;b&gt;name" in page
    for text in (
        "Nearest",
        "0.5",
        "demo, 800 rows",
        "90 %",
        "cannot be parsed",
        "log10 mol/L",
        "outside the range of all measured values, 90 to 99",
        "resemble no training",
    ):
        assert text in page
    hits = pd.read_csv(tmp_path / "hits.csv")
    assert len(hits) == 5
    assert hits["pIC50_pred"].is_monotonic_decreasing
    everything = PropertyPredictor.load(model).predict([row.split(",")[0] for row in rows])
    assert hits["pIC50_pred"][0] == pytest.approx(everything.mean[:, 0].max(), abs=1e-4)
    assert "21 ok, 1 invalid smiles" in capsys.readouterr().out


def test_a_shard_is_written_where_the_help_says(
    model: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("screen", "--help")
    assert "hits.3-of-16.json" in capsys.readouterr().out
    out = tmp_path / "hits.html"
    call("screen", model, table, "--target", "toxic", "--shard", "1/2", "--out", out)
    assert [path.name for path in tmp_path.glob("*.json")] == ["hits.1-of-2.json"]


@pytest.mark.parametrize("shard", [(), ("--shard", "1/2")])
def test_a_screen_that_is_ended_says_that_it_goes_on(
    model: Path, table: Path, tmp_path: Path, shard: tuple[str, ...],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("molecules.screening.carry_out.SAVE_SECONDS", -1.0)
    monkeypatch.setattr("molecules.screening.carry_out._SHARE", 1e9)
    for name in ("finish", "_finish_shard"):
        monkeypatch.setattr(f"molecules.screening.screen_file.{name}", stopped)
    out = tmp_path / "hits.html"
    with pytest.raises(SystemExit) as ended:
        run(app, ["screen", str(model), str(table), "--target", "toxic", "--out", str(out),
                  "--workers", "1", *shard])  # fmt: skip
    assert ended.value.code == 130
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == "stopped; the same command goes on where it was"


def test_screen_of_a_probability_to_minimize(model: Path, tmp_path: Path) -> None:
    library = tmp_path / "lib.smi"
    library.write_text("\n".join("C" * n for n in range(1, 9)))
    out = tmp_path / "page.html"
    call("screen", model, library, "--out", out, "--target", "toxic", "--minimize",
         "--csv", tmp_path / "list.csv")  # fmt: skip
    assert pd.read_csv(tmp_path / "list.csv")["toxic_pred"].is_monotonic_increasing
    assert "probability of 1" in out.read_text()
    assert "lowest" in out.read_text()


def test_a_screen_for_improvements_says_that_there_are_none(
    model: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "hits.html"
    chosen = ["--target", "pIC50", "--rank-by", "improvement"]
    call("screen", model, table, *chosen, "--out", out, "--workers", 1)
    told = "No molecule is expected to improve on the best measured value"
    assert f"note: {told}" in capsys.readouterr().err
    assert told in out.read_text()


def test_library_from_standard_input(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(b"CCO a\nCCC b\n")))
    monkeypatch.setattr(sys, "stdin", stdin)
    call("screen", model, "-", "--target", "toxic", "--out", tmp_path / "hits.html")
    assert set(pd.read_csv(tmp_path / "hits.csv")["name"]) == {"a", "b"}


def test_pretraining_reads_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(f"{'C' * n}O\n" for n in range(1, 21)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    small = ("--model.backbone.dim", 16, "--model.backbone.heads", "[2]", "--training.epochs", 1)
    plain = ("--model.geometry", "graph", "--objective.denoising", 0)
    call("pretrain", "-", "--run", tmp_path / "run", *small, *plain)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_unusable_input_is_one_line_and_leaves_nothing(
    model: Path,
    table: Path,
    tmp_path: Path,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "bad.smi").write_text("smiles\nbad(\nC(\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.csv"
    cases: list[tuple[str, Sequence[object]]] = [
        ("No such file", ("predict", model, tmp_path / "none.csv", "--out", out)),
        ("No such file|no such|cannot read", ("predict", tmp_path / "none", table, "--out", out)),
        ("not a .*file|safetensors", ("predict", table, table, "--out", out)),
        ("did you mean 'SMILES'", ("predict", model, table, "--out", out, "--smiles", "smile")),
        ("none of 2 rows", ("predict", model, tmp_path / "bad.smi", "--out", out)),
        ("expected .csv", ("predict", model, table, "--out", tmp_path / "out.xls")),
        ("expected .csv, .tsv, .parquet or .npz$", ("embed", model, table, "--out", "o.sdf")),
        ("expected .csv, .tsv, .parquet or .npz$", ("embed", model, table, "--out", "o.foo")),
        ("expected .csv, .tsv, .parquet or .npz$", ("embed", model, table, "--out", "o.npz.gz")),
        ("weights of that name in the package .it has base", ("embed", "bas", table)),
        ("none of 2 rows", ("embed", model, tmp_path / "bad.smi", "--out", tmp_path / "e.npz")),
        ("no molecule that this", ("verify", model, tmp_path / "bad.smi")),
        ("not a .*file|safetensors", ("verify", table)),
        ("expected at least 1", ("predict", model, table, "--out", out, "--workers", 0)),
        ("torch finds no GPU", ("predict", model, table, "--out", out, "--device", "cuda")),
        ("torch finds no GPU", ("embed", model, table, "--out", out, "--device", "cuda")),
        ("torch finds no GPU", ("screen", model, table, "--target", "toxic", "--device", "cuda")),
        ("is an input", ("predict", model, table, "--out", table)),
        ("is an input", ("predict", model, table.parent / "*.csv", "--out", table)),
        ("is an input", ("screen", model, "demo", "--target", "toxic", "--measured", table,
                         "--out", table.with_suffix(".html"))),
        ("is an input", ("screen", model, "demo", "--target", "toxic", "--actives", table,
                         "--out", tmp_path / "h.html", "--csv", table)),
        ("is an input", ("merge", table, "--csv", table)),
        ("there is no option --exclud here", ("screen", model, table, "--exclud", "pains")),
        ("there is no option --oot here", ("predict", model, table, "--oot", out)),
        ("there is no option -o here", ("embed", model, table, "-o", out)),
        ("there is no option --resum here", ("pretrain", table, "--resum")),
        ("choose one with --target", ("screen", model, table, "--out", tmp_path / "h.html")),
        ("did you mean 'toxic'", ("screen", model, table, "--target", "toxi")),
        ("lower --min-similarity", ("screen", model, table, "--target", "toxic", "--out",
                                    tmp_path / "h.html", "--min-similarity", 1.1)),
        ("at least 1", ("screen", model, table, "--target", "toxic", "--top", 0)),
        ("given twice", ("screen", model, table, "--target", "toxic", "--target", "toxic:min")),
        ("weight 0", ("screen", model, table, "--target", "toxic:max:0")),
        ("did you mean 'pains'", ("screen", model, table, "--target", "toxic", "--flag", "pain")),
        ("did you mean 'brenk'", ("screen", model, table, "--target", "toxic", "--exclude",
                                  "brenc")),
        ("expected 1 to 9", ("screen", model, table, "--target", "toxic", "--top", 9,
                             "--diverse", 10)),
        ("third of sixteen", ("screen", model, table, "--target", "toxic", "--shard", "17/16")),
        ("give what is said", ("screen", model, table, "--target", "toxic", "--shard", "1/2",
                               "--diverse", 3)),
        ("no column 'toxic'", ("screen", model, table, "--target", "toxic", "--measured", table)),
        ("cannot read", ("screen", model, table, "--target", "toxic", "--actives", "none.smi")),
        ("measured quantities", ("screen", model, table, "--target", "toxic", "--rank-by",
                                 "improvement")),
        ("is no shard", ("merge", table)),
        ("none of 2 rows", ("screen", model, tmp_path / "bad.smi", "--target", "toxic",
                            "--out", tmp_path / "h.html")),
    ]  # fmt: skip
    for message, arguments in cases:
        assert re.search(message, refused(*arguments)), message
    assert sorted(tmp_path.iterdir()) == before


def test_help_is_light() -> None:
    for name in ("torch", "rdkit", "lightning", "xarray"):
        assert f"import {name}" not in Path(sys.modules["molecules.cli"].__file__ or "").read_text()
