import gzip
import io
import random
import zlib

import pytest
import zstandard

from ingest.errors import InvalidInput, TooLarge, UnsupportedContent
from ingest.formats.decompress import decompress
from tests.formats.blocks import Pipe

CHANCE = random.Random(3)
PLAIN = b"".join(b'{"a":%d}\n' % CHANCE.randrange(10**9) for _ in range(20_000))
GZIP = gzip.compress(PLAIN, mtime=0)
ZSTD = zstandard.ZstdCompressor(write_checksum=True).compress(PLAIN)
ZLIB = zlib.compress(PLAIN)
PACKED = [(GZIP, "gzip"), (ZSTD, "zstd"), (ZLIB, "deflate")]


def unpacked(packed: bytes, encoding: str | None, *, max_bytes: int | None = None) -> bytes:
    return decompress(io.BytesIO(packed), encoding, max_bytes=max_bytes).read()


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (PLAIN, None),
        (PLAIN, "auto"),
        (PLAIN, "identity"),
        (GZIP, "gzip"),
        (GZIP, "auto"),
        (GZIP + b"\0" * 500, "gzip"),
        (ZLIB, "deflate"),
        (ZLIB[2:-4], "deflate"),
        (ZSTD, "zstd"),
        (ZSTD, "auto"),
        (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + ZSTD, "auto"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else str(value),
)
def test_body_is_unpacked(packed: bytes, encoding: str | None) -> None:
    assert unpacked(packed, encoding) == PLAIN
    assert decompress(Pipe(packed, step=7), encoding).read() == PLAIN  # type: ignore[arg-type]  # only reads forwards


def test_members_and_frames_one_after_another_are_one_body() -> None:
    parts = [PLAIN[:1000], b"", PLAIN[1000:]]

    assert unpacked(b"".join(map(gzip.compress, parts)), "gzip") == PLAIN
    assert unpacked(b"".join(map(zstandard.ZstdCompressor().compress, parts)), "auto") == PLAIN


@pytest.mark.parametrize(("packed", "encoding"), PACKED, ids=["gzip", "zstd", "deflate"])
@pytest.mark.parametrize("kept", [0, 1, 2, 9, 500, -1])
def test_data_that_is_cut_off_says_where(packed: bytes, encoding: str, kept: int) -> None:
    packed = packed[:kept]

    with pytest.raises(InvalidInput, match=f"the {encoding} data is cut off after {len(packed)} bytes"):
        unpacked(packed, encoding)


@pytest.mark.parametrize(("packed", "encoding"), PACKED, ids=["gzip", "zstd", "deflate"])
def test_broken_data_is_an_error(packed: bytes, encoding: str) -> None:
    broken = packed[:300] + b"\xff\x00\xff\x00\xff\x00\xff\x00" + packed[308:]

    with pytest.raises(InvalidInput, match=f"the {encoding} data is broken"):
        unpacked(broken, encoding)
    with pytest.raises(InvalidInput):
        unpacked(packed + b"other data", encoding)


def test_bomb_is_cut_at_the_limit() -> None:
    bombs = [gzip.compress(bytes(50_000_000)), zstandard.ZstdCompressor().compress(bytes(200_000_000))]

    for bomb in bombs:
        stream = decompress(io.BytesIO(bomb), "auto", max_bytes=1_000_000)
        with pytest.raises(TooLarge, match="more than 1000000 bytes"):
            stream.read()


def test_body_of_just_the_limit_is_read() -> None:
    assert unpacked(GZIP, "gzip", max_bytes=len(PLAIN)) == PLAIN
    with pytest.raises(TooLarge):
        unpacked(PLAIN, None, max_bytes=len(PLAIN) - 1)


def test_unknown_encoding_is_refused() -> None:
    with pytest.raises(UnsupportedContent, match="'br'"):
        unpacked(b"", "br")
