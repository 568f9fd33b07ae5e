"""Which failures are the same failure: message -> template -> problem id.

A template is the message with everything masked that differs from record to record: URLs, addresses, ids, quoted
names, paths, times and numbers. The masks run in this order, as RE2 expressions over a whole column at once.
"""

from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

TEMPLATE_LIMIT = 500
"""Characters of a message that its template is made from: what comes later is a dump, not the failure."""

MASKS = (
    # A message that is a JSON object says what it says in one of its members; quoted, all of it would be masked.
    (r'(?s)^\s*\{.*?"(?:msg|message|error)"\s*:\s*"((?:[^"\\]|\\.)+)(?:".*)?$', r"\1", "{"),
    (r"\w+://[^\s\"'<>)\]]+", "<url>", "://"),
    (r"[\w.+-]+@[\w-]+\.[\w.-]+", "<email>", "@"),
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>", "-"),
    (r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»", "<name>", ""),
    (r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", "<time>", "-"),
    (r"\b\d\d:\d\d:\d\d([.,]\d+)?\b", "<time>", ":"),
    (r"(^|[\s=:(\[,])(~|\.{1,2}|[A-Za-z]:)?([/\\][^\s/\\:;,)\]]+)+[/\\]?", r"\1<path>", ""),
    (r"\b(0x)?[0-9a-fA-F]{8,}\b", "<id>", ""),
    (r"\b[A-Za-z]{1,10}[-_]?\d[\w-]*", "<id>", ""),
    (r"[+-]?\d+([.,]\d+)*", "<n>", ""),
    (r"\s+", " ", ""),
)
"""Expression, what takes the place of its matches, and a text without which it cannot match: quicker to look for
than to read the expression."""

_MANY = 100


def templates_of(messages: pa.Array) -> pa.Array:
    """The template of each message (string array in, string array out; null stays null)."""
    texts = pc.utf8_slice_codeunits(messages, 0, TEMPLATE_LIMIT)
    place = None
    for pattern, replacement, needed in MASKS:
        if needed and not pc.any(pc.match_substring(texts, needed)).as_py():
            continue
        texts = pc.replace_substring_regex(texts, pattern, replacement)
        if len(texts) > _MANY:  # those that have become alike go on as one
            encoded = pc.dictionary_encode(texts)
            texts, place = encoded.dictionary, encoded.indices if place is None else encoded.indices.take(place)
    texts = pc.utf8_trim_whitespace(texts)
    return texts if place is None else texts.take(place)


def template_of(message: str) -> str:
    """The template of one message."""
    template: str = templates_of(pa.array([message], pa.string()))[0].as_py()
    return template


def problem_id_of(template: str) -> str:
    """Sixteen hex digits that stand for a template, the same on every machine and for ever."""
    return blake2b(template.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def problem_ids_of(actions: pa.Table) -> pa.Array:
    """The problem of each action (columns status, message, code, operation): null for the OK ones.

    An action without a message is told apart by its code, one without either by its operation.
    """
    failed = pc.not_equal(actions["status"], "OK").combine_chunks()
    places = pc.indices_nonzero(failed)
    if len(places) == 0:
        return pa.nulls(len(actions), pa.string())
    troubled = actions.select(["message", "code", "operation", "status"]).take(places)
    unsaid = pc.binary_join_element_wise(troubled["operation"], troubled["status"], " ")
    texts = pc.coalesce(troubled["message"], troubled["code"], unsaid).combine_chunks()
    encoded = pc.dictionary_encode(texts)
    templates = pc.dictionary_encode(templates_of(encoded.dictionary))
    ids = pa.array([problem_id_of(template) for template in templates.dictionary.to_pylist()], pa.string())
    found = ids.take(templates.indices).take(encoded.indices)
    return pc.replace_with_mask(pa.nulls(len(actions), pa.string()), failed, found)
