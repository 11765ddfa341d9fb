"""What a computation will take, found by running it on tensors that hold no numbers.

Shapes, types and lifetimes of tensors do not depend on what is in them: PyTorch's fake
tensors go through forward and backward pass, autocast and checkpointing as real ones do,
and choose the same kernels, but own no memory. A ledger of the storages that are alive
gives the peak of memory, the operations give FLOPs and bytes moved. What a kernel takes
for itself is not seen.

    with FakeTensorMode(), Ledger() as ledger:
        hollow(model, "cpu")
        ledger.hold(model.state_dict().values())
        model(torch.empty(...))
    ledger.peak, ledger.flops
"""

import weakref
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from sciml.heap import Heap

_aten = torch.ops.aten
_FLOPS: dict[Any, Callable[..., float]] = {
    **flop_registry,
    _aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[
        _aten._scaled_dot_product_flash_attention
    ],
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[
        _aten._scaled_dot_product_flash_attention_backward
    ],
}


class Ledger(TorchDispatchMode):
    """Keeps account of the storages that are alive, and of what operations do.

    Run without gradients under `torch.no_grad`, not `torch.inference_mode`, in which
    composite operations keep their parts to themselves.

    Attributes:
        live: bytes of all tensors that are alive.
        peak: the most so far.
        heap: the memory that a process on the CPU holds for them.
        flops: floating-point operations of matrix products, convolutions and attention.
        moved: bytes that operations read and write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self.flops = self.moved = 0.0
        self.heap = Heap()
        self._known: dict[int, weakref.ref[Any]] = {}

    def hold(self, tensors: Iterable[Tensor]) -> None:
        """Enter tensors, those that are there already among them."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._known:
                size = storage.nbytes()
                self._known[key] = weakref.ref(storage, partial(self._release, key, size))
                self.live += size
                self.heap.take(key, size)
        self.peak = max(self.peak, self.live)

    def _release(self, key: int, size: int, _: object) -> None:
        del self._known[key]
        self.live -= size
        self.heap.give(key)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and enter it."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        made = [x for x in tree_leaves(result) if isinstance(x, Tensor)]
        self.hold(made)
        if func.namespace == "aten" and not func.is_view and func is not _aten._unsafe_view.default:
            self.moved += sum(map(_bytes, chain(given, made)))
        count = _FLOPS.get(func._overloadpacket)
        if count is not None:
            self.flops += count(*args, **kwargs, out_val=result)
        return result


def hollow(module: nn.Module, device: str) -> None:
    """Replace parameters and buffers by fake ones; to be called under a `FakeTensorMode`."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                fake = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
                part._parameters[name] = nn.Parameter(fake, parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device=device)


def _bytes(tensor: Tensor) -> int:
    """Of a tensor; what is only broadcast is read once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
