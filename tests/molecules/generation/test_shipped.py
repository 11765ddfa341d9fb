"""The generator that ships: what the card says of it holds for a few hundred samples."""

from pathlib import Path

import pandas as pd
from rdkit import Chem

from molecules.cli import app


def samples(out: Path, *options: str) -> pd.DataFrame:
    app(["generate", "--number", "300", "--out", str(out), *options], result_action="return_value")
    return pd.read_csv(out)


def test_samples_are_distinct_molecules_that_can_be_made(tmp_path: Path) -> None:
    table = samples(tmp_path / "samples.csv", "--max-sa", "10")
    assert all(Chem.MolFromSmiles(text) is not None for text in table["smiles"])
    assert table["repeat_of"].isna().mean() > 0.97
    assert (~table["in_training"]).mean() > 0.9
    assert table["sa_score"].mean() < 3.8  # that of real ones is 3.1
    easy = samples(tmp_path / "easy.csv")
    assert (easy["sa_score"] <= 3.5).all()
    assert len(easy) == 300


def test_what_is_asked_for_comes_in_the_mean(tmp_path: Path) -> None:
    for name, low, high in (("logP", 1, 4), ("weight", 250, 450), ("TPSA", 40, 100)):
        means = [
            samples(tmp_path / "asked.csv", "--condition", f"{name}={value}")[name].mean()
            for value in (low, high)
        ]
        assert means[0] < low + 0.3 * (high - low)
        assert means[1] > high - 0.3 * (high - low)
