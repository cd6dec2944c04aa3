"""A worker for the tests of workers: does what each message says."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from auricle.workers import connect


def main() -> None:
    channel = connect()
    while (frame := channel.receive()) is not None:
        header, payload = frame
        action = header.get("do")
        if action == "echo":
            channel.send({"size": len(payload), "arguments": sys.argv[1:]}, payload)
        elif action == "environment":
            channel.send(dict(os.environ))
        elif action == "print":
            print("noise on standard output", flush=True)
            os.write(1, b"more noise\n")
            channel.send({"done": True})
        elif action == "sleep":
            time.sleep(header["seconds"])
            channel.send({"done": True})
        elif action == "hold":  # the interpreter, so that no thread of it runs
            ctypes.PyDLL(None).sleep(int(header["seconds"]))
        elif action == "exit":
            sys.exit(header["status"])
        elif action == "payload":
            channel.send({}, bytes(header["bytes"]))
        elif action == "raw":  # something that is not a frame
            channel._sink.write(payload)
            channel._sink.flush()


if __name__ == "__main__":
    main()
