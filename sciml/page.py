"""Pages of HTML that need no other file; `templates/page.html` is how all of them look."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(package: str, **filters: Callable[..., object]) -> "Environment":
    """Where a package's templates are found, which extend `page.html`.

    What a template names and does not get is an error.

    Args:
        package: with a folder `templates`.
        filters: by the names that the templates use.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("sciml")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made
