"""A speaker in a process of its own, to be killed; its arguments are the broker's port, and nothing else."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mqtt_stage import settings, speaker


async def main() -> None:
    async with speaker(settings(int(sys.argv[1]))):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
