"""Options: what `coroner bench run` is told, made into a bench's configuration, or refused with the reason."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.matrix import Config
from runner.task import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.proxy.caps import Caps
    from runner.task import Task

AUTO = "auto"
SHORT = {"web": Category.WEB, "data": Category.DATA, "files": Category.FILES}


class OptionError(ValueError):
    """An option that cannot be meant. Says which there are."""


def words(text: str, what: str) -> tuple[str, ...]:
    """Split a list with commas, without repeats. Raises OptionError where nothing is in it."""
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not found:
        raise OptionError(f"{what}: nothing is named")
    return found


def numbers(text: str, what: str) -> tuple[int, ...]:
    """Read a list of numbers above 0. Raises OptionError."""
    try:
        found = tuple(int(word) for word in words(text, what))
    except ValueError:
        raise OptionError(f"{what}: {text!r} is no list of numbers such as 3,5,10") from None
    if min(found) < 1:
        raise OptionError(f"{what}: {min(found)} is less than 1")
    return tuple(sorted(set(found)))


def known(names: Sequence[str], there: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the names, `all` for all there are. Raises OptionError for one that is not there."""
    if "all" in names:
        return tuple(there)
    for name in names:
        if name not in there:
            raise OptionError(f"{what}: no {name!r}; there are {', '.join(there)}")
    return tuple(names)


def choose(tasks: Sequence[Task], names: Iterable[str]) -> tuple[Task, ...]:
    """Return the tasks that ids, categories (web, data, files, or in full) and `all` name, in the set's order."""
    chosen: set[str] = set()
    for name in names:
        category = SHORT.get(name) or next((each for each in Category if each == name), None)
        found = {task.id for task in tasks if name in {"all", task.id} or task.category is category}
        if not found:
            there = ", ".join(task.id for task in tasks)
            raise OptionError(f"--tasks: no task or category {name!r}; there are all, {', '.join(SHORT)}, {there}")
        chosen |= found
    return tuple(task for task in tasks if task.id in chosen)


def fingerprint(tasks: Iterable[Task]) -> str:
    """Hash what tasks say, so that a bench is not resumed with others of the same names."""
    text = "\n".join(task.model_dump_json() for task in tasks)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def faults(text: str) -> tuple[str, ...]:
    """Read CAUSE or CAUSE:variant, or `all`. Causes may be ids, slugs or names. Raises OptionError."""
    from classifier import taxonomy  # noqa: PLC0415 - only where faults are played
    from runner.scripted import faults as played  # noqa: PLC0415 - as above

    causes = taxonomy.load()
    there = played.causes()
    found: list[str] = []
    for word in words(text, "--fault"):
        if word == "all":
            found += there
            continue
        name, _, variant = word.partition(":")
        cause = causes.resolve(name)
        if cause is None or cause.id not in there:
            raise OptionError(f"--fault: no fault plays {name!r}; there are all, {', '.join(there)}")
        variants = tuple(played.load(cause.id).VARIANTS)
        if variant and variant not in variants:
            raise OptionError(f"--fault: {cause.id} has no variant {variant!r}; there are {', '.join(variants)}")
        found.append(f"{cause.id}:{variant}" if variant else cause.id)
    return tuple(dict.fromkeys(found))


def environments() -> Path:
    """Return the folder where the frameworks' environments are: $CORONER_FRAMEWORKS, else in coroner's cache."""
    from classifier.embedders import cache_folder  # noqa: PLC0415 - read at every start of coroner

    return Path(os.environ.get("CORONER_FRAMEWORKS") or cache_folder() / "frameworks")


def frameworks(text: str) -> tuple[str, ...]:
    """Read names of frameworks, or `all`. Raises OptionError."""
    from runner import frameworks as there  # noqa: PLC0415 - read at every start of coroner

    return known(words(text, "--framework"), there.names(), "--framework")


def sandbox(name: str, *, unsafe: bool) -> str:
    """Choose the sandbox. Raises OptionError where it does not work here, or is none and was not asked for as such."""
    from runner import sandboxes  # noqa: PLC0415 - as above

    if unsafe and name not in {AUTO, "unsafe"}:
        raise OptionError(f"--unsafe: no sandbox and --sandbox {name} cannot both be; leave one out")
    try:
        if unsafe or name == AUTO:
            return sandboxes.pick(unsafe=unsafe)
        found = sandboxes.load(name)
        if not getattr(found, "SAFE", True):
            raise OptionError(f"--sandbox: {name} is none; say --unsafe for it, on a machine that may be lost")
        if reason := found.available():
            raise OptionError(f"--sandbox: {name} does not work here: {reason}")
    except sandboxes.SandboxError as error:
        raise OptionError(f"--sandbox: {error}") from error
    return name


def configure(
    *,
    frameworks: tuple[str, ...],
    models: tuple[str, ...],
    task_set: str,
    tasks: tuple[Task, ...],
    rounds: tuple[int, ...],
    repeat: int,
    faults: tuple[str, ...],
    sandbox: str,
    caps: Caps,
    model_base: str | None,
    window: int | None,
) -> Config:
    """Put it together. Raises OptionError for what does not go together."""
    if faults and models != ("scripted",):
        raise OptionError("--fault: only the scripted model plays faults; leave --model out")
    if "scripted" in models:
        mute = [task.id for task in tasks if not task.stages]
        if mute:
            raise OptionError(f"--model scripted: {mute[0]} has no reference solution that it could play")
    return Config(
        frameworks=frameworks,
        models=models,
        task_set=task_set,
        tasks=tuple(task.id for task in tasks),
        fingerprint=fingerprint(tasks),
        rounds=rounds,
        repeat=repeat,
        faults=faults,
        sandbox=sandbox,
        caps=caps,
        model_base=model_base,
        window=window,
    )
