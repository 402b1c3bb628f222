"""Documentation: settings as definition lists within definition lists, and what the interface asks of its callers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.site.page import page, seeded

if TYPE_CHECKING:
    from random import Random

    from runner.site.page import Asked, Reply

_Tree: TypeAlias = "dict[str, _Tree] | tuple[str, ...]"

CLIENT = "field-kit/3"
_TREE: _Tree = {
    "transport": {
        "radio": ("hold", "idle", "wake", "channel"),
        "retry": ("backoff", "limit", "ceiling", "jitter"),
        "serial": {"port": ("settle", "baud"), "frame": ("gap", "parity", "timeout")},
        "socket": ("linger", "keepalive", "backlog"),
    },
    "storage": {
        "flash": ("flush", "sectors", "wear"),
        "card": {"mount": ("grace", "path"), "rotation": ("period", "files")},
    },
    "clock": {"sync": ("period", "server", "slack"), "drift": ("window", "order")},
    "display": {"backlight": ("fade", "level"), "menu": ("repeat", "language")},
    "alarm": {"level": ("delay", "debounce", "high"), "contact": ("pulse", "polarity")},
}
_TIMES = {"hold", "idle", "wake", "backoff", "ceiling", "jitter", "settle", "gap", "timeout", "linger", "keepalive"}
_TIMES |= {"flush", "grace", "period", "slack", "window", "fade", "repeat", "delay", "debounce", "pulse"}
_WORDS = {
    "baud": "9600",
    "parity": "even",
    "path": "/card",
    "server": "tide.example",
    "language": "nn",
    "polarity": "+",
}
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}


class Setting(NamedTuple):
    """A setting by its full name. `seconds` None: its default is no duration."""

    name: str
    default: str
    seconds: float | None
    deprecated: bool


@cache
def settings() -> tuple[Setting, ...]:
    """Return all settings, in the order of the page."""
    random = seeded("tern-settings-83")
    return tuple(_setting(name, random) for name in _leaves(_TREE, ""))


def answer(asked: Asked) -> Reply | None:
    """Answer for the pages below /docs/."""
    if asked.path == "/docs":
        return page("Moved", '<p>See <a href="/docs/">the documentation</a>.</p>')
    if asked.path in {"/docs/", "/docs/index.html"}:
        items = '<li><a href="settings.html">Settings of tern</a></li><li><a href="interface.html">Interface</a></li>'
        return page("Documentation", f"<ul>{items}</ul>")
    if asked.path == "/docs/settings.html":
        lead = (
            "<p>A setting is named by its section, the parts below it, and its own name, joined by dots. Durations are "
            "given in ms, s or min. What is marked as deprecated is ignored by tern 3.</p>\n"
        )
        return page("Settings of tern", lead + _list(_TREE, "", {setting.name: setting for setting in settings()}))
    if asked.path == "/docs/interface.html":
        return page("Interface", _INTERFACE)
    return None


_INTERFACE = f"""<p>Readings are served as JSON below <code>/api/v2/</code>.</p>
<h2>Who is asking</h2>
<p>Requests name their client in the header <code>X-Tern-Client</code>. Programs that are not registered use
<code>{CLIENT}</code>. The header <code>Accept</code> must be <code>application/json</code>.</p>
<h2>Resources</h2>
<dl>
<dt><code>/api/v2/stations</code></dt><dd>The stations and their codes.</dd>
<dt><code>/api/v2/readings?station=CODE</code></dt><dd>Readings of one station, a part at a time. Where
<code>next_cursor</code> is not null, ask again with <code>&amp;cursor=</code> and its value, percent-encoded.</dd>
</dl>"""


def _leaves(tree: _Tree, above: str) -> list[str]:
    if isinstance(tree, tuple):
        return [above + name for name in tree]
    return [leaf for name, below in tree.items() for leaf in _leaves(below, f"{above}{name}.")]


def _setting(name: str, random: Random) -> Setting:
    own = name.rpartition(".")[2]
    deprecated = random.random() < 0.25
    if own not in _TIMES:
        return Setting(name, _WORDS.get(own, str(random.randrange(1, 64))), None, deprecated)
    unit = random.choice(tuple(_UNITS))
    count = random.randrange(50, 950, 50) if unit == "ms" else random.randrange(2, 20)
    return Setting(name, f"{count} {unit}", round(count * _UNITS[unit], 3), deprecated)


def _list(tree: _Tree, above: str, known: dict[str, Setting]) -> str:
    if isinstance(tree, tuple):
        inner = "\n".join(_definition(known[above + name]) for name in tree)
    else:
        inner = "\n".join(
            f'<dt class="section"><code>{name}</code></dt>\n<dd>{_list(below, f"{above}{name}.", known)}</dd>'
            for name, below in tree.items()
        )
    return f"<dl>\n{inner}\n</dl>"


def _definition(setting: Setting) -> str:
    own = setting.name.rpartition(".")[2]
    mark = ' <em class="deprecated">Deprecated.</em>' if setting.deprecated else ""
    note = " Values above 30 min are cut." if setting.seconds else ""
    return (
        f"<dt><code>{own}</code></dt>\n"
        f'<dd>The {own} of this part.{note} Default: <span class="default">{setting.default}</span>.{mark}</dd>'
    )
