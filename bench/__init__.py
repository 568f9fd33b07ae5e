"""Measures synclog on this machine, over HTTP on loopback, with made-up actions that are the same every time.

::

    generate    actions of any number, as Arrow tables and NDJSON bodies
    machine     what was measured on: cores, memory, versions
    result      a table of measurements, on the terminal and in docs/benchmarks.md
    server      a real ``synclog serve`` process: start, memory, kill
    sender      raw HTTP senders that cost as little of the shared cores as they can
    world       lakes of any size, compacted, and what they take on disk
    questions   what is asked of a log of actions, of synclog as of its rivals
    asking      the questions of a workload, and synclog asked them
    rival       the process of a rival: filled, asked, watched; rival_duckdb, rival_sqlite … hold one each
    memory      what a process and its descendants hold at their highest
    programs    what is measured against and may not be installed
    ingest, pages, report, servers, parts           one subject each
    rivals      synclog beside what else could be picked
    scale       ten times as many actions
    trickle     a day of small requests beside compaction
    templates   how message masks group the trouble in real logs, which  messages  picks out
    run         runs subjects: ``python -m bench.run ingest pages``
"""
