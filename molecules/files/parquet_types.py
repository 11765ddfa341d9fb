"""The types that the columns of several Parquet files have together, to write them as one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from molecules.files.sources import expand
from sciml.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

Types = Mapping[str, "pa.DataType"]


def shared_types(source: str) -> Types:
    """Column -> a type that holds what each file of a glob has there.

    Integers beside other numbers become those, a column without any value what it is
    elsewhere, and what else differs becomes text.

    Returns:
        Nothing of a single file, and of files that are not Parquet or not here.

    Raises:
        InputError: lists or structures of different types, which have none together.
    """
    names = expand(source)
    tables = [name for name in names if name.endswith(".parquet") and Path(name).is_file()]
    if len(names) < 2 or not tables:
        return {}
    from pyarrow import parquet

    found: dict[str, pa.DataType] = {}
    for name in tables:
        for field in parquet.read_schema(name):
            known = found.get(field.name, field.type)
            found[field.name] = _holds_both(known, field.type, f"{name}: column {field.name!r}")
    return found if len(tables) == len(names) else dict.fromkeys(found, _text())


def _holds_both(one: "pa.DataType", other: "pa.DataType", where: str) -> "pa.DataType":
    import pyarrow as pa

    if one == other:
        return one
    schemas = [pa.schema([("both", kind)]) for kind in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("both").type
    except pa.ArrowException:
        if pa.types.is_nested(one) or pa.types.is_nested(other):
            raise InputError(
                f"{where} is {other}, and {one} in files before it; write .csv, or give the files "
                "one type"
            ) from None
    return _text()


def _text() -> "pa.DataType":
    import pyarrow as pa

    return pa.large_string()
