"""From a start molecule to a file of proposals."""

from collections.abc import Sequence
from pathlib import Path

from molecules.features.selfies import constitution
from molecules.generation.generator import Generator
from molecules.generation.goal import Goal, Limits
from molecules.generation.proposals import Account, write_page, write_table
from molecules.generation.search import Proposal, Search, SearchConfig
from molecules.prediction.predictor import PropertyPredictor
from molecules.screening.objectives import RankBy
from sciml.cli import note, progress
from sciml.errors import InputError
from sciml.files import claim_path

DEFAULTS, LIMITS = SearchConfig(), Limits()


def optimize_file(
    generator: Path,
    predictors: Sequence[Path],
    start: str,
    out: Path,
    *,
    targets: Sequence[str] = (),
    rank_by: RankBy = "mean",
    limits: Limits = LIMITS,
    top: int = 50,
    config: SearchConfig = DEFAULTS,
) -> list[Proposal]:
    """Search for molecules like `start` with better predictions, and write what was found.

    Args:
        generator: file of a generator.
        predictors: files of property models.
        start: SMILES to begin with.
        out: .html, with a table of the same name beside it; or .csv, the table alone. The
            page shows the best `top`; the table has every molecule that was looked at.
        targets: see `Goal.of`.
        rank_by: the prediction, the worse end of its interval, or the expected improvement.
        limits: what a proposal must keep to.
        top: proposals on the page.
        config: of the search.

    Returns:
        All molecules that were looked at, the best proposal first.

    Raises:
        InputError: an input that cannot be used.
    """
    if out.suffix not in (".html", ".csv"):
        raise InputError(f"cannot write {out}: expected .html or .csv")
    if not predictors:
        raise InputError("no property model to optimize for; give one after the generator")
    if top < 1:
        raise InputError(f"--top is {top}; expected at least 1")
    claim_path(out)
    begin = constitution(start)
    if not begin:
        raise InputError(f"--start {start!r} is no molecule")
    loaded = [PropertyPredictor.load(path) for path in predictors]
    goal = Goal.of(begin, loaded, targets, rank_by, limits)
    if any(predictor.domain is None for predictor in loaded):
        note("note: a model does not tell its training set; its domain is not looked at")
    if any(sign in start for sign in "@/\\"):
        note("note: the generator knows no stereochemistry; that of the start is left out")
    search = Search(Generator.load(generator), goal, config, begin)
    with progress() as bar:
        for _ in bar.track(search.steps(), config.steps, description="generations"):
            pass
    ranked = search.ranked()
    account = Account.of(search, ranked, generator, predictors)
    write_table(ranked, account, out.with_suffix(".csv"))
    if out.suffix == ".html":
        write_page(ranked[:top], account, out)
    print(f"{out}: {account}")
    return ranked
