"""The tables of the control database. Times are microseconds since 1970 UTC. Only ever add to them."""

import sqlalchemy as sa

metadata = sa.MetaData()

saved_queries = sa.Table(
    "saved_queries",
    metadata,
    sa.Column("query_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sql", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("changed_us", sa.BigInteger, nullable=False),
    sa.Column("chart", sa.Text),
)
"""SQL that people keep and share."""

problem_notes = sa.Table(
    "problem_notes",
    metadata,
    sa.Column("integration", sa.Text, primary_key=True),
    sa.Column("problem_id", sa.String(16), primary_key=True),
    sa.Column("note", sa.Text),
    sa.Column("ticket", sa.Text),
    sa.Column("muted_until_us", sa.BigInteger),
    sa.Column("is_expected", sa.Boolean, nullable=False, default=False),
    sa.Column("changed_us", sa.BigInteger, nullable=False),
)
"""What people know of a problem of an integration."""
