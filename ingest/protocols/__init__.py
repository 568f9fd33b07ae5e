"""Foreign protocols: what other tools write, as raw tables and run events. One file a protocol.

A protocol is a function from a binary stream to an iterator of :class:`~ingest.formats.RawBlock` (columns named like
ours) and :class:`~ingest.run_state.RunEvent`. It is entered in ``ingest.recorder.READERS`` under its input name.
"""
