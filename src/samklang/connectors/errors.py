"""What can go wrong between us and an outside system. The type says what happens next, not what the vendor called it.

    SamklangError
    ├── Retry           the hub tries again by itself, later and later
    │   ├── Unreachable     no connection was made; nothing was written
    │   ├── RateLimited     the system asked us to slow down; nothing was written
    │   ├── RemoteFault     the system failed or broke off; a write may have been done
    │   ├── Superseded      another worker has taken over this work; nothing was written
    │   ├── BadAnswer       the answer cannot be read; a write may have been done
    │   └── Defect          the connector itself failed; a write may have been done
    ├── Wait            another record must come first; the hub waits for it and is woken by it
    ├── Pause           the whole connection pauses until a person has acted
    │   ├── LoginRefused    key, password or token is no longer valid
    │   ├── Forbidden       logged in, but the right to do this is missing
    │   └── Misconfigured   the connection's settings cannot work
    │       └── NotInPackage    what would be switched on is not in the tenant's package
    └── Stop            this one record needs a person; its neighbours go on
        ├── BadData         a value that cannot be carried over
        ├── Rejected        the system says no
        ├── Ambiguous       more than one match; nothing is merged
        ├── Unsupported     the target system cannot hold this
        ├── Locked          the order can no longer be changed there
        ├── ByHand          done, but for something that only a person can do there
        ├── Unreconciled    the books do not add up without a person's word
        ├── QuotaUsed       more orders than agreed; they go on
        └── MassChange      too many dangerous changes at once; they wait behind a brake

The API adds one family of its own (api/v1/errors.py): Refused, a call that cannot be carried out.

Each has a stable code (SYNC-…), explained in docs/reference/errors.md. `what`, `where` and `do_this` are for the
user; they never hold secrets. The class docstring is the default of `what`.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from samklang.records import InvalidRecord

T = TypeVar("T")


class SamklangError(Exception):
    """Something went wrong.

    Attributes: `what` happened, `where` (record, field, address), what to do about it (`do_this`), the remote's own
    request id or code where it gave one (`remote`).
    """

    code: ClassVar[str] = "SYNC-000"
    do: ClassVar[str] = "Look at the exchange; if it is not clear, report it with the code."

    def __init__(self, what: str = "", *, where: str = "", do_this: str = "", remote: str = "") -> None:
        self.what = what or (self.__class__.__doc__ or "").split("\n")[0]
        self.where = where
        self.do_this = do_this or self.do
        self.remote = remote
        super().__init__(self.what)

    @property
    def told(self) -> str:
        """What happened and, where it says more than its kind does, what to do: in one line."""
        return f"{self.what.rstrip('.')}.{'' if self.do_this == self.do else f' {self.do_this}'}"

    def __str__(self) -> str:
        parts = [f"{self.code} {self.what}"]
        if self.where:
            parts.append(f"[{self.where}]")
        if self.remote:
            parts.append(f"(remote: {self.remote})")
        return " ".join(parts)


class Retry(SamklangError):
    """The system could not do it just now."""

    code = "SYNC-100"
    do = "Nothing: Samklang tries again by itself."
    #: Whether a write may have been done although no good answer came. Decides whether to look before creating again.
    maybe_applied: bool = True


class Unreachable(Retry):
    """The system cannot be reached."""

    code = "SYNC-101"
    do = "Check that the system is up and that its address is right. Samklang tries again by itself."
    maybe_applied = False


class RateLimited(Retry):
    """The system asked us to slow down."""

    code = "SYNC-102"
    maybe_applied = False

    def __init__(self, what: str = "", *, retry_after: float = 0, where: str = "", do_this: str = "") -> None:
        super().__init__(what, where=where, do_this=do_this)
        self.retry_after = retry_after


class RemoteFault(Retry):
    """The system failed before it gave an answer."""

    code = "SYNC-103"


class Superseded(Retry):
    """Another worker has taken over this work."""

    code = "SYNC-106"
    do = "Nothing: the other worker goes on with it."
    maybe_applied = False


class BadAnswer(Retry):
    """The system's answer cannot be read."""

    code = "SYNC-104"
    do = "Look at the exchange: a plugin or proxy at the system may spoil its answers. Samklang tries again by itself."


class Defect(Retry):
    """The connector failed on this record."""

    code = "SYNC-105"
    do = "This is a defect of the connector: report it with the code and the exchange. Samklang tries again by itself."


class Wait(SamklangError):
    """Another record must come first."""

    code = "SYNC-200"
    do = "Nothing, if that record is on its way; else create it or correct the reference."

    def __init__(self, type_: str, key: str, what: str = "", *, where: str = "", do_this: str = "") -> None:
        super().__init__(what or f"{type_} {key} must exist first", where=where, do_this=do_this)
        self.needs = (type_, key)


class Pause(SamklangError):
    """The connection must pause until a person has acted."""

    code = "SYNC-300"
    do = "Open the connection and follow its message, then resume it."


class LoginRefused(Pause):
    """The system no longer accepts our login."""

    code = "SYNC-301"
    do = "Log in again at the connection, then resume it. Everything that waits is sent then."


class Forbidden(Pause):
    """The login lacks the right to do this."""

    code = "SYNC-302"
    do = "Give the key or user the missing right in the system, then resume the connection."


class Misconfigured(Pause):
    """The connection's settings cannot work."""

    code = "SYNC-303"
    do = "Correct the settings of the connection, then resume it."


class NotInPackage(Misconfigured):
    """The package does not include this."""

    code = "SYNC-304"
    do = "Leave it out, or ask whoever runs this Samklang for a package that includes it."


class Stop(SamklangError):
    """This record needs a person."""

    code = "SYNC-400"


class BadData(Stop):
    """A value cannot be carried over."""

    code = "SYNC-401"
    do = "Correct the value at the source; it is then sent by itself."


class Rejected(Stop):
    """The system says no to this record.

    `existing` is the external id of the record that is in the way, where the system tells it (duplicate SKU): the
    hub then binds to it instead of creating.
    """

    code = "SYNC-402"
    do = "Correct what the system's message names, then retry."

    def __init__(
        self, what: str = "", *, where: str = "", do_this: str = "", remote: str = "", existing: str = ""
    ) -> None:
        super().__init__(what, where=where, do_this=do_this, remote=remote)
        self.existing = existing


class Ambiguous(Stop):
    """More than one record matches; nothing is merged."""

    code = "SYNC-403"
    do = "Make the match unique in the target system (remove or correct the double), then retry."


class Unsupported(Stop):
    """The target system cannot hold this."""

    code = "SYNC-404"
    do = "Add a rule that changes or leaves out the value, or filter the record out of the flow."


class Locked(Stop):
    """The order is being picked or has left: it can no longer be changed there."""

    code = "SYNC-405"
    do = "Ask the warehouse to put the order back, then retry; or skip the change and tell the buyer."


class ByHand(Stop):
    """Something is left that the system's API cannot do."""

    code = "SYNC-406"
    do = "Do it in the system, then mark it as done."


class Unreconciled(Stop):
    """The books need a person's word."""

    code = "SYNC-407"
    do = "Follow the problem's message; docs/how-to/accountant.md explains each kind."

    def __init__(self, code: str, what: str, *, where: str = "", do_this: str = "") -> None:
        super().__init__(what, where=where, do_this=do_this)
        self.code = code  # type: ignore[misc]  # the kind of exception (RECONCILIATION §9) says more than ours


class QuotaUsed(Stop):
    """All orders that the package includes this month are used."""

    code = "SYNC-408"
    do = "Nothing must be done: orders go on. Ask whoever runs this Samklang for a larger package if it stays so."


class MassChange(Stop):
    """Too many dangerous changes at once; they wait for a person."""

    code = "SYNC-410"
    do = "Look at the numbers. If the change is meant, release the brake; if not, correct it at the source."


#: What building a record out of a row may raise when the row is nonsense: the record's own complaint, or a date or
#: number that Python cannot make.
NOT_A_RECORD = (InvalidRecord, ValueError, ArithmeticError)


def bad_data(error: Exception, where: str = "") -> BadData:
    """What was wrong with a row as an error that the hub can show: field, value, what to do."""
    if not isinstance(error, InvalidRecord):
        return BadData(f"The row holds an impossible date or number: {error}", where=where)
    return BadData(str(error), where=f"{where} {error.field}".strip(), do_this=error.do_this)


def there(found: T | None, error: SamklangError | InvalidRecord) -> T:
    """What was looked for; where there is none, the error that says so."""
    if found is None:
        raise error
    return found


def tree() -> tuple[type[SamklangError], ...]:
    """All error types, parents before children (for the reference page and its test)."""
    found: list[type[SamklangError]] = []
    queue: list[type[SamklangError]] = [SamklangError]
    while queue:
        cls = queue.pop(0)
        found.append(cls)
        queue[:0] = cls.__subclasses__()
    return tuple(found)
