"""Sheets: cells of CSV that a spreadsheet takes for text, whatever they begin with, and back."""

from __future__ import annotations

from typing import Any

# what makes a spreadsheet compute (OWASP, "CSV Injection"); the quote is among them so that `plain` undoes `safe`
RISKY = "=+-@\t\r\n'"


def safe(value: Any) -> Any:
    """Keep a spreadsheet from taking a text for a formula: a quote goes before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] and value[0] in RISKY else value


def plain(value: str) -> str:
    """Take the quote away that `safe` put there."""
    return value[1:] if value[:1] == "'" and value[1:2] and value[1] in RISKY else value
