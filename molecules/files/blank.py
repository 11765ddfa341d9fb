"""What stands in cells that hold nothing."""

BLANK = {"", "-", "na", "n/a", "#n/a", "nan", "none", "null", "nd", "n.d.", "n.a."}


def is_blank(cell: str) -> bool:
    """Whether a cell says no more than that it is empty."""
    return cell.strip().lower() in BLANK
