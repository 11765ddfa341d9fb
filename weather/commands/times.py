"""Times as users write them."""

from typing import TYPE_CHECKING

from sciml.errors import InputError

if TYPE_CHECKING:
    import numpy as np


def hours_of(duration: str) -> int:
    """Whole hours of `6h`, `6` or `1d`."""
    number, unit = duration.rstrip("hd"), duration.lstrip("0123456789")
    if not number.isdecimal() or unit not in ("", "h", "d"):
        raise InputError(f"{duration!r} is not a duration; expected whole hours or days: 6h, 2d")
    return int(number) * (24 if unit == "d" else 1)


def datetime_of(text: str) -> "np.datetime64":
    """UTC time of `2001-01-01T00` or `2001-01-01T00Z`."""
    import numpy as np

    try:
        return np.datetime64(text.removesuffix("Z"), "ns")
    except ValueError:
        raise InputError(f"cannot read the time {text!r}; give it as 2001-01-01T00") from None
