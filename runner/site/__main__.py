"""Show the site to a person: python -m runner.site --port 8000."""

from __future__ import annotations

import argparse
import sys
import threading

from runner.site.serving import on_port


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m runner.site", description="Serve the site of the web tasks.")
    parser.add_argument("--port", type=int, default=8000, help="a port of the loopback; 0 for a free one")
    port = parser.parse_args().port
    try:
        with on_port(port) as address:
            sys.stdout.write(f"{address}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return
    except OSError as error:
        sys.exit(f"port {port}: {error.strerror}; choose another with --port")


if __name__ == "__main__":
    main()
