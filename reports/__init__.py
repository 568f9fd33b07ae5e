"""What people are given to read: words, drawings, reports and tables.

::

    wording         numbers, times, statuses and outcomes in words; the filters of every template
    highlight       what was looked for, marked in a text
    problem_wording problems in words: their states, what people keep of them
    charts          drawings as SVG text, the same for pages and print
    attention       why an integration needs attention, in words
    result_plot     which columns of a result are drawn;  result_chart  that drawing
    axis            where a chart's ticks go and what they say
    status_lanes    the statuses of one record over time
    changes         what an action changed in its record, read from its details
    comparison      two runs side by side in figures and words
    record_head     what the history of a record comes to;  flip_flop  what goes to and fro in it
    expectations    what a run was to be and what arrived of it, in words
    run_report      what the report of one run says, as plain data
    html            that data as one self-contained HTML page
    pdf             that page on A4
    tables          actions of any number as CSV, NDJSON or Parquet, written as they come
    templates/      run_report.html and its two style sheets

Only ``pdf`` knows WeasyPrint, and imports it when the first report is rendered: it takes half a second to load.
"""
