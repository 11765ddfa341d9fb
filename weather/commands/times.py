"""Durations as users write them."""

from sciml.errors import InputError


def hours_of(duration: str) -> int:
    """Whole hours of `6h`, `6` or `1d`."""
    number, unit = duration.rstrip("hd"), duration.lstrip("0123456789")
    if not number.isdecimal() or unit not in ("", "h", "d"):
        raise InputError(f"{duration!r} is not a duration; expected whole hours or days: 6h, 2d")
    return int(number) * (24 if unit == "d" else 1)


def lead_times(
    hours: float | None, every: str | None, leads: list[str] | None, step: int
) -> list[int]:
    """Lead times that a user asks for, in seconds.

    Args:
        hours: how far to forecast; None takes 240.
        every: interval between them; None takes `step`.
        leads: these and no others.
        step: seconds of the shortest time step.
    """
    if leads is not None:
        if hours is not None or every is not None:
            raise InputError("lead times are given twice; give --leads, or --hours and --every")
        return [hours_of(lead) * 3600 for lead in leads]
    interval = step if every is None else hours_of(every) * 3600
    last = (240 if hours is None else hours) * 3600
    if last <= 0:
        raise InputError(f"--hours {last / 3600:g} is no length of a forecast; give more than 0")
    if interval <= 0 or last < interval or last % interval:
        raise InputError(
            f"a forecast of {last / 3600:g} h with an output every {interval / 3600:g} h: "
            "give a multiple of it as --hours, or another --every"
        )
    return list(range(interval, round(last) + 1, interval))
