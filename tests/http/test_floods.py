"""The real server, as a process, under slow and heavy clients."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import Request, urlopen

import aiohttp
import pytest

from tests.support.driver import PASSWORD
from tests.support.process import ServerProcess

SMALL = {
    "CHIRP_HEAD_TIMEOUT_S": "0.6",
    "CHIRP_BODY_TIMEOUT_S": "0.6",
    "CHIRP_IDLE_TIMEOUT_S": "60",
    "CHIRP_MAX_IN_FLIGHT": "4",
    "CHIRP_MAX_CONNECTIONS_PER_ADDRESS": "60",
}


async def drip(port: int, first: bytes, more: bytes) -> bytes:
    """Send `more` again and again, until the server has had enough; return what it said.

    Nothing where what was sent met a connection that the server had closed: what it said is then
    lost on its way.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    said = asyncio.create_task(heard(reader))
    while not said.done():
        writer.write(more)
        await asyncio.sleep(0.1)
    writer.close()
    return await said


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the end; of a connection that breaks, what came before."""
    parts = []
    with suppress(ConnectionError):
        while part := await reader.read(1 << 16):
            parts.append(part)
    return b"".join(parts)


async def statuses(url: str, count: int) -> list[int]:
    """Sign in so often at once: each takes a thread some 50 ms."""
    body = {"username": "nobody", "password": PASSWORD}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def ask() -> int:
            async with client.post(f"{url}/api/v1/sessions", json=body) as answer:
                return answer.status

        asked = [asyncio.create_task(ask()) for _ in range(count)]
        async with client.get(f"{url}/readyz") as ready:
            assert ready.status == 200
        return list(await asyncio.gather(*asked))


async def test_drips_do_not_keep_a_real_server(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", env=SMALL) as server:
        head = b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\n"
        attacks = [drip(server.port, head, b"X-A: b\r\n") for _ in range(20)]
        attacks.append(drip(server.port, head + b"Content-Length: 900\r\n\r\n", b"x"))
        said = [one for one in await asyncio.gather(*attacks) if one]
        assert len(said) > 10
        assert all(b" 408 " in one for one in said)
        async with aiohttp.request("GET", f"{server.url}/metrics") as answer:
            figures = await answer.text()
        assert 'chirp_timeouts_total{what="head"} 20.0' in figures
        assert 'chirp_timeouts_total{what="body"} 1.0' in figures


async def test_a_flood_of_slow_requests_is_shed_and_passes(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", env=SMALL) as server:
        found = await statuses(server.url, 50)
        assert set(found) == {401, 503}
        assert found.count(401) >= 4
        assert set(await statuses(server.url, 3)) == {401}


def test_the_server_says_what_limits_hold(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", env={"CHIRP_RATE_LIMITS": "0"}) as server:
        assert "rate limits are off" in server.log()
    with ServerProcess(tmp_path / "data") as server:
        assert "rate limits are multiplied by 1e+06" in server.log()
    with ServerProcess(tmp_path / "data", env={"CHIRP_RATE_LIMITS": "1"}) as server:
        assert "rate limits" not in server.log()


def test_the_access_log_is_bare_json_and_open_connections_do_not_hold_a_stop(
    tmp_path: Path,
) -> None:
    env = {"CHIRP_ACCESS_LOG": "json", "CHIRP_TRUSTED_PROXIES": "127.0.0.1"}
    with (
        ServerProcess(tmp_path / "data", env=env) as server,
        socket.create_connection(("127.0.0.1", server.port)) as idle,
    ):
        idle.sendall(b"GET / HTTP/1.1\r\n")
        asked = Request(f"{server.url}/healthz", headers={"X-Request-Id": "mine"})
        with urlopen(asked) as answer:
            assert answer.headers["X-Request-Id"] == "mine"
        assert server.stop() == 0
        lines = [line for line in server.log().splitlines() if line.startswith("{")]
        assert json.loads(lines[-1])["request_id"] == "mine"


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n"
)


def said_until_closed(port: int, data: bytes) -> bytes:
    """Send it and say at once that no more comes; return all that the server says."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        said = b""
        while part := client.recv(1 << 16):
            said += part
        return said


def key_of_ada(server: ServerProcess) -> str:
    person = {"username": "ada", "name": "Ada", "email": "a@b.org", "password": PASSWORD}
    headers = {"Content-Type": "application/json"}
    asked = Request(f"{server.url}/api/v1/users", json.dumps(person).encode(), headers)
    with urlopen(asked) as answer:
        return str(json.load(answer)["api_dev_key"])


@pytest.mark.parametrize("size", [3_000, 300_000, 900_000])
def test_one_connection_takes_many_uploads(tmp_path: Path, size: int) -> None:
    with ServerProcess(tmp_path / "data") as server:
        headers = {
            "X-API-Key": key_of_ada(server),
            "Content-Type": "multipart/form-data; boundary=B",
        }
        part = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = part + b"\x89PNG" + os.urandom(size) + b"\r\n--B--\r\n"
        client = HTTPConnection("127.0.0.1", server.port, timeout=20)
        for _ in range(4):
            client.request("POST", "/api/v1/media", body, headers)
            sock = client.sock
            with client.getresponse() as answer:
                assert answer.status == 415
                answer.read()
            assert client.sock is sock, "the same connection"
        client.close()


@pytest.mark.parametrize("path", ["/theme", "/api/v1/tweet"])
def test_what_strangers_send_is_not_in_the_log(tmp_path: Path, path: str) -> None:
    with ServerProcess(tmp_path / "data") as server:
        said = server.log()
        for odd in ('x="secret";', 'x="secret', "filename*=secret"):
            part = f'--B\r\nContent-Disposition: form-data; name="a"; {odd}\r\n\r\nx\r\n--B--\r\n'
            client = HTTPConnection("127.0.0.1", server.port, timeout=20)
            form = {"Content-Type": "multipart/form-data; boundary=B"}
            client.request("POST", path, part.encode(), form)
            assert 400 <= client.getresponse().status < 500
            client.close()
        assert server.log() == said


def test_who_sends_no_more_is_told_all_and_let_go(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        key = key_of_ada(server)

        def get(path: str, more: str = "") -> bytes:
            line = f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n{more}\r\n"
            return line.encode()

        for _ in range(5):
            me = get("/users/me")
            said = said_until_closed(server.port, get("/users/me", UPGRADE) + me * 2)
            assert said.count(b"HTTP/1.1 200 OK") == 3
            assert b"text/event-stream" in said_until_closed(server.port, get("/stream"))
        with urlopen(f"{server.url}/metrics") as answer:
            assert b'chirp_streams{what="open"} 0.0' in answer.read()


def test_a_full_queue_with_a_body_behind_it_is_answered_whole(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        key = key_of_ada(server)
        one = f"GET /api/v1/users/ada HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode()
        body = json.dumps({"tweet_data": "x" * 40_000}).encode()
        head = f"POST /api/v1/tweet HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        for before in (31, 32, 33, 70):
            said = said_until_closed(server.port, one * before + head.encode() + body)
            assert said.count(b"HTTP/1.1 200 OK") == before
            assert said.count(b"HTTP/1.1 400 Bad Request") == 1


@pytest.mark.parametrize("protocol", ["h2c", "TLS/1.0"])
def test_what_offers_a_strange_protocol_is_the_last_on_its_connection(
    tmp_path: Path, protocol: str
) -> None:
    with ServerProcess(tmp_path / "data") as server:
        key_of_ada(server)
        line = "GET /api/v1/users/ada HTTP/1.1\r\nHost: x\r\n"
        offer = f"{line}Connection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode()
        behind = f"{line}\r\n".encode()
        for more in (b"", behind, behind[:20], behind * 3):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
                client.sendall(offer + more)
                said = b""
                while part := client.recv(1 << 16):
                    said += part
            head = said.split(b"\r\n\r\n")[0].lower()
            assert said.count(b"HTTP/1.1 ") == 1
            assert head.startswith(b"http/1.1 200")
            assert b"connection: close" in head


def test_who_leaves_out_the_rest_of_a_body_and_ends_is_let_go_at_once(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", env={"CHIRP_BODY_TIMEOUT_S": "600"}) as server:
        head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        clients = [
            socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(20)
        ]
        for client in clients:
            client.sendall(head)
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            while client.recv(1 << 16):
                pass
            client.close()
