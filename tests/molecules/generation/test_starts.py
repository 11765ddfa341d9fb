"""A start may be written as InChI; one that nothing comes of says why."""

from pathlib import Path

import pandas as pd
import pytest

from molecules.generation.generate_file import generate_file
from molecules.generation.optimize_file import optimize_file
from molecules.generation.search import SearchConfig

PENTANOL = "InChI=1S/C5H12O/c1-2-3-4-5-6/h6H,2-5H2,1H3"
SHORT = SearchConfig(steps=2, offspring=16)


def optimized(start: str, predictor: Path, known: list[str], out: Path) -> str:
    """Text of the table."""
    parts = out.with_name("parts.smi")
    parts.write_text("".join(f"{text}\n" for text in known))
    optimize_file([predictor], start, out, parts=str(parts), targets=["logS:max"], config=SHORT)
    return out.with_suffix(".csv").read_text()


def test_inchi_is_a_start_as_its_smiles_is(
    predictor_file: Path,
    generator_file: Path,
    learned: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "o.csv"
    tables = [optimized(text, predictor_file, learned, out) for text in ("CCCCCO", PENTANOL)]
    assert tables[0] == tables[1]
    assert "stereochemistry" not in capsys.readouterr().err
    options = [{"near": PENTANOL}, {"near": "CCCCCO"}]
    near = [
        generate_file(generator_file, tmp_path / "n.csv", number=5, radius=1.5, **one)  # type: ignore[arg-type]
        for one in options
    ]
    pd.testing.assert_frame_equal(*near)
    way = generate_file(generator_file, tmp_path / "w.csv", number=4, ends=[PENTANOL, "CCN"])
    assert way["similarity"][0] == 1


def test_a_start_that_nothing_can_be_exchanged_of_says_so(
    predictor_file: Path, learned: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.html"
    optimized("C", predictor_file, learned, out)
    why = "no known part fits: none hangs on an atom with the element and neighbours of one of"
    assert (
        "0 proposals among 0 molecules, 0 of them better than the start by logS:max: of 32 tr"
        in (told := capsys.readouterr().out)
    )
    assert why in told
    assert why in out.read_text()
