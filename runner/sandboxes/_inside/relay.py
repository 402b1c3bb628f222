"""Loopback ports of the run that lead to unix sockets of the host: bytes pass as they come, each way by itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from .wire import CHUNK


async def listen(ports: dict[str, str]) -> None:
    """Listen on the run's loopback for each port, and relay to its socket; ends this process where a port is taken."""
    for port, socket in ports.items():

        async def accept(r: asyncio.StreamReader, w: asyncio.StreamWriter, socket: str = socket) -> None:
            await _relay(r, w, socket)

        try:
            await asyncio.start_server(accept, "127.0.0.1", int(port), backlog=512)
        except OSError as error:
            sys.exit(f"port {port} cannot be opened: {error.strerror}")


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, socket: str) -> None:
    """Connect one client to the socket, until both ways are closed or one side is gone."""
    try:
        there_reader, there_writer = await asyncio.open_unix_connection(socket)
    except OSError:
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
    except OSError:  # one side is gone: so is the other
        writer.transport.abort()
        there_writer.transport.abort()
    finally:
        there_writer.close()
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what arrives, as it arrives, then the end."""
    while True:
        data = await reader.read(CHUNK)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
