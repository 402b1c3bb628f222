"""Batches at work: inputs out of uploads, logs read in a confined process, and workers that a kill cannot confuse.

The truth about every input is in the database (`storage.batches`). The queue, huey's, only wakes workers: what it loses
when something is killed, a sweep finds again.
"""
