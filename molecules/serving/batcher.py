"""Requests that wait are computed together, one batch at a time, in a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Row = dict[str, Any]
Predict = Callable[[Sequence[str | None]], list[Row]]


class Busy(Exception):
    """More molecules wait than the service takes on."""


class Batcher:
    """Computes rows for many callers.

    The model runs in one thread, so that the service answers meanwhile; what arrives while
    it runs is computed together in the next batch.

    Args:
        predict: one row for each SMILES, in their order.
        batch: molecules computed together; a single request may hold more.
        waiting: molecules that may wait; a single request may hold more.
    """

    def __init__(self, predict: Predict, batch: int, waiting: int) -> None:
        self._predict, self._batch, self._most = predict, batch, waiting
        self._queue: list[tuple[Sequence[str | None], asyncio.Future[list[Row]]]] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "model")

    @property
    def waiting(self) -> int:
        """Molecules that wait."""
        return sum(len(smiles) for smiles, _ in self._queue)

    async def rows(self, smiles: Sequence[str | None]) -> list[Row]:
        """One row for each SMILES.

        Raises:
            Busy: too many wait already.
        """
        if self._queue and self.waiting + len(smiles) > self._most:
            raise Busy
        answer: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._queue.append((smiles, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work())
        return await answer

    def close(self) -> None:
        """End the thread; what waits is not computed."""
        self._thread.shutdown(cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            together = self._next()
            smiles = [text for part, _ in together for text in part]
            try:
                rows = await loop.run_in_executor(self._thread, self._predict, smiles)
            except Exception as error:  # each caller is told; the service goes on
                for _, answer in together:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            start = 0
            for part, answer in together:
                if not answer.done():  # the caller may have gone
                    answer.set_result(rows[start : start + len(part)])
                start += len(part)

    def _next(self) -> list[tuple[Sequence[str | None], "asyncio.Future[list[Row]]"]]:
        """The first request, and those after it that fit into the batch."""
        together = [self._queue.pop(0)]
        size = len(together[0][0])
        while self._queue and size + len(self._queue[0][0]) <= self._batch:
            together.append(self._queue.pop(0))
            size += len(together[-1][0])
        return together
