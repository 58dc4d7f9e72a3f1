"""A real Tryton ERP for tests: installed once into the cache, seeded once, then started from a saved database.

    with tryton() as erp:
        erp.url, erp.database, erp.user, erp.password      # what a connection needs (the integration's own user)
        erp.call("model.sale.sale.search_read", …)         # the outside world: the ERP's own staff

Tryton runs as a process of its own from an environment of its own (GPL-3); nothing of it is imported here. The protocol
(JSON-RPC, typed JSON) was observed on the running server.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.integration import tryton_seed
from tests.integration.processes import cache_folder, free_port, listens, only_one, run, server

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "tryton_requirements.txt"
DATABASE = "butik"
ADMIN, ADMIN_PASSWORD = "admin", "admin-of-the-test-erp"
MODULES = ("sale_price_list", "product_attribute", "stock_package_shipping", "account_invoice_stock", "sale")

# Runs a module of trytond, and ends when its standard input closes (when the test process is gone).
_LAUNCH = """
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
runpy.run_module("trytond.cli", run_name="__main__", alter_sys=True)
"""

Row = dict[str, Any]


class TrytonError(Exception):
    """Tryton answered a call with an error."""


class Tryton:
    """A running Tryton: where it is, and what its own staff can do in it."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.database = DATABASE
        self.user, self.password = tryton_seed.USER, tryton_seed.PASSWORD
        self.log = folder / "log"
        self._login = ""
        self._context: Row = {}

    # ---------------------------------------------------------------------------------------------- protocol

    def call(self, method: str, *params: Any, **context: Any) -> Any:
        """One JSON-RPC call as the administrator; the user's context is added. TrytonError when Tryton says no."""
        if not self._login:
            self.login()
        return self._post(method, [*params, {**self._context, **context}])

    def login(self) -> None:
        """Log in again (and take over the user's preferences as the context)."""
        user_id, token, *_ = self._post("common.db.login", [ADMIN, {"password": ADMIN_PASSWORD}])
        self._login = base64.b64encode(f"{ADMIN}:{user_id}:{token}".encode()).decode()
        self._context = self._post("model.res.user.get_preferences", [True, {}])

    def _post(self, method: str, params: Sequence[Any]) -> Any:
        body = json.dumps({"id": 0, "method": method, "params": params}, default=_typed).encode()
        headers = {"Content-Type": "application/json"}
        if self._login:
            headers["Authorization"] = f"Session {self._login}"
        request = urllib.request.Request(f"{self.url}/{DATABASE}/rpc/", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = json.load(answer, object_hook=_plain)
        except urllib.error.HTTPError as error:
            log = self.log.read_text(errors="replace")[-3000:]
            raise TrytonError(f"{method}: HTTP {error.code} {error.read(2000)!r}\n{log}") from error
        if "error" in said:
            raise TrytonError(f"{method}: {said['error'][:2]}")
        return said["result"]

    def rows(self, model: str, domain: Sequence[Any], *fields: str, **context: Any) -> list[Row]:
        """search_read: the records of a model that match the domain."""
        found: list[Row] = self.call(f"model.{model}.search_read", domain, 0, None, None, list(fields), **context)
        return found

    def create(self, model: str, *records: Row) -> list[int]:
        """Create records, give their ids."""
        ids: list[int] = self.call(f"model.{model}.create", list(records))
        return ids

    # ---------------------------------------------------------------------------------- what the staff do

    def sale(self, reference: str) -> Row | None:
        """The sale with this reference, with its totals, or None; AssertionError when there are several."""
        found = self.rows(
            "sale.sale",
            [["reference", "=", reference]],
            *("number", "state", "shipment_state", "invoice_state", "untaxed_amount", "tax_amount", "total_amount"),
            *("shipments", "invoices", "party.name", "shipment_address.full_address", "lines"),
        )
        assert len(found) <= 1, f"{len(found)} sales have the reference {reference}"
        return found[0] if found else None

    def ship(self, reference: str, tracking: str = "") -> None:
        """Send everything that waits for this sale, as the warehouse's staff would."""
        sale = self.sale(reference)
        assert sale, f"no sale {reference}"
        (carrier,) = self.rows("carrier", [])
        for shipment in sale["shipments"]:
            parcel = {"carrier": carrier["id"], "shipping_reference": tracking or None}
            self.call("model.stock.shipment.out.write", [shipment], parcel)
            self.call("model.stock.shipment.out.assign_try", [shipment])
            (row,) = self.rows("stock.shipment.out", [["id", "=", shipment]], "state")
            assert row["state"] == "assigned", f"too little stock for {reference}"
            for step in ("pick", "pack", "do"):
                self.call(f"model.stock.shipment.out.{step}", [shipment])

    def invoice(self, reference: str, *, paid: bool = False) -> Row:
        """Post the sale's invoice, as the accountant would, pay it if asked to, and give its number and totals."""
        sale = self.sale(reference)
        assert sale, f"no sale {reference}"
        (invoice,) = sale["invoices"]
        self.call("model.account.invoice.write", [invoice], {"invoice_date": tryton_seed.today()})
        self.call("model.account.invoice.post", [invoice])
        if paid:
            self._pay(invoice)
        fields = ("number", "state", "untaxed_amount", "tax_amount", "total_amount", "taxes.base", "taxes.amount")
        (row,) = self.rows("account.invoice", [["id", "=", invoice]], *fields)
        return row

    def _pay(self, invoice: int) -> None:
        on: Row = {"active_model": "account.invoice", "active_id": invoice, "active_ids": [invoice]}
        session, start, _ = self.call("wizard.account.invoice.pay.create")
        form: Row = {}
        for state in (start, "choice"):
            view = self.call("wizard.account.invoice.pay.execute", session, form, state, **on).get("view")
            if view:
                (method,) = self.rows("account.invoice.payment.method", [])
                filled = {name: value for name, value in view["defaults"].items() if not name.endswith(".")}
                form = {view["state"]: {**filled, "payment_method": method["id"]}}
        self.call("wizard.account.invoice.pay.delete", session)

    def cancel(self, reference: str) -> None:
        """Cancel the sale, which has not gone further than a quotation."""
        sale = self.sale(reference)
        assert sale, f"no sale {reference}"
        self.call("model.sale.sale.cancel", [sale["id"]])

    def stock(self, sku: str) -> float:
        """Pieces on hand in the warehouse today."""
        (warehouse,) = self.rows("stock.location", [["type", "=", "warehouse"]])
        (product,) = self.rows("product.product", [["code", "=", sku]], "quantity", locations=[warehouse["id"]])
        return float(product["quantity"])


def _typed(value: object) -> Row:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, dt.date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"no typed JSON for {value!r}")


def _plain(row: Row) -> Any:
    kind = row.get("__class__")
    if kind == "Decimal":
        return Decimal(row["decimal"])
    if kind == "date":
        return dt.date(row["year"], row["month"], row["day"])
    return row


# ------------------------------------------------------------------------------------------------ starting it


def _installed() -> Path:
    """The environment's Python; installs it if it is not there. The folder's name is the hash of the pins."""
    folder = cache_folder("tryton-" + hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12])
    python = folder / "env" / "bin" / "python"
    with only_one(folder):
        if not (folder / "installed").exists():
            shutil.rmtree(folder / "env", ignore_errors=True)
            uv: list[str | Path] = [sys.executable, "-m", "uv", "--quiet"]
            run([*uv, "venv", "--python", sys.executable, folder / "env"], cwd=folder)
            run([*uv, "pip", "install", "--python", python, "--requirement", REQUIREMENTS], cwd=folder)
            (folder / "installed").touch()
    return python


def _configured(folder: Path, port: int) -> tuple[Path, dict[str, str]]:
    config = folder / "trytond.conf"
    config.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO_", "TRYTOND_"))}
    return config, env


@contextlib.contextmanager
def _running(python: Path, folder: Path) -> Iterator[Tryton]:
    port = free_port()
    config, env = _configured(folder, port)
    command: list[str | Path] = [python, "-c", _LAUNCH, "-c", config, "-d", DATABASE]
    with server(command, cwd=folder, env=env, log=folder / "log", ready=lambda: listens(port)):
        yield Tryton(port, folder)


def _seeded(python: Path) -> Path:
    """The saved database; makes it if the seed or the versions have changed."""
    made_from = REQUIREMENTS.read_bytes() + Path(tryton_seed.__file__).read_bytes() + tryton_seed.catalogue_bytes()
    folder = python.parents[2]
    saved = folder / f"seeded-{hashlib.sha256(made_from).hexdigest()[:12]}.sqlite"
    with only_one(folder):
        if not saved.exists():
            with tempfile.TemporaryDirectory(prefix="samklang-tryton-") as name:
                work = Path(name)
                config, env = _configured(work, 1)
                (work / f"{DATABASE}.sqlite").touch()
                (work / "password").write_text(ADMIN_PASSWORD)
                admin = [
                    python,
                    "-m",
                    "trytond.cli.admin",
                    "-c",
                    config,
                    "-d",
                    DATABASE,
                    "--email",
                    "admin@example.com",
                ]
                activate = ["-u", *MODULES, "--activate-dependencies"]
                run([*admin, *activate], cwd=work, env=env | {"TRYTONPASSFILE": str(work / "password")})
                with _running(python, work) as erp:
                    tryton_seed.seed(erp)
                _copy(work / f"{DATABASE}.sqlite", saved)
    return saved


def _copy(source: Path, target: Path) -> None:
    """SQLite's own backup: the database runs with a write-ahead log, a plain copy of the file would lose data."""
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(unfinished)) as new:
        old.backup(new)
    unfinished.replace(target)


@contextlib.contextmanager
def tryton() -> Iterator[Tryton]:
    """A fresh, seeded Tryton on a free port; gone with all its data at the end."""
    python = _installed()
    saved = _seeded(python)
    with tempfile.TemporaryDirectory(prefix="samklang-tryton-") as name:
        folder = Path(name)
        _copy(saved, folder / f"{DATABASE}.sqlite")
        with _running(python, folder) as erp:
            yield erp
