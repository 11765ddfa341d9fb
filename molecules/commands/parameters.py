"""What several commands are given."""

from typing import Annotated

from cyclopts import Parameter

FileOrStdin = Annotated[str, Parameter(allow_leading_hyphen=True)]
Files = Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)]
