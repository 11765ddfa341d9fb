"""Each thing that goes wrong in tables is planted once and found; sound tables are left alone."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from molecules.checking.cliffs import pairs
from molecules.checking.doctor import Division, Examination, examine
from molecules.checking.duplicates import ceiling
from molecules.checking.report import histogram, show_examination, write_page
from molecules.cli import app
from molecules.evaluation.similarity import fingerprints
from molecules.files.table import Table, demo_activity, read_table
from molecules.tasks import Task
from sciml.cli import run
from sciml.errors import InputError

RINGS = [f"C1{'C' * n}{atom}C1{end}" for n in range(1, 6) for atom in "CNOS" for end in ("", "F")]


def table(
    values: list[float] | np.ndarray,
    smiles: list[str] | None = None,
    name: str = "y",
    **more: object,
) -> Table:
    smiles = smiles or RINGS[: len(values)]
    cells = ["" if np.isnan(value) else f"{value:g}" for value in values]
    return Table(pd.DataFrame({"smiles": smiles, name: cells, **more}), "smiles", "made.csv")


def told(found: Examination, subject: str, severity: str = "warning") -> str:
    return "\n".join(
        f"{f.text}: {f.advice}"
        for f in found.findings
        if (f.subject, f.severity) == (subject, severity)
    )


def normal(rows: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=rows).round(3)


def test_a_sound_table_has_no_warning() -> None:
    found = examine(table(normal(40)), ["y"])
    assert found.of("warning") == []
    assert "all 40 rows hold a molecule" in told(found, "rows", "ok")
    assert "every molecule is one organic piece" in told(found, "fragments", "ok")
    assert "no molecule is measured twice" in told(found, "duplicates", "ok")


def test_noise_ceiling_in_closed_form() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.0, 7.0, 100.0, np.nan])
    groups = [np.array([0, 1]), np.array([2, 3, 4])]
    found = ceiling(values, groups)
    # squares (0.5^2 + 0.5^2) + (1 + 1 + 4), degrees of freedom 1 + 2
    assert found.noise == pytest.approx((6.5 / 3) ** 0.5)
    assert found.r2 == pytest.approx(1 - 6.5 / 3 / np.nanvar(values))
    assert (found.groups, found.rows) == (2, 5)


def test_noise_of_simulated_replicates_is_recovered() -> None:
    draw = np.random.default_rng(0)
    truth = np.repeat(draw.normal(0, 2, 500), 2)
    values = truth + draw.normal(0, 0.5, 1000)
    found = ceiling(values, [np.array([i, i + 1]) for i in range(0, 1000, 2)])
    assert found.noise == pytest.approx(0.5, rel=0.1)
    perfect = 1 - np.mean((values - truth) ** 2) / values.var()
    assert found.r2 == pytest.approx(perfect, abs=0.01)


def test_conflicting_replicates_are_found_under_any_spelling() -> None:
    values = normal(40)
    values[:2] = [0.0, 3.0]
    smiles = ["CCO", "OCC", *RINGS[2:]]
    found = examine(table(values, smiles), ["y"])
    assert "1 molecule with values further apart" in told(found, "duplicates")
    assert "1 molecule with replicates a power of a thousand" in told(found, "units")
    case = next(f for f in found.of("warning") if f.subject == "duplicates").cases[0]
    assert (case.rows, case.smiles) == ((0, 1), ("CCO", "OCC"))


@pytest.mark.parametrize(
    ("name", "scale", "pair", "mixed"),
    [
        ("pIC50", 1, (5.0, 8.0), True),
        ("pIC50", 1, (0.005, 5.0), False),  # logarithms have no ratio
        ("y", 1, (-2.0, 1.0), True),
        ("bound (%)", 40, (95.5, 98.5), False),
        ("bound (%)", 40, (78.0, 84.0), False),
        ("IC50 (nM)", 1000, (2.0, 2000.0), True),
        ("IC50 (nM)", 1000, (20.0, 23.0), False),
        ("clinical logic score", 40, (60.0, 63.0), False),
    ],
)
def test_decades_are_differences_of_logarithms_and_ratios_of_quantities(
    name: str, scale: float, pair: tuple[float, float], mixed: bool
) -> None:
    values = scale * (1 + np.abs(normal(40)))
    values[:2] = pair
    found = examine(table(values, ["CCO", "OCC", *RINGS[2:]], name), [name])
    assert ("a power of a thousand" in told(found, "units")) == mixed


def test_one_replicate_tells_no_ceiling() -> None:
    found = examine(table(normal(30), [*RINGS[:29], RINGS[0]]), ["y"])
    assert "too few to tell how uncertain" in told(found, "duplicates", "note")


def test_a_slip_in_a_yes_no_column_is_named() -> None:
    values = np.tile([0.0, 1.0], 15)
    values[7] = 3.45
    found = examine(table(values), ["y"])
    assert "29 of 30 values are 0 or 1, 1 not" in told(found, "values")
    assert "are 0 or 1" not in told(examine(table(normal(30)), ["y"]), "values")
    levels = np.tile([0.0, 1.0, 2.0], 10)
    assert "are 0 or 1" not in told(examine(table(levels), ["y"]), "values")


def test_copies_say_nothing_of_noise() -> None:
    values = normal(40)
    values[1] = values[0]
    found = examine(table(values, ["CCO", "OCC", *RINGS[2:]]), ["y"])
    assert "copies, which say nothing" in told(found, "duplicates", "note")


def test_classes_that_conflict_and_are_rare() -> None:
    values = np.zeros(40)
    values[[1, 7]] = 1
    found = examine(table(values, ["CCO", "OCC", *RINGS[2:]]), ["y"])
    assert "1 of them in both classes" in told(found, "duplicates")
    assert "more often than 50%" in told(found, "duplicates")
    assert "2 of 40 positive (5.0%)" in told(found, "balance")


def test_salts_and_what_is_not_organic() -> None:
    found = examine(table(normal(4), ["CCN.Cl", "O", "bad(", "CC"]), ["y"])
    assert "1 row of several parts" in told(found, "fragments")
    assert "1 row without carbon" in told(found, "fragments", "note")
    assert "1 of 4 rows hold no molecule" in told(found, "rows")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("pIC50", [*range(5, 14), 250.0], "1 value outside 1 to 13"),
        ("logS (mol/L)", [*np.linspace(-8, 0, 9), 12.0], "1 value outside -15 to 3"),
        ("IC50 (nM)", 10.0 ** np.linspace(0, 4, 10), "named like a concentration.*logarithm"),
        ("half life", 10.0 ** np.linspace(0, 4, 10), "over 3.9 decades: learn its logarithm"),
    ],
)
def test_units_that_are_unlikely(name: str, values: list[float], message: str) -> None:
    found = examine(table(values, name=name), [name])
    assert re.search(message, told(found, "units"))


def test_outliers_name_their_rows() -> None:
    values = normal(40)
    values[17] = 60
    found = examine(table(values), ["y"])
    assert "1 value beyond 5 robust" in told(found, "outliers")
    finding = next(f for f in found.findings if f.subject == "outliers")
    assert finding.cases[0].rows == (17,)


def test_cliffs_are_similar_in_size_and_differ_in_value() -> None:
    smiles = ["CCCCCCCCO", "CCCCCCCCCO", "C" * 20 + "O", *RINGS[:17]]
    values = np.zeros(20)
    values[:3] = [-3, 3, 9]
    found = examine(table(values, smiles), ["y"])
    text = told(found, "cliffs", "note")
    assert re.search(r"1 of \d pairs", text)  # the chain of twenty is left out
    finding = next(f for f in found.findings if f.subject == "cliffs")
    assert finding.cases[0].rows == (0, 1)


def test_pairs_are_rdkits() -> None:
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    smiles = demo_activity().smiles[:60]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    bits = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in smiles]
    expected = {
        (i, j): DataStructs.TanimotoSimilarity(bits[i], bits[j])
        for i in range(60)
        for j in range(i + 1, 60)
    }
    first, second, similarity = pairs(fingerprints(smiles), 0.6)
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), similarity, strict=True))
    assert found == pytest.approx({key: s for key, s in expected.items() if s >= 0.6})


def test_columns_that_give_the_answer_away() -> None:
    values = normal(40)
    noise = np.random.default_rng(1).normal(size=40)
    made = table(
        values,
        calculated=values + 0.5 * noise,
        twice=2 * values,
        unrelated=noise,
        MolWt=noise,
    )
    found = examine(made, ["y"])
    text = told(found, "columns")
    assert "'calculated' looks like a prediction of y" in text
    assert "'twice' is almost y (r = 1.000)" in text
    assert "unrelated" not in text
    assert "2 columns named like descriptors" in told(found, "columns", "note")
    learned = examine(made, ["calculated"])
    assert "named like something computed" in told(learned, "columns")


def test_splits_that_leak() -> None:
    made = table(normal(40), ["CCO", "OCC", *RINGS[2:]])
    made.frame["fold"] = ["train", "test", *["train"] * 30, *["test"] * 8]
    found = examine(made, ["y"], division=Division(column="fold"))
    assert "1 of 9 test rows hold a training molecule" in told(found, "split")
    assert "similarity to the nearest training molecule" in told(found, "split", "warning") + told(
        found, "split", "ok"
    ) + told(found, "split", "note")
    clean = examine(made, ["y"], division=Division("random"))
    assert "hold a training molecule" not in told(clean, "split")


def test_no_column_is_guessed() -> None:
    found = examine(table(normal(40), other=normal(40)))
    assert found.tasks is None
    assert "candidates are 'y', 'other'" in told(found, "columns", "note")
    with pytest.raises(InputError, match="did you mean 'other'"):
        examine(table(normal(40), other=normal(40)), ["othr"])
    with pytest.raises(InputError, match="no valid molecule"):
        examine(table(normal(2), ["bad(", "x("]), ["y"])


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    made = table([*normal(37), 50, 1, 2], ["<b>(", "CCN.Cl", "C[NH3+].[Cl-]", *RINGS[:37]])
    write_page(examine(made, ["y"]), tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=|@import|url\(|<link|http(?!://www\.w3\.org)", page)
    assert "<b>(" not in page
    assert page.count('role="img"') > 2
    assert "To act on" in page


def test_histogram_counts_everything() -> None:
    found = histogram(Task(name="y", unit="h"), np.array([0.0, 1, 1, 2, np.nan]))
    assert found.title == "y (h)"
    assert sum(height > 0 for _, _, height in found.bars) == 3
    assert "4 values, median 1" in found.text
    assert "1 yes, 2 no" in histogram(Task(name="b", kind="binary"), np.array([0.0, 0, 1])).text


def test_one_outlier_leaves_the_histogram_its_shape() -> None:
    values = normal(400)
    shape = histogram(Task(name="y"), values)
    found = histogram(Task(name="y"), np.append(values, 1234.5))
    assert found.bars == shape.bars
    assert (found.low, found.high) == (shape.low, shape.high)
    assert "401 values" in found.text
    assert found.text.endswith("1 of them outside the picture, -3.772 to 1234 in all")
    assert "outside" not in shape.text
    tail = np.sort(10 ** np.abs(3 * values))
    assert "; 4 of them outside" in histogram(Task(name="y"), tail).text
    constant = histogram(Task(name="y"), np.array([0.0, 0, 0, 0, 7]))
    assert constant.high == "7"


def test_the_page_lists_every_row_without_a_molecule(tmp_path: Path) -> None:
    write_page(
        examine(table(normal(70), [*RINGS[:40], *["bad("] * 30]), ["y"]), tmp_path / "a.html"
    )
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert all(f"row {row}: &#39;bad(&#39;" in page for row in range(41, 71))
    assert "<summary>20 more</summary>" in page


def test_names_with_brackets_are_told_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    made = table(normal(40), name="sol [/L]")
    found = examine(Table(made.frame, "smiles", "runs/x [bold].csv"), ["sol [/L]"])
    show_examination(found, Console())
    printed = capsys.readouterr().out
    assert "x [bold].csv: 40 rows" in printed
    assert "'smiles'; sol [/L]" in printed


def test_dirty_table(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = examine(read_table(shared_data / "molecules" / "dirty" / "dirty_input.csv"), ["logS"])
    assert "1 value outside -15 to 3" in told(found, "units")
    assert "52 of 481 rows hold no molecule" in told(found, "rows")
    assert "'1.2.3' in row 86" in told(found, "labels")
    show_examination(found, Console())
    printed = capsys.readouterr().out
    assert "dirty_input.csv: 481 rows, molecules in 'SMILES'; logS" in printed
    assert "6 warnings" in printed


def test_esol_names_its_prediction(shared_data: Path) -> None:
    path = shared_data / "molecules" / "moleculenet" / "delaney-processed.csv"
    found = examine(read_table(path), ["measured log solubility in mols per litre"])
    assert "'ESOL predicted log solubility in mols per litre' looks like" in told(found, "columns")
    assert "11 molecules measured repeatedly, in 22 rows" in told(found, "duplicates", "note")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv"], "No such file"),
        (["table.smi", "--target", "nam"], "did you mean 'name'"),
        (["table.smi", "--split", "time"], "time_column"),
        (["table.smi", "--out", "table.smi"], "ends in .html"),
        (["page.html", "--out", "page.html"], "is an input"),
        (["table.smi", "--split-column", "fold"], "no column 'fold'"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.smi").write_text("\n".join(RINGS))
    with pytest.raises(SystemExit) as ended:
        run(app, ["check", *arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
