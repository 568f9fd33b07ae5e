"""The SQL of this package: one statement per file, named ``module.function.sql`` after the code that loads it."""

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The statement in ``sql/<name>.sql``."""
    return files("query").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
