"""Names in code: other variable names by the run's seed, so that runs of one task do not read alike."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

_OTHER = {
    "df": ("data", "frame", "table", "dataset", "records"),
    "data": ("df", "content", "dataset", "loaded"),
    "rows": ("records", "entries", "lines_read", "items_read"),
    "row": ("record", "entry", "item"),
    "soup": ("page", "document", "parsed", "tree", "dom"),
    "page": ("doc", "current_page", "response_page"),
    "response": ("resp", "reply", "res", "r"),
    "resp": ("response", "reply", "answer_http"),
    "r": ("response", "resp", "reply"),
    "result": ("outcome", "res", "found", "final"),
    "total": ("overall", "summed", "acc", "grand_total"),
    "values": ("vals", "numbers", "series", "collected"),
    "value": ("val", "number", "v"),
    "url": ("address", "link", "target_url", "uri"),
    "text": ("content", "body", "raw", "txt"),
    "html": ("markup", "raw_html", "body_html"),
    "items": ("entries", "elements", "things"),
    "mask": ("selected", "keep", "cond", "flags"),
    "model": ("reg", "estimator", "fitted"),
}
_TAILS = ("_", "_value", "_all", "_part", "_now", "_set", "_1", "_work")


def rename(codes: Sequence[str], rng: random.Random, share: float = 0.7) -> tuple[str, ...]:
    """Give some of the variables in these pieces of one program other names, the same in all of them.

    Only names that can be told from text, attributes and arguments are changed: as many words as there are variables.
    """
    trees = [ast.parse(code) for code in codes]
    mine = sorted(set().union(*map(_assigned, trees)))
    whole = "\n".join(codes)
    words = set(re.findall(r"\w+", whole))
    chosen: dict[str, str] = {}
    for name in mine:
        if rng.random() > share or len(re.findall(rf"\b{name}\b", whole)) != sum(_uses(tree, name) for tree in trees):
            continue
        options = (*_OTHER.get(name, ()), *(name + tail for tail in (rng.choice(_TAILS),)))
        free = [option for option in options if option not in words and option not in chosen.values()]
        if free:
            chosen[name] = rng.choice(free[:4])
    return tuple(_replaced(code, chosen) for code in codes)


def _assigned(tree: ast.AST) -> set[str]:
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {
        name
        for name in stored
        if not keyword.iskeyword(name) and not hasattr(builtins, name) and not name.startswith("_")
    }


def _uses(tree: ast.AST, name: str) -> int:
    """Count the places where the name is a plain variable; a function that takes it as an argument spoils the count."""
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _replaced(code: str, chosen: Mapping[str, str]) -> str:
    if not chosen:
        return code
    pattern = re.compile(r"\b(?:" + "|".join(sorted(chosen, key=len, reverse=True)) + r")\b")
    return pattern.sub(lambda word: chosen[word[0]], code)
