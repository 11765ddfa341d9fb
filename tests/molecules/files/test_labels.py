"""Cells become numbers only where they are numbers; the rest is reported."""

import numpy as np
import pandas as pd

from molecules.files.labels import parse_labels


def column(*cells: object) -> tuple[list[float], list[tuple[int, str]]]:
    labels = parse_labels(pd.DataFrame({"y": list(cells)}), ["y"])
    return labels.values[:, 0].tolist(), [(cell.row, cell.reason) for cell in labels.unread]


def assert_values(cells: tuple[object, ...], expected: list[float]) -> None:
    np.testing.assert_array_equal(column(*cells)[0], expected)


def test_numbers_and_blanks() -> None:
    cells = (" -2.1 ", "1e-3", ".5", "", "NaN", "n/a", None)
    values, unread = column(*cells)
    np.testing.assert_array_equal(values, [-2.1, 1e-3, 0.5, *[np.nan] * 4])
    assert unread == []


def test_what_is_no_number_is_reported() -> None:
    values, unread = column("1.0", "<-5", "inf", "1e400", "1,234.5", "0x10", "1_000", "ND")
    assert np.isnan(values[1:]).all()
    reasons = dict(unread)
    assert "censored" in reasons[1]
    assert reasons[2] == reasons[3] == "infinite"
    assert len(reasons) == 7


def test_decimal_comma_only_where_the_whole_column_has_it() -> None:
    assert_values(("1,5", "-2,25", "3"), [1.5, -2.25, 3.0])
    assert_values(("1.5", "2,25"), [1.5, np.nan])


def test_words_are_classes_only_beside_classes() -> None:
    assert_values(("yes", "No", "1", ""), [1.0, 0.0, 1.0, np.nan])
    assert_values(("Active", "inactive"), [1.0, 0.0])
    assert_values(("2.5", "TRUE"), [2.5, np.nan])


def test_typed_columns_of_parquet() -> None:
    assert_values((1, 0, 1), [1.0, 0.0, 1.0])
    assert_values((True, False), [1.0, 0.0])
    assert_values((1.5, np.nan), [1.5, np.nan])
