"""How far a preparation came, kept beside the unfinished store so that it can go on."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sciml.errors import InputError
from sciml.files import atomic_path, write_text
from weather.training.moments import PairMoments

_RECORD, _SUMS = "progress.json", "progress.npz"


@dataclass
class Progress:
    """What was done.

    Attributes:
        settings: of the run; one that goes on must have the same.
        sums: moments so far, by variable.
        done: times written.
        missing: by variable, values that are NaN but were not at the first time.
        places: where the first of them is.
    """

    settings: dict[str, Any]
    sums: dict[str, PairMoments]
    done: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Record it; what was recorded before stays until this is whole."""
        with atomic_path(folder / f"{self.done}-{_SUMS}") as path:
            np.savez(path, allow_pickle=False, **{n: part.sums for n, part in self.sums.items()})
        record = {name: value for name, value in vars(self).items() if name != "sums"}
        write_text(folder / _RECORD, json.dumps(record))
        for old in folder.glob(f"*-{_SUMS}"):
            if old.name != f"{self.done}-{_SUMS}":
                old.unlink()

    @classmethod
    def load(cls, folder: Path, settings: dict[str, Any]) -> "Progress | None":
        """The record of a run that was stopped; None where there is none.

        Raises:
            InputError: the run had other settings.
        """
        if not (folder / _RECORD).exists():
            return None
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        settings = json.loads(json.dumps(settings))
        for name, value in settings.items():
            if record["settings"].get(name) != value:
                raise InputError(
                    f"{folder} was begun with {name} {record['settings'].get(name)}, not {value}; "
                    "give the same settings to go on, or remove it to start anew"
                )
        with np.load(folder / f"{record['done']}-{_SUMS}") as sums:
            return cls(sums={name: PairMoments(sums[name]) for name in sums.files}, **record)
