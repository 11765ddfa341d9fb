"""`molecules generate` and `molecules optimize` from files to files."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molecules.cli import app
from molecules.features.selfies import constitution
from molecules.generation.acceptance import Limits, keep_drawing
from molecules.generation.proposals import broken_limit
from molecules.prediction.predictor import PropertyPredictor
from molecules.screening.filters import alerts
from sciml.cli import run
from sciml.errors import InputError


def call(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, [str(a) for a in arguments])
    assert ended.value.code == 0


def test_samples(generator_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.csv", "b.csv", "c.smi", "d.sdf"):
        call("generate", generator_file, "--number", 40, "--out", tmp_path / name, "--seed", 3)
    table = pd.read_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len(table) == 40
    assert f"{table['repeat_of'].isna().sum()} distinct" in capsys.readouterr().out
    lines = (tmp_path / "c.smi").read_text().splitlines()
    assert [line.split()[0] for line in lines] == table["smiles"].tolist()
    records = list(Chem.SDMolSupplier(str(tmp_path / "d.sdf")))
    assert [Chem.MolToSmiles(m) for m in records] == table["smiles"].tolist()
    repeats = table.dropna(subset="repeat_of")
    above = table["smiles"][repeats["repeat_of"].astype(int) - 1]
    assert above.tolist() == repeats["smiles"].tolist()


def test_samples_tell_how_far_they_are_from_what_was_asked(
    generator_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.csv"
    asked = ["--condition", "logP=50", "--condition", "rings=1"]
    call("generate", generator_file, "--number", 20, *asked, "--out", out)
    table = pd.read_csv(out)
    away = {"logP": (50 - table["logP"]).mean(), "rings": (table["rings"] - 1).abs().mean()}
    printed = capsys.readouterr()
    assert f"in the mean logP {away['logP']:.3g} from 50, " in printed.out
    assert f"rings {away['rings']:.3g} from 1\n" in printed.out
    assert "note: logP=50 is outside what was learned" in printed.err
    assert "note: rings" not in printed.err


def test_neighbours_and_the_way_between_two(generator_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "near.csv"
    near = ["--near", "CCCCO", "--radius", 1.5]
    call("generate", generator_file, *near, "--number", 10, "--out", out)
    table = pd.read_csv(out)
    assert table["latent_distance"].between(1, 2).all()
    assert not table["smiles"].eq("CCCCO").any()
    assert table["repeat_of"].isna().all()
    call("generate", generator_file, "--between", "CCCO", "CCCCCCN", "--number", 6, "--out", out)
    way = pd.read_csv(out)
    assert way["latent_distance"][0] == pytest.approx(0, abs=1e-5)
    assert way["similarity"][0] == way["similarity_to_end"].iloc[-1] == 1
    assert way["smiles"].iloc[-1] == constitution("CCCCCCN")


def test_what_does_not_keep_to_the_limits_is_drawn_again(
    generator_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = {}
    limits = ["--max-sa", "2", "--filters", "brenk"]
    near = ["--near", "CCCO", "--similarity", "0:1", "--radius", "1.5", "--number", 10]
    many = ["--number", 300]
    options = {"any": many, "kept": [*limits, *many], "near": [*limits, *near]}
    for name, given in options.items():
        out = tmp_path / f"{name}.csv"
        call("generate", generator_file, "--out", out, *given)
        tables[name] = pd.read_csv(out)
    every, kept = tables["any"], tables["kept"]
    assert (every["sa_score"] > 2).any()
    for table, number in ((kept, 300), (tables["near"], 10)):
        assert len(table) == number
        assert (table["sa_score"] <= 2).all()
        assert not any(alerts(Chem.MolFromSmiles(text), ["brenk"]) for text in table["smiles"])
    easy = [
        text
        for text, sa in zip(every["smiles"], every["sa_score"], strict=True)
        if sa <= 2 and not alerts(Chem.MolFromSmiles(text), ["brenk"])
    ]
    assert kept["smiles"][: len(easy)].tolist() == easy  # in the order they were drawn
    assert "drawn again: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-sa", "0.5"], "--max-sa is 0.5; expected 1 (easy to make) to 10"),
        (["--filters", "pain"], "no filter is called 'pain'"),
        (["--between", "CC", "CCC", "--max-sa", "3"], "--between writes what lies on the way"),
        (["--near", "CCO", "--similarity", "0.9"], "expected LOW:HIGH"),
        (["--near", "CCO", "--similarity", "0.9:0.4"], "--similarity is 0.9:0.4"),
        (["--similarity", "0.3:1"], "--similarity is to the molecule of --near"),
        (["--number", "0"], "--number is 0"),
        (["--near", "C1CC"], "no molecule to begin with"),
        (["--near", "CCO", "--between", "CC", "CCC"], "exclude each other"),
        (["--condition", "solubility=1"], "no condition is called 'solubility'"),
        (["--near", "CCO", "--condition", "logP=1"], "--condition is for samples"),
        (["--out", "x.png"], "cannot write x.png"),
        (["--temperature", "-1"], "--temperature is -1"),
    ],
)
def test_wrong_input_to_generate(
    generator_file: Path, options: list[str], message: str, refused: Callable[..., str]
) -> None:
    assert message in refused("generate", generator_file, *options)


def test_neighbours_are_as_like_as_they_are_asked_to_be(
    generator_file: Path, tmp_path: Path
) -> None:
    for window, options in {(0.3, 1): [], (0.2, 0.6): ["--similarity", "0.2:0.6"]}.items():
        out = tmp_path / "near.csv"
        start = ["--near", "CCCCCO", "--max-sa", "10", "--radius", "1.5"]
        call("generate", generator_file, *start, "--number", 50, "--out", out, *options)
        table = pd.read_csv(out)
        assert len(table) == 50
        assert table["similarity"].between(*window).all()


def test_limits_that_nothing_keeps_to_end_the_drawing() -> None:
    cubane = "C12C3C4C1C5C2C3C45"
    with pytest.raises(InputError, match=r"of 2,001 samples 0 keep to the limits \(2,001 above"):
        keep_drawing(3, lambda: ([cubane] * 3, np.zeros(3)), Limits(hardest=2))


def test_neighbours_that_there_are_not_say_what_to_do(
    generator_file: Path, refused: Callable[..., str]
) -> None:
    few = ["--near", "CCO", "--similarity", "0:1", "--max-sa", "10", "--number", "1000"]
    line = refused("generate", generator_file, *few, "--radius", "0.01")
    assert "the same molecule" in line
    assert "raise --radius or --temperature, or ask for fewer with --number" in line


def test_another_kind_of_file_is_refused(predictor_file: Path, refused: Callable[..., str]) -> None:
    line = refused("generate", predictor_file)
    assert "holds a molecules.predictor; expected a molecules.generator: give a file that " in line


@pytest.mark.parametrize("kind", ["generator", "parts"])
def test_optimize(
    kind: str, generator_file: Path, predictor_file: Path, learned: list[str], tmp_path: Path
) -> None:
    (tmp_path / "parts.smi").write_text("".join(f"{text}\n" for text in learned))
    source = ["--generator", generator_file]
    if kind == "parts":
        source = ["--parts", tmp_path / "parts.smi"]
    out = tmp_path / "proposals.html"
    call(
        "optimize", predictor_file, *source, "--start", "CCCCCO", "--target", "logS:max",
        "--target", "toxic:min:0.5", "--similarity", "0.3:0.95", "--min-similarity", "0.2",
        "--steps", 3, "--offspring", 32, "--out", out,
    )  # fmt: skip
    table = pd.read_csv(out.with_suffix(".csv"))
    assert table["status"][0] == "start"
    assert set(table["status"][1:]) <= {"proposed", "rejected"}
    proposed = table[table["status"] == "proposed"]
    assert len(proposed)
    assert proposed["reason"].isna().all()
    assert table[table["status"] == "rejected"]["reason"].notna().all()
    assert proposed["similarity"].between(0.3, 0.95).all()
    assert (table["logS_lower"] < table["logS_pred"]).all()
    page = out.read_text()
    assert all(smiles in page for smiles in proposed["smiles"][:50])
    assert "<svg" in page
    assert re.search(r"\d+ rejected</dt><dd>similarity to the start is below 0.3</dd>", page)


def test_small_quantities_keep_their_digits(
    small_quantity: PropertyPredictor, tmp_path: Path
) -> None:
    """A dissociation constant in mol/L is told as `predict` tells it."""
    small_quantity.save(tmp_path / "kd.safetensors")
    (tmp_path / "parts.smi").write_text("CCCO\nCCN\n")
    call(
        "optimize", tmp_path / "kd.safetensors", "--parts", tmp_path / "parts.smi",
        "--start", "CCCCO", "--steps", 1, "--offspring", 4, "--out", tmp_path / "a.csv",
    )  # fmt: skip
    table, expected = pd.read_csv(tmp_path / "a.csv"), small_quantity.predict(["CCCCO"])
    for part, values in (("pred", expected.mean), ("upper", expected.upper)):
        assert table[f"Kd_{part}"][0] == pytest.approx(values[0, 0], rel=1e-6)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("similarity to the start 0.12 is below 0.4", "similarity to the start is below 0.4"),
        ("SA score 6.4 is above 6", "SA score is above 6"),
        ("flagged: PAINS quinone_A", "flagged"),
        ("33 atoms", "atoms"),
    ],
)
def test_rejections_are_counted_by_limit(reason: str, kind: str) -> None:
    assert broken_limit(reason) == kind


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--start", "C1CC"], "--start 'C1CC' is no molecule"),
        (["--start", "CCO", "--similarity", "high"], "expected LOW:HIGH"),
        (["--start", "CCO", "--target", "logS:mxa"], "'mxa' is neither max nor min"),
        (["--start", "CCO", "--target", "logS", "--filters", "pain"], "no filter is called"),
        (["--start", "CCO", "--target", "logS", "--steps", "0"], "steps"),
        (["--start", "CCO", "--target", "logS", "--radius", "-1"], "--radius is -1"),
        (["--start", "CCO", "--target", "logS", "--max-sa", "nan"], "--max-sa is nan"),
        (["--start", "CCO", "--target", "logS", "--parts", "p.smi"], "exclude each other"),
        (["--start", "CCO", "--out", "x.txt"], "expected .html or .csv"),
        (["--start", "CCO", "--parts", "x.csv", "--out", "x.html"], "x.csv is an input"),
    ],
)
def test_wrong_input_to_optimize(
    generator_file: Path,
    predictor_file: Path,
    options: list[str],
    message: str,
    refused: Callable[..., str],
) -> None:
    files = [predictor_file, "--generator", generator_file]
    assert message in refused("optimize", *files, *options)


def test_a_model_without_its_molecules_needs_parts(
    predictor_file: Path, refused: Callable[..., str]
) -> None:
    options = ["--start", "CCO", "--target", "logS"]
    assert "give --parts TABLE" in refused("optimize", predictor_file, *options)
