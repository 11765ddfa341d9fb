"""The command `explain`, from a table to a tidy table, a page and pictures."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch

from molecules.cli import app
from molecules.explanation import explain_file as module
from molecules.explanation.attribution import attribute
from molecules.explanation.contributions import Explained
from molecules.explanation.heat_map import colour_scale, heat_map
from molecules.explanation.page import write_pictures
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.domain import Domain
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Task, Tasks
from sciml.cli import run
from sciml.graph import GraphNetworkConfig

TASKS = Tasks(tasks=(Task(name="a<b>"), Task(name="toxic", kind="binary")))
TABLE = "ID,SMILES\nm1,Clc1ccc(CC)cc1\n<i>2</i>,bad(\nm3,\nm4,CO\nm5,C\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    known = TrainingSet(["Fc1ccc(CC)cc1", "CCCCCC"], np.array([[1.5, np.nan], [0.0, 1.0]]))
    domain = Domain.fit(known.fingerprints, np.zeros((2, 32)))
    predictor = PropertyPredictor(
        PredictorConfig(model=config, tasks=TASKS),
        [PropertyModel(config, TASKS)],
        (),
        {**domain.to_metadata(), **known.to_metadata()},
    )
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    predictor.save(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run(app, [str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_one_line_for_each_row_atom_and_property(
    model: Path, table: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART", 2)
    out = tmp_path / f"out{suffix}"
    assert call("explain", model, table, "--out", out) == 0
    made = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    sizes = made.groupby(["row", "task"], sort=False)["atom"].count()
    assert sizes.unstack("task").to_numpy().tolist() == [[9, 9], [0, 0], [0, 0], [2, 2], [1, 1]]
    assert made.groupby("row")["status"].first().tolist() == [
        "ok", "invalid_smiles", "empty", "ok", "ok",
    ]  # fmt: skip
    found = attribute(PropertyPredictor.load(model), ["Clc1ccc(CC)cc1"])
    first = made[(made["row"] == 1) & (made["task"] == "toxic")]
    np.testing.assert_allclose(first["contribution"], found.atoms[0][:, 1], atol=1e-6)
    assert list(first["atom"]) == list(range(9))
    assert "".join(first["element"]) == "ClCCCCCCCC"


def test_a_page_that_needs_nothing_else(model: Path, table: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    assert call("explain", model, table, "--out", tmp_path / "o.csv", "--html",
                tmp_path / "page.html", "--pictures", pictures, "--draw", 4) == 0  # fmt: skip
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"(src|href)\s*=|@import|url\(|<link|http(?!://www\.w3\.org)", page)
    for tag in ("<i>2", "a<b>"):
        assert tag not in page
    for text in (
        "&lt;i&gt;2&lt;/i&gt;",
        "F* → Cl*",
        "a&lt;b&gt; measured 1.5, predicted change",
        "No training molecule differs by a single exchange",
        "3 ok, 1 invalid smiles, 1 empty",
        "the first 4 are drawn",
        "the model guesses",
    ):
        assert text in page
    assert page.count("toxic measured") == 0
    assert page.count("<article") == 4
    names = sorted(path.name for path in pictures.iterdir())
    assert names == [f"row-{n:05d}-{task}.svg" for n in (1, 4) for task in ("a_b_", "toxic")]
    for path in pictures.iterdir():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("out", "page"),
    [("a.v2.csv", "a.v2.html"), ("a.v3.tsv.gz", "a.v3.html"), ("a.parquet", "a.html")],
)
def test_a_page_has_the_name_of_its_table(
    out: str, page: str, model: Path, table: Path, tmp_path: Path
) -> None:
    assert call("explain", model, table, "--draw", 0, "--out", tmp_path / out) == 0
    assert sorted(path.name for path in tmp_path.glob("*.html")) == [page]


def test_names_that_differ_in_signs_alone_have_pictures_each(tmp_path: Path) -> None:
    tasks = Tasks(tasks=(Task(name="sol [mg/L]"), Task(name="sol (mg/L)"), Task(name="other")))
    model = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1), head_hidden=8)
    config = PredictorConfig(model=model, tasks=tasks)
    predictor = PropertyPredictor(config, [PropertyModel(model, tasks)])
    write_pictures(tmp_path, Explained(1, ["", ""], attribute(predictor, ["CO", "CCO"])).alone())
    names = ["1-sol__mg_L_", "2-sol__mg_L_", "3-other"]
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == [f"row-{n:05d}-{name}.svg" for n in (1, 2) for name in names]


def test_a_model_without_its_training_molecules(tmp_path: Path, table: Path, model: Path) -> None:
    private = PropertyPredictor.load(model)
    private.metadata = {}
    private.save(tmp_path / "private.safetensors")
    assert call("explain", tmp_path / "private.safetensors", table, "--out",
                tmp_path / "o.csv") == 0  # fmt: skip
    page = (tmp_path / "o.html").read_text()
    assert "does not hold its training molecules" in page
    assert "similarity to" not in page


def test_what_the_user_can_mend(
    model: Path, table: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("smiles\nC1CC\nC1CC(\n")
    cases = [
        ("0 or more", ("explain", model, table, "--draw", -1)),
        ("expected .csv, .tsv, .parquet or .xlsx", ("explain", model, table, "--out", "o.npz")),
        ("expected .csv, .tsv, .parquet or .xlsx", ("explain", model, table, "--out", "o.sdf")),
        ("is an input", ("explain", model, table, "--out", table)),
        ("none of 2 rows", ("explain", model, bad, "--out", tmp_path / "o.csv")),
        ("cannot read", ("explain", tmp_path / "no.safetensors", table)),
    ]
    before = sorted(tmp_path.iterdir())
    for message, arguments in cases:
        assert message in refused(*arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_colours_share_a_scale() -> None:
    assert colour_scale([np.array([np.nan]), np.zeros(2)]) == 1.0
    assert colour_scale([np.array([-2.0, 1.0]), np.full(3, 0.5)]) == pytest.approx(1.92, abs=0.2)
    full = heat_map("CO", np.array([1.0, -1.0]), 1.0)
    assert "#2170B5" in full
    assert "#D85E0C" in full or "#D95E0D" in full
    assert "#2170B5" not in heat_map("CO", np.array([1.0, np.nan]), 2.0)
