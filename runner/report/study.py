"""What the study published, to stand beside what was measured here.

Only what could be checked word for word is here, and that is the abstract. The figures of its Tables II and III and
of its Figures 2 and 3 could not be read from a source at hand, so they are left out, not recalled.
"""

from __future__ import annotations

from classifier.trace import Frozen


class Study(Frozen):
    """Published figures, marked as such. `completion` is a share, over all frameworks and models together."""

    citation: str
    quote: str
    completion: float
    tasks: int
    frameworks: int
    models: int
    note: str


LU_2025 = Study(
    citation=(
        "Lu, Li and Huo, Exploring Autonomous Agents: A Closer Look at Why They Fail When Completing Tasks "
        "(ASE 2025 NIER), arXiv 2508.13143, abstract"
    ),
    quote="a task completion rate of approximately 50%",
    completion=0.5,
    tasks=34,
    frameworks=3,
    models=2,
    note=(
        "Its tasks and models are not those measured here, so this is no comparison of like with like. Its figures by "
        "framework, category and rounds are not repeated: they could not be checked."
    ),
)
