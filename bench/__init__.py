"""Measures synclog on this machine, over HTTP on loopback, with made-up actions that are the same every time.

::

    generate    actions of any number, as Arrow tables and NDJSON bodies
    machine     what was measured on: cores, memory, versions
    result      a table of measurements, on the terminal and in docs/benchmarks.md
    server      a real ``synclog serve`` process: start, memory, kill
    sender      raw HTTP senders that cost as little of the shared cores as they can
    ingest, pages, report, kills, servers    one subject each
    run         runs subjects: ``python -m bench.run ingest pages``
"""
