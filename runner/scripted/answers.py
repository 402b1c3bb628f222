"""Reading the answer off what executed code printed, and the shapes in which a last word gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.scoring import extract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.scripted.moves import Finish

_PLACEHOLDER = re.compile(r"[{}]|%[-.\d]*[sdfrg]$")  # the line of code that prints it, as a traceback shows it
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

Values = tuple[tuple[str, str], ...]  # name and value, in the order in which they were printed last


def printed(output: str) -> Values:
    """Return what an output gives in the answer's form; of a name that it gives twice, the later value."""
    return tuple((name, value) for name, value in extract(output).items() if not _PLACEHOLDER.search(value))


def _as_printed(values: Values) -> str:
    return "\n".join(f"@{name}[{value}]" for name, value in values)


def _rounded(value: str) -> str:
    return _NUMBER.sub(lambda number: f"{float(number[0]):.0f}" if "." in number[0] else f"{number[0]}.0", value)


def _grouped(value: str) -> str:
    return _NUMBER.sub(lambda number: f"{float(number[0]):,.2f}", value)


def _turned(value: str) -> str:
    items = [item.strip() for item in value.split(",")]
    return "; ".join(reversed(items)) if len(items) > 1 else f"{value}."


SHAPES: Mapping[str, Callable[[Values], str]] = {
    "as_printed": _as_printed,
    "one_line": lambda values: ", ".join(f"@{name}[{value}]" for name, value in values),
    # what a task's form does not allow
    "round_brackets": lambda values: "\n".join(f"@{name}({value})" for name, value in values),
    "equals": lambda values: "\n".join(f"{name} = {value}" for name, value in values),
    "colon": lambda values: "\n".join(f"{name}: {value}" for name, value in values),
    "bare": lambda values: ", ".join(value for _, value in values),
    "json": lambda values: "{" + ", ".join(f'"{name}": "{value}"' for name, value in values) + "}",
    "bold": lambda values: "\n".join(f"**{name}**: {value}" for name, value in values),
    "unnamed": lambda values: "\n".join(f"@answer{i}[{value}]" for i, (_, value) in enumerate(values, start=1)),
    "rounded": lambda values: "\n".join(f"@{name}[{_rounded(value)}]" for name, value in values),
    "percent": lambda values: "\n".join(f"@{name}[{value} %]" for name, value in values),
    "quoted": lambda values: "\n".join(f'@{name}["{value}"]' for name, value in values),
    "thousands": lambda values: "\n".join(f"@{name}[{_grouped(value)}]" for name, value in values),
    "reversed": lambda values: "\n".join(f"@{name}[{_turned(value)}]" for name, value in values),
    "with_remark": lambda values: "\n".join(f"@{name}[{value}, as the work above has shown]" for name, value in values),
    "with_caveat": lambda values: "\n".join(f"@{name}[probably {value}, but see above]" for name, value in values),
    "with_source": lambda values: "\n".join(
        f"@{name}[{value} according to the input, checked]" for name, value in values
    ),
    "about": lambda values: "\n".join(f"@{name}[approximately {_rounded(value)}]" for name, value in values),
    "unit": lambda values: "\n".join(f"@{name}[{value} units]" for name, value in values),
    "sentence": lambda values: "\n".join(f"@{name}[The result is {value}.]" for name, value in values),
    "prose": lambda values: " and ".join(f"{value} for {name.replace('_', ' ')}" for name, value in values),
}


def word(finish: Finish, output: str) -> str:
    """Say the last word after code has printed `output`."""
    text = finish.text
    if "{answer}" in text:
        values = printed(output)
        if not values:
            return finish.otherwise
        text = text.replace("{answer}", SHAPES[finish.shape](values))
    if "{last}" in text:
        numbers = _NUMBER.findall(output)
        if not numbers:
            return finish.otherwise
        text = text.replace("{last}", numbers[-1])
    return text
