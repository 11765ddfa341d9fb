"""Start from a trained model: take its weights, make some anew, hold some fixed."""

from pathlib import Path

from torch import Tensor, nn

from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import read_model_file
from sciml.patterns import matches, require_matches


class TransferConfig(Config):
    """What to take from a trained model.

    Patterns are matched against whole names of parameters and buffers, `*` standing
    for anything: `head.*`, `*.t2m*`.

    Attributes:
        checkpoint: model file to start from.
        anew: not taken: these keep their fresh initial values.
        frozen: taken or not, these are not trained.
    """

    checkpoint: Path
    anew: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()

    def starts_anew(self, name: str) -> bool:
        """Whether a parameter or buffer keeps its fresh initial values."""
        return matches(name, self.anew)


def transfer(model: nn.Module, config: TransferConfig, kind: str) -> None:
    """Load what fits by name and shape; what does not fit must be named in `anew`.

    Args:
        model: changed in place.
        config: checkpoint and patterns.
        kind: the kind that the checkpoint must hold.

    Raises:
        InputError: a tensor missing on one side or of another shape and not covered
            by `anew`, or a pattern that matches nothing; lists names and shapes.
    """
    _, _, source = read_model_file(config.checkpoint, kind)
    target = model.state_dict()
    what = f"nothing in the model or {config.checkpoint}"
    require_matches(config.anew, [*target, *source], "transfer.anew", what)
    require_matches(config.frozen, target, "transfer.frozen", "nothing in the model")
    wanted = {k: v for k, v in target.items() if not config.starts_anew(k)}
    given = {k: v for k, v in source.items() if not config.starts_anew(k)}
    misfits = _misfits(wanted, given)
    if misfits:
        raise InputError(
            f"{config.checkpoint} does not fit the model: {'; '.join(misfits[:8])}"
            + (f"; and {len(misfits) - 8} more" if len(misfits) > 8 else "")
            + "; name what shall start fresh in transfer.anew"
        )
    model.load_state_dict(given, strict=False)
    for name, parameter in model.named_parameters():
        if matches(name, config.frozen):
            parameter.requires_grad_(False)


def _misfits(wanted: dict[str, Tensor], given: dict[str, Tensor]) -> list[str]:
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    found = {name: tuple(tensor.shape) for name, tensor in given.items()}
    return [
        f"{name}: model {shapes.get(name, 'has none')}, file {found.get(name, 'has none')}"
        for name in sorted(shapes.keys() | found.keys())
        if shapes.get(name) != found.get(name)
    ]
