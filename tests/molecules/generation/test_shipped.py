"""The generator that ships: what the card says of it holds for a few hundred samples."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rdkit import Chem

from molecules.cli import app
from molecules.features.selfies import constitution
from molecules.generation.generator import Generator

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Nc1ccc(O)cc1", "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CN1CCCC1c1cccnc1",
    "NS(=O)(=O)c1cc2c(cc1Cl)NCNS2(=O)=O", "CC(C)NCC(O)COc1cccc2ccccc12", "CN(C)C(=N)NC(N)=N",
    "OC(=O)c1ccccc1Nc1c(Cl)cccc1Cl", "CCCCNC(=O)NS(=O)(=O)c1ccc(C)cc1", "NC(=O)c1cnccn1",
]  # fmt: skip


def samples(out: Path, *options: str, number: int = 300) -> pd.DataFrame:
    command = ["generate", "--number", str(number), "--out", str(out), *options]
    app(command, result_action="return_value")
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


def test_drugs_come_back_from_the_latent_space() -> None:
    generator = Generator.load("generator")
    written = generator.write(generator.read(DRUGS), 0.0, torch.Generator())
    assert np.mean([a == constitution(b) for a, b in zip(written, DRUGS, strict=True)]) >= 0.75


def test_neighbours_are_found_in_few_draws(tmp_path: Path) -> None:
    table = samples(tmp_path / "near.csv", "--near", DRUGS[2], number=40)
    assert table["repeat_of"].isna().all()
    assert table["similarity"].between(0.3, 1).all()
    assert table["sa_score"].mean() < 3
