"""Everything that is read back: runs, actions, problems, and figures over them.

::

    lake_view       one DuckDB over the batches of the lake, and which batches can matter
    scratch         where DuckDB spills, and what killed processes left there
    statements      the SQL of this package, one statement per file in sql/;  macros  what these share
    paging          pages that go on where the last one ended
    runs            the list of runs and one run, from the index alone
    run_order       what runs can be sorted by, and where a page goes on
    recent_runs     the latest runs of every integration and configuration
    habits          what is usual for one, learned from them
    flags           what about one needs attention, and why
    watch           all of them, most urgent first
    forecast        how far a run under way has come, and how much longer it takes
    run_history     how many runs began when, by status
    actions         actions of a run or across runs: a page, one, or a stream of all
    run_batches     the batches that hold a run;  run_pages  pages of it that lie in few row groups
    action_matches  the grammar of a search within a run
    search          words, ids and expressions across runs, newest first
    search_terms    the words a search looks for, and which rows of a block have them
    search_hits     rows that it has found, and the newest of them;  search_facets  what they have in common
    search_conditions  what it wants of single fields
    search_grammar  what people type, as clauses and back
    search_fields   the fields there are, and a search made of clauses
    blocks          batches block by block, and what is known of a block without reading it;  kept  what was read last
    columns         a column of a block, its values looked at once each;  dictionary_pages  only these
    compare         two runs side by side: records and problems that differ
    problems        the failures of a run, each kind once, and how many are open
    problem_states  new, persisting, regressed or resolved: what follows from which runs
    run_sequence    runs in the order they began, and which were thorough
    problem_list    problems across runs;  problem_history  one of them run by run;  run_problems  those of one run
    causes          why they happen: rules over codes and words, in cause_rules.toml
    open_problems   the states of all open problems, and of those of a run
    timeline        when in a run what happened
    durations       where the time of a run went
    sandbox         SQL of a user, in a process of its own
    running         statements under way: their age, cancelling them
    sandbox_process processes for it, one a statement
    sandbox_nursery what these are forked from
    sandbox_child   what runs in such a process
    sql_views       what the views of that SQL are called and what they say;  sql_words  the words of DuckDB
    sql_parameters  which $names a statement has;  sql_mistakes  where DuckDB's errors point
    ready_questions questions to start from, one a file in questions/
    saved_queries   statements that people keep
    confinement     what the operating system is asked to refuse that process
    index_tables    runs and batches as tables for that SQL
    trouble         what is behind an error that reading gave
    rejects         refused lines, which of them are alike, and those to be mended
    damage          damaged batches, and what is missing of which runs

Statements over actions are DuckDB SQL in ``sql/``. Statements over the index are SQLAlchemy Core, because the index
is SQLite here and PostgreSQL there.
"""
