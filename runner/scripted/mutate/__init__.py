"""Mutations: one small change to a piece of code that makes it wrong in a certain way.

Each file yields changes of one kind, in an order that the seed decides. None of them knows whether the change does any
harm: that is found out in the lab, or by compiling.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator


class Mutation(NamedTuple):
    """Changed code, what was changed (for the label's note), and how a plan would ask for it, "" if it can't."""

    code: str
    what: str
    plan: str = ""


class Edit(NamedTuple):
    """A piece of the code that another text replaces."""

    start: int
    end: int
    text: str
    what: str
    plan: str = ""

    def apply(self, code: str) -> Mutation:
        """Make the change."""
        return Mutation(code[: self.start] + self.text + code[self.end :], self.what, self.plan)


class Source:
    """Code with its syntax tree, and where a node lies in it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.tree = ast.parse(code)
        self._lines = [0]
        for line in code.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._inside = _in_strings(self.tree)

    def nodes(self) -> Iterator[ast.expr]:
        """Yield the expressions whose place is known, which inside an f-string it is not."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr) and node not in self._inside:
                yield node

    def place(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and a column, which the tree counts in bytes."""
        start = self._lines[line - 1]
        text = self.code[start : self._lines[line]] if line < len(self._lines) else self.code[start:]
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        """Return where a node begins and ends."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self.place(node.lineno, node.col_offset), self.place(end_line, end_column)

    def text(self, node: ast.expr) -> str:
        """Return the code of a node."""
        start, end = self.span(node)
        return self.code[start:end]


def shuffled(edits: list[Edit], rng: random.Random, code: str) -> Iterator[Mutation]:
    """Yield the changed codes in a random order."""
    rng.shuffle(edits)
    for edit in edits:
        yield edit.apply(code)


def _in_strings(tree: ast.AST) -> set[ast.AST]:
    return {
        inner for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in ast.walk(node) if inner != node
    }
