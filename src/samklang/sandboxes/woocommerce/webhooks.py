"""Webhooks as the shop sends them: an unsigned ping, then signed deliveries from a background thread.

Observed and played here: the payload is built when it is delivered, so bursts about one thing coalesce; the delivery id
is a hash of webhook and second, the same for all deliveries of one webhook in that second; failed deliveries are not
tried again; the seventh failure in a row disables the webhook; a ping that got anything but 200 is repeated after every
delivery. Not played: real shops refuse private addresses and ports other than 80, 443 and 8080.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from samklang.sandboxes.woocommerce.wire import JSON, Refused, dates, links

_HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": [
        "woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta", "woocommerce_update_product", "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "coupon.restored": ["untrashed_post"],
}  # fmt: skip
_AGENT = "WooCommerce/10.0.2 Hookshot (WordPress/6.8.8)"


class Webhook(msgspec.Struct):
    """One registration. `pinged`: its ping has been answered with 200."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created: int
    status: str = "active"
    modified: int | None = None
    failures: int = 0
    pinged: bool = False


class Webhooks:
    """Registrations and the thread that delivers. `payload(topic, id)` gives the body to send, None = send nothing."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        site: str,
        now: Callable[[], int],
        payload: Callable[[str, int], JSON | None],
        delay: float,
        twice: bool,
    ) -> None:
        self.hooks: dict[int, Webhook] = {}
        self.delay = delay
        self.twice = twice
        self._zone, self._site, self._now, self._payload = zone, site, now, payload
        self._waiting: dict[tuple[int, int], float] = {}  # (webhook, resource) → when to deliver
        self._pings: list[int] = []
        self._busy = False
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(5), retries=False)

    def get(self, id_: object) -> Webhook:
        """A registration; the shop's 404 otherwise."""
        hook = self.hooks.get(id_) if isinstance(id_, int) else None
        if hook is None:
            raise Refused(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        return hook

    def create(self, body: JSON) -> Webhook:
        """Register and ping at once."""
        topic, url = str(body["topic"]), str(body["delivery_url"])
        if topic not in _HOOKS and not topic.startswith("action."):
            code = "woocommerce_rest_shop_webhook_invalid_topic"
            raise Refused(400, code, "Webhook topic is required and must be valid.")
        self._check_url(url)
        hook = Webhook(
            id=max(self.hooks, default=0) + 1,
            name=str(body.get("name") or "Webhook"),
            topic=topic,
            delivery_url=url,
            secret=str(body.get("secret") or "woo-generated-secret"),
            created=self._now(),
        )
        self.hooks[hook.id] = hook
        self._set_status(hook, str(body.get("status", "active")))
        return hook

    def update(self, hook: Webhook, body: JSON) -> Webhook:
        """Change a registration; making it active forgets its failures and pings again."""
        if "delivery_url" in body:
            self._check_url(str(body["delivery_url"]))
        for name in ("name", "topic", "delivery_url", "secret"):
            if body.get(name):
                setattr(hook, name, str(body[name]))
        hook.modified = self._now()
        if "status" in body:
            self._set_status(hook, str(body["status"]))
        return hook

    def as_json(self, hook: Webhook) -> JSON:
        """The registration as /webhooks shows it: never with its secret."""
        resource, _, event = hook.topic.partition(".")
        return {
            "id": hook.id,
            "name": hook.name,
            "status": hook.status,
            "topic": hook.topic,
            "resource": resource,
            "event": event,
            "hooks": _HOOKS.get(hook.topic, [event]),
            "delivery_url": hook.delivery_url,
            **dates("date_created", hook.created, self._zone),
            **dates("date_modified", hook.modified, self._zone),
            "_links": links(self._site, f"/webhooks/{hook.id}"),
        }

    def tell(self, topic: str, id_: int) -> None:
        """Something happened: every active webhook of that topic gets one delivery about it, later."""
        if not self.hooks:
            return
        with self._wake:
            for hook in self.hooks.values():
                if hook.topic == topic and hook.status == "active":
                    self._waiting.setdefault((hook.id, id_), time.monotonic() + self.delay)
            self._start()

    def flush(self, seconds: float = 10) -> None:
        """Wait until everything is delivered; TimeoutError when it takes longer."""
        until = time.monotonic() + seconds
        with self._wake:
            while self._waiting or self._pings or self._busy:
                if not self._wake.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise TimeoutError("webhooks are still waiting")

    def _check_url(self, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            code = "woocommerce_rest_shop_webhook_invalid_delivery_url"
            raise Refused(400, code, "Webhook delivery URL must be a valid URL starting with http:// or https://.")

    def _set_status(self, hook: Webhook, status: str) -> None:
        hook.status = status
        if status == "active":
            hook.failures, hook.pinged = 0, False
            with self._wake:
                self._pings.append(hook.id)
                self._start()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="webhooks")
            self._thread.start()
        self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                now = time.monotonic()
                due = [key for key, at in self._waiting.items() if at <= now]
                pings, self._pings = self._pings, []
                if not due and not pings:
                    nearest = min(self._waiting.values(), default=now + 60)
                    self._wake.wait(max(0.001, nearest - now))
                    continue
                for key in due:
                    del self._waiting[key]
                self._busy = True
            for id_ in pings:
                if id_ in self.hooks:
                    self._ping(self.hooks[id_])
            for hook_id, id_ in due:
                if hook_id in self.hooks and self.hooks[hook_id].status == "active":
                    self._deliver(self.hooks[hook_id], id_)

    def _ping(self, hook: Webhook) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        hook.pinged = self._post(hook.delivery_url, f"webhook_id={hook.id}".encode(), form) == 200

    def _deliver(self, hook: Webhook, id_: int) -> None:
        payload = self._payload(hook.topic, id_)
        if payload is None:
            return
        body = json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()
        resource, _, event = hook.topic.partition(".")
        signature = hmac.new(hook.secret.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self._site}/",
            "X-WC-Webhook-Topic": hook.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-WC-Webhook-ID": str(hook.id),
            "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{hook.id} {self._now()}".encode()).hexdigest(),  # noqa: S324  # an id
        }
        for _ in range(2 if self.twice else 1):
            status = self._post(hook.delivery_url, body, headers)
            if 200 <= status < 303:
                hook.failures = 0
            elif hook.failures > 5:
                hook.status, hook.modified = "disabled", self._now()
            else:
                hook.failures += 1
        if not hook.pinged:
            self._ping(hook)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        sent: dict[str, Any] = {"User-Agent": _AGENT, "Accept": "*/*", **headers}
        try:
            return self._pool.request("POST", url, body=body, headers=sent, redirect=False).status
        except HTTPError:
            return 0  # a failed delivery is counted by the caller; nobody is told, as in the real shop
