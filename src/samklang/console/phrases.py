"""Rules as sentences in the reader's language: the phrases of rules/describe.py, translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from samklang.people.retold import retold
from samklang.rules import InvalidRules, describe, load
from samklang.rules.describe import PHRASES


def spoken() -> Mapping[str, str]:
    """The phrases in the language of the page."""
    return {key: gettext(phrase) if phrase.strip() else phrase for key, phrase in PHRASES.items()}


def condition(data: Mapping[str, Any]) -> str:
    """A condition as a sentence, such as: brand is “Acme”."""
    phrases = {**spoken(), "if": "{condition}"}
    try:
        return describe(load([{"when": data, "then": {"do": "ignore"}}])[0], phrases)
    except InvalidRules as error:
        return retold(str(error))


#: The phrases once more, where the catalogue's maker finds them; a test holds this list to PHRASES.
TO_TRANSLATE = (
    _("{action}."),
    _("If {condition}, {action}."),
    _("For each of {rows}: {sentence}"),
    _("(switched off) {sentence}"),
    _(" and "),
    _(" or "),
    _("{field} is {value}"),
    _("{field} is not {value}"),
    _("{field} is one of {values}"),
    _("{field} contains {value}"),
    _("{field} begins with {value}"),
    _("{field} matches the expression {value}"),
    _("{field} is above {value}"),
    _("{field} is below {value}"),
    _("{field} is empty"),
    _("{field} is not empty"),
    _("nothing (never)"),
    _("anything (always)"),
    _("({conditions})"),
    _("not ({condition})"),
    _("set {field} to {value}"),
    _("empty {field}"),
    _("copy {source} to {target}"),
    _("replace {find} by {with} in {field}"),
    _("replace what matches the expression {find} by {with} in {field}"),
    _("remove {find} from {field}"),
    _("keep only those {rows} where {condition}"),
    _("add to {rows} a row with {values}"),
    _("translate {field} by a table ({table}){otherwise}"),
    _(", everything else to {default}"),
    _(", and stop on anything else"),
    _("turn {field} from HTML into plain text"),
    _("clean the HTML of {field}, keeping only {tags}"),
    _("join {fields} into {into}"),
    _("change {field}: {steps}"),
    _("raise by {number} %"),
    _("lower by {number} %"),
    _("add {number}"),
    _("subtract {number}"),
    _("round to the nearest {number}"),
    _("round up to a multiple of {number}"),
    _("round down to a multiple of {number}"),
    _("nothing"),
    _(", then "),
    _("replace SKUs by a table ({table}){otherwise}"),
    _("set in the address {address}: {values}"),
    _("replace the address {address} by: {values}"),
    _("choose carrier and service from {source} ({table}){otherwise}"),
    _("leave the record out"),
    _("leave the record out: {reason}"),
    _("stop the record and tell: {message}"),
    _("let the plugin {name} change the record"),
    _("… ({count} in all)"),
)
