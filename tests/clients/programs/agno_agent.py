"""agno's own class for MiMo: audio as a file and by URL, thinking on and off, streamed and not.

Arguments: a clip (WAV), the URL of a clip. Prints one JSON object, a key for each run.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from agno.agent import Agent
from agno.media import Audio
from agno.models.xiaomi import MiMo

clip, url = sys.argv[1:]


def agent(thinking: bool | None = None, **more: Any) -> Agent:
    model = MiMo(id="mimo-v2.5", base_url=os.environ["MIMO_API_BASE"], use_thinking=thinking)
    return Agent(model=model, telemetry=False, **more)


whole = agent(True).run("please describe the content of the audio", audio=[Audio(filepath=clip)])
quick = agent(False).run("please describe", audio=[Audio(url=url)])
pieces: Any = agent().run("please describe", audio=[Audio(filepath=clip, format="wav")], stream=True)
events = list(pieces)
print(
    json.dumps(
        {
            "file": {"content": whole.content, "reasoning": whole.reasoning_content, "status": whole.status},
            "tokens": {"input": whole.metrics.input_tokens, "output": whole.metrics.output_tokens},
            "url": {"content": quick.content, "reasoning": quick.reasoning_content, "status": quick.status},
            "stream": "".join(event.content or "" for event in events if event.event == "RunContent"),
        }
    )
)
