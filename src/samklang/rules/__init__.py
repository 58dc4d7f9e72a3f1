"""Rules: a condition and an action on a record, on its way in or out of a connection. Pure.

`model`      what a rule is: data, as it lies in JSON or TOML      `load`      from plain data and back, with errors
`paths`      fields of a frozen record by name                     `text`      values as text, `{path}` templates
`patterns`   regular expressions that cannot run away              `engine`    a chain compiled, applied, previewed
`conditions` condition → predicate                                 `actions`   action → function
`describe`   a rule as an English sentence (translatable)          `outcome`   context, ignored, failed
`hookspecs`  every extension point for plugins                     `plugins`   the plugins found, called safely
"""

from samklang.rules.describe import describe
from samklang.rules.engine import Chain, apply, compile
from samklang.rules.load import dump, load
from samklang.rules.model import Rule
from samklang.rules.outcome import Context, Ignored, InvalidRules, Outcome, RuleFailed
from samklang.rules.plugins import Plugins
from samklang.rules.preview import Change, Step, changes, preview

__all__ = [
    "Chain",
    "Change",
    "Context",
    "Ignored",
    "InvalidRules",
    "Outcome",
    "Plugins",
    "Rule",
    "RuleFailed",
    "Step",
    "apply",
    "changes",
    "compile",
    "describe",
    "dump",
    "load",
    "preview",
]
