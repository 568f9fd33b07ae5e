"""Which parameters a statement names: ``$since``, outside of texts, quoted names and comments."""

import re

_PIECES = re.compile(
    r"""
      '(?:[^']|'')*'                                # a text
    | "(?:[^"]|"")*"                                # a quoted name
    | \$(?P<tag>\w*)\$ .*? \$(?P=tag)\$             # a text between dollars
    | --[^\n]*                                      # a comment to the end of its line
    | /\*.*?\*/                                     # a comment
    | (?<![\w$]) \$ (?P<name>[A-Za-z_]\w*)          # a parameter
    """,
    re.DOTALL | re.VERBOSE,
)


def parameters_of(sql: str) -> tuple[str, ...]:
    """Their names without the dollar, in the order they first come, each once."""
    return tuple(dict.fromkeys(piece["name"] for piece in _PIECES.finditer(sql) if piece["name"]))
