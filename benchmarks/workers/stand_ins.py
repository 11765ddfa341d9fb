"""Lets peers start where compiled extras of theirs are not to be had.

The torchvision of the package registry does not load beside a CPU build of torch, and
torch_scatter and torch_sparse have no builds for current releases. The measured models
need none of torchvision, and of torch_scatter only a sum, for which PyTorch Geometric's
own stands in. Only this process is changed.
"""

import importlib.machinery
import sys
import types
from unittest.mock import MagicMock

_TORCHVISION = ("", ".datasets", ".io", ".models", ".ops", ".ops.misc", ".transforms", ".utils")


def hide_torchvision() -> None:
    """Answer every import of torchvision with an empty stand-in."""
    names = [f"torchvision{part}" for part in _TORCHVISION]
    names += ["torchvision.models.feature_extraction", "torchvision.transforms.functional"]
    for name in names:
        module = MagicMock(__path__=[], __name__=name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module


def sum_with_torch_geometric() -> None:
    """Give physicsnemo the `torch_scatter.scatter` it asks for."""
    import physicsnemo.core.version_check as version_check
    import torch_geometric.utils

    installed = version_check.check_version_spec

    def check(name: str, *arguments: object, **options: object) -> object:
        if name in ("torch_scatter", "torch_sparse"):
            return True
        return installed(name, *arguments, **options)

    version_check.check_version_spec = check
    scatter, sparse = types.ModuleType("torch_scatter"), types.ModuleType("torch_sparse")
    scatter.scatter = torch_geometric.utils.scatter
    sparse.SparseTensor = type("SparseTensor", (), {})
    sys.modules |= {"torch_scatter": scatter, "torch_sparse": sparse}
