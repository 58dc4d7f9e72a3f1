"""Customers of the shop. No company number in core: it lies in meta data, as plugins do it."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from samklang.sandboxes.swedish import Party
from samklang.sandboxes.woocommerce.wire import JSON, Refused, dates, links, put_meta

#: Meta key under which this shop's checkout keeps a company's organisation number (plugins differ).
ORG_NO_META = "_billing_org_no"

_ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "country", "state")


def address(party: Party) -> JSON:
    """The party as billing fields."""
    return {
        "first_name": party.first_name,
        "last_name": party.last_name,
        "company": party.company,
        "address_1": party.street,
        "city": party.city,
        "postcode": party.postcode,
        "country": party.country,
        "email": party.email,
        "phone": party.phone,
    }


class Customers:
    """All customers by id. `moved(event, id)` is called after every change, for webhooks."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        site: str,
        now: Callable[[], int],
        next_id: Callable[[], int],
        moved: Callable[[str, int], None],
    ) -> None:
        self.rows: dict[int, JSON] = {}
        self.version = 0
        self._zone, self._site, self._now, self._next_id, self._moved = zone, site, now, next_id, moved

    def get(self, id_: object) -> JSON:
        """A customer; the shop's 404 otherwise."""
        row = self.rows.get(id_) if isinstance(id_, int) else None
        if row is None:
            raise Refused(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return row

    def create(self, body: JSON) -> JSON:
        """A new customer; the e-mail address must be free."""
        self._check_email(str(body["email"]), 0)
        id_ = self._next_id()
        now = dates("date_created", self._now(), self._zone) | dates("date_modified", self._now(), self._zone)
        self.rows[id_] = {
            "id": id_,
            **now,
            "email": "",
            "first_name": "",
            "last_name": "",
            "role": "customer",
            "username": str(body.get("username") or str(body["email"]).partition("@")[0]),
            "billing": {**dict.fromkeys(_ADDRESS, ""), "email": "", "phone": ""},
            "shipping": {**dict.fromkeys(_ADDRESS, ""), "phone": ""},
            "is_paying_customer": False,
            "avatar_url": f"{self._site}/avatar/{id_}",
            "meta_data": [],
            "_links": links(self._site, f"/customers/{id_}"),
        }
        self._apply(self.rows[id_], body)
        self._moved("created", id_)
        return self.rows[id_]

    def update(self, row: JSON, body: JSON) -> JSON:
        """Change a customer."""
        if body.get("email"):
            self._check_email(str(body["email"]), row["id"])
        self._apply(row, body)
        row |= dates("date_modified", self._now(), self._zone)
        self._moved("updated", row["id"])
        return row

    def delete(self, row: JSON, *, force: bool) -> None:
        """Only with force: customers have no trash."""
        if not force:
            raise Refused(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
        del self.rows[row["id"]]
        self.version += 1
        self._moved("deleted", row["id"])

    def _check_email(self, email: str, own: int) -> None:
        if any(row["email"].lower() == email.lower() and row["id"] != own for row in self.rows.values()):
            said = "An account is already registered with your email address."
            raise Refused(400, "registration-error-email-exists", said)

    def _apply(self, row: JSON, body: JSON) -> None:
        for name in ("email", "first_name", "last_name"):
            if name in body:
                row[name] = str(body[name])
        for name in ("billing", "shipping"):
            row[name] = {**row[name], **{k: str(v) for k, v in body.get(name, {}).items() if k in row[name]}}
        put_meta(row["meta_data"], body.get("meta_data"), self._next_id)
        self.version += 1
