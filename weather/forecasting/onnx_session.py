"""Open ONNX files with onnxruntime."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sciml.errors import InputError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg, SessionOptions

EXTRA = "ONNX files need more packages: pip install 'sciml-foundation[onnx]'"


def open_session(path: Path | str, device: str | None = None) -> "InferenceSession":
    """Open an ONNX file; weights are read from the path, not through Python.

    Constants are not folded: bias tables that are gathered in the graph would grow
    manifold. With the `pangu` configuration at 0.25 degrees opening the file takes 0.4 GB
    so, and 5.8 GB with folding. The memory options are those of Pangu-Weather's own scripts
    (198808xc/Pangu-Weather, inference_cpu.py).

    Args:
        path: the file.
        device: where to compute; default the GPU if onnxruntime has one.

    Raises:
        InputError: onnxruntime is missing, or the file is missing or not an ONNX file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(EXTRA) from error
    path = Path(path)
    if not path.is_file():
        raise InputError(f"cannot read {path}: no such file; give a model file")
    try:
        return onnxruntime.InferenceSession(
            str(path), _options(), _providers(device), disabled_optimizers=["ConstantFolding"]
        )
    except Exception as error:  # onnxruntime's errors have no class of their own
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is not an ONNX file that onnxruntime reads: {reason}") from error


def signature(arguments: "list[NodeArg]") -> str:
    """Inputs or outputs as text: `input (5, 13, 721, 1440)`."""
    return ", ".join(f"{a.name} ({', '.join(str(n) for n in a.shape)})" for a in arguments)


def _options() -> "SessionOptions":
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.enable_mem_reuse = False
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    return options


def _providers(device: str | None) -> list[str | tuple[str, dict[str, str]]]:
    """The processor, and before it CUDA where onnxruntime has it."""
    from onnxruntime import get_available_providers

    if device == "cpu" or "CUDAExecutionProvider" not in get_available_providers():
        return ["CPUExecutionProvider"]
    frugal = {"arena_extend_strategy": "kSameAsRequested"}
    return [("CUDAExecutionProvider", frugal), "CPUExecutionProvider"]
