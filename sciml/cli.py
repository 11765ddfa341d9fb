"""What both commands share: one-line errors, dotted options, progress bars."""

import io
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import App, CycloptsError, Parameter, Token, convert
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sciml.errors import InputError
from sciml.files import write_text

Overrides = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        help="Override one key of the configuration: --set training.epochs=3, or simply "
        "--training.epochs 3. Repeat as needed.",
    ),
]

SEVERAL = Parameter(consume_multiple=True)
"""Several values after one flag, as from a glob of the shell; several flags add up."""


def _as_written(type_: Any, tokens: Sequence[Token]) -> Any:
    """As cyclopts reads values, but where whole numbers are meant 1.5 is not taken for 2."""
    kinds = (type_, *get_args(type_))
    odd = [token.value for token in tokens if "." in token.value]
    if odd and int in kinds and float not in kinds:
        raise ValueError(f"{odd[0]} is not a whole number")
    return convert(type_, tokens)


OPTIONS = Parameter(converter=_as_written, negative="")
"""Of all options: no `--no-...` and `--empty-...`; one that is true by default says its own."""


def version() -> str:
    """Of the installed distribution, which holds all packages."""
    from importlib.metadata import version as version_of

    return version_of("sciml-foundation")


def run(app: App, arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the user can mend ends in one line and exit status 2.

    `--training.epochs 3` and `--training.epochs=3` are taken as
    `--set training.epochs=3`: any option with a dot is a key of the configuration.
    """
    # Threads that wait by spinning slow each other down tenfold where cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no sign for it shows a ?
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    tokens = dotted_to_set(sys.argv[1:] if arguments is None else arguments)
    stderr = Console(stderr=True, soft_wrap=True)
    try:
        app(tokens, error_formatter=_usage_line, error_console=stderr)
    except (InputError, OSError) as error:
        stderr.print(f"[bold red]error:[/] {_one_line(error)}", highlight=False, markup=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def run_demo(app: App, steps: Sequence[str], summarize: Callable[[float], str], out: Path) -> str:
    """Run commands one after the other, each shown first as a user would type it.

    Args:
        app: whose commands they are.
        steps: command lines.
        summarize: makes the summary from the seconds that the steps took.
        out: folder for `summary.txt`.

    Returns:
        The summary.
    """
    started = time.monotonic()
    for step in steps:
        print(f"\n$ {app.name[0]} {step}", flush=True)
        app(dotted_to_set(shlex.split(step)), result_action="return_value")
    summary = summarize(time.monotonic() - started)
    write_text(out / "summary.txt", summary)
    return summary


def note(line: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True, soft_wrap=True).print(line, highlight=False, markup=False)


def progress() -> Progress:
    """A progress bar on standard error: description, bar, count, elapsed and remaining time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def counted(what: str) -> Iterator[Callable[[float, float], None]]:
    """A progress bar that is seen from the first count on: before it, input may be refused.

    Args:
        what: is done, and in what it is counted: `downscaling, fields`.

    Yields:
        What is to be called with how many are done, and of how many.
    """
    with progress() as bar:
        task = bar.add_task(what, visible=False)
        yield lambda done, of: bar.update(task, completed=done, total=of, visible=True)


@contextmanager
def going_on(begun: Path) -> Iterator[None]:
    """Around work that the same command goes on with: says so on Ctrl-C and SIGTERM.

    Args:
        begun: is there as soon as a part is done.
    """

    def tell() -> None:
        goes_on = "; the same command goes on where it was"
        note(f"stopped{goes_on if begun.exists() else ''}")

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        try:
            tell()
        finally:
            os.kill(os.getpid(), number)

    heard = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, end) if heard else None
    try:
        yield
    except KeyboardInterrupt:
        tell()
        raise
    finally:
        if heard:
            signal.signal(signal.SIGTERM, before)


def dotted_to_set(tokens: Sequence[str]) -> list[str]:
    """`--training.epochs 3` as `--set training.epochs=3`, all else as it is."""
    result: list[str] = []
    remaining = iter(tokens)
    for token in remaining:
        name, equals, value = token.partition("=")
        if not (name.startswith("--") and "." in name):
            result.append(token)
            continue
        if not equals:
            value = next(remaining, "")
        result.extend(["--set", f"{name[2:]}={value}"])
    return result


def _usage_line(error: CycloptsError) -> str:
    return f"error: {' '.join(str(error).split())}"


def _one_line(error: Exception) -> str:
    from rich.markup import escape

    if isinstance(error, OSError) and error.strerror and error.filename:
        return escape(f"{error.filename}: {error.strerror}")
    return escape(" ".join(str(error).split()))
