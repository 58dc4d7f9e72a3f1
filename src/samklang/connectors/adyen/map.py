"""Numbers and names of Adyen's reports. What stands in them is the statement reader's business."""

from __future__ import annotations

from samklang.connectors.errors import Misconfigured


def name(number: int) -> str:
    """The file of a batch."""
    return f"settlement_detail_report_batch_{number}.csv"


def first_batch(given: object) -> int:
    """The number that a person entered; Misconfigured when it is none."""
    text = str(given).strip()
    if not text.isdecimal() or int(text) < 1:
        raise Misconfigured(f"The first batch {text!r} is no number", do_this="Take it from a report's name.")
    return int(text)
