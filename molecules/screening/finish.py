"""From what a screen found to its files."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from molecules.evaluation.metrics import figure
from molecules.evaluation.similarity import Fingerprints, fingerprints
from molecules.prediction.annotate import require_molecules
from molecules.prediction.calibration import LEVEL
from molecules.prediction.ensemble import each
from molecules.prediction.rows import account
from molecules.screening.company import Company
from molecules.screening.diversity import choose, require_number
from molecules.screening.filters import FLAGS, check_names
from molecules.screening.hits import Hit
from molecules.screening.identity import forms
from molecules.screening.options import HitOptions
from molecules.screening.outputs import Outputs
from molecules.screening.profile import Profile, profile
from molecules.screening.progress_file import Progress
from molecules.screening.report import Context, Row, doubts, write_report
from molecules.screening.screening import Screener
from sciml.cli import note
from sciml.errors import InputError

SHOWN_HITS, SHOWN_SMILES = 5, 100


def prepare(screener: Screener, options: HitOptions) -> Company:
    """Read what the report will need, before hours are spent on the library.

    Raises:
        InputError: an option that cannot be used.
    """
    check_names(options.flag)
    require_number(options.diverse, screener.job.top, options.diverse_by)
    return Company.read(options, screener)


def finish(
    progress: Progress,
    screener: Screener,
    company: Company,
    options: HitOptions,
    outputs: Outputs,
) -> list[Row]:
    """Choose among the hits, look at each, and write them.

    Args:
        progress: all parts of the library.
        screener: with the model.
        company: what `prepare` read.
        options: what is said about the hits.
        outputs: the files.

    Raises:
        InputError: no molecule was found.
    """
    screen, job = progress.screen, progress.job
    require_molecules(screen.counts, screen.reasons)
    hits = screen.best.ranked()[: job.top]
    if not hits:
        raise InputError(
            f"no molecule is as similar as {job.min_similarity}; lower --min-similarity"
        )
    rows = _rows(hits, screener, company, options)
    context = _context(screener, hits, options, company)
    write_report(screen, rows, context, outputs)
    _print_hits(rows, screener)
    for doubt in doubts(rows, context):
        note(f"note: {doubt}")
    print(f"{screen.counts.total():,} rows, {account(screen.counts)}")
    near = f" of similarity {job.min_similarity} or more" if job.min_similarity else ""
    print(f"{outputs}: {_described(rows, hits, screener)}{near}")
    return rows


def _rows(hits: list[Hit], screener: Screener, company: Company, options: HitOptions) -> list[Row]:
    smiles = [hit.smiles for hit in hits]
    read = forms(screener.predictor, smiles)
    bits = fingerprints(screener.predictor.standardized(smiles))
    ranks: Sequence[int] = range(len(hits))
    if options.diverse is not None:
        ranks = choose(bits, options.diverse, options.diverse_by)
    flags = check_names(options.flag) or FLAGS
    return [
        _row(rank, hits[rank], profile(read[rank], flags, smiles[rank]), bits[[rank]], company)
        for rank in ranks
    ]


def _row(rank: int, hit: Hit, known: Profile, bits: Fingerprints, company: Company) -> Row:
    return Row(
        rank + 1,
        hit,
        known,
        tuple(company.measured.near(bits)) if company.measured else (),
        company.actives.near(bits, 1)[0] if company.actives else None,
        company.percentiles(hit.value),
    )


def _context(screener: Screener, hits: list[Hit], options: HitOptions, company: Company) -> Context:
    metadata = screener.predictor.metadata
    tasks = screener.tasks
    return Context(
        job=screener.job,
        tasks=tasks,
        facts=_facts(metadata, [task.name for task in tasks]),
        coverage=LEVEL if hits[0].bounded else None,
        label_ranges=metadata.get("label_range"),
        kept=len(hits) if options.diverse is not None else None,
        reference=options.reference.name if options.reference else "",
        measured=company.measured_in,
        stripped=each(screener.predictor)[0].config.standardize != "off",
    )


def _facts(metadata: dict[str, Any], tasks: list[str]) -> dict[str, str]:
    """What a model file says about its training, for the header of a report."""
    facts = {}
    if "table" in metadata:
        rows = metadata.get("rows", {}).get("train")
        facts["Trained on"] = f"{metadata['table']}" + (f", {rows:,} rows" if rows else "")
    scores = [
        f"{(name if len(tasks) > 1 else measure)} {value:.3g}"
        for name, value in metadata.get("scores", {}).items()
        for task, _, measure in [name.rpartition("/")]
        if task in tasks
    ]
    if scores:
        facts["Test scores"] = ", ".join(scores)
    return facts


def _described(rows: list[Row], hits: list[Hit], screener: Screener) -> str:
    if len(rows) < len(hits):
        return f"{len(rows)} that differ among the best {len(hits)} molecules"
    if screener.job.combine == "pareto":
        return f"the best {len(hits)} molecules, {fronts_told([hit.front for hit in hits])}"
    return f"the best {len(hits)} molecules"


def fronts_told(fronts: Sequence[int]) -> str:
    """`of Pareto fronts 1 (60) and 2 (40)`: how many hits are of each."""
    numbers = [f"{front} ({number})" for front, number in sorted(Counter(fronts).items())]
    return f"of Pareto front{'s' if numbers[1:] else ''} {', '.join(numbers)}"


def _print_hits(rows: list[Row], screener: Screener) -> None:
    names = [objective.name for objective in screener.job.objectives]
    print(f"best {', '.join(names)}:")
    for row in rows[:SHOWN_HITS]:
        hit = row.hit
        name = f"  {hit.name}" if hit.name else ""
        values = "; ".join(
            figure(value) + (f" ({figure(lower)} to {figure(upper)})" if lower < upper else "")
            for value, lower, upper in zip(hit.value, hit.lower, hit.upper, strict=True)
        )
        smiles = hit.smiles
        if len(smiles) > SHOWN_SMILES:
            smiles = f"{smiles[:SHOWN_SMILES]}..."
        print(f"  {row.rank}. {values}{name}  {smiles}")
