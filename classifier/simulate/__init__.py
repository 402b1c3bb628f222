"""Simulate: what an LLM judge of a known accuracy would be worth, on labelled runs, without asking one.

`python -m classifier.simulate combine FOLDER` measures neighbours and opinions together, `... teach FOLDER` what
opinions teach an index of a system that it does not know.
"""

from classifier.simulate._judge import Guess, Run, SimulatedJudge, frequencies

__all__ = ["Guess", "Run", "SimulatedJudge", "frequencies"]
