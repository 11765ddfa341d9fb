"""Parts of a model file that are compressed, and may come from anywhere."""

import zlib


def decompressed(packed: bytes, most: int) -> bytes:
    """What zlib packed, without room for a file that claims to hold more.

    Raises:
        zlib.error: it is something else, does not end, or is larger than `most` bytes.
    """
    reader = zlib.decompressobj()
    content = reader.decompress(packed, most + 1)  # one more, to come upon the end
    if not reader.eof or len(content) > most:
        raise zlib.error(f"it does not end within {most} bytes")
    return content
