"""The plugins that are installed, loaded when a rule first names them and called so that a broken one harms nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

import pluggy

from samklang.records.base import Record, decode, encode
from samklang.rules import hookspecs
from samklang.rules.outcome import Context, FieldError, Ignored

Transform = Callable[[Record, Context], Record | Ignored]


class Plugins:
    """Plugins by name: those of the entry-point group `samklang.plugins`, and those given to `register`."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("samklang")
        self._manager.add_hookspecs(hookspecs)

    def names(self) -> tuple[str, ...]:
        """What a rule can name, sorted; an installed plugin is listed without being loaded."""
        registered = (name for name, plugin in self._manager.list_name_plugin() if plugin is not None)
        return tuple(sorted({*registered, *(entry.name for entry in entry_points(group=hookspecs.GROUP))}))

    def register(self, plugin: ModuleType | object, name: str) -> None:
        """Make a plugin known that is not installed as a package (an embedding program, a test)."""
        self._manager.register(plugin, name)

    def transform(self, name: str) -> Transform:
        """The plugin's `transform`, guarded: whatever goes wrong in it comes out as FieldError with the plugin's name.

        A plugin that is missing or cannot be loaded does not raise here but for each record, so that a chain always
        compiles and only the records it concerns are stopped.
        """
        do_this = f"Report it to the author of the plugin {name}, or take the rule out."
        try:
            hook = self._hook(name)
        except Exception as error:  # noqa: BLE001  # loading runs foreign code, which may raise anything
            broken = f"plugin {name} cannot be loaded: {type(error).__name__}: {error}"

            def refuse(record: Record, context: Context) -> Record | Ignored:
                raise FieldError("", broken, do_this)

            return refuse

        def call(record: Record, context: Context) -> Record | Ignored:
            try:
                result = hook(record=record, context=context)
                if result is record or isinstance(result, Ignored):
                    return result
                if type(result) is not type(record):
                    raise TypeError(f"it returned {type(result).__name__} instead of {type(record).__name__}")
                # Structs do not check their fields when they are made; decoding does.
                return decode(record.type, encode(result))
            except Exception as error:
                # Foreign code may raise anything; this boundary lets none of it through unnamed.
                raise FieldError("", f"plugin {name}: {type(error).__name__}: {error}", do_this) from error

        return call

    def _hook(self, name: str) -> pluggy.HookCaller:
        if self._manager.get_plugin(name) is None:
            found = entry_points(group=hookspecs.GROUP, name=name)
            if not found:
                raise LookupError(f"it is not installed (installed: {', '.join(self.names()) or 'none'})")
            self._manager.register(next(iter(found)).load(), name)
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name and plugin is not None]
        return self._manager.subset_hook_caller("transform", others)


@cache
def installed() -> Plugins:
    """The plugins of this environment, shared by all chains."""
    return Plugins()
