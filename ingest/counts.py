"""How many actions of a run had which operation and status.

Only the sixteen raw counts are stored; every other figure is a sum of some of them.
"""

from dataclasses import dataclass

from ingest.action import OPERATIONS, STATUSES, Operation, Status

COUNT_COLUMNS = tuple(f"{operation}_{status}".lower() for operation in OPERATIONS for status in STATUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Actions by operation and status."""

    create_ok: int = 0
    create_info: int = 0
    create_warning: int = 0
    create_error: int = 0
    update_ok: int = 0
    update_info: int = 0
    update_warning: int = 0
    update_error: int = 0
    delete_ok: int = 0
    delete_info: int = 0
    delete_warning: int = 0
    delete_error: int = 0
    none_ok: int = 0
    none_info: int = 0
    none_warning: int = 0
    none_error: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in COUNT_COLUMNS})

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNT_COLUMNS}

    def of_operation(self, operation: Operation) -> int:
        return sum(getattr(self, f"{operation}_{status}".lower()) for status in STATUSES)

    def of_status(self, status: Status) -> int:
        return sum(getattr(self, f"{operation}_{status}".lower()) for operation in OPERATIONS)

    @property
    def processed(self) -> int:
        return sum(getattr(self, name) for name in COUNT_COLUMNS)

    @property
    def creates(self) -> int:
        return self.of_operation(Operation.CREATE)

    @property
    def updates(self) -> int:
        return self.of_operation(Operation.UPDATE)

    @property
    def deletes(self) -> int:
        return self.of_operation(Operation.DELETE)

    @property
    def unchanged(self) -> int:
        return self.of_operation(Operation.NONE)

    @property
    def oks(self) -> int:
        return self.of_status(Status.OK)

    @property
    def infos(self) -> int:
        return self.of_status(Status.INFO)

    @property
    def warnings(self) -> int:
        return self.of_status(Status.WARNING)

    @property
    def errors(self) -> int:
        return self.of_status(Status.ERROR)

    @property
    def worst_status(self) -> Status | None:
        """None when nothing was counted."""
        return next((status for status in reversed(STATUSES) if self.of_status(status)), None)
