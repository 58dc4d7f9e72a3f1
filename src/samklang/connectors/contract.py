"""What a connector is: a manifest and one class. No database here, so the same code also runs in an agent elsewhere.

The hub calls `read` for pages of records, `write` with batches of wanted records, `find` to look for records that may
already exist. A connector never retries on its own beyond what the transport does, keeps no state between calls
except its login, and may be called from several threads at once.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from samklang.connectors.errors import SamklangError, Stop
from samklang.connectors.limiter import Pace
from samklang.records import OrderStatus, Record
from samklang.records.voucher import Source

# ---------------------------------------------------------------------------------------------------- manifest

#: "own sandbox": nothing of the vendor's is public, so only our own stand-in has been tried.
#: "paths only": the vendor's document names addresses and arguments, and says nothing of what is sent and answered.
CheckedAgainst = Literal[
    "vendor document", "vendor document (paths only)", "recorded answers", "live system", "own sandbox"
]


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question that the connect form asks. `secret` values are encrypted and never shown again."""

    name: str
    title: str
    kind: Literal["text", "url", "secret", "bool", "choice", "number"] = "text"
    required: bool = True
    default: str | bool | int | None = None
    choices: tuple[str, ...] = ()
    help: str = ""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the remote allows: at most `calls` in any `per_seconds` (0 = no such limit), `concurrent` at once."""

    calls: int = 0
    per_seconds: float = 1.0
    concurrent: int = 4
    max_answer_mb: int = 32


class Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way of reading, giving records of one or more types.

    `changes`: how news is found. `watermark` = the system can list what changed since a time; `lies_seconds` says how
    far that time may be wrong (the hub reads that much again). `full` = only a complete read. Whatever it is, the hub
    reads everything each `sweep_hours` and compares by hash. `hooks` = nothing can be listed, so nothing is read:
    single records are fetched when a webhook names them. `bound` = nothing can be listed, but what has become of an
    order that was placed there can be asked for: the hub fetches by the external ids of the orders that it has bound,
    and `fetch` gives the first record of an order under that order's own external id, nothing as long as there is
    none. So it asks each `every_seconds` for orders of which it has heard nothing, and in a sweep for all open ones.
    `complete`: a full read shows everything there is, so what it does not show is gone.
    """

    name: str
    types: tuple[str, ...]
    changes: Literal["watermark", "full", "hooks", "bound"] = "full"
    lies_seconds: int = 120
    every_seconds: int = 300
    sweep_hours: float = 24
    complete: bool = True
    fetch: bool = False  # single records can be fetched by external id (for webhooks)

    @property
    def listed(self) -> bool:
        """Whether the system can list what there is; else records are only fetched by their ids."""
        return self.changes in ("watermark", "full")


class Write(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How records of one type are written.

    `batch`: most records in one call of `write`. `width`: how many calls may overlap. `create`: what makes a create
    safe to repeat: `idempotent` (a put by key), `key` (the remote honours an idempotency key), `lookup` (after doubt
    the hub looks for our reference with `find` first). `needs`: types that must be bound at the target first, out of
    those that the record names. `match`: fields by which the hub looks (`find`) before every create, for systems that
    may already hold the record and would take it twice (customers; products where the SKU is not unique). `fields`:
    canonical fields that the system can hold ("*" = all); the plan compares these. `status_map`: what has happened to
    an order (`OrderStatus.words()`) → the system's status word, as a default for the flow's option of the same name.
    `mails`: status words of the system that make it mail the buyer. `carrier`: an order is taken only with a carrier
    code; the hub stops one without before it is sent (O-12). `takes_stock`: the system takes what was sent off its own
    stock, which the stock's master has done too; so the hub sends the figures again. `settles`: seconds after a call
    broke off in which the system may still carry it out; only then is the look-up after doubt believed.
    """

    batch: int = 1
    width: int = 4
    create: Literal["idempotent", "key", "lookup", "none"] = "lookup"
    update: bool = True
    needs: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    fields: tuple[str, ...] = ("*",)
    status_map: Mapping[str, str] = {}
    mails: tuple[str, ...] = ()
    carrier: bool = False
    takes_stock: bool = False
    settles: float = 10.0


#: The setting of a connection by which a person says whether itemised lists hang on vouchers; see `Manifest.attaches`.
ATTACH_LISTS = "attach_lists"

#: What people choose among when they map one system to another; see `Connector.choices`.
ChoiceKind = Literal[
    "order_status", "shipping_method", "carrier", "payment_method", "price_list", "customer_group", "warehouse",
    "account", "tax_class",
]  # fmt: skip


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """manifest.toml of a connector, read strictly."""

    name: str
    title: str
    kind: Literal["shop", "erp", "wms", "carrier", "marketplace", "payment", "pos"]
    auth: Literal["basic", "bearer", "oauth2", "session", "none"]
    checked_against: tuple[CheckedAgainst, ...]
    settings: tuple[Setting, ...]
    feeds: tuple[Feed, ...] = ()
    writes: Mapping[str, Write] = {}
    limits: Limits = Limits()
    hooks: bool = False
    axes: int | None = None  # most variant axes; None = no limit, 0 = no variants
    warehouses: bool = False
    price_lists: bool = False
    ledger: bool = False  # keeps books, and can say so (`Connector.ledger`)
    attaches: tuple[Source, ...] = ()  # sources of vouchers on which files can hang (`Connector.upload`, `attach`)
    files: bool = False  # files of ours can be left there (`Connector.leave`)
    statements: bool = False  # says what was paid out to us (`Connector.statements`)
    statements_lie_days: int = 60  # how late one may be listed under its day; 0 = they are asked for by name, not day
    choices: tuple[ChoiceKind, ...] = ()  # what can be read with `Connector.choices`
    cannot: tuple[str, ...] = ()  # sentences for the docs page and the plan
    exempt: Mapping[str, str] = {}  # check name → why it does not apply here (grades)

    @property
    def registers(self) -> int:
        """How much the connector carries: record types that it reads, and those that it writes; books count as one."""
        read = {type_ for feed in self.feeds for type_ in feed.types}
        return len(read) + len(self.writes) + self.ledger

    def feed_for(self, type_: str) -> Feed | None:
        """The feed that reads this record type, if any."""
        return next((feed for feed in self.feeds if type_ in feed.types), None)


# ---------------------------------------------------------------------------------------------------- reading


class Part(msgspec.Struct, frozen=True):
    """Something inside a record that has an id of its own at the system, such as a variant."""

    type: str
    key: str
    external_id: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One record as read. `parent` is the external id of the order at this system for records that hang on an order
    (status, shipment): the hub finds the order by it and fills the record's `order`. A record whose order the hub does
    not know is none of its business and is left out.
    """

    record: Record
    external_id: str = ""
    parts: tuple[Part, ...] = ()
    parent: str = ""


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is no record: becomes a problem, its neighbours pass. `key` as far as it can be told."""

    type: str
    external_id: str
    error: Stop
    key: str = ""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """The system says that this record was deleted."""

    type: str
    external_id: str


class Page(msgspec.Struct, frozen=True):
    """Some of what a read gives, committed together. A reader that cannot give all pages raises; it never just ends."""

    items: list[Item | Bad | Gone]
    total: int = 0  # how many rows the whole read has, where the system tells (progress bars)
    resume: str = ""  # where to go on after this page if the run is cut off here; "" = only from the start


class Hint(msgspec.Struct, frozen=True):
    """A webhook's meaning: something changed at this external id (empty = somewhere) in this feed."""

    feed: str
    external_id: str = ""


# ---------------------------------------------------------------------------------------------------- writing


#: The target's ids of what a record needs and of its parts, by (type, key).
Ids = Mapping[tuple[str, str], str]
#: What is sent: the names are the system's own.
Body = dict[str, Any]


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """One record that the target shall hold.

    `external_id` is empty for a create. `ids` gives the target's ids for what the record needs and for its parts, by
    (type, key). `fields` limits an update to these canonical fields (None = all). `reference` is what to write at the
    remote so that the record can be found again. `doubt`: an earlier try may have been done; look before repeating
    anything that is not idempotent. `options` are the flow's settings for this target.
    """

    key: str
    record: Record
    external_id: str = ""
    ids: Ids = {}
    fields: frozenset[str] | None = None
    reference: str = ""
    doubt: bool = False
    options: Mapping[str, Any] = {}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The target took it. `seen`: how the target now states the record, where its answer tells, so that reading it
    back is not news; a function that makes it is called only where it is needed. `by_hand`: what is left for a person
    because the system's API cannot do it, as a sentence (such as removing an article); it becomes a task."""

    external_id: str = ""
    parts: tuple[Part, ...] = ()
    seen: Record | Callable[[], Record | None] | None = None
    by_hand: str = ""


def status_word(status: OrderStatus, want_options: Mapping[str, Any], default: Mapping[str, str]) -> str:
    """The target's word for an order's status, by the flow's `status_map` or the manifest's; "" = leave it alone."""
    words = {**default, **(want_options.get("status_map") or {})}
    return next((words[word] for word in status.words() if words.get(word)), "")


def mapped(want_options: Mapping[str, Any], what: ChoiceKind, value: str) -> str:
    """The value, where it is one that a person chose at the target by the flow's `maps`; "" = the source's own word."""
    table: Mapping[str, str] = (want_options.get("maps") or {}).get(what) or {}
    return value if value in table.values() else ""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A record found at the target. `by` is the field that matched (sku, email …), or `reference` for our own record
    that is whole. Any other word says that it is ours but only half made; the hub then has it finished."""

    external_id: str
    by: str
    record: Record | None = None
    parts: tuple[Part, ...] = ()


Result = Done | SamklangError


class Choice(msgspec.Struct, frozen=True):
    """One value that a system knows, as it writes it in records (`code`) and as people read it (`name`)."""

    code: str
    name: str = ""


class LedgerAccount(msgspec.Struct, frozen=True):
    """An account as a ledger has it. `vat_box` is the box of the VAT return that it leads to, where the ledger says."""

    number: str
    name: str = ""
    active: bool = True
    vat_box: str = ""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger says of itself: chart, fiscal years (first and last day), voucher series (none where it cannot list
    them), the last closed day."""

    accounts: tuple[LedgerAccount, ...]
    years: tuple[tuple[date, date], ...]
    series: tuple[str, ...] = ()
    locked_until: date | None = None


class Paper(msgspec.Struct, frozen=True):
    """A statement as the system gives it, whole: a file, or a payout with its transactions. `name` is the same whenever
    it is asked for. Without `data` there was nothing in it for us; the name is remembered. `day` is the one by which
    `statements` lists it: one that we cannot read yet is asked for from there again."""

    name: str
    data: bytes = b""
    day: date | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the connection check found out: whose system it is, its version, what deserves a warning."""

    title: str
    version: str = ""
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------------------------------------------- surroundings


class Exchange(msgspec.Struct, kw_only=True):
    """One request and its answer, secrets removed. Bodies are cut at 8 KB."""

    method: str
    url: str
    status: int  # 0 = no answer
    at: datetime
    seconds: float
    sent: bytes = b""
    got: bytes = b""
    error: str = ""
    about: tuple[str, ...] = ()  # record keys
    waited: float = 0.0  # seconds before it, for a place within the system's limits


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """OAuth tokens of a connection. `expires_at` is seconds since the epoch."""

    access: str
    refresh: str
    expires_at: float


class TokenStore(Protocol):
    """Where a connection's rotating tokens live; the hub gives one that survives crashes."""

    def load(self) -> Tokens | None:
        """The newest tokens."""

    def save(self, tokens: Tokens) -> None:
        """Durable when it returns."""

    def exclusive(self) -> Any:
        """Context manager: only one refresh at a time over all processes."""


class Surroundings(msgspec.Struct, kw_only=True):
    """What the hub gives a connector besides its settings."""

    capture: Callable[[Exchange], None]
    tokens: TokenStore
    now: Callable[[], float]
    allow_private: Callable[[str], bool]  # may this private address be called?
    pace: Pace | None = None  # limits shared with other processes
    sleep: Callable[[float], None] = time.sleep  # waits before a call is tried again after a fault


# ---------------------------------------------------------------------------------------------------- the class


class Connector(abc.ABC):
    """One configured outside system. Subclasses live in connectors/<name>/__init__.py."""

    manifest: ClassVar[Manifest]

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        """`settings` holds the manifest's settings by name, secrets included."""
        self.settings = settings
        self.around = around

    @abc.abstractmethod
    def check(self) -> Account:
        """An authenticated read; raises Pause errors with a plain message when login, rights or settings are wrong."""

    @abc.abstractmethod
    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        """Pages of the feed: all of it, or what changed at or after `since`. Only records of `types` need be given.

        `resume` is what the last committed page of a run that was cut off gave; without it the read begins anew.
        """

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        """The named records of a feed with `fetch = true`; ids that no longer exist come as Gone."""
        raise NotImplementedError(f"{self.manifest.name} cannot fetch single records")

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        """For each want, what the target holds that matches by our reference, else by the fields in `match`, in that
        order; the first field with a hit ends the search for that want. Hits are compared exactly, never by prefix."""
        raise NotImplementedError(f"{self.manifest.name} cannot look for {type_}")

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        """Write at most the manifest's `batch` records; one result per want, in order. An error raised instead of
        returned counts for all of them."""
        raise NotImplementedError(f"{self.manifest.name} cannot write {type_}")

    def choices(self, what: ChoiceKind) -> list[Choice]:
        """The values that this installation has: its order statuses, shipping methods, price lists …, in its own order.

        For those that the manifest's `choices` names. `code` is what stands in records and in a flow's maps.
        """
        raise NotImplementedError(f"{self.manifest.name} cannot list {what}")

    def ledger(self) -> Ledger:
        """With `ledger = true`: chart, fiscal years and series, so that vouchers can be judged before they are sent."""
        raise NotImplementedError(f"{self.manifest.name} keeps no books")

    def upload(self, name: str, data: bytes) -> str:
        """With `attaches`: put a PDF beside the books and give its id. One of that name that lies there and hangs on
        nothing is given instead of another."""
        raise NotImplementedError(f"{self.manifest.name} takes no files for vouchers")

    def attach(self, file: str, voucher: str, on: date) -> None:
        """With `attaches`: hang an uploaded file on the voucher of this day, by both their ids. Again does nothing."""
        raise NotImplementedError(f"{self.manifest.name} takes no files for vouchers")

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        """With `statements = true`: what was stated since the day, oldest first, without what is known by its name.

        It raises when it cannot give all of it; what it has given until then is kept."""
        raise NotImplementedError(f"{self.manifest.name} gives no statements")

    def leave(self, name: str, data: bytes) -> None:
        """With `files = true`: leave a file for the other system. The same name again does nothing if it was left, and
        finishes what broke off."""
        raise NotImplementedError(f"{self.manifest.name} takes no files")

    def link(self, type_: str, external_id: str) -> str:
        """The address of this record's page in the system's own console, "" where there is none. Makes no call."""
        return ""

    def login_page(self, redirect_uri: str, state: str) -> str:
        """With `auth = "oauth2"`: the address where a person approves us; it sends them back with a code."""
        raise NotImplementedError(f"{self.manifest.name} has no login page")

    def log_in(self, code: str, redirect_uri: str) -> None:
        """With `auth = "oauth2"`: turn the code of the login page into tokens, in the token store."""
        raise NotImplementedError(f"{self.manifest.name} has no login page")

    def register_hooks(self, address: str, secret: str) -> None:
        """Ask the system to send webhooks to `address`, signed with `secret`. Repeating it changes nothing."""
        raise NotImplementedError(f"{self.manifest.name} has no webhooks")

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        """What a webhook says; header names in lower case. Raises Stop when the signature is wrong."""
        raise NotImplementedError(f"{self.manifest.name} has no webhooks")

    def close(self) -> None:
        """Give back sockets and threads."""
