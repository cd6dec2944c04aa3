"""mimo-multimodal-mcp as a program that speaks MCP on its standard streams, with two variables set.

Arguments: a clip, the URL of a clip. Prints one JSON object: what its tools are, and what its audio tool answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from mcp import ClientSession, StdioServerParameters, stdio_client

clip, url = sys.argv[1:]


async def main() -> dict[str, Any]:
    environment = {name: os.environ[name] for name in ("MIMO_API_BASE", "MIMO_API_KEY", "PATH")}
    server = StdioServerParameters(
        command=sys.executable, args=["-c", "from mimo_multimodal_mcp.server import main; main()"], env=environment
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()

        async def audio(**arguments: Any) -> str:
            result: Any = await session.call_tool("understand_audio", arguments)
            return "".join(item.text for item in result.content)

        return {
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "file": await audio(prompt="transcribe this", audio_path=clip),
            "url": await audio(prompt="transcribe this", audio_url=url),
            "both": await audio(prompt="compare", audio_paths=[clip, clip]),
            "no answer left": await audio(prompt="transcribe this", audio_path=clip, max_tokens=4),
            "not audio": await audio(prompt="transcribe this", audio_path=__file__),
        }


print(json.dumps(asyncio.run(main())))
