"""New molecules from a generator to a file: samples, neighbours, a path between two."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rdkit import Chem

from molecules.features.conditions import CONDITIONS, conditions_of
from molecules.files.inchi import as_smiles
from molecules.generation.acceptance import Array, Limits, keep_drawing, told
from molecules.generation.generator import Generator, between, read_conditions
from molecules.generation.similarity_window import similarity_to
from molecules.generation.synthesis import synthetic_accessibility
from molecules.prediction.writers import table_format, table_writer
from sciml.cli import counted, note
from sciml.errors import InputError
from sciml.files import atomic_path, claim_path


def generate_file(
    model: Path,
    out: Path,
    *,
    number: int = 1000,
    conditions: Sequence[str] = (),
    near: str | None = None,
    ends: Sequence[str] = (),
    radius: float = 0.5,
    temperature: float = 0.7,
    limits: Limits | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Write new molecules, one a row, in the order they were drawn.

    Args:
        model: file of a generator.
        out: .csv, .tsv, .parquet, .xlsx, .sdf, or .smi.
        number: of molecules; on a path both ends count.
        conditions: of samples, see `read_conditions`.
        near: SMILES or InChI whose neighbours to draw.
        ends: two SMILES or InChI to go from and to.
        radius: distance of neighbours, see `Generator.distance`.
        temperature: see `Generator.write`.
        limits: what samples and neighbours must keep to; others are drawn again. Left open,
            the largest SA score is `acceptance.USUAL`, and neighbours are `RELATED`.
        seed: the same seed gives the same molecules.

    Returns:
        The table: `smiles`, the properties in CONDITIONS, `sa_score`, `in_training` (whether
        the generator has learned from it), `repeat_of` (row, from 1, of the same molecule
        above), of neighbours and paths `latent_distance` and `similarity` to the molecule
        they begin at, and of paths `similarity_to_end`.

    Raises:
        InputError: an input that cannot be used.
    """
    limits = (limits or Limits()).checked()
    near, ends = near and as_smiles([near])[0], as_smiles(ends)
    wanted = read_conditions(conditions)
    _check(out, number, wanted, near, ends, radius, temperature, limits)
    if not ends:
        limits = limits.filled(near is not None)
    generator = Generator.load(model)
    _warn(generator, wanted)
    draws = torch.Generator().manual_seed(seed)
    start = ends if near is None else [near]
    begin = generator.read(start) if start else None

    def draw() -> tuple[list[str], Array]:
        if begin is None:
            new = generator.draw(number, wanted, temperature, draws)
            return new, np.full(number, np.nan)
        if ends:
            points = between(begin, number)
        else:
            points = generator.near(begin[[0] * number], radius, draws)
        written = generator.write(points, 0.0 if ends else temperature, draws)
        return written, generator.distance(points, begin[:1])

    others: Counter[str] = Counter()
    if limits:
        with counted("molecules") as on_kept:
            written, away, others = keep_drawing(number, draw, limits, near, on_kept)
    else:
        written, away = draw()
    table = described(written, generator)
    if begin is not None:
        table["latent_distance"] = away.round(4)
        table["similarity"] = similarity_to(start[0], written).round(4)
    if ends:
        table["similarity_to_end"] = similarity_to(ends[1], written).round(4)
    _write(table, out)
    again = f"; drawn again: {told(others)}" if others else ""
    print(f"{out}: {account(table)}{again}{missed(table, wanted)}")
    return table


def described(smiles: Sequence[str], generator: Generator) -> pd.DataFrame:
    """Molecules with their properties; blank where nothing was written."""
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    values = np.array([conditions_of(molecule) for molecule in molecules], np.float64)
    values[[not text for text in smiles]] = np.nan
    columns = dict(zip(CONDITIONS, values.round(3).T, strict=True))
    table = pd.DataFrame({"smiles": smiles, **columns}).astype({"rings": "Int64"})
    difficulty = [synthetic_accessibility(m) if m.GetNumAtoms() else np.nan for m in molecules]
    table["sa_score"] = np.round(difficulty, 2)
    table["in_training"] = generator.learned_from(smiles)
    first = table.groupby("smiles").cumcount().eq(0)
    rows = pd.Series(np.arange(1, len(table) + 1), index=table["smiles"])[first.to_numpy()]
    table["repeat_of"] = table["smiles"].map(rows).where(~first).astype("Int64")
    return table


def account(table: pd.DataFrame) -> str:
    """How many molecules, distinct ones, and new ones."""
    distinct = table["repeat_of"].isna() & table["smiles"].ne("")
    new = distinct & ~table["in_training"]
    empty = int(table["smiles"].eq("").sum())
    return (
        f"{len(table):,} molecules, {int(distinct.sum()):,} distinct, {int(new.sum()):,} of them "
        "not in the training set" + (f"; {empty} without an atom" if empty else "")
    )


def missed(table: pd.DataFrame, wanted: Mapping[str, float]) -> str:
    """How far molecules are from what was asked for: means of absolute differences."""
    told = [
        f"{name} {(table[name] - value).abs().mean():.3g} from {value:g}"
        for name, value in wanted.items()
    ]
    return f"; in the mean {', '.join(told)}" if told else ""


def _check(
    out: Path,
    number: int,
    wanted: Mapping[str, float],
    near: str | None,
    ends: Sequence[str],
    radius: float,
    temperature: float,
    limits: Limits,
) -> None:
    if out.suffix != ".smi":
        table_format(out)
    claim_path(out)
    if number < 1 or (ends and number < 2):
        raise InputError(f"--number is {number}; expected at least {2 if ends else 1}")
    if ends and len(ends) != 2:
        raise InputError(f"--between has {len(ends)} molecules; expected two")
    if ends and near is not None:
        raise InputError("--near and --between exclude each other; give one")
    if ends and limits:
        raise InputError(
            "--between writes what lies on the way; leave out --max-sa, --filters and "
            "--similarity, or --between"
        )
    if wanted and (ends or near is not None):
        raise InputError(
            "--condition is for samples: neighbours and paths have the properties of where they "
            "are; leave it out, or use molecules optimize"
        )
    if limits.window is not None and near is None:
        raise InputError("--similarity is to the molecule of --near; give that too")
    if radius <= 0:
        raise InputError(f"--radius is {radius:g}; expected a positive number")
    if temperature < 0:
        raise InputError(f"--temperature is {temperature:g}; expected zero or more")


def _warn(generator: Generator, wanted: dict[str, float]) -> None:
    """Say so where more is asked for than was learned."""
    names = list(CONDITIONS)
    for name, value in wanted.items():
        known = generator.model.known[:, names.index(name)]
        low, high = float(known.min()), float(known.max())
        if not low <= value <= high:
            note(
                f"note: {name}={value:g} is outside what was learned, {low:.3g} to "
                f"{high:.3g}; samples may not come near it"
            )


def _write(table: pd.DataFrame, out: Path) -> None:
    with atomic_path(out) as path:
        if out.suffix == ".smi":
            lines = [f"{text} {row}\n" for row, text in enumerate(table["smiles"], start=1)]
            path.write_text("".join(lines), encoding="utf-8")
            return
        with table_writer(path) as write:
            write(table, table["smiles"].tolist())
