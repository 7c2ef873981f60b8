"""A bound on an answer's headers: Twisted takes as many as a host sends, until the time limit is over."""

from __future__ import annotations

MAX_HEADER_BYTES = 256 * 1024


def bound() -> None:
    """Give up every connection whose status line and headers pass `MAX_HEADER_BYTES`; called once a process.

    Twisted's public interface has no such limit, so its client protocol is wrapped where bytes come in.
    """
    from twisted.python.failure import Failure
    from twisted.web import _newclient as client

    receive = client.HTTP11ClientProtocol.dataReceived

    def counted(self: client.HTTP11ClientProtocol, data: bytes) -> None:
        receive(self, data)
        parser = self._parser
        if parser is None or parser.state not in (client.STATUS, client.HEADER):
            self.header_bytes = 0
            return
        self.header_bytes = getattr(self, "header_bytes", 0) + len(data)
        if self.header_bytes > MAX_HEADER_BYTES:
            self._giveUp(Failure(client.ParseError("headers without an end", data[:80])))

    client.HTTP11ClientProtocol.dataReceived = counted
