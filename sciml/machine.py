"""What this machine has and how fast it is, for telling beforehand what a run will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import psutil
import torch

from sciml.errors import InputError

_ROWS, _SIZE = 2048, 512  # of a linear layer
_STREAM = 2**24  # float32 numbers in an array that no cache holds
_SECONDS = 0.25  # of each measurement


def resident() -> int:
    """Bytes of main memory that this process holds."""
    return int(psutil.Process().memory_info().rss)


def available(device: str) -> int:
    """Bytes of memory that a process on this device could still take."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def device_or_gpu(device: str | None) -> str:
    """The device that was named; by default the GPU if there is one."""
    return device or ("cuda" if torch.cuda.is_available() else "cpu")


def require_device(device: str) -> None:
    """Check that a device is there.

    Raises:
        InputError: a GPU where torch finds none.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device is {device}, and torch finds no GPU here; expected cpu")


def has_bfloat16() -> bool:
    """Whether the processor has instructions for it; AVX-512 alone does not tell."""
    capability = torch.backends.cpu.get_cpu_capability()
    if capability == "AVX512":
        return bool(torch.cpu._is_avx512_bf16_supported())  # torch 2.11 has no public name
    return capability not in ("DEFAULT", "NO AVX", "AVX2")


@dataclass(frozen=True)
class Speed:
    """How fast a device computes, measured in half a second.

    Attributes:
        flops: per second, of a linear layer.
        bytes: per second, of sums of large arrays; into new memory, as in a model: on a CPU
            that is several times slower than into memory that is there.
    """

    flops: float
    bytes: float

    @classmethod
    def measure(
        cls, device: str, dtype: torch.dtype = torch.float32, backward: bool = False
    ) -> Self:
        """Measure a linear layer in this type, with its gradients if wanted, and float32 sums.

        Without instructions for bfloat16, its gradients are far slower than its values.
        """
        layer = torch.nn.Linear(_SIZE, _SIZE, device=device, dtype=dtype)
        x = torch.ones(_ROWS, _SIZE, dtype=dtype, device=device, requires_grad=backward)
        array = torch.ones(_STREAM, device=device)

        def apply() -> None:
            with torch.set_grad_enabled(backward):
                y = layer(x)
            if backward:
                y.backward(y.detach())

        layers = _per_second(apply, device) * (3 if backward else 1)
        sums = _per_second(lambda: array + array, device)
        return cls(flops=layers * 2 * _ROWS * _SIZE**2, bytes=sums * 3 * 4 * _STREAM)

    def seconds(self, flops: float, moved: float) -> float:
        """Time of a computation whose products and whose traffic follow one another."""
        return flops / self.flops + moved / self.bytes


def _per_second(work: Callable[[], object], device: str) -> float:
    work()
    times: list[float] = []
    started = time.perf_counter()
    while time.perf_counter() - started < _SECONDS or len(times) < 2:
        begin = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return 1 / sorted(times)[len(times) // 2]
