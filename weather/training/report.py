"""What a training run tells its user at the end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console
from rich.table import Table

from sciml.wording import count
from weather.files.units import pretty_unit
from weather.training.experiment import Trained
from weather.training.one_step import Score
from weather.training.pretraining import Pretrained
from weather.variables import si_unit


class Named(Protocol):
    """A score of a 2-D field."""

    @property
    def name(self) -> str:
        """Such as `z500`."""
        ...


S = TypeVar("S", bound=Named)
_SHOWN = ("msl", "sp", "t2m", "u10", "v10", "z500", "t850", "u850", "v850", "q700")


def show_training(trained: Trained, run: Path, console: Console) -> None:
    """Print where the model is, how it was trained, and its errors beside persistence."""
    for hours in dict.fromkeys(score.hours for score in trained.scores):
        of_step = tuple(score for score in trained.scores if score.hours == hours)
        console.print(_table(worth_showing(of_step), hours))
    console.print(trained.fit.text, soft_wrap=True)
    files = ", ".join(str(path) for path in (run / "model.safetensors", *trained.snapshots))
    console.print(f"wrote {files}", soft_wrap=True, highlight=False)


def show_pretraining(pretrained: Pretrained, run: Path, console: Console) -> None:
    """Print what was learned from, how well, and how to go on."""
    console.print(f"{count(pretrained.times, 'time')}; {pretrained.fit.text}", soft_wrap=True)
    console.print(
        f"hidden cells are told to {pretrained.fit.best_loss:.3f} of their variance, "
        "held-out times",
        highlight=False,
    )
    model = run / "model.safetensors"
    console.print(f"wrote {model}", soft_wrap=True, highlight=False)
    console.print(
        f"next: weather train DATA --config finetune --transfer.checkpoint {model}",
        soft_wrap=True,
        highlight=False,
    )


def _table(scores: list[Score], hours: float) -> Table:
    table = Table(title=f"{hours:g} h ahead, held-out times", title_justify="left")
    for heading in ("field", "unit", "RMSE", "persistence", "ratio"):
        table.add_column(heading, justify="left" if heading in ("field", "unit") else "right")
    for score in scores:
        ratio = score.rmse / score.persistence if score.persistence else float("nan")
        row = (f"{score.rmse:.4g}", f"{score.persistence:.4g}", f"{ratio:.3f}")
        table.add_row(score.name, pretty_unit(si_unit(score.name)), *row)
    return table


def worth_showing(scores: Sequence[S]) -> list[S]:
    """The fields forecasters look at first, or the first few."""
    known = [score for score in scores if score.name in _SHOWN]
    return known or list(scores[:10])
