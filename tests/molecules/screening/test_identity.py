"""Rows of which a model reads the same are one hit, and no others are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from molecules.choices import Combine
from molecules.drawing import draw
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.ensemble import Ensemble
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.screening.identity import forms, identities
from molecules.screening.objectives import SIMILARITY_SPREAD
from molecules.screening.options import HitOptions
from molecules.screening.profile import profile
from molecules.screening.screen_file import make_job, screen_file
from molecules.screening.screening import Part, Screen, Screener
from molecules.tasks import Task, Tasks
from sciml.graph import GraphNetworkConfig

AMINES = [f"{'C' * n}N" for n in range(1, 13)]
LIBRARY = [*(f"{a}.Cl" for a in AMINES), *AMINES[::-1], *(f"[Na+].[Br-].{a}" for a in AMINES)]
SALTS = {
    "CCCCN.CS(=O)(=O)O": "CCCCN",
    "NCC(c1ccccc1)c1ccccc1.O=C(O)CC(O)(CC(=O)O)C(=O)O": "NCC(c1ccccc1)c1ccccc1",
}


def predictor(**reads: object) -> PropertyPredictor:
    torch.manual_seed(0)
    tasks = Tasks(tasks=(Task(name="logS"), Task(name="logP")))
    config = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1), head_hidden=8)
    made = PredictorConfig(model=config, tasks=tasks, **reads)  # type: ignore[arg-type]
    return PropertyPredictor(made, [PropertyModel(config, tasks)])


@pytest.fixture
def salts_file(tmp_path: Path) -> Path:
    predictor(standardize="salts").save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("combine", ["sum", "pareto"])
def test_salts_of_one_molecule_are_one_hit_however_the_library_is_cut(
    salts_file: Path, tmp_path: Path, combine: Combine
) -> None:
    library = tmp_path / "library.smi"
    library.write_text("\n".join(LIBRARY))
    targets = ["logS", "logP:min"]
    job = make_job(salts_file, [str(library)], targets=targets, combine=combine, top=5)
    screener, found = Screener.of(job), []
    for rows in (len(LIBRARY), 7, 1):
        screen = Screen.of(job)
        for start in reversed(range(0, len(LIBRARY), rows)):
            part = LIBRARY[start : start + rows]
            screen.merge(screener.screen(Part(0, start + 1, part, [""] * len(part))))
        found.append([(h.key, h.smiles, h.row, h.copies) for h in screen.best.ranked()[:5]])
    assert found[0] == found[1] == found[2]
    for key, smiles, row, copies in found[0]:
        assert (smiles, row, copies) == (f"{key}.Cl", AMINES.index(key) + 1, 3)


@pytest.mark.parametrize("combine", ["sum", "pareto"])
@pytest.mark.parametrize("own", [(), ("logS",)])
def test_salts_of_one_molecule_are_as_similar_to_actives_in_any_order(
    salts_file: Path, tmp_path: Path, combine: Combine, own: tuple[str, ...]
) -> None:
    actives = tmp_path / "actives.smi"
    actives.write_text("CCCN.OS(C)(=O)=O\nCCN")
    job = make_job(
        salts_file, ["library.smi"], targets=[*own, "similarity"], actives=actives,
        combine=combine, top=5,
    )  # fmt: skip
    screener, found = Screener.of(job), []
    for library in (LIBRARY, LIBRARY[::-1], sorted(LIBRARY)):
        screen = Screen.of(job)
        for start, text in enumerate(library, start=1):
            screen.merge(screener.screen(Part(0, start, [text], [""])))
        found.append([(h.key, h.score, h.copies) for h in screen.best.ranked()[:5]])
    assert found[0] == found[1] == found[2]
    if not own:
        assert {key for key, *_ in found[0][:2]} == {"CCCN", "CCN"}
        best = [score * SIMILARITY_SPREAD for _, score, _ in found[0][:2]]
        assert best == pytest.approx([1, 1], rel=1e-4)  # scores are rounded
        assert all(copies == 3 for *_, copies in found[0])


def test_what_is_said_of_a_salt_is_said_of_what_the_model_reads(
    salts_file: Path, tmp_path: Path
) -> None:
    """Filters, properties and neighbours; the structure shown is the library's."""
    library, out = tmp_path / "library.smi", tmp_path / "hits.html"
    library.write_text("\n".join([*SALTS, "C[N+](=O)[O-]"]))
    (measured := tmp_path / "measured.csv").write_text("smiles,logS\nCCCCN.Cl,1.0\nCCN,2\n")
    rows = screen_file(
        salts_file, str(library), out, targets=["logS"], exclude=["brenk"],
        options=HitOptions(measured=measured, actives=library),
    )  # fmt: skip
    assert {row.hit.smiles for row in rows} == set(SALTS)
    for row in rows:
        smiles = row.hit.smiles
        assert row.profile == replace(profile(SALTS[smiles]), svg=draw(smiles))
        assert row.active
        assert (row.active.smiles, row.active.similarity) == (smiles, 1)
    amine = next(row for row in rows if SALTS[row.hit.smiles] == "CCCCN")
    assert amine.neighbours[0].similarity == 1
    assert "without counterions" in out.read_text()


def test_varied_hits_differ_in_what_the_model_reads(salts_file: Path, tmp_path: Path) -> None:
    library = tmp_path / "library.smi"
    library.write_text("NCCCCCN\nNCCCCCCN.CS(=O)(=O)O\n")
    rows = screen_file(
        salts_file, str(library), tmp_path / "hits.html", targets=["logS"],
        options=HitOptions(diverse=2, diverse_by="leader"),
    )  # fmt: skip
    assert len(rows) == 1


def test_a_model_that_strips_nothing_leaves_filters_the_whole_molecule() -> None:
    smiles = [*SALTS, "CCC[2H]"]
    assert forms(predictor(), smiles) == smiles
    assert forms(predictor(standardize="salts"), smiles) == [*SALTS.values(), "CCC"]


def test_without_standardization_a_salt_is_another_molecule() -> None:
    keys = identities(predictor(), ["CCN", "CCN.Cl"], [None, None])
    assert keys == ["CCN", "CCN.Cl"]


def test_several_models_tell_apart_what_one_of_them_does() -> None:
    both = Ensemble([predictor(standardize="salts"), predictor()])
    one, other, same = identities(both, ["CCN", "CCN.Cl", "CCN"], [None] * 3)
    assert one == same != other


def test_geometries_differ_for_a_model_that_reads_them() -> None:
    bent, straight = np.zeros((3, 3), np.float32), np.ones((3, 3), np.float32)
    ethanol, places = ["CCO"] * 4, [bent, straight, bent.copy(), None]
    a, b, c, d = identities(predictor(coordinates="own"), ethanol, places)
    assert a == c
    assert len({a, b, d}) == 3
    assert set(identities(predictor(), ethanol, places)) == {"CCO"}
