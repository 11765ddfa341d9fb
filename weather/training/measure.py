"""What training data hold: cells without values, and the moments of every variable."""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from sciml.errors import InputError
from sciml.normalize import RunningMoments
from weather.models.statistics import Moments
from weather.state import require_finite
from weather.training.data import MaskChoice, WeatherDataset, never_there
from weather.variables import Variables

_PIECE = 2**21  # numbers that `measure` takes at once

Standing = Callable[[Collection[str]], frozenset[str]]


def _none(names: Collection[str]) -> frozenset[str]:
    return frozenset()


def find_masks(
    data: WeatherDataset,
    choice: MaskChoice,
    chunk: int | None = None,
    standing: Standing = _none,
) -> dict[str, Tensor]:
    """Cells that are NaN at all times, of each variable that has some.

    Only the variables that may still have some are read to the end.

    Args:
        data: windows of times.
        choice: whether there may be any.
        chunk: windows per piece; default as `measure`.
        standing: which of some variables are known to be NaN in the same cells at all times;
            see `weather.training.store.standing_masks`.

    Returns:
        True where masked, (lat, lon) or (level, lat, lon) of an upper variable.

    Raises:
        InputError: masks where `choice` is `refuse`, or a field without any value.
    """
    if not len(data):
        return {}
    size = chunk or _windows_in_a_piece(data)
    masks, first = never_there(data.__getitems__(range(min(size, len(data))))), size
    known, read = standing(masks), masks.keys() - masks.keys()
    while first < len(data) and (names := masks.keys() - known):
        if names != read:  # else chunks that are held stay of use
            read, data = names, data.only(names)
            size = chunk or _windows_in_a_piece(data)
        found = never_there(data.__getitems__(range(first, min(first + size, len(data)))))
        masks = _still(masks, found, known)
        first += size
    for name, cells in masks.items():
        _check_mask(name, cells, choice)
    return masks


def _still(
    masks: Mapping[str, Tensor], found: Mapping[str, Tensor], standing: Collection[str]
) -> dict[str, Tensor]:
    """Masks after some more times, those that are left."""
    both = {name: masks[name] & found[name] for name in masks if name in found}
    known = {name: masks[name] for name in masks if name in standing} | both
    return {name: known[name] for name in masks if name in known and known[name].any()}


def measure(
    data: WeatherDataset, masks: Mapping[str, Tensor] | None = None, chunk: int | None = None
) -> dict[str, Moments]:
    """Moments of every variable in one pass, float64.

    Args:
        data: windows of two times, a step apart.
        masks: cells that are left out, from `find_masks`.
        chunk: windows per piece; default as many as keep a piece below a few ten MiB.

    Raises:
        InputError: NaN in other cells, or no data.
    """
    if not len(data):
        raise InputError("no training samples; widen data.train or give more data")
    variables = data.__getitems__([0]).variables
    present = RunningMoments(len(variables.channels))
    change = RunningMoments(len(variables.channels))
    accumulate(data, present, change, masks, chunk)
    return by_variable(variables, present, change)


def accumulate(
    data: WeatherDataset,
    present: RunningMoments,
    change: RunningMoments,
    masks: Mapping[str, Tensor] | None = None,
    chunk: int | None = None,
) -> None:
    """Take windows of two times into the moments of the first and of the change.

    Raises:
        InputError: NaN in cells that are not masked.
    """
    chunk = chunk or _windows_in_a_piece(data)
    for first in range(0, len(data), chunk):
        state = data.__getitems__(range(first, min(first + chunk, len(data))))
        require_finite(state, masks)
        fields = torch.cat([state.surface, state.upper.flatten(2, 3)], dim=2)
        fields = fields.movedim(2, -1).to(torch.float64)  # (batch, time, lat, lon, channel)
        present.update(fields[:, 0])
        change.update(fields[:, 1] - fields[:, 0])


def _windows_in_a_piece(data: WeatherDataset) -> int:
    if not len(data):
        return 1
    window = data.__getitems__([0])
    return max(1, _PIECE // (window.surface.numel() + window.upper.numel()))


def by_variable(
    variables: Variables, present: RunningMoments, change: RunningMoments
) -> dict[str, Moments]:
    """Moments by channel as moments by variable and level."""
    sizes = dict.fromkeys(variables.surface, 1)
    sizes |= dict.fromkeys(variables.upper, len(variables.levels))
    parts = [m.split(list(sizes.values())) for m in (present.mean, present.std, change.std)]
    return {name: Moments(*moments) for name, *moments in zip(sizes, *parts, strict=True)}


def _check_mask(name: str, cells: Tensor, choice: MaskChoice) -> None:
    if cells.flatten(-2).all(dim=-1).any():
        where = " on some level" if cells.ndim == 3 else ""
        raise InputError(f"{name} has no value at all{where}; leave it out of data.variables")
    if choice == "refuse":
        raise InputError(
            f"{name} is NaN at all times in {int(cells.sum())} of {cells.numel()} cells; "
            "fill them, or set data.masks to auto to leave them out"
        )
