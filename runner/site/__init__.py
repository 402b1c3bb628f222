"""The web site of the web tasks: Skerry Instruments, an invented maker of tide gauges, and all that is odd about sites.

One file per part of the site, each with `answer(asked: Asked) -> Reply | None` (None: not mine), pure and without
state, so that the same question always gets the same bytes. `serving` puts it on a socket; `python -m runner.site`
shows it.
"""
