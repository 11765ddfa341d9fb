"""What training data hands out, and the loaders that ask for it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler

from sciml.order import shuffled
from sciml.prefetch import PrefetchingLoader, WorkerLoader, ignore_interrupt


class BatchSource(Protocol):
    """Training data: hands out whole batches, cut at once rather than collated.

    A batch has `len(batch)` samples and `batch.to(device)`. It must be the same for the
    same indices: random noise and masks belong to the objective.
    """

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """The batch of these samples."""
        ...


class BatchData(LightningDataModule):
    """Loaders whose order depends on seed and epoch alone, shared out among the processes.

    A training that goes on within an epoch asks for the batches that are left of it.

    Args:
        train, valid: see `BatchSource`.
        batch_size: samples, over all processes together.
        seed: of the order.
        workers: processes that load; 0 is a thread.
    """

    def __init__(
        self,
        train: BatchSource,
        valid: BatchSource | None,
        batch_size: int,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__()
        self.train, self.valid = train, valid
        self.batch_size, self.seed, self.workers = batch_size, seed, workers

    def train_dataloader(self) -> DataLoader[Any]:
        """Samples in a new order each epoch; a short last batch is left out."""
        return self._loader(self.train, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Samples in their order."""
        return [] if self.valid is None else self._loader(self.valid, shuffle=False)

    def _loader(self, source: BatchSource, shuffle: bool) -> DataLoader[Any]:
        trainer = self.trainer
        assert trainer is not None
        part = trainer.world_size, trainer.global_rank
        sampler: DistributedSampler[Any] = (
            shuffled(source, *part, self.seed)
            if shuffle
            else DistributedSampler(source, *part, shuffle=False)  # type: ignore[arg-type]
        )
        size = max(1, self.batch_size // trainer.world_size)
        whole = shuffle and len(sampler) >= size  # a short last batch would weigh too much
        done = (lambda: trainer.fit_loop.batch_idx + 1) if shuffle else (lambda: 0)
        kind = WorkerLoader if self.workers else PrefetchingLoader
        return kind(
            source,  # type: ignore[arg-type]
            batch_sampler=_Rest(sampler, size, whole, done),
            collate_fn=_as_it_is,
            num_workers=self.workers,
            worker_init_fn=ignore_interrupt,
            persistent_workers=self.workers > 0,
            generator=torch.Generator() if self.workers else None,  # not that of the validation
            pin_memory=False,
        )


class _Rest(BatchSampler):
    """The batches of an epoch without the first few.

    Args:
        done: how many are left out; asked when the first batch is.
    """

    def __init__(
        self, sampler: DistributedSampler[Any], size: int, drop_last: bool, done: Callable[[], int]
    ) -> None:
        super().__init__(sampler, size, drop_last)
        self.done = done

    def __iter__(self) -> Iterator[list[int]]:
        yield from islice(super().__iter__(), self.done(), None)


def _as_it_is(batch: Any) -> Any:
    return batch
