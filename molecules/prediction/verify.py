"""Does a model say the same however a molecule is written, and among which others?"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molecules.files.table import iter_library
from molecules.prediction.model_source import ModelSource
from molecules.prediction.parallel import workers as start_workers
from molecules.prediction.predict_file import predict_rows
from molecules.prediction.rows import Content, source_of
from sciml.errors import InputError

TOLERANCE = 1e-6  # of a standard deviation of the measured values; float32 resolves 1e-7
SPELLINGS = 3
_ALONE = 50  # molecules that are also predicted one at a time

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """What came of one way to ask the same thing.

    Attributes:
        name: of the way.
        compared: predictions that were compared.
        deviation: the largest difference, in standard deviations of the measured values
            (of a probability, as it is).
        example: SMILES where it occurred.
    """

    name: str
    compared: int
    deviation: float
    example: str

    @property
    def passed(self) -> bool:
        """Whether the differences are those of rounding; NaN is none."""
        return self.deviation <= TOLERANCE


def verify(model: Path, table: str, most: int = 300, smiles: str | None = None) -> list[Check]:
    """Ask a model for the same molecules in several ways.

    Args:
        model: file that `train` wrote.
        table: whose molecules to ask for, or `demo`.
        most: molecules, spread evenly over the start of the table.
        smiles: column with the SMILES; found by name, then by content, if None.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    source = ModelSource.of(model)
    predictor = source.load_one("verify")
    first = next(iter_library(source_of(table), smiles=smiles)).smiles
    rows = first[:: max(1, len(first) // most)][:most]
    plain = predictor.predict(rows, domain=False).mean
    usable = np.isfinite(plain).all(axis=1).astype(bool)
    if not usable.any():
        raise InputError(f"{table} begins with no molecule that this model can predict")
    rows = [row for row, good in zip(rows, usable, strict=True) if good]
    scale = predictor.scales
    compare = partial(_check, rows, plain[usable] / scale)

    def ask(texts: Sequence[str], batch_size: int = 128, cache: Path | None = None) -> Array:
        return predictor.predict(texts, batch_size, domain=False, cache=cache).mean / scale

    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = ask([rows[i] for i in order])
    respelled = [ask(_respelled(rows, seed)) for seed in range(SPELLINGS)]
    with tempfile.TemporaryDirectory() as folder:
        kept = [ask(rows, cache=Path(folder)) for _ in range(2)]
    return [
        compare("SMILES spelling", *respelled),
        compare("row order", shuffled[np.argsort(order)]),
        compare("batches of 7", ask(rows, batch_size=7)),
        compare("one at a time", np.concatenate([ask([row]) for row in rows[:_ALONE]])),
        compare("two workers", _with_workers(source, rows) / scale),
        compare("kept graphs", *kept),
    ]


def _check(rows: Sequence[str], plain: Array, name: str, *others: Array) -> Check:
    difference = np.stack([np.abs(other - plain[: len(other)]) for other in others]).max(
        axis=(0, 2)
    )
    worst = int(np.argmax(difference))  # the first NaN, if there is one
    return Check(name, difference.size * len(others), float(difference[worst]), rows[worst])


def _respelled(rows: Sequence[str], seed: int) -> list[str]:
    """Each molecule written from another atom on, as RDKit's random SMILES."""
    from rdkit import Chem

    return [
        Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(row), 1, randomSeed=seed + 1)[0]
        for row in rows
    ]


def _with_workers(source: ModelSource, rows: list[str]) -> Array:
    parts = [Content(list(part), {}, {}) for part in np.array_split(np.array(rows, object), 4)]
    work: Callable[[Content], object] = partial(predict_rows, source, None)
    with start_workers(2) as pool:
        return np.concatenate([part.mean for part in pool.in_order(work, parts)])  # type: ignore[attr-defined]
