"""A rule as a sentence. Phrases are looked up by key, so that another language is another table of the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.rules import model
from samklang.rules.text import text

#: English. A translation is a mapping with the same keys and the same {parameters}; missing keys fall back to these.
PHRASES: Mapping[str, str] = {
    "always": "{action}.",
    "if": "If {condition}, {action}.",
    "each": "For each of {rows}: {sentence}",
    "off": "(switched off) {sentence}",
    "and": " and ",
    "or": " or ",
    "equals": "{field} is {value}",
    "not_equals": "{field} is not {value}",
    "in": "{field} is one of {values}",
    "contains": "{field} contains {value}",
    "starts_with": "{field} begins with {value}",
    "matches": "{field} matches the expression {value}",
    "greater": "{field} is above {value}",
    "less": "{field} is below {value}",
    "empty": "{field} is empty",
    "not_empty": "{field} is not empty",
    "nothing": "nothing (never)",
    "anything": "anything (always)",
    "group": "({conditions})",
    "not": "not ({condition})",
    "set": "set {field} to {value}",
    "clear": "empty {field}",
    "copy": "copy {source} to {target}",
    "replace": "replace {find} by {with} in {field}",
    "replace_regex": "replace what matches the expression {find} by {with} in {field}",
    "remove": "remove {find} from {field}",
    "filter": "keep only those {rows} where {condition}",
    "add_row": "add to {rows} a row with {values}",
    "map": "translate {field} by a table ({table}){otherwise}",
    "otherwise_keep": "",
    "otherwise_default": ", everything else to {default}",
    "otherwise_fail": ", and stop on anything else",
    "strip_html": "turn {field} from HTML into plain text",
    "clean_html": "clean the HTML of {field}, keeping only {tags}",
    "merge": "join {fields} into {into}",
    "adjust_price": "change {field}: {steps}",
    "raise_percent": "raise by {number} %",
    "lower_percent": "lower by {number} %",
    "add": "add {number}",
    "subtract": "subtract {number}",
    "round_half_up": "round to the nearest {number}",
    "round_up": "round up to a multiple of {number}",
    "round_down": "round down to a multiple of {number}",
    "no_steps": "nothing",
    "then": ", then ",
    "replace_sku": "replace SKUs by a table ({table}){otherwise}",
    "set_address": "set in the address {address}: {values}",
    "replace_address": "replace the address {address} by: {values}",
    "map_carrier": "choose carrier and service from {source} ({table}){otherwise}",
    "ignore": "leave the record out",
    "ignore_reason": "leave the record out: {reason}",
    "fail": "stop the record and tell: {message}",
    "plugin": "let the plugin {name} change the record",
    "more": "… ({count} in all)",
}
_SHOWN = 3


def describe(rule: model.Rule, phrases: Mapping[str, str] = PHRASES) -> str:
    """The rule as a sentence in the language of `phrases`, such as: If brand is “Acme”, set tax_class to “food”."""
    say = _Speaker(phrases)
    action = say.action(rule.then)
    if rule.when:
        sentence = say("if", condition=say.condition(rule.when), action=action)
    else:
        sentence = say("always", action=action)
    sentence = say("each", rows=rule.each, sentence=sentence) if rule.each else sentence[:1].upper() + sentence[1:]
    return sentence if rule.enabled else say("off", sentence=sentence)


class _Speaker:
    """Fills phrases in. Parameters are put in as they are: a rule's own braces are never read as places."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = phrases

    def __call__(self, key: str, **parameters: str) -> str:
        return (self._phrases.get(key) or PHRASES[key]).format(**parameters)

    def condition(self, condition: model.Condition) -> str:
        match condition:
            case model.All(of=of) | model.AnyOf(of=of):
                if not of:
                    return self("anything" if isinstance(condition, model.All) else "nothing")
                word = self("and" if isinstance(condition, model.All) else "or")
                grouped = [
                    self("group", conditions=self.condition(one)) if isinstance(one, model.All | model.AnyOf) else
                    self.condition(one)
                    for one in of
                ]  # fmt: skip
                return word.join(grouped)
            case model.Not(of=inner):
                return self("not", condition=self.condition(inner))
            case model.OneOf():
                return self("in", field=condition.field, values=self._some(map(_quoted, condition.values)))
            case model.Empty() | model.NotEmpty():
                return self(_tag(condition), field=condition.field)
            case _:
                return self(_tag(condition), field=condition.field, value=_quoted(condition.value))

    def action(self, action: model.Action) -> str:
        match action:
            case model.Set():
                return self("set", field=action.field, value=_quoted(action.value))
            case model.Clear():
                return self("clear", field=action.field)
            case model.Copy():
                return self("copy", source=action.from_, target=action.to)
            case model.Replace():
                key = "replace_regex" if action.regex else "replace" if action.with_ else "remove"
                return self(key, field=action.field, find=_quoted(action.find), **{"with": _quoted(action.with_)})
            case model.Filter():
                return self("filter", rows=action.rows, condition=self.condition(action.keep))
            case model.AddRow():
                return self("add_row", rows=action.rows, values=self._pairs(action.values))
            case model.Map():
                otherwise = self(f"otherwise_{action.otherwise}", default=_quoted(action.default))
                return self("map", field=action.field, table=self._table(action.table), otherwise=otherwise)
            case model.StripHtml():
                key = "clean_html" if action.keep else "strip_html"
                return self(key, field=action.field, tags=", ".join(action.keep))
            case model.Merge():
                return self("merge", fields=self("and").join(action.fields), into=action.into)
            case model.AdjustPrice():
                return self("adjust_price", field=action.field, steps=self._price_steps(action))
            case model.ReplaceSku():
                otherwise = self(f"otherwise_{action.otherwise}")
                return self("replace_sku", table=self._table(action.table), otherwise=otherwise)
            case model.SetAddress():
                key = "set_address" if action.others == "keep" else "replace_address"
                return self(key, address=action.address, values=self._pairs(action.values))
            case model.MapCarrier():
                table = {method: f"{means.carrier} {means.service}".strip() for method, means in action.table.items()}
                otherwise = self(f"otherwise_{action.otherwise}")
                return self("map_carrier", source=action.from_, table=self._table(table), otherwise=otherwise)
            case model.Ignore():
                return self("ignore_reason" if action.reason else "ignore", reason=_quoted(action.reason))
            case model.Fail():
                return self("fail", message=_quoted(action.message))
            case model.Plugin():
                return self("plugin", name=action.name)

    def _price_steps(self, action: model.AdjustPrice) -> str:
        steps = []
        if action.percent:
            key = "raise_percent" if action.percent > 0 else "lower_percent"
            steps.append(self(key, number=text(abs(action.percent))))
        if action.add:
            steps.append(self("add" if action.add > 0 else "subtract", number=text(abs(action.add))))
        if action.round_to is not None:
            steps.append(self(f"round_{action.rounding}", number=text(action.round_to)))
        if action.add_after:
            steps.append(self("add" if action.add_after > 0 else "subtract", number=text(abs(action.add_after))))
        return self("then").join(steps) or self("no_steps")

    def _table(self, table: Mapping[str, Any]) -> str:
        return self._some(f"{_quoted(old)} → {_quoted(new)}" for old, new in table.items())

    def _pairs(self, values: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {_quoted(value)}" for name, value in values.items())

    def _some(self, items: Any) -> str:
        """The first few, so that a table of a thousand rows is still a sentence."""
        listed = list(items)
        shown = ", ".join(listed[:_SHOWN])
        return shown if len(listed) <= _SHOWN else f"{shown} {self('more', count=str(len(listed)))}"


def _tag(part: model.Condition | model.Action) -> str:
    return str(part.__struct_config__.tag)


def _quoted(value: Any) -> str:
    return text(value) if isinstance(value, int) else f"“{text(value)}”"
