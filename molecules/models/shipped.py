"""Weights that the package ships, by name."""

from importlib import resources
from pathlib import Path

from sciml.errors import InputError


def weights_path(checkpoint: Path) -> Path:
    """A model file, given as itself or by the name of weights in the package: `base`.

    Raises:
        InputError: neither a file nor a name.
    """
    shipped = Path(str(resources.files("molecules"))) / "weights" / f"{checkpoint}.safetensors"
    if checkpoint.is_file() or checkpoint.suffix:
        return checkpoint
    if shipped.exists():
        return shipped
    names = ", ".join(sorted(path.stem for path in shipped.parent.glob("*.safetensors")))
    raise InputError(
        f"no file {checkpoint}, nor weights of that name in the package (it has "
        f"{names or 'none'}); give a file that `pretrain` wrote, or one of these names"
    )
