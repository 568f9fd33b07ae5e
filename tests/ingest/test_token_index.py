"""What can be looked up in a batch, and where the index says it is."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import BatchDamaged
from ingest.token_index import (
    ID_COLUMNS,
    TEXT_COLUMNS,
    TokenIndex,
    TokenIndexWriter,
    fold,
    index_tokens,
    words_of,
)

UUID = "0E37DF36-F698-11E6-8DD4-CB9CED3DF976"


def block(**columns: list[str | None]) -> pa.Table:
    """Rows with these ids and texts, and none of the others."""
    rows = max(map(len, columns.values()), default=0)
    return pa.table(
        {name: pa.array(columns.get(name, [None] * rows), pa.string()) for name in (*ID_COLUMNS, *TEXT_COLUMNS)}
    )


def indexed(folder: Path, *blocks: pa.Table) -> TokenIndex:
    writer = TokenIndexWriter()
    for each in blocks:
        writer.add_block(each)
    with (folder / "index.arrow").open("wb") as sink:
        writer.write(sink)
    return TokenIndex.open(folder / "index.arrow")


def blocks_of(index: TokenIndex, token: str) -> list[int]:
    return index.blocks_of(token).tolist()


def test_a_token_is_in_every_block_that_has_it(tmp_path):
    index = indexed(
        tmp_path,
        block(message=["Record locked"]),
        block(message=["fine", None]),
        block(source_name=["locked, again"], code=["LOCKED"]),
    )

    assert (index.blocks, index.rows) == (3, 4)
    assert blocks_of(index, "locked") == [0, 2]
    assert blocks_of(index, "fine") == [1]
    assert blocks_of(index, "absent") == []
    assert index.blocks_of_all(["locked", "again"]).tolist() == [2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No permission: record_7 (x)", ["no", "permission", "record_7", "x"]),
        ("Äpfel-Straße №5", ["äpfel", "straße", "5"]),
        ("İstanbul ΚΌΣΜΟΣ 日本", ["istanbul", "κόσμοσ", "日本"]),
        (f"took {UUID}.", ["took", UUID.lower().replace("-", "_")]),
        ("12345678-1234", ["12345678", "1234"]),
        (" -- ", []),
    ],
)
def test_words_are_runs_of_letters_digits_and_underscores(tmp_path, text, words):
    index = indexed(tmp_path, block(message=["before", text, "after"]))

    assert words_of(fold(text)) == words
    assert [blocks_of(index, word) for word in words] == [[0]] * len(words)


@pytest.mark.parametrize(
    ("column", "value", "tokens", "others"),
    [
        ("source_id", "INC-4711/x", ["inc-4711/x"], ["inc", "4711", "INC-4711/x"]),
        ("target_id", UUID, [UUID.lower()], ["0e37df36"]),
        ("target_id", "Pay Roll.csv", ["pay roll.csv", "pay", "roll", "csv"], ["roll.csv"]),
        ("code", "HTTP-403", ["http-403", "http", "403"], ["HTTP"]),
        ("source_name", "Pay-Roll", ["pay", "roll"], ["pay-roll"]),
    ],
)
def test_ids_and_codes_are_tokens_as_they_are(tmp_path, column, value, tokens, others):
    index = indexed(tmp_path, block(**{column: [value]}))

    assert [blocks_of(index, token) for token in tokens] == [[0]] * len(tokens)
    assert [blocks_of(index, token) for token in others] == [[]] * len(others)


def test_a_pair_stands_once_and_tokens_ascend(tmp_path):
    indexed(tmp_path, *[block(message=["one two", "two one", "two"], code=["one", "two", None])] * 3)

    index = pa.ipc.open_file(tmp_path / "index.arrow").read_all()

    tokens = index["token"].to_numpy()
    assert (np.diff(tokens.astype(np.int64)) >= 0).all()
    assert index.num_rows == len(set(zip(tokens, index["block"].to_numpy(), strict=True))) == 6
    assert index.schema.types == [pa.uint32(), pa.uint8()]
    assert index.schema.metadata[b"synclog.kind"] == b"tokens"
    assert index.schema.metadata[b"blocks"] == b"3"


def test_an_index_of_nothing_finds_nothing(tmp_path):
    assert blocks_of(indexed(tmp_path), "a") == []
    assert blocks_of(indexed(tmp_path, block()), "a") == []


def test_row_groups_of_a_batch_are_the_blocks(tmp_path):
    table = block(message=["a", "b", "c", "a"])
    pq.write_table(table, tmp_path / "batch.parquet", row_group_size=2)

    with (tmp_path / "index.arrow").open("wb") as sink:
        index_tokens(tmp_path / "batch.parquet", sink)

    index = TokenIndex.open(tmp_path / "index.arrow")
    assert [blocks_of(index, word) for word in "abc"] == [[0, 1], [0], [1]]


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_a_cut_off_index_is_damaged(tmp_path, keep):
    indexed(tmp_path, block(message=["a b c"]))
    whole = (tmp_path / "index.arrow").read_bytes()
    (tmp_path / "index.arrow").write_bytes(whole[:keep])

    with pytest.raises(BatchDamaged, match="token index"):
        TokenIndex.open(tmp_path / "index.arrow")


def test_another_arrow_file_is_no_index(tmp_path):
    with pa.ipc.new_file(tmp_path / "other.arrow", block().schema) as writer:
        writer.write_table(block(message=["a"]))

    with pytest.raises(BatchDamaged):
        TokenIndex.open(tmp_path / "other.arrow")
    with pytest.raises(FileNotFoundError):
        TokenIndex.open(tmp_path / "none.arrow")
