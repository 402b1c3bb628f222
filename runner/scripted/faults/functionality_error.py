"""E2.2: the code runs but does not do what it is meant to, or takes the data to be other than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.scripted.faults._patterns import stops, strays
from runner.scripted.mutate import logic, schema

if TYPE_CHECKING:
    from runner.scripted.moves import Script
    from runner.scripted.scene import Scene

CAUSE = "E2.2"


def other_value(scene: Scene) -> Script | None:
    """Compute another value than the plan says: another column, bound, element, statistic or selector."""
    return strays(scene, lambda code: logic.values(code, scene.rng, scene.columns))


def lost_condition(scene: Scene) -> Script | None:
    """Leave a condition or a cleaning step out of the code that the plan asks for."""
    return strays(scene, lambda code: logic.filters(code, scene.rng))


def assumed_schema(scene: Scene) -> Script | None:
    """Ask the data for a name that it does not have."""
    return stops(scene, lambda code: schema.assumed(code, scene.rng, scene.columns), ("KeyError", "IndexError"))


VARIANTS = {"other_value": other_value, "lost_condition": lost_condition, "assumed_schema": assumed_schema}
