"""Prompt: a task as the text that an agent is given.

The study says which parts its prompts have: task description, instruction, constraints, environment (Lu, Li and Huo
2025, arXiv 2508.13143). Its wording could not be had, so the headings and the sentence about the answer are coroner's
own. The form of the answer, `@name[value]`, is that of InfiAgent-DABench (Hu et al. 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.task import Answer, Kind

if TYPE_CHECKING:
    from runner.task import Task


def prompt(task: Task) -> str:
    """Return the prompt. The address of the site must be in the task already: see `Task.at`."""
    parts = [("Task description", task.description), ("Instruction", task.instruction)]
    if task.constraints:
        parts.append(("Constraints", "\n".join(f"- {constraint}" for constraint in task.constraints)))
    if task.environment:
        parts.append(("Environment", task.environment))
    parts.append(("Answer form", answer_form(task)))
    return "\n\n".join(f"# {heading}\n{text.strip()}" for heading, text in parts) + "\n"


def answer_form(task: Task) -> str:
    """Say in which form the answer is to be given: one `@name[value]` for each value that is asked for."""
    one = len(task.answers) == 1
    lines = [f"State the final answer in exactly this form, {'once' if one else 'each value once'}:"]
    lines += [f"@{answer.name}[{answer.name}]" for answer in task.answers]
    lines.append("where what stands in brackets is replaced by the value:")
    lines += [f'- "{answer.name}" is {_what(answer)}' for answer in task.answers]
    return "\n".join(lines)


def _what(answer: Answer) -> str:
    return "; ".join(filter(None, (answer.what, _form(answer))))


def _form(answer: Answer) -> str:
    if answer.kind is Kind.NUMBER:
        return _number(answer.decimals)
    if answer.kind is Kind.LIST:
        items = "" if answer.decimals is None else f", each of them {_number(answer.decimals)}"
        return f"a list separated by commas, in the order asked for{items}"
    return "text with nothing added; what is taken from a source, as it stands there unless the task says otherwise"


def _number(decimals: int | None) -> str:
    plain = "without unit or thousands separator"
    if decimals is None:
        return f"a number {plain}"
    if decimals == 0:
        return f"a whole number {plain}"
    return f"a number rounded to {decimals} decimal place{'s' if decimals > 1 else ''}, {plain}"
