"""The server's own log."""

import logging

from web.commands.serve import FieldsFormatter


def test_named_fields_stand_behind_the_message() -> None:
    record = logging.LogRecord("web", logging.ERROR, __file__, 1, "request failed", None, None)
    record.reason = "no room"

    line = FieldsFormatter("%(levelname)s %(name)s %(message)s").format(record)

    assert line == "ERROR web request failed reason='no room'"
