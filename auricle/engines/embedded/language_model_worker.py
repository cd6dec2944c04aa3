"""The language model's process: llama.cpp's server on a loopback port that only its parent has the key to.

First frame in: the settings below. First frame out: `{"address"}`, or `{"error"}` when the file cannot be loaded. From
then on `{"id", "check": GRAMMAR}` is answered with `{"id", "problem"}`, and everything else goes over HTTP.

Grammars are checked because llama.cpp answers 200 and writes unconstrained text when it cannot compile one; and here,
because a grammar is made of a stranger's JSON schema, which had better not be compiled in the server's own process.
"""

from __future__ import annotations

import os
from typing import Any

import llguidance
from xllamacpp.xllamacpp import CommonParams, Server

from auricle.workers import Channel, connect, step_back

NICENESS = 10  # the server, which keeps answering, comes first
PROMPT_CACHE_MIB = 512  # prompts kept in memory besides the slots' own, so that a conversation comes back cheaply
BATCH_TOKENS = 128  # of prompt between two looks at the queue: a cancelled prompt ends, and others write, in between


def serve(channel: Channel, config: dict[str, Any]) -> Server | None:
    """llama.cpp's server over the file `config` names, or None after telling the parent why not."""
    params = CommonParams()
    params.model.path = config["file"]
    params.n_ctx = config["context_length"]
    params.n_parallel = config["parallel"]
    params.kv_unified = True  # one context for all slots: a long conversation may use what short ones leave
    params.cpuparams.n_threads = config["threads"]
    params.cpuparams_batch.n_threads = config["threads"]
    params.n_batch = BATCH_TOKENS
    params.n_ubatch = BATCH_TOKENS
    params.api_keys = [config["secret"]]
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.use_jinja = True
    params.warmup = False
    params.verbosity = 0  # it would log prompts
    try:
        server = Server(params)
    except Exception as error:
        channel.send({"error": str(error) or type(error).__name__})
        return None
    channel.send({"address": server.listening_address})
    return server


def problem_of(grammar: str) -> str:
    """What keeps `grammar` (llguidance's Lark dialect) from being compiled, in one line; empty if nothing does."""
    problem = str(llguidance.LLMatcher.validate_grammar(grammar))
    return problem.split("\n", 1)[0].rpartition("failed to compile JSON schema: ")[2]


def main() -> None:
    channel = connect()
    step_back(NICENESS)
    first = channel.receive()
    if first is None:
        return
    server = serve(channel, first.header)
    while server is not None and (frame := channel.receive()) is not None:
        channel.send({"id": frame.header["id"], "problem": problem_of(frame.header["check"])})
    os._exit(0)  # at once: the server's threads may be in the middle of an answer that nobody waits for


if __name__ == "__main__":
    main()
