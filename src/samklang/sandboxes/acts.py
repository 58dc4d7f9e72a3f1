"""What the people at the other system do, called by hand over HTTP: POST /_sandbox/<act>, the method's arguments as
JSON. The answer is {"result": …}, the system's own refusal, or {"error": …}."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

encode = msgspec.json.Encoder(decimal_format="number").encode
decode = msgspec.json.Decoder(float_hook=Decimal).decode


def answer(data: object, status: int = 200) -> Response:
    """JSON with decimals as numbers."""
    return Response(encode(data), status, media_type="application/json")


class Acts:
    """Base of stand-ins whose methods named in `actions` may be called so."""

    actions: ClassVar[Sequence[str]]

    def refused(self, wrong: Exception) -> Response | None:
        """The system's own no; None where the exception is none of its own."""
        raise NotImplementedError

    async def act(self, request: Request) -> Response:
        """The endpoint behind /_sandbox/{action}."""
        action = request.path_params["action"].replace("-", "_")
        if action not in self.actions:
            return answer({"error": f"no action {action}; known: {', '.join(self.actions)}"}, 404)
        method = getattr(self, action)
        body = await request.body()
        try:
            given = decode(body) if body else {}
            inspect.signature(method).bind(**given)
        except (TypeError, msgspec.DecodeError) as wrong:
            return answer({"error": str(wrong)}, 400)
        try:
            return answer({"result": method(**given)})
        except Exception as wrong:
            if (no := self.refused(wrong)) is not None:
                return no
            if isinstance(wrong, LookupError):  # nothing of that number
                return answer({"error": str(wrong)}, 400)
            raise
