"""The peer of a busy event loop: one with nothing to do, on the same machine at the same time.

Prints, each time a line comes in, how often it woke since the last one and how often more than 100 ms late.
"""

import asyncio
import sys
import time

TICK_SECONDS = 0.25
LATE_SECONDS = 0.1


async def _tick() -> None:
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: (sys.stdin.readline(), asked.set()))
    ticks = late = 0
    while True:
        due = time.perf_counter() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        ticks, late = ticks + 1, late + (time.perf_counter() - due > LATE_SECONDS)
        if asked.is_set():
            print(ticks, late, flush=True)
            asked.clear()
            ticks = late = 0


if __name__ == "__main__":
    asyncio.run(_tick())
