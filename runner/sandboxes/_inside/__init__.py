r"""The first process of a sandbox: it relays loopback ports to unix sockets, and runs the job's command.

It runs under the sandbox's own Python (3.9 or newer, standard library only) and imports no coroner: the folder is shown
to the sandbox, and `run.main` is called there. Where it is process 1 of its namespace, its end is the end of everything
that the run started; it also ends when its standard input does, that is when coroner dies, however that happens.

    in:   one line of JSON (the order), `workspace` bytes of tar, then nothing until "stop\n", or the end: die
    out:  frames: one byte (what), four bytes (length, big-endian), content
          S started · O output of the command · X {"code", "oom"} · W tar of the workspace · L left out (JSON) · E end

Whatever the run has started is dead before X is sent, so that nothing changes the workspace while it is read.
"""
