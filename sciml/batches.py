"""What training data hands out, and the loaders that ask for it."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import islice, pairwise
from typing import Any, Protocol, runtime_checkable

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler

from sciml.errors import InputError
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


@runtime_checkable
class GrowingSource(BatchSource, Protocol):
    """Training data of which more is needed as the training goes on; see `Growing`."""

    def at(self, share: float) -> BatchSource:
        """The same samples with what is needed once this share of the training is done."""
        ...


def batch_share(batch_size: int, processes: int) -> int:
    """Samples of a batch for each process.

    Raises:
        InputError: they cannot have the same number.
    """
    less = batch_size // processes * processes
    if less < batch_size:
        sizes = f"{less} or {less + processes}" if less else f"{processes}"
        raise InputError(
            f"training.batch_size is {batch_size}, which {processes} processes cannot share "
            f"evenly; set it to {sizes}, or change training.devices"
        )
    return less // processes


def in_order(samples: int, batch_size: int, processes: int, rank: int) -> list[list[int]]:
    """Samples in their order, as batches that are shared out among the processes.

    Each sample is there once. All processes have as many batches: in a forward pass they may
    wait for each other, for buffers with DDP and for weights with FSDP. So a last batch that
    is not enough for all is joined to the one before.

    Args:
        samples: how many there are; not fewer than processes.
        batch_size: over all processes together.
        processes, rank: how many, and which.
    """
    starts = list(range(0, samples, batch_size))
    if samples - starts[-1] < processes:
        starts.pop()
    cuts = pairwise([*starts, samples])
    return [list(range(start + rank, end, processes)) for start, end in cuts]


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
        trainer = self.trainer
        assert trainer is not None
        sampler = shuffled(self.train, trainer.world_size, trainer.global_rank, self.seed)
        size = batch_share(self.batch_size, trainer.world_size)
        whole = len(sampler) >= size  # a short last batch would weigh too much
        rest = _Rest(sampler, size, whole, lambda: trainer.fit_loop.batch_idx + 1)
        if isinstance(self.train, GrowingSource):
            return self._loader(_Grown(self.train), _WithShare(rest, self._share))
        return self._loader(self.train, rest)

    def _share(self, batch: int) -> float:
        """How much of the training is done when a batch of this epoch is learned from."""
        trainer = self.trainer
        assert trainer is not None
        together = trainer.accumulate_grad_batches
        steps = -(-int(trainer.num_training_batches) // together)  # of an epoch
        step = trainer.current_epoch * steps + batch // together
        return step / trainer.estimated_stepping_batches

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Samples in their order."""
        trainer = self.trainer
        assert trainer is not None
        if self.valid is None:
            return []
        part = trainer.world_size, trainer.global_rank
        return self._loader(self.valid, in_order(len(self.valid), self.batch_size, *part))

    def _loader(self, source: Sized, batches: Iterable[Any]) -> DataLoader[Any]:
        kind = WorkerLoader if self.workers else PrefetchingLoader
        return kind(
            source,  # type: ignore[arg-type]
            batch_sampler=batches,
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


class _WithShare:
    """The batches that are left of an epoch, each with the share of the training before it."""

    def __init__(self, rest: _Rest, share: Callable[[int], float]) -> None:
        self.rest, self.share = rest, share
        self.sampler = rest.sampler  # Lightning tells it the epoch

    def __len__(self) -> int:
        return len(self.rest)

    def __iter__(self) -> Iterator[tuple[float, list[int]]]:
        for number, samples in enumerate(self.rest, start=self.rest.done()):
            yield self.share(number), samples


class _Grown:
    """Hands out batches as they are needed at a share of the training."""

    def __init__(self, source: GrowingSource) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source)

    def __getitems__(self, asked: tuple[float, Sequence[int]]) -> Any:
        share, samples = asked
        return self.source.at(share).__getitems__(samples)


def _as_it_is(batch: Any) -> Any:
    return batch
