"""Code that runs and computes something else than intended: another statistic, bound, column, element or condition."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from runner.scripted.mutate import Edit, Mutation, Source, shuffled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

_METHODS = {
    "mean": ("median", "max"),
    "median": ("mean",),
    "sum": ("max", "mean"),
    "max": ("min",),
    "min": ("max",),
    "idxmax": ("idxmin",),
    "idxmin": ("idxmax",),
    "std": ("var",),
    "var": ("std",),
    "nunique": ("count",),
    "count": ("nunique",),
    "head": ("tail",),
    "tail": ("head",),
    "first": ("last",),
    "last": ("first",),
    "any": ("all",),
    "all": ("any",),
    "nlargest": ("nsmallest",),
    "nsmallest": ("nlargest",),
    "pearsonr": ("spearmanr",),
    "spearmanr": ("pearsonr",),
    "skew": ("kurt",),
    "find_next_sibling": ("find_previous_sibling",),
    "find_previous_sibling": ("find_next_sibling",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "ffill": ("bfill",),
    "bfill": ("ffill",),
    "cumsum": ("cummax",),
    "rglob": ("glob",),
    "quantile": ("median",),
    "groupby": (),
}
_WORDS = {
    "idxmax": "entry with the largest value",
    "idxmin": "entry with the smallest value",
    "std": "standard deviation",
    "var": "variance",
    "nunique": "number of different values",
    "count": "plain number of entries",
    "min": "smallest value",
    "max": "largest value",
    "tail": "last entries",
    "head": "first entries",
}
_FUNCTIONS = {"max": "min", "min": "max", "sum": "max", "any": "all", "all": "any"}
_DROPPED = ("strip", "dropna", "drop_duplicates", "lower", "upper", "casefold", "abs", "sort_values", "reset_index",
            "title", "removeprefix", "fillna")  # fmt: skip
_COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<"),
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
}
_KEYWORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "ascending": {"True": ("False",), "False": ("True",)},
    "reverse": {"True": ("False",)},
    "how": {'"inner"': ('"left"', '"outer"'), '"left"': ('"inner"',), "'inner'": ("'left'",), "'left'": ("'inner'",)},
    "keep": {'"first"': ('"last"', "False"), '"last"': ('"first"',)},
    "ddof": {"0": ("1",), "1": ("0",)},
    "dayfirst": {"True": ("False",)},
    "errors": {},
}
_TAGS = {"td": "th", "th": "td", "dd": "dt", "dt": "dd", "li": "ul", "h1": "h2", "h2": "h3", "h3": "h2", "tr": "td",
         "p": "span", "span": "p", "a": "link", "code": "pre", "dl": "ul", "ul": "ol", "ol": "ul", "table": "tbody",
         "div": "section"}  # fmt: skip


def values(code: str, rng: random.Random, columns: Sequence[str] = ()) -> Iterator[Mutation]:
    """Yield code that should run and give another value. `columns` are names that may stand for one another."""
    source = Source(code)
    edits: list[Edit] = []
    for node in source.nodes():
        edits.extend(_changes(source, node, columns))
    yield from shuffled(edits, rng, code)


def filters(code: str, rng: random.Random) -> Iterator[Mutation]:
    """Yield code that leaves a condition or a cleaning step out."""
    source = Source(code)
    edits: list[Edit] = []
    for node in source.nodes():
        if isinstance(node, ast.Call):
            edits.extend(_without(source, node))
        elif isinstance(node, ast.BoolOp | ast.BinOp) and _joins(node):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.left, node.right]
            start, end = source.span(node)
            for part in parts:
                rest = [source.text(other) for other in parts if other is not part]
                kept = (" and " if isinstance(node, ast.BoolOp) else " & ").join(rest)
                gone = source.text(part)
                edits.append(Edit(start, end, kept, f"the condition {gone} is left out", "use all entries, unfiltered"))
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp):
            for generator in node.generators:
                for condition in generator.ifs:
                    _, begin = source.span(generator.iter)
                    _, end = source.span(condition)
                    gone = source.text(condition)
                    what = f"the condition {gone} is left out"
                    if len(generator.ifs) == 1:
                        edits.append(Edit(begin, end, "", what, "take every entry, without a filter"))
    yield from shuffled(edits, rng, code)


def _joins(node: ast.BoolOp | ast.BinOp) -> bool:
    return isinstance(node.op, ast.And | ast.BitAnd)


def _changes(source: Source, node: ast.expr, columns: Sequence[str]) -> Iterator[Edit]:
    match node:
        case ast.Call(func=ast.Attribute() as method):
            yield from _method(source, method)
            yield from _without(source, node)
            yield from _keywords(source, node)
            yield from _selector(source, node, method)
        case ast.Call(func=ast.Name(id=name)):
            yield from _function(source, node, name)
        case ast.Compare(ops=[operator], comparators=[right]):
            yield from _between(source, node.left, right, _COMPARED.get(type(operator), ()))
        case ast.BinOp(op=operator):
            other = _OPERATORS.get(type(operator))
            yield from _between(source, node.left, node.right, (other,) if other else ())
        case ast.Subscript(slice=index):
            yield from _subscript(source, index, columns)
        case _:
            return


def _method(source: Source, method: ast.Attribute) -> Iterator[Edit]:
    _, end = source.span(method)
    for other in _METHODS.get(method.attr, ()):
        plan = f"take the {_plain(other)}"
        yield Edit(end - len(method.attr), end, other, f"{other} in place of {method.attr}", plan)


def _plain(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def _without(source: Source, call: ast.Call) -> Iterator[Edit]:
    if isinstance(call.func, ast.Attribute) and call.func.attr in _DROPPED:
        _, begin = source.span(call.func.value)
        start, end = source.span(call)
        if start <= begin < end:
            if source.code[begin:end].count("\n"):
                return
            yield Edit(begin, end, "", f"{call.func.attr} is left out", f"leave the {_plain(call.func.attr)} step out")
            if source.text(call.func.value).endswith(".str"):
                yield Edit(begin - 4, end, "", f"{call.func.attr} is left out", "use the entries as they stand")


def _keywords(source: Source, call: ast.Call) -> Iterator[Edit]:
    for keyword in call.keywords:
        start, end = source.span(keyword.value)
        text = source.code[start:end]
        for other in _KEYWORDS.get(keyword.arg or "", {}).get(text, ()):
            yield Edit(start, end, other, f"{keyword.arg}={other} in place of {text}", f"use {keyword.arg}={other}")


def _selector(source: Source, call: ast.Call, method: ast.Attribute) -> Iterator[Edit]:
    if (
        method.attr not in ("find", "find_all", "select", "select_one", "find_next", "find_next_sibling")
        or not call.args
    ):
        return
    first = call.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return
    start, end = source.span(first)
    for other in _selectors(first.value):
        what = f"the selector {other!r} in place of {first.value!r}"
        yield Edit(start, end, f'"{other}"', what, f"read the elements under {other}")


def _selectors(selector: str) -> Iterator[str]:
    parts = re.split(r"(\s+|>)", selector)
    last = re.match(r"[a-z]\w*", parts[-1])
    if last and last[0] in _TAGS:
        yield "".join(parts[:-1]) + _TAGS[last[0]] + parts[-1][last.end() :]
    if match := re.search(r"[.#]([\w-]+)", selector):
        yield selector[: match.start()] + selector[match.end() :] if match.start() else f"{match[0]}-item"
    if len(parts) > 1:
        yield parts[0]


def _function(source: Source, call: ast.Call, name: str) -> Iterator[Edit]:
    start, end = source.span(call)
    if name in _FUNCTIONS:
        other = _FUNCTIONS[name]
        yield Edit(start, start + len(name), other, f"{other} in place of {name}", f"take the {_plain(other)}")
    if name == "len":
        yield Edit(end, end, " - 1", "one too few is counted", "count without the first entry")
        yield Edit(end, end, " + 1", "one too many is counted", "count one more for the header")
    if name == "range" and call.args:
        last = call.args[1] if len(call.args) > 1 else call.args[0]
        begin, stop = source.span(last)
        text = source.code[begin:stop]
        yield Edit(begin, stop, f"{text} - 1", "the loop ends one too early", "stop before the last one")
    if name == "sorted":
        yield Edit(end - 1, end - 1, ", reverse=True", "sorted the other way round", "sort from the other end")


def _between(source: Source, left: ast.expr, right: ast.expr, others: Sequence[str]) -> Iterator[Edit]:
    """Replace the operator between two operands."""
    _, start = source.span(left)
    end, _ = source.span(right)
    gap = source.code[start:end]
    operator = gap.strip().strip("()").strip()
    begin = gap.find(operator)
    if not operator or begin < 0 or "\n" in gap:
        return
    for other in others:
        where = start + begin
        what = f"{other} in place of {operator}"
        shown = f"{source.text(left)} {other} {source.text(right)}"
        yield Edit(where, where + len(operator), other, what, f"go by {shown}" if len(shown) < 60 else "")


def _subscript(source: Source, index: ast.expr, columns: Sequence[str]) -> Iterator[Edit]:
    start, end = source.span(index)
    match index:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int(number)):
            for other in {number + 1, 0 if number else -1} - {number}:
                what = f"index {other} in place of {number}"
                yield Edit(start, end, str(other), what, f"take entry {other} of each")
        case ast.Constant(value=str(name)) if name in columns:
            for column in columns:
                if column != name:
                    what = f"{column!r} is used in place of {name!r}"
                    yield Edit(start, end, f'"{column}"', what, f"use the column {column}")
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)):
            yield Edit(start, end, "0", "the first in place of the last", "take the first one of each")
        case ast.Slice():
            yield from _slice(source, index)
        case _:
            return


def _slice(source: Source, index: ast.Slice) -> Iterator[Edit]:
    start, end = source.span(index)
    colon = start + source.code[start:end].index(":")
    match index:
        case ast.Slice(lower=None, upper=ast.expr()):
            yield Edit(start, colon, "1", "the first entry is skipped", "start from the second entry")
        case ast.Slice(lower=ast.Constant(value=int(low)), upper=None):
            what = "one entry too many is skipped"
            yield Edit(start, colon, str(low + 1), what, f"start after entry {low + 1}")
        case _:
            return
