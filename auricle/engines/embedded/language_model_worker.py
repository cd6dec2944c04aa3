"""The language model's process, see `model_process.py`: llama.cpp's server on a loopback port of its own.

Only its parent has the key to that, and the model is used through it. A request over the pipe is a grammar, whose one
item is what keeps it from being compiled. Grammars are checked because llama.cpp answers 200 and writes unconstrained
text when it cannot compile one; and here, because a grammar is made of a stranger's JSON schema, which had better not
be compiled in the server's own process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llguidance
from xllamacpp.xllamacpp import CommonAdapterLoraInfo, CommonParams, Server

from auricle.engines.embedded.model_process import Answers, serve
from auricle.workers import Frame

NICENESS = 10  # the server, which keeps answering, comes first
PROMPT_CACHE_MIB = 512  # prompts kept in memory besides the slots' own, so that a conversation comes back cheaply
SCORING_TOKENS = 512  # of context for texts that are scored
BATCH_TOKENS = 128  # of prompt between two looks at the queue: a cancelled prompt ends, and others write, in between


class Writing:
    """llama.cpp's server."""

    def __init__(self, config: dict[str, Any], answers: Answers) -> None:
        params = CommonParams()
        params.model.path = config["file"]
        if config["adapter"]:
            params.lora_adapters = [CommonAdapterLoraInfo(config["adapter"], 0.0)]
        params.n_ctx = config["context_length"] + SCORING_TOKENS
        # The last ones score texts, and answer with the adapter: they leave the others what they know.
        params.n_parallel = config["parallel"] + 1 + bool(config["adapter"])
        params.kv_unified = True  # one context for all slots: a long conversation may use what short ones leave
        params.cpuparams.n_threads = config["threads"]
        params.cpuparams_batch.n_threads = config["threads"]
        params.n_batch = BATCH_TOKENS
        params.n_ubatch = BATCH_TOKENS
        params.api_keys = [config["secret"]]
        params.cache_ram_mib = PROMPT_CACHE_MIB
        if config["folder"]:
            params.slot_save_path = f"{config['folder']}/"
        params.use_jinja = True
        params.warmup = False
        params.verbosity = 0  # it would log prompts
        self._server = Server(params)
        self._answers = answers

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"address": self._server.listening_address}

    def open(self, id: int, frame: Frame) -> None:
        self._answers.item(id, problem_of(frame.header["request"]["grammar"]))
        self._answers.end(id)

    def cancel(self, id: int) -> None:
        """A grammar is compiled at once, in `open`."""


def problem_of(grammar: str) -> str:
    """What keeps `grammar` (llguidance's Lark dialect) from being compiled, in one line; empty if nothing does."""
    problem = str(llguidance.LLMatcher.validate_grammar(grammar))
    return problem.split("\n", 1)[0].rpartition("failed to compile JSON schema: ")[2]


if __name__ == "__main__":
    serve(Writing, NICENESS)
