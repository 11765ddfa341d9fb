"""Parts of a model file that are compressed, and may come from anywhere."""

import base64
import zlib


def to_text(content: bytes) -> str:
    """What zlib makes of it, in base64: for a model's metadata."""
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def from_text(text: str, most: int) -> bytes:
    """Inverse of `to_text`.

    Raises:
        ValueError: it is something else, or as of `decompressed`.
    """
    return decompressed(base64.b64decode(text, validate=True), most)


def decompressed(packed: bytes, most: int) -> bytes:
    """What zlib packed, without room for a file that claims to hold more.

    Raises:
        ValueError: it is something else, does not end, or is larger than `most` bytes.
    """
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed, most + 1)  # one more, to come upon the end
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not reader.eof or len(content) > most:
        raise ValueError(f"it does not end within {most} bytes")
    return content
