"""A program that behaves towards us as `cometbft` does, as far as we see it, and otherwise as a test directs it.

It is copied beside a shebang line and run as `cometbft start --home .` by the code under test, so it uses nothing but
the standard library. It listens on rpc.sock and signer.sock, dials stage.sock and app.sock, and does what it is told at
stage.sock: one JSON object a line, answered by one (tests/unit/engine/comet/stage.py). Untold, it serves until SIGTERM;
then it says whether its signer was still there, and ends. It also ends when its stage is gone.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Told = dict[str, Any]

PING, PONG = b"\x02\x3a\x00", b"\x02\x42\x00"
"""The signer's: what costs nothing and tells whether somebody answers."""
FLUSHED = b"\x02\x1a\x00"
"""The last answer of an application to whatever ends with a Flush."""


class StandIn:
    """One run."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.is_silent = False
        self.unanswered: set[str] = set()
        self.asked: list[Any] = []
        self.signer: Connection | None = None
        self.has_signer = asyncio.Event()
        self.application: Connection
        self.stage: asyncio.StreamWriter

    async def run(self) -> None:
        """Until told otherwise."""
        await asyncio.start_unix_server(self.serve_rpc, "rpc.sock")
        await asyncio.start_unix_server(self.meet_signer, "signer.sock")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(self.end()))
        self.application = await asyncio.open_unix_connection("app.sock")
        orders, self.stage = await asyncio.open_unix_connection("stage.sock")
        self.tell({"pid": os.getpid(), "arguments": sys.argv[1:]})
        while line := await orders.readline():
            order = json.loads(line)
            self.tell(await getattr(self, "do_" + order.pop("do"))(**order))
        os._exit(70)

    def tell(self, what: object) -> None:
        """Say something to the stage."""
        self.stage.write(json.dumps(what).encode() + b"\n")

    async def do_say(self, line: str, times: int = 1) -> Told:
        """A line of log, which may be a text many times over."""
        sys.stdout.write(line * times + "\n")
        sys.stdout.flush()
        return {}

    async def do_exit(self, code: int) -> Told:
        """At once."""
        os._exit(code)

    async def do_ignore(self) -> Told:
        """Take no notice of SIGTERM."""
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return {}

    async def do_fall_silent(self, silent: bool) -> Told:
        """Accept calls and close them unanswered."""
        self.is_silent = silent
        return {}

    async def do_keep_waiting(self, method: str) -> Told:
        """Never answer this call, and keep the connection."""
        self.unanswered.add(method)
        return {}

    async def do_answer(self, method: str, body: str) -> Told:
        """What a call gets from now on; without this, an empty result."""
        self.answers[method] = body
        return {}

    async def do_tell_asked(self) -> Told:
        """All calls so far."""
        return {"asked": self.asked}

    async def do_ask_application(self, request: str) -> Told:
        """ABCI bytes in hexadecimal; all that comes back, up to the answer to Flush or the end."""
        reader, writer = self.application
        writer.write(bytes.fromhex(request))
        answer = b""
        while not answer.endswith(FLUSHED) and (data := await reader.read(65536)):
            answer += data
        return {"answer": answer.hex(), "ended": not answer.endswith(FLUSHED)}

    async def do_ask_signer(self, request: str) -> Told:
        """One frame to the signer and its answer, which must be short enough for one read."""
        await self.has_signer.wait()
        assert self.signer is not None
        reader, writer = self.signer
        writer.write(bytes.fromhex(request))
        return {"answer": (await reader.read(65536)).hex()}

    async def meet_signer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The signer dials."""
        self.signer = reader, writer
        self.has_signer.set()

    async def end(self) -> None:
        """As the real one: it asks its signer to the end."""
        answer = b""
        if self.signer is not None:
            self.signer[1].write(PING)
            answer = await self.signer[0].read(len(PONG))
        self.tell({"ends": True, "signer_answers": answer == PONG})
        await self.stage.drain()
        os._exit(0)

    async def serve_rpc(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """JSON-RPC by POST, call after call."""
        while head := await reader.readuntil(b"\r\n\r\n"):
            lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            call = json.loads(await reader.readexactly(int(lengths[0].split(b":")[1])))
            self.asked.append(call)
            if self.is_silent:
                writer.close()
                return
            if call["method"] in self.unanswered:
                continue
            body = self.answers.get(call["method"], '{"jsonrpc":"2.0","id":1,"result":{}}').encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main() -> None:
    """Play."""
    await StandIn().run()


if __name__ == "__main__":
    asyncio.run(main())
