"""Everything that happens to an action until it is safely on disk.

The way in, one module a step::

    recorder        the front door: a body or a run event in, a receipt out
    formats/        bytes -> raw tables (NDJSON, JSON array, CSV, Parquet, Arrow)
    protocols/      bytes of a foreign tool's log -> raw tables and run events (rclone)
    mapping         which raw column is which of our fields
    normalise       raw table -> typed actions, and refusals with their reasons
    problem         message -> template -> problem id
    group_commit    senders that wait at the same moment share a batch
    batch           table -> sealed Parquet file with its summary in the footer
    lake            where sealed files lie; the only truth
    index           SQL summaries of the lake; disposable, rebuilt from footers
    run_state       run events -> the state of a run
    client          the same door, over HTTP

``action``, ``counts``, ``schema`` and ``errors`` hold the vocabulary all of them share.
"""
