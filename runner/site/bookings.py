"""Bookings: the laboratory's rooms over a week, in tables whose cells span rows and columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from runner.site.page import page, seeded

if TYPE_CHECKING:
    from random import Random

    from runner.site.page import Asked, Reply

BUILDINGS = {"North": ("N1", "N2", "N3"), "South": ("S1", "S2")}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_ROOMS = tuple(room for rooms in BUILDINGS.values() for room in rooms)
_TEAMS = ("Osprey", "Eider", "Gannet", "Petrel", "Avocet")
_SLOTS = 20  # half hours from 8 to 18


class Booking(NamedTuple):
    """A booking: neighbouring rooms of one building, and half hours since 8 o'clock."""

    day: str
    rooms: tuple[str, ...]
    start: int
    slots: int
    team: str


@cache
def bookings() -> tuple[Booking, ...]:
    """Return the bookings; none overlap."""
    random = seeded("skerry-rooms-4")
    return tuple(booking for day in DAYS for booking in _of_day(day, random))


def answer(asked: Asked) -> Reply | None:
    """Answer for /lab/bookings.html."""
    if asked.path != "/lab/bookings.html":
        return None
    lead = "<p>A row is half an hour. A booking that spans two columns holds both rooms.</p>\n"
    return page("Rooms this week", lead + "\n".join(_table(day) for day in DAYS))


def _of_day(day: str, random: Random) -> list[Booking]:
    taken: set[tuple[str, int]] = set()
    out = []
    for _ in range(26):
        rooms = random.choice(tuple(BUILDINGS.values()))
        first = random.randrange(len(rooms))
        held = rooms[first : first + random.choice((1, 1, 1, 2))]
        start, slots = random.randrange(_SLOTS - 1), random.randrange(1, 7)
        cells = {(room, slot) for room in held for slot in range(start, min(start + slots, _SLOTS))}
        if not cells & taken:
            taken |= cells
            out.append(Booking(day, held, start, len(cells) // len(held), random.choice(_TEAMS)))
    return out


def _table(day: str) -> str:
    begins = {(booking.rooms[0], booking.start): booking for booking in bookings() if booking.day == day}
    covered = {
        (room, slot)
        for booking in begins.values()
        for room in booking.rooms
        for slot in range(booking.start, booking.start + booking.slots)
    }
    head = "".join(f'<th colspan="{len(rooms)}">{name}</th>' for name, rooms in BUILDINGS.items())
    rows = [f'<tr><th rowspan="2">Hour</th>{head}</tr>', f"<tr>{''.join(f'<th>{room}</th>' for room in _ROOMS)}</tr>"]
    for slot in range(_SLOTS):
        cells = [f'<th rowspan="2">{8 + slot // 2}:00</th>'] if slot % 2 == 0 else []
        for room in _ROOMS:
            if booking := begins.get((room, slot)):
                cells.append(_cell(booking))
            elif (room, slot) not in covered:
                cells.append("<td></td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table id="{day.lower()}"><caption>{day}</caption>\n' + "\n".join(rows) + "\n</table>"


def _cell(booking: Booking) -> str:
    spans = f' rowspan="{booking.slots}"' if booking.slots > 1 else ""
    spans += f' colspan="{len(booking.rooms)}"' if len(booking.rooms) > 1 else ""
    return f"<td{spans}>{booking.team}</td>"
