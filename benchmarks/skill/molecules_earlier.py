"""What the report in place says of tables and splits whose cells are not at hand any more.

Predictions are kept on the machine that made them; scores, intervals and differences in the
report. A table and split that is made again replaces what was said of it once all models that
were compared then have the same seeds; until then, what was said stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

Record = dict[str, Any]


@dataclass(frozen=True)
class Earlier:
    """A report that was written before; empty where there is none.

    Attributes:
        entries: of each table and split.
        rows: of each cell.
        pretraining: files whose molecules were looked for among the tested ones.
        versions: model -> package -> versions.
    """

    entries: Sequence[Record] = ()
    rows: Sequence[Record] = ()
    pretraining: Sequence[str] = ()
    versions: Record | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The report in a folder, if there is one."""
        path = folder / "skill_molecules.json"
        if not path.exists():
            return cls()
        told = json.loads(path.read_text())
        rows = pd.read_csv(
            path.with_suffix(".csv"), keep_default_na=False, na_values={"without": ""}
        ).to_dict("records")
        return cls(_numbers(told["entries"]), rows, told["pretraining"], told["versions"])

    def with_entries(self, made: Sequence[Record]) -> list[Record]:
        """These entries, and the earlier ones that say more."""
        kept = {_key(entry): entry for entry in self.entries}
        for entry in made:
            before = kept.get(_key(entry))
            if before is None:
                kept[_key(entry)] = entry
            elif _says_as_much(entry, before):
                few = before["few_labels"] | entry["few_labels"]
                kept[_key(entry)] = entry | {"few_labels": few}
        return list(kept.values())

    def with_rows(self, made: Sequence[Record], entries: Sequence[Record]) -> list[Record]:
        """One row for each cell that these entries are made of.

        Args:
            made: rows of the cells at hand.
            entries: see `with_entries`.
        """
        stay = {_key(entry) for entry in entries if any(entry is e for e in self.entries)}
        kept = {_cell(row): row for row in self.rows}
        kept |= {_cell(row): row for row in made if _key(row) not in stay}
        return list(kept.values())


def _says_as_much(entry: Record, before: Record) -> bool:
    """Whether no model lacks a seed."""
    return all(
        {*entry["models"].get(model, {}).get("seeds", ())} >= {*score["seeds"]}
        for model, score in before["models"].items()
    )


def _key(told: Record) -> tuple[str, str]:
    """Table and split, of an entry or a row."""
    return told["table"], told["split"]


def _cell(row: Record) -> tuple[str, str, int, str, float]:
    return row["table"], row["split"], row["seed"], row["model"], row["labels"]


def _numbers(told: Any) -> Any:
    """What JSON has no number for, which the report wrote as null, as NaN."""
    match told:
        case dict():
            return {name: _numbers(part) for name, part in told.items()}
        case list():
            return [_numbers(part) for part in told]
        case None:
            return np.nan
    return told
