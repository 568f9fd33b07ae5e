"""The columns of the lake, format 1. Schema changes only add columns, each with a line here.

Version history
    1   first format. Beside the columns listed in the words of the product it has ``trigger``, so that a batch says
        why its runs ran without asking anything else.
        Later, without a new number: compacted batches name what they replace, and their summaries may have
        ``gone`` and ``heard_us``; whoever does not know these reads the same rows. The footer has a checksum.
        A message that is a JSON object has the problem of its ``msg``, ``message`` or ``error``: batches from before
        put all of one shape together.
        It names the problems of the runs; a batch whose footer does not is read once to find them.
        Rejects have ``given``, what their request said for all its lines, and ``replayed``: a row with it is no
        refused line, but says that one was recorded after all.
"""

import pyarrow as pa

FORMAT_VERSION = 1

_TEXT = pa.string()
_INSTANT = pa.timestamp("us", tz="UTC")

ACTION_SCHEMA = pa.schema(
    [
        pa.field("batch_id", _TEXT, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("run_id", _TEXT, nullable=False),
        pa.field("integration", _TEXT),
        pa.field("configuration", _TEXT),
        pa.field("trigger", _TEXT),
        pa.field("happened_at", _INSTANT, nullable=False),
        pa.field("operation", _TEXT, nullable=False),
        pa.field("status", _TEXT, nullable=False),
        pa.field("source_type", _TEXT),
        pa.field("source_id", _TEXT),
        pa.field("source_name", _TEXT),
        pa.field("target_type", _TEXT),
        pa.field("target_id", _TEXT),
        pa.field("target_name", _TEXT),
        pa.field("code", _TEXT),
        pa.field("message", _TEXT),
        pa.field("details", _TEXT),
        pa.field("duration_ms", pa.int64()),
        pa.field("problem_id", _TEXT),
    ]
)

RUN_EVENT_SCHEMA = pa.schema(
    [
        pa.field("batch_id", _TEXT, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("run_id", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),
        pa.field("happened_at", _INSTANT, nullable=False),
        pa.field("integration", _TEXT),
        pa.field("configuration", _TEXT),
        pa.field("trigger", _TEXT),
        pa.field("scope", _TEXT),
        pa.field("progress", _TEXT),
        pa.field("status", _TEXT),
        pa.field("message", _TEXT),
        pa.field("expected", pa.int64()),
        pa.field("claimed", _TEXT),
        pa.field("cancellable", pa.bool_()),
        pa.field("attributes", _TEXT),
    ]
)

REJECT_SCHEMA = pa.schema(
    [
        pa.field("batch_id", _TEXT, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("received_at", _INSTANT, nullable=False),
        pa.field("source", _TEXT),
        pa.field("run_id", _TEXT),
        pa.field("line", pa.int64()),
        pa.field("field", _TEXT),
        pa.field("code", _TEXT, nullable=False),
        pa.field("message", _TEXT, nullable=False),
        pa.field("raw", _TEXT),
        pa.field("given", _TEXT),
        pa.field("replayed", _TEXT),
    ]
)

SENT_FIELDS = tuple(name for name in ACTION_SCHEMA.names if name not in ("batch_id", "row", "problem_id"))
"""What a sender may say of an action; the rest synclog assigns."""
