"""Everything that happens to an action until it is safely on disk.

The way in, one module a step::

    recorder        the front door: a body or a run event in, a receipt out
    inputs          input names -> readers
    formats/        bytes -> raw tables (NDJSON, JSON array, CSV, Parquet, Arrow)
    protocols/      bytes of a foreign tool's log -> raw tables and run events (rclone)
    mapping         which raw column is which of our fields
    normalise       raw table -> typed actions, and refusals with their reasons
    reading         one body, block by block, through the four above
    mending         refused lines made right, to be replayed;  replays  those that were, but not noted
    given_names     what a sender calls a foreign log as a whole
    committer       submissions -> batches, one index transaction, receipts
    group_commit    senders that wait at the same moment share a commit
    problem         message -> template -> problem id
    batch_problems  the problems in a batch, run by run: ``problem_summary`` is one, ``record_count`` its records;
                    ``missing_problems`` finds those of older batches, ``problem_rows`` are their rows in the index,
                    ``problem_totals`` keeps those of integrations
    arrangement     the order of the rows in a merged batch;  merged_blocks  them as row groups
    run_outline     what a merged batch says of a large run;  outlining  made while its rows pass by
    batch, footer   table -> sealed Parquet file with its summary in the footer
    lake            where sealed files lie; the only truth;  disk  files that last
    index           SQL summaries of the lake; disposable, rebuilt from footers
    run_totals      a run's summary row, after one more batch
    run_state       run events -> the state of a run
    idempotency     a request sent again changes nothing
    retention       rows that are too old go; what was counted of them stays: ``retention_rules`` say how long,
                    ``retention_candidates`` are the batches to look at, ``retention_rows`` judges their rows
    control         what people decide and keep, beside the history;  database  what it and the index are built on
    succession      which batches count when several hold the same rows
    lake_contents   what is in a lake, for an index that does not know it;  awareness  makes it known
    backup          a copy of the lake, taken while others write, brought up to date by the next
    backup_manifest the files of such a copy, and whether they are as they were copied
    care            is every batch whole, and does the index agree?  batch_check  is this one?  outline_check
    damage          batches that are not what was written;  suspects  those that somebody could not read
    index_file      which file the index is, and a damaged one moved aside;  index_totals  its rows of runs
    text_faults     what no text may have
    upkeep          when maintenance, verify and backup were last done
    client          the same door, over HTTP
    canary          marked actions through that door, and every way to see them again

``action``, ``counts``, ``schema``, ``receipt``, ``run_id``, ``timestamps``, ``spans``, ``details`` and ``errors`` hold
the vocabulary all of them share.
"""
