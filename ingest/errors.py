"""Every error synclog raises on purpose.

::

    SynclogError
    ├── InvalidInput            the sender must change something
    │   ├── UnsupportedContent  a content type, encoding or file kind nobody reads here
    │   ├── TooLarge            a body over the limit
    │   ├── TooSlow             a body that did not arrive in time
    │   └── InvalidRunId
    ├── NotFound
    │   ├── RunNotFound
    │   ├── ActionNotFound
    │   ├── BatchNotFound
    │   ├── ProblemNotFound
    │   ├── StatementNotFound   an SQL statement that does not run, any more
    │   └── SavedQueryNotFound
    ├── Conflict
    │   ├── ImpossibleStep      FINISHED -> RUNNING
    │   ├── NotCancellable
    │   ├── NameTaken           two saved queries of one name
    │   └── IdempotencyKeyReused
    ├── LakeError
    │   ├── LakeUnavailable     disk full, read-only folder, locked index: try again later
    │   │   ├── Overloaded      more is being sent than can be written
    │   │   └── OutcomeUnknown  a database broke off at the end of a transaction
    │   ├── LakeTooNew          written by a newer synclog
    │   └── BatchDamaged
    ├── QueryError
    │   ├── QueryRefused
    │   ├── QueryTimedOut
    │   ├── QueryCancelled
    │   └── QueryTooLarge
    ├── DeliveryFailed          a server did not take what was sent to it
    └── SettingsError

``code`` is stable: it is the ``code`` of an HTTP error and an anchor in ``docs/errors.md``.
"""


class SynclogError(Exception):
    """A message for a person, the field it is about, and what they can do."""

    code = "failed"

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint


class InvalidInput(SynclogError):
    code = "malformed"


class UnsupportedContent(InvalidInput):
    code = "unsupported-content"


class TooLarge(InvalidInput):
    code = "too-large"


class TooSlow(InvalidInput):
    code = "too-slow"


class InvalidRunId(InvalidInput):
    code = "invalid-run-id"


class NotFound(SynclogError):
    code = "not-found"


class ProblemNotFound(NotFound):
    code = "problem-not-found"


class RunNotFound(NotFound):
    code = "run-not-found"


class ActionNotFound(NotFound):
    code = "action-not-found"


class BatchNotFound(NotFound):
    code = "batch-not-found"


class StatementNotFound(NotFound):
    code = "statement-not-found"


class SavedQueryNotFound(NotFound):
    code = "saved-query-not-found"


class Conflict(SynclogError):
    code = "conflict"


class ImpossibleStep(Conflict):
    code = "impossible-step"


class NotCancellable(Conflict):
    code = "not-cancellable"


class NameTaken(Conflict):
    code = "name-taken"


class IdempotencyKeyReused(Conflict):
    code = "idempotency-key-reused"


class LakeError(SynclogError):
    code = "lake-failed"


class LakeUnavailable(LakeError):
    code = "lake-unavailable"


class Overloaded(LakeUnavailable):
    code = "overloaded"


class OutcomeUnknown(LakeUnavailable):
    code = "outcome-unknown"


class LakeTooNew(LakeError):
    code = "lake-too-new"


class BatchDamaged(LakeError):
    code = "batch-damaged"


class QueryError(SynclogError):
    code = "query-failed"


class QueryRefused(QueryError):
    code = "query-refused"


class QueryTimedOut(QueryError):
    code = "query-timed-out"


class QueryCancelled(QueryError):
    code = "query-cancelled"


class QueryTooLarge(QueryError):
    code = "query-too-large"


class DeliveryFailed(SynclogError):
    code = "delivery-failed"


class SettingsError(SynclogError):
    code = "invalid-settings"
