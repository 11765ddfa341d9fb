"""Work on the parts of a table, in this process, in several, or on a Dask cluster.

Results come in the order of the parts whatever the number of workers, and only a few
parts are under way at a time, so the memory does not grow with the table.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from multiprocessing import get_all_start_methods
from multiprocessing.context import BaseContext
from typing import Any, Protocol, TypeVar

from sciml.errors import InputError
from sciml.processes import PlainForkServer, PlainSpawn, begin_worker, cores, take_one_core

_AHEAD = 2  # parts a worker has before it
_DASK_SECONDS = 30  # to find the scheduler and its first worker

Part = TypeVar("Part")
Result = TypeVar("Result")


class _Future(Protocol):
    def result(self) -> Any:
        """Wait for what was submitted."""


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        submit: hands a function and its arguments to a worker; None works here and now.
        ahead: parts that are handed out before the first result is awaited.
    """

    submit: Callable[..., _Future] | None = None
    ahead: int = 1

    def in_order(self, work: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """The result of each part, in the order of the parts.

        Args:
            work: importable by name, or made of such; with plain data as arguments.
            parts: read only as far as they are needed.

        Raises:
            InputError: a worker process was ended from outside.
        """
        parts = iter(parts)
        first = list(islice(parts, 2))
        parts = chain(first, parts)
        if self.submit is None or len(first) < 2:  # to start a process takes seconds
            yield from map(work, parts)
            return
        waiting: deque[_Future] = deque()
        for part in parts:
            waiting.append(self.submit(work, part))
            if len(waiting) == self.ahead:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def along(
    pool: Workers,
    work: Callable[[Any], Result],
    parts: Iterable[Part],
    content: Callable[[Part], Any],
) -> Iterator[tuple[Part, Result]]:
    """Each part with the result for its content, in order; only the content goes to a worker."""
    waiting: deque[Part] = deque()

    def contents() -> Iterator[Any]:
        for part in parts:
            waiting.append(part)
            yield content(part)

    for result in pool.in_order(work, contents()):
        yield waiting.popleft(), result


@contextmanager
def workers(number: int | None = None, scheduler: str | None = None) -> Iterator[Workers]:
    """Start workers, and end them with the block.

    Args:
        number: of processes; 1 works in this one, None takes one per core.
        scheduler: address of a Dask scheduler, whose workers are used instead.

    Raises:
        InputError: `number` is not positive, or no scheduler answers.
    """
    if scheduler is not None:
        if number is not None:
            raise InputError("--workers and --scheduler are both given; the cluster has its own")
        with _dask(scheduler) as cluster:
            yield cluster
        return
    number = cores() if number is None else number
    if number < 1:
        raise InputError(f"--workers is {number}; expected at least 1")
    if number == 1:
        yield Workers()
        return
    pool = ProcessPoolExecutor(number, _start_method(), _begin)
    try:
        yield Workers(pool.submit, _AHEAD * number)
    finally:
        pool.shutdown(cancel_futures=True)


def _start_method() -> BaseContext:
    """Import torch and RDKit once and fork from there, where the system can."""
    if "forkserver" not in get_all_start_methods():
        return PlainSpawn()
    context = PlainForkServer()
    context.set_forkserver_preload(["molecules.prediction.predictor"])
    return context


def _begin() -> None:
    """Called in a new process: its share of the machine is one core."""
    import torch

    begin_worker()
    torch.set_num_threads(1)


@contextmanager
def _dask(address: str) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "--scheduler needs Dask's cluster: pip install 'sciml-foundation[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=_DASK_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=_DASK_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler with a worker answers at {address!r}; expected e.g. "
            "tcp://host:8786, as `dask scheduler` prints it"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        yield Workers(partial(client.submit, _on_one_core, pure=False), _AHEAD * threads)


def _on_one_core(work: Callable[[Any], Any], part: Any) -> Any:
    """On a worker of a cluster, which has others beside it."""
    take_one_core()
    return work(part)


def _result(future: _Future) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was ended from outside, perhaps for want of memory; "
            "start again with fewer --workers"
        ) from error
