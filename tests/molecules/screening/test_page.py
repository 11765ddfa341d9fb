"""The page in a real browser: its table sorts and filters."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit.Chem import CanonSmiles

from molecules.files.table import demo_library, read_table
from molecules.prediction.predictor import PropertyPredictor
from molecules.screening.merge_files import merge_files
from molecules.screening.options import HitOptions
from molecules.screening.outputs import Outputs
from molecules.screening.screen_file import screen_file, shard_path
from sciml.errors import InputError

BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)
SCRIPT = """
<script>
const state = () => [...document.querySelectorAll("#hits tbody tr:not([hidden])")]
  .map((row) => Number(row.cells[0].dataset.key));
const heading = (text) => [...document.querySelectorAll("#hits thead th")]
  .find((th) => th.textContent.trim().startsWith(text));
const below = (text) => document.querySelector(`.filters input[aria-label="Filter ${text}"]`);
const type = (input, text) => { input.value = text; input.dispatchEvent(new Event("input")); };
const seen = { start: state() };
heading("MW").querySelector("button").click();
seen.lightest = state();
heading("MW").querySelector("button").click();
seen.heaviest = state();
type(below("MW"), ">=100"); type(below("HBD"), "<2");
seen.filtered = state();
type(below("MW"), ""); type(below("HBD"), "");
document.getElementById("clean").click();
seen.clean = state();
document.getElementById("clean").click();
type(document.getElementById("search"), "no such molecule");
seen.none = state();
seen.shown = document.getElementById("shown").textContent;
const result = document.createElement("pre");
result.id = "seen";
result.textContent = JSON.stringify(seen);
document.body.append(result);
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("page")
    library, measured = folder / "library.smi", folder / "measured.csv"
    library.write_text("\n".join(demo_library().read_text().splitlines()[:60]))
    measured.write_text("smiles,logS,toxic\nCCO,1.5,0\nc1ccccc1O,,1\nCCN,0.3,\nCC,x,\n")
    out = folder / "hits.html"
    screen_file(
        model_file,
        str(library),
        out,
        targets=["logS", "toxic:min"],
        top=20,
        options=HitOptions(
            flag=["lipinski", "pains", "brenk"],
            measured=measured,
            actives=measured,
            reference=library,
        ),
    )
    return out


def test_page_and_table_say_the_same(page: Path) -> None:
    text, table = page.read_text(), pd.read_csv(page.with_suffix(".csv"))
    assert len(table) == 20
    assert text.count('<svg viewBox="0 0 120 84"') == 20 * 4  # three measured and an active
    assert table["logS_percentile"].between(0, 100).all()
    assert table["score"].is_monotonic_decreasing
    assert set(table["neighbour_1"]) <= {"CCO", "Oc1ccccc1", "CCN"}
    for column in ("neighbour_1_logS", "similarity_to_active", "alerts", "toxic_upper"):
        assert column in table
    assert (table["neighbour_1_similarity"] >= table["neighbour_2_similarity"]).all()


@pytest.mark.parametrize("suffix", [".sdf", ".xlsx", ".parquet", ".tsv"])
def test_hits_in_other_formats(page: Path, model_file: Path, suffix: str, tmp_path: Path) -> None:
    hits, options = tmp_path / f"hits{suffix}", {"targets": ["logS", "toxic:min"], "top": 20}
    library = str(page.parent / "library.smi")
    screen_file(model_file, library, tmp_path / "a.html", hits, **options)
    screen_file(model_file, library, tmp_path / "a.html", tmp_path / "a.csv", **options)
    found, expected = read_table(hits).frame, pd.read_csv(tmp_path / "a.csv")
    assert [*map(CanonSmiles, found["smiles"])] == [*map(CanonSmiles, expected["smiles"])]
    scores = found["score"].astype(float)
    np.testing.assert_allclose(scores, expected["score"], rtol=0, atol=1e-4)
    with pytest.raises(InputError, match=r"cannot write .*hits\.xls: expected \.csv"):
        screen_file(model_file, library, tmp_path / "a.html", tmp_path / "hits.xls", **options)


@pytest.mark.parametrize("name", ["hits.csv", "hits.sdf", "hits.tsv.gz"])
def test_a_table_alone(name: str, page: Path, model_file: Path, tmp_path: Path) -> None:
    """Of a screen and of its shards put together, by the name of `out`."""
    library, shards = str(page.parent / "library.smi"), []
    for shard in ("1/2", "2/2"):
        screen_file(model_file, library, tmp_path / name, targets=["logS"], top=5, shard=shard)
        shards += [shard_path(tmp_path / name, int(shard[0]), 2)]
    merge_files(shards, tmp_path / name)
    merged = read_table(tmp_path / name).smiles
    screen_file(model_file, library, tmp_path / name, targets=["logS"], top=5)
    assert read_table(tmp_path / name).smiles == merged
    assert sorted(tmp_path.iterdir()) == sorted([*shards, tmp_path / name])


@pytest.mark.parametrize(
    ("out", "csv", "message"),
    [
        ("hits", None, r"cannot write .*hits: expected \.html, \.csv"),
        ("hits.csv", "other.sdf", "is a table already; leave out --csv"),
        ("hits.html", "hits.html", "expected .csv"),
    ],
)
def test_outputs_that_cannot_be(out: str, csv: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Outputs.of(Path(out), csv and Path(csv))


@pytest.mark.parametrize("suffix", [".csv", ".sdf", ".xlsx", ".parquet"])
def test_small_quantities_keep_their_digits(
    suffix: str, small_quantity: PropertyPredictor, tmp_path: Path
) -> None:
    """A dissociation constant in mol/L: predictions, ends of intervals and measured values."""
    small_quantity.save(tmp_path / "kd.safetensors")
    (tmp_path / "known.csv").write_text("smiles,Kd\nCCO,1.23456e-07\n")
    rows = screen_file(
        tmp_path / "kd.safetensors", str(tmp_path / "known.csv"), tmp_path / "hits.html",
        tmp_path / f"hits{suffix}", options=HitOptions(measured=tmp_path / "known.csv"),
    )  # fmt: skip
    (hit,) = (row.hit for row in rows)
    expected = [*hit.value, *hit.lower, *hit.upper, 1.23456e-07]
    columns = ["Kd_pred", "Kd_lower", "Kd_upper", "neighbour_1_Kd"]
    found = read_table(tmp_path / f"hits{suffix}").frame[columns].astype(float)
    np.testing.assert_allclose(found.iloc[0], expected, rtol=1e-6)
    assert f'<span class="value">{hit.value[0]:.3g}</span>' in (tmp_path / "hits.html").read_text()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")
def test_table_sorts_and_filters(page: Path, tmp_path: Path) -> None:
    driven = tmp_path / "driven.html"
    driven.write_text(page.read_text().replace("</body>", SCRIPT + "</body>"))
    done = subprocess.run(
        [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", driven.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    seen = json.loads(html.unescape(found[1]))
    table = pd.read_csv(page.with_suffix(".csv"), keep_default_na=False).set_index("rank")
    mass = table["molecular_weight"]
    assert seen["start"] == list(table.index)
    assert list(mass[seen["lightest"]]) == sorted(mass)
    assert list(mass[seen["heaviest"]]) == sorted(mass, reverse=True)
    assert sorted(seen["filtered"]) == list(table.index[(mass >= 100) & (table["donors"] < 2)])
    assert sorted(seen["clean"]) == list(table.index[table["alerts"] == ""])
    assert seen["none"] == []
    assert seen["shown"] == "0 of 20 shown"
