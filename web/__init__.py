"""What people and programs touch: pages, the HTTP API and the ``synclog`` command; the composition root.

::

    cli             the command and its exit codes;  commands/  one module a subcommand
    settings        every setting: flag, environment, synclog.toml, default;  retention_settings  its tables
    workspace       recorder and view of one data folder, opened together
    app             the Flask application over a workspace
    api/            the HTTP API, one module a subject, each with the table of its routes
    pages/          the pages, one blueprint a subject
    canary          is what was acknowledged there?  lookout  a thread for each way of looking
    check_up        is a data folder fit for work?  lake_check  its lake: for the doctor and for health
    health          that of a running server, and its damaged files;  upkeep_check  is the lake looked after?
    maintenance     retention, merging and deleting, again and again
    replays         refused lines chosen, mended and recorded;  mends  what to do with them, as texts say it
    signals         being told to stop
    serve           the server process;  demo  a data folder filled with bundled logs
    warming         the newest blocks are read before anybody looks for something in them
    admission       how many may send at once;  slow_bodies  a time limit for what they send
    request_guard   which requests a server without accounts refuses
    error_pages     every error as an HTTP answer: JSON for programs, a page for people
"""
