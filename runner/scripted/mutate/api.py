"""Code that calls a function or method in a way that it does not have: names, arguments, types."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, Source, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterator

    from runner.scripted.mutate import Mutation

_NAMES = {
    "groupby": ("group_by", "groupBy"),
    "read_csv": ("load_csv", "from_csv", "open_csv"),
    "read_json": ("load_json",),
    "to_datetime": ("parse_datetime", "as_datetime"),
    "find_all": ("select_all", "find_each"),
    "select": ("query_selector_all", "css_select"),
    "select_one": ("query_selector", "select_first"),
    "find": ("find_first", "find_one"),
    "get_text": ("inner_text", "text_content"),
    "append": ("push", "add_last"),
    "strip": ("trim", "clean"),
    "split": ("explode_on", "divide"),
    "splitlines": ("lines", "split_lines"),
    "mean": ("average", "avg"),
    "median": ("middle",),
    "items": ("iteritems", "pairs"),
    "sort_values": ("sort_by", "order_by"),
    "dropna": ("drop_na", "remove_missing"),
    "drop_duplicates": ("unique_rows", "dropDuplicates"),
    "merge": ("join_on", "left_merge"),
    "value_counts": ("count_values",),
    "read_text": ("readall", "get_text_content"),
    "glob": ("list_glob", "find_files"),
    "json": ("as_json", "to_dict"),
    "get": ("fetch", "get_value"),
    "lower": ("to_lower", "toLowerCase"),
    "astype": ("as_type", "cast_to"),
    "quantile": ("percentile_of",),
    "std": ("stddev", "standard_deviation"),
    "corr": ("correlation", "correlate_with"),
    "replace": ("replace_all",),
    "join": ("concat_all",),
    "fit": ("train",),
    "sum": ("total",),
    "max": ("maximum_of",),
    "nunique": ("n_unique",),
    "apply": ("apply_each",),
    "post": ("send_form",),
}
_ARGUMENTS = (
    "strict=True",
    "inplace_copy=False",
    "skip_missing=True",
    "as_list=True",
    "mode='auto'",
    "verbose=1",
    "flatten=True",
)
_KEYWORDS = {
    "by": "columns",
    "on": "key",
    "how": "join_type",
    "subset": "cols",
    "ascending": "descending",
    "sep": "separator_char",
    "key": "by",
    "encoding": "charset",
    "ddof": "degrees",
    "timeout": "max_wait",
    "params": "query",
    "headers": "header",
    "data": "form",
    "errors": "on_error",
    "errors ": "invalid",
    "reverse": "descending",
    "parse_dates": "dates",
    "default": "fallback",
    "axis": "dim",
}


def misused(code: str, rng: random.Random) -> Iterator[Mutation]:
    """Yield code with a call that cannot be made so."""
    source = Source(code)
    kinds: dict[str, list[Edit]] = {"name": [], "keyword": [], "argument": [], "import": [], "result": [], "type": []}
    for node in source.nodes():
        if isinstance(node, ast.Call):
            _call(source, node, rng, kinds)
    kinds["import"].extend(_imports(code))
    order = [edits for _, edits in sorted(kinds.items()) if edits]
    rng.shuffle(order)
    piles = [list(shuffled(edits, rng, code)) for edits in order]
    while any(piles):  # a change of each kind in turn
        for pile in piles:
            if pile:
                yield pile.pop()


def _call(source: Source, call: ast.Call, rng: random.Random, kinds: dict[str, list[Edit]]) -> None:
    _, end = source.span(call)
    _, named = source.span(call.func)
    if isinstance(call.func, ast.Attribute):
        name = call.func.attr
        for other in _NAMES.get(name, (_camel(name),) if "_" in name else ()):
            kinds["name"].append(Edit(named - len(name), named, other, f"there is no {other}; it is called {name}"))
        if (
            not call.args
            and not call.keywords
            and name in ("json", "read", "mean", "sum", "items", "lower", "get_text")
        ):
            kinds["result"].append(Edit(named, end, "", f"{name} is not called, so that its result is a method"))
    for keyword in call.keywords:
        if keyword.arg in _KEYWORDS:
            at, _ = source.span(keyword)
            other = _KEYWORDS[keyword.arg]
            what = f"there is no argument {other}; it is called {keyword.arg}"
            kinds["keyword"].append(Edit(at, at + len(keyword.arg), other, what))
    if source.code[end - 1 : end] == ")" and not _is_print(call):
        given = rng.choice(_ARGUMENTS)
        text = f", {given}" if call.args or call.keywords else given
        if not source.code[: end - 1].rstrip().endswith(","):
            kinds["argument"].append(Edit(end - 1, end - 1, text, f"there is no argument {given.partition('=')[0]}"))
    if call.args and not isinstance(call.args[0], ast.Starred | ast.GeneratorExp) and not _is_print(call):
        first, last = source.span(call.args[0])
        text = source.code[first:last]
        kinds["type"].append(Edit(first, last, f"[{text}]", "a list is passed where one value is taken"))
        kinds["type"].append(Edit(first, last, f"{text}, None", "an argument too many is passed"))


def _is_print(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "print"


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)


def _imports(code: str) -> Iterator[Edit]:
    for match in re.finditer(r"^(?:import|from) .+\n", code, re.MULTILINE):
        if "(" not in match[0]:
            yield Edit(match.start(), match.end(), "", f"what {match[0].strip()!r} provides is used but not imported")


_PLACEHOLDERS = (
    "YOUR_API_KEY",
    "<token>",
    "your-key-here",
    "INSERT_VALUE",
    "xxx",
    "TODO",
    "<value>",
    "...",
    "REPLACE_ME",
)


def placeholders(code: str, rng: random.Random, kept: Collection[str] = ()) -> Iterator[Mutation]:
    """Yield code with a placeholder for a text that is passed to a call, but for the texts in `kept`."""
    source = Source(code)
    edits: list[Edit] = []
    for node in source.nodes():
        if not isinstance(node, ast.Call) or _is_print(node):
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        given += [value for one in given if isinstance(one, ast.Dict) for value in one.values]
        for value in given:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
                if value.value in kept or re.search(r"[*/]|\.\w+$", value.value):  # a path
                    continue
                start, end = source.span(value)
                other = rng.choice(_PLACEHOLDERS)
                edits.append(Edit(start, end, f'"{other}"', f"{other!r} stands where {value.value!r} belongs"))
    yield from shuffled(edits, rng, code)
