"""Every extension point of Samklang that a plugin can fill.

A plugin is a Python package with an entry point in the group `samklang.plugins`; the entry point's name is the name
that a rule's `plugin` action uses, its object a module or an instance with functions marked `@hookimpl`:

    # pyproject.toml                                  # my_plugin.py
    [project.entry-points."samklang.plugins"]         from samklang.rules.hookspecs import hookimpl
    round_weights = "my_plugin"
                                                      @hookimpl
                                                      def transform(record, context): ...

Whole systems are not plugins but connectors: entry-point group `samklang.connectors`, see samklang.connectors.
"""

from __future__ import annotations

import pluggy

from samklang.records.base import Record
from samklang.rules.outcome import Context, Ignored

GROUP = "samklang.plugins"

hookspec = pluggy.HookspecMarker("samklang")
hookimpl = pluggy.HookimplMarker("samklang")


@hookspec(firstresult=True)
def transform(record: Record, context: Context) -> Record | Ignored | None:
    """Change a record, as a rule's action does; called only where a rule's `plugin` action names this plugin.

    Return the same record, a changed one of the same type (`msgspec.structs.replace(record, …)`), or
    `Ignored(reason=…)`. Returning nothing is a fault. Records are frozen; their mappings must not be changed either.
    `context.options` are the rule's. Any exception stops this record only and is shown to a person with the plugin's
    name. It runs once per record and rule, on the way of every record: keep it pure and fast, without I/O.
    """
