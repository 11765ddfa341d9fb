"""Similarity to actives ranks as a property does: whole, in shards, weighted, on a front."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molecules.evaluation.similarity import fingerprints, nearest
from molecules.files.table import demo_library, read_table
from molecules.screening.fronts import front_numbers
from molecules.screening.merge_files import merge_files
from molecules.screening.objectives import SIMILARITY_SPREAD
from molecules.screening.options import HitOptions
from molecules.screening.screen_file import make_job, screen_file, shard_path
from molecules.screening.screening import Screener
from sciml.errors import InputError

ACTIVES = ["CC(=O)Oc1ccccc1C(=O)O", "c1ccc2[nH]ccc2c1"]


@pytest.fixture
def actives(tmp_path: Path) -> Path:
    path = tmp_path / "actives.smi"
    path.write_text("\n".join([*ACTIVES, "bad("]))
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join([*demo_library().read_text().splitlines()[1:150], "bad( broken"]))
    return path


def test_equals_sorting_by_similarity(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    options = HitOptions(actives=actives)
    rows = screen_file(
        model_file, str(library), tmp_path / "hits.html", targets=["similarity"], top=10,
        options=options,
    )  # fmt: skip
    every = nearest(fingerprints(read_table(library).smiles), fingerprints(ACTIVES))
    best = np.sort(every[np.isfinite(every)])[::-1][:10]
    np.testing.assert_allclose([row.hit.value[0] for row in rows], best, atol=1e-12)
    assert [row.active.similarity for row in rows if row.active] == [r.hit.value[0] for r in rows]
    table = pd.read_csv(tmp_path / "hits.csv")
    assert table["similarity_to_active"].is_monotonic_decreasing
    assert "similarity_pred" not in table
    assert "similarity to the nearest active" in (tmp_path / "hits.html").read_text()


def test_measured_neighbours_keep_their_own_similarity(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    measured = tmp_path / "measured.csv"
    measured.write_text("smiles,logS\nCCO,1.0\nc1ccccc1O,2.0\n")
    screen_file(
        model_file, str(library), tmp_path / "hits.html", targets=["logS", "similarity"], top=3,
        options=HitOptions(actives=actives, measured=measured),
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "hits.csv")
    assert table["neighbour_1_similarity"].between(0, 1).all()
    assert set(table["neighbour_1_logS"]) <= {1.0, 2.0}


def test_shards_merge_to_the_whole(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    targets = ["logS:max", "similarity:max:0.5"]

    def found(out: Path, shard: str | None = None) -> list[tuple[str, float]]:
        rows = screen_file(
            model_file, str(library), out, targets=targets, rank_by="bound", shard=shard,
            options=HitOptions(actives=actives),
        )  # fmt: skip
        return [(row.hit.smiles, row.hit.score) for row in rows]

    whole = found(tmp_path / "whole.html")
    assert whole
    out = tmp_path / "hits.html"
    for shard in ("1/2", "2/2"):
        found(out, shard)
    merged = merge_files([shard_path(out, 2, 2), shard_path(out, 1, 2)], out)
    assert [(row.hit.smiles, row.hit.score) for row in merged] == whole
    assert all(row.active for row in merged)


def test_shards_merge_where_model_and_actives_lie_elsewhere(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    out, there = tmp_path / "hits.html", tmp_path / "there.safetensors"
    there.write_bytes(model_file.read_bytes())
    for shard in ("1/2", "2/2"):
        screen_file(
            there, str(library), out, targets=["logS:max", "similarity"], top=9, shard=shard,
            options=HitOptions(actives=actives),
        )  # fmt: skip
    shards = [shard_path(out, 1, 2), shard_path(out, 2, 2)]
    expected = merge_files(shards, out)
    moved = HitOptions(actives=actives.rename(tmp_path / "moved.smi"))
    with pytest.raises(InputError, match=r"actives.smi, which is not here; name it with --act"):
        merge_files(shards, out)
    there.rename(tmp_path / "gone.safetensors")
    with pytest.raises(InputError, match=r"there.safetensors, which is not here; .* --model"):
        merge_files(shards, out, options=moved)
    other = tmp_path / "other.safetensors"
    other.write_bytes(model_file.read_bytes() + b" ")
    with pytest.raises(InputError, match=r"other\.safetensors is not the model that screened"):
        merge_files(shards, out, options=moved, model=[other])
    found = merge_files(shards, out, options=moved, model=[model_file])
    assert [row.hit for row in found] == [row.hit for row in expected]


def test_front_of_prediction_and_similarity(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    rows = screen_file(
        model_file, str(library), tmp_path / "hits.html", targets=["logS", "similarity"],
        combine="pareto", top=20, options=HitOptions(actives=actives),
    )  # fmt: skip
    goods = np.array([row.hit.goods for row in rows])
    fronts = [row.hit.front for row in rows]
    assert len(rows) == 20
    assert fronts == sorted(fronts) == front_numbers(goods).tolist()
    assert fronts[-1] > 1
    assert "<button>Front</button>" in (tmp_path / "hits.html").read_text()


def test_similarity_counts_in_its_spread(
    model_file: Path, library: Path, actives: Path, tmp_path: Path
) -> None:
    def score(*targets: str) -> dict[str, float]:
        rows = screen_file(
            model_file, str(library), tmp_path / "hits.html", targets=targets, top=150,
            options=HitOptions(actives=actives),
        )  # fmt: skip
        return {row.hit.smiles: row.hit.score for row in rows}

    both, logS, alike = score("logS", "similarity:max:0.5"), score("logS"), score("similarity")
    assert both == pytest.approx({s: logS[s] + alike[s] / 2 for s in both}, rel=1e-4, abs=1e-4)
    every = nearest(fingerprints(read_table(library).smiles), fingerprints(ACTIVES))
    value = {s: alike[s] * SIMILARITY_SPREAD for s in alike}
    assert sorted(value.values()) == pytest.approx(np.sort(every[np.isfinite(every)]), rel=1e-4)


def test_a_librarys_similarity_has_that_spread() -> None:
    bits = fingerprints(read_table(demo_library()).smiles)
    spread = np.nanstd(nearest(bits[::2], bits[1:40:4]))
    assert SIMILARITY_SPREAD / 2 < spread < 2 * SIMILARITY_SPREAD


def test_unusable(model_file: Path, library: Path, actives: Path) -> None:
    with pytest.raises(InputError, match="--actives FILE"):
        make_job(model_file, [str(library)], targets=["similarity"])
    job = make_job(model_file, [str(library)], targets=["similarity"], actives=actives)
    unused = make_job(model_file, [str(library)], targets=["logS"], actives=actives)
    assert unused.actives is None
    actives.write_text("CCO")
    other = make_job(model_file, [str(library)], targets=["similarity"], actives=actives)
    assert job.difference(other) == "other actives"
    with pytest.raises(InputError, match="not the file of actives"):
        Screener.of(job)
