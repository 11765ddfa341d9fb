"""A library, ranked, with its best molecules on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from molecules.evaluation.similarity import Fingerprints, from_text
from molecules.prediction.calibration import LEVEL
from molecules.prediction.rows import (
    account,
    load_predictor,
    refuse_to_overwrite,
    source_of,
    watched,
)
from molecules.screening.report import Context, write_report
from molecules.screening.screening import Screen, screen
from sciml.cli import progress
from sciml.config import nearest
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.predictor import PropertyPredictor

SHOWN_HITS = 5


def screen_file(
    model: Path,
    library: str,
    out: Path,
    csv: Path | None = None,
    top: int = 100,
    minimize: bool = False,
    target: str | None = None,
    smiles: str | None = None,
    min_similarity: float = 0.0,
) -> Screen:
    """Rank a library and write the best molecules as HTML and CSV.

    Args:
        model: file that `train` wrote.
        library: file with one molecule per row, "-" for standard input, or `demo`.
        out: the HTML page.
        csv: the hits as a table; beside `out` if None.
        top: how many distinct molecules to keep.
        minimize: whether small values are good; so they are where the model says so.
        target: property to rank by; needed if the model predicts several.
        smiles: column with the SMILES; found by name, then by content, if None.
        min_similarity: pass over molecules that are less similar (Tanimoto) to the
            nearest training molecule.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    if top < 1:
        raise InputError(f"--top is {top}; expected at least 1")
    csv = csv or out.with_suffix(".csv")
    source = source_of(library)
    for file in (out, csv):
        refuse_to_overwrite(source, file)
    predictor = load_predictor(model)
    task = _task(predictor, target)
    minimize = minimize or predictor.tasks.tasks[task].better == "lower"
    known = _training_set(predictor.metadata, min_similarity)
    with progress() as bar:
        tables = watched(source, smiles, bar, "screening")
        found = screen(predictor, tables, task, top, minimize, known, min_similarity)
    if not found.hits:
        raise InputError(f"no molecule is as similar as {min_similarity}; lower --min-similarity")
    context = _context(predictor, task, found, minimize, min_similarity, str(model), source)
    write_report(found, context, out, csv)
    _print_hits(found, predictor.tasks.names[task])
    print(f"{found.counts.total():,} rows, {account(found.counts)}")
    near = f" of similarity {min_similarity} or more" if min_similarity else ""
    print(f"{out}, {csv}: the best {len(found.hits)} molecules{near}")
    return found


def _task(predictor: "PropertyPredictor", target: str | None) -> int:
    names = predictor.tasks.names
    if target is None and len(names) > 1:
        raise InputError(f"the model predicts {', '.join(names)}; choose one with --target")
    if target is not None and target not in names:
        hint = nearest(target, names) or f"; it predicts {', '.join(names)}"
        raise InputError(f"the model does not predict {target!r}{hint}")
    return names.index(target) if target else 0


def _context(
    predictor: "PropertyPredictor",
    task: int,
    found: Screen,
    minimize: bool,
    min_similarity: float,
    model: str,
    source: str,
) -> Context:
    name = predictor.tasks.names[task]
    return Context(
        task=predictor.tasks.tasks[task],
        minimize=minimize,
        model=model,
        library=Path(source).name,
        facts=_facts(predictor.metadata, name),
        coverage=LEVEL if found.hits[0].bounded else None,
        label_range=predictor.metadata.get("label_range", {}).get(name),
        min_similarity=min_similarity,
    )


def _facts(metadata: dict[str, Any], task: str) -> dict[str, str]:
    """What a model file says about its training, for the header of a report."""
    facts = {}
    if "table" in metadata:
        rows = metadata.get("rows", {}).get("train")
        facts["Trained on"] = f"{metadata['table']}" + (f", {rows:,} rows" if rows else "")
    scores = [
        f"{name.removeprefix(f'{task}/')} {value:.3g}"
        for name, value in metadata.get("scores", {}).items()
        if name.startswith(f"{task}/")
    ]
    if scores:
        facts["Test scores"] = ", ".join(scores)
    return facts


def _training_set(metadata: dict[str, Any], min_similarity: float) -> Fingerprints | None:
    text = metadata.get("training_fingerprints")
    if text is None and min_similarity > 0:
        raise InputError("the model does not know its training set; leave out --min-similarity")
    return None if text is None else from_text(text)


def _print_hits(found: Screen, task: str) -> None:
    print(f"best {task}:")
    for rank, hit in enumerate(found.hits[:SHOWN_HITS], start=1):
        name = f"  {hit.name}" if hit.name else ""
        print(f"  {rank}. {hit.value:.3f} ({hit.lower:.3f} to {hit.upper:.3f}){name}  {hit.smiles}")
