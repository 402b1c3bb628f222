"""Learning from a team's annotators: what they said -> labels -> a new index, measured before it may answer.

Pure but for `training`, which reads and writes through `service.storage`. Nothing here knows of HTTP.
"""
