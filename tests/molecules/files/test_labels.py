"""Cells become numbers only where they are numbers; the rest is reported."""

import numpy as np
import pandas as pd

from molecules.files.labels import Labels, parse_labels


def parsed(*cells: object) -> Labels:
    return parse_labels(pd.DataFrame({"y": list(cells)}), ["y"])


def assert_values(cells: tuple[object, ...], expected: list[float]) -> None:
    np.testing.assert_array_equal(parsed(*cells).values[:, 0], expected)


def test_numbers_and_blanks() -> None:
    labels = parsed(" -2.1 ", "1e-3", ".5", "", "NaN", "n/a", "-", None)
    np.testing.assert_array_equal(labels.values[:, 0], [-2.1, 1e-3, 0.5, *[np.nan] * 5])
    assert labels.report() == []


def test_what_is_no_number_is_missing_and_reported() -> None:
    labels = parsed("1.0", "inf", "1e400", "0x10", "1_000", "1.2.3", "low")
    assert np.isnan(labels.values[1:]).all()
    assert [note.row for note in labels.unread] == [1, 2, 3, 4, 5, 6]
    infinite, words = labels.report()
    assert infinite == "y: 2 cells missing: infinite ('inf' in row 2, '1e400' in row 3)"
    assert words.startswith("y: 4 cells missing: not a number ('0x10' in row 4, ")
    assert words.endswith(", ...)")


def test_censored_values_keep_their_bound() -> None:
    labels = parsed("<-5", "> 1.5", "<=3", "≥4", "2", "=7", "~6")
    np.testing.assert_array_equal(labels.values[:, 0], [-5, 1.5, 3, 4, 2, 7, 6])
    assert labels.bounds[:, 0].tolist() == [-1, 1, -1, 1, 0, 0, 0]
    np.testing.assert_array_equal(labels.exact[:, 0], [*[np.nan] * 4, 2, 7, 6])
    assert [note.row for note in labels.read] == [0, 1, 2, 3, 6]
    assert "at most" in labels.report()[0]
    assert "approximate" in labels.report()[2]


def test_a_comma_is_read_where_it_can_mean_one_thing_only() -> None:
    assert_values(("1,5", "-2,25", "3"), [1.5, -2.25, 3.0])
    assert_values(("1.5", "2,25", "<3,5"), [1.5, 2.25, 3.5])
    assert_values(("1,234.5", "-1,234,567."), [1234.5, -1234567])
    assert_values(("0,123", "1,234"), [0.123, 1.234])
    assert_values(("1,234", "12"), [np.nan, 12])
    assert_values(("1,234", "0,5", "1.5"), [np.nan, 0.5, 1.5])
    assert_values(("1,234.5", "2,345", "900", "12,500"), [1234.5, 2345, 900, 12500])
    assert_values(("45.2", "1,234", "<12,500", "850"), [45.2, 1234, 12500, 850])
    assert_values(("1,234,567", "-1,234"), [1234567, -1234])
    assert_values(("1,234,567", "0,5", "1,234"), [1234567, 0.5, np.nan])
    assert "decimal or between thousands" in parsed("1,234", "12").report()[0]


def test_typography() -> None:
    assert_values(("\N{MINUS SIGN}2.7", "-3.2 ± 0.1", "5 +/- 2"), [-2.7, -3.2, 5])


def test_words_are_classes_only_beside_classes() -> None:
    assert_values(("yes", "No", "1", ""), [1.0, 0.0, 1.0, np.nan])
    assert_values(("Active", "inactive"), [1.0, 0.0])
    assert_values(("2.5", "TRUE"), [2.5, np.nan])


def test_typed_columns_of_parquet() -> None:
    assert_values((1, 0, 1), [1.0, 0.0, 1.0])
    assert_values((True, False), [1.0, 0.0])
    assert_values((1.5, np.nan), [1.5, np.nan])
