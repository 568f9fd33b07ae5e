"""Footers of newer writers: within a format members are only added."""

import json

from ingest.footer import footer_from_metadata
from ingest.recorder import Recorder
from tests.builders import line, ndjson


def test_members_that_a_newer_synclog_adds_are_passed_over(recorder: Recorder) -> None:
    receipt = recorder.record(ndjson([line(status="ERROR")]), "ndjson", idempotency_key="night 1")
    assert receipt.batch_id is not None
    footer = recorder.lake.read_footer("actions", receipt.batch_id).footer
    assert footer.answers
    assert footer.problems
    said = footer.as_metadata()
    body = json.loads(said["synclog.footer"])
    for each in (body, *body["runs"], *body["answers"], *body["problems"]):
        each["of a newer writer"] = {"anything": 1}
    del said["synclog.crc"]

    newer = {key.encode(): text.encode() for key, text in {**said, "synclog.footer": json.dumps(body)}.items()}

    assert footer_from_metadata(newer, "here") == footer
