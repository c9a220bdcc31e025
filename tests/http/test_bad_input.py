"""Bad input: every byte that a stranger may send is refused in our words, and changes nothing."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp import FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chirp.http.paging import Cursors
from chirp.views import Position, Viewer
from tests.support.driver import PASSWORD, Driver
from tests.support.engines import digest_of_rows
from tests.support.web import Answer, Http

JSON = {"Content-Type": "application/json"}
POST = b"POST /api/v1/tweet HTTP/1.1\r\nHost: x\r\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
POSTS = ["/users", "/sessions", "/keys", "/tweet", "/users/bob/follow"]
EVERY_POST = pytest.mark.parametrize("path", POSTS)


class Attack(Http):
    """A server with two people; what is sent in Ada's name must be refused without a trace."""

    ada: Viewer

    async def refused(self, answer: Answer, *statuses: int) -> None:
        """Assert a refusal after which every table has the rows that it had."""
        assert answer.status in statuses or (not statuses and 400 <= answer.status < 500)
        answer.refused(answer.status)
        assert digest_of_rows(self.chirp.engine) == self.before
        assert self.chirp.server.tasks.failures == []

    async def raw(self, path: str, body: bytes, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", path, self.ada, data=body, headers=JSON | named)

    def remember(self) -> None:
        self.before = digest_of_rows(self.chirp.engine)


@pytest.fixture
async def attack(chirp: Driver) -> AsyncIterator[Attack]:
    async with Attack(chirp) as attack:
        attack.ada, bob = await chirp.register_many("ada", "bob")
        await chirp.follow(bob, attack.ada)
        await chirp.post_many(attack.ada, 5)
        attack.remember()
        yield attack


NOT_JSON = {
    "nothing closed": b'{"tweet_data": "hi"',
    "two objects": b"{}{}",
    "single quotes": b"{'tweet_data': 'hi'}",
    "a comma too many": b'{"tweet_data": "hi",}',
    "NaN": b'{"tweet_data": NaN}',
    "a comment": b'{"tweet_data": "hi"} // hi',
    "a BOM": b'\xef\xbb\xbf{"tweet_data": "hi"}',
    "UTF-16": '{"tweet_data": "hi"}'.encode("utf-16"),
    "invalid UTF-8": b'{"tweet_data": "\xff\xfe"}',
    "an overlong form": b'{"tweet_data": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"tweet_data": "\xed\xa0\x80"}',
    "a raw control character": b'{"tweet_data": "a\x00b"}',
    "binary": bytes(range(256)),
    "a list": b'[{"tweet_data": "hi"}]',
    "a string": b'"hi"',
    "null": b"null",
    "a number": b"7",
    "white space": b" \n ",
}


@EVERY_POST
@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=list(NOT_JSON))
async def test_what_is_no_object_in_json_is_refused(attack: Attack, path: str, raw: bytes) -> None:
    answer = await attack.raw(path, raw)
    if path.endswith("follow") and b'"tweet_data"' in raw and answer.status == 200:
        return  # a field that is unknown there is skipped without a look at its characters
    await attack.refused(answer, 400)


@EVERY_POST
@pytest.mark.parametrize(("open_", "close"), [(b"[", b"]"), (b'{"a":', b"}")])
async def test_deep_nesting_is_refused_in_known_and_unknown_fields(
    attack: Attack, path: str, open_: bytes, close: bytes
) -> None:
    for depth in (2_000, 100_000):
        nested = open_ * depth + b"1" + close * depth
        for name in (b"username", b"name", b"tweet_data", b"media_ids", b"unknown"):
            raw = b'{"%b": %b}' % (name, nested)
            if len(raw) < 1 << 20:
                await attack.refused(await attack.raw(path, raw), 400)
        await attack.refused(await attack.raw(path, nested[: (1 << 20) - 1]), 400)


@EVERY_POST
async def test_bodies_over_1_mib_are_too_large(attack: Attack, path: str) -> None:
    raw = orjson.dumps({"tweet_data": "x" * (1 << 20)})
    await attack.refused(await attack.raw(path, raw), 413)


async def test_chunked_bodies_over_1_mib_are_too_large(attack: Attack) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)

    answer = await attack.ask("POST", "/tweet", attack.ada, data=chunks(), headers=JSON)
    await attack.refused(answer, 413)


@pytest.mark.parametrize("multipart", [False, True])
async def test_forms_over_1_mib_are_too_large(attack: Attack, multipart: bool) -> None:
    long = "x" * (1 << 20)
    if multipart:
        form = FormData({"tweet_data": long}, default_to_multipart=True)
        answer = await attack.ask("POST", "/tweet", attack.ada, data=form)
    else:
        raw = b"tweet_data=" + long.encode()
        answer = await attack.ask("POST", "/tweet", attack.ada, data=raw, headers=FORM)
    await attack.refused(answer, 413)


@pytest.mark.parametrize("digits", [b"1e999999", b"9" * 5_000, b"9" * 100_000, b"-1e-99999"])
async def test_numbers_beyond_measure_are_refused(attack: Attack, digits: bytes) -> None:
    for field in NUMBERS:
        raw = b'{"tweet_data": "hi", "%b": %b}' % (field.encode(), digits)
        await attack.refused(await attack.raw("/tweet", raw), 400)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_a_small_body_that_unpacks_to_a_huge_one_is_too_large(
    attack: Attack, pack: Callable[[bytes], bytes]
) -> None:
    encoding = "gzip" if pack is gzip.compress else "deflate"
    raw = pack(b'{"tweet_data":"' + b"x" * (32 << 20) + b'"}')
    await attack.refused(await attack.raw("/tweet", raw, Content_Encoding=encoding), 413)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_does_not_unpack_is_refused(attack: Attack, encoding: str) -> None:
    raw = b'{"tweet_data":"hi"}'
    await attack.refused(await attack.raw("/tweet", raw, Content_Encoding=encoding), 400)


TEXTS = {
    "/users": ["username", "name", "email", "password", "date_of_birth", "api_dev_key"],
    "/sessions": ["username", "email", "password", "api_dev_key"],
    "/keys": ["name", "api_dev_key"],
    "/tweet": ["tweet_data", "tweet_location", "user_location", "lang", "api_dev_key"],
}
NUMBERS = ["maximum_results_to_return", "media_ids", "in_reply_to_tweet_id", "quote_of_tweet_id"]


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize("value", [1, 1.5, True, [], ["x"], {}, {"x": 1}], ids=str)
async def test_text_fields_take_nothing_but_text(attack: Attack, path: str, value: Any) -> None:
    good = {"username": "eve", "name": "Eve", "email": "e@x.org", "password": PASSWORD}
    for field in TEXTS[path]:
        body = good | {"tweet_data": "hi", field: value}
        answer = await attack.post(path, body, attack.ada)
        await attack.refused(answer, 400)
        answer.refused(400, field)


@pytest.mark.parametrize(
    "value",
    ["x", "", 1.5, True, {}, [[1]], "٣", -1, 0, 10**19, 10**30, "1" * 20, " 1", "+1", "1_0"],
    ids=str,
)  # fmt: skip
async def test_number_fields_take_nothing_but_numbers(attack: Attack, value: Any) -> None:
    for field in NUMBERS:
        if field == "maximum_results_to_return" or value != "":
            answer = await attack.post("/tweet", {"tweet_data": "hi", field: value}, attack.ada)
            await attack.refused(answer, 400)
            answer.refused(400, field)


@pytest.mark.parametrize("path", TEXTS)
async def test_a_million_characters_in_any_field_are_refused(attack: Attack, path: str) -> None:
    for field in TEXTS[path]:
        for character in ("x", "#a ", "@a ", "a.co "):
            long = (character * 1_000_000)[:1_000_000]
            answer = await attack.post(path, {field: long}, attack.ada)
            await attack.refused(answer, 400, 401)


async def test_of_a_field_given_twice_the_last_one_counts(attack: Attack) -> None:
    for last in (b'""', b"5", b'"' + b"x" * 281 + b'"'):
        raw = b'{"tweet_data":"hi","tweet_data":%b}' % last
        await attack.refused(await attack.raw("/tweet", raw), 400)


@EVERY_POST
@pytest.mark.parametrize(
    "kind", ["text/xml", "application/octet-stream", "image/png", "nonsense", "a/b/c", ";", "*/*"]
)
async def test_content_that_is_neither_json_nor_a_form_is_refused(
    attack: Attack, path: str, kind: str
) -> None:
    body = b"<tweet_data>hi</tweet_data>"
    answer = await attack.ask("POST", path, attack.ada, data=body, headers={"Content-Type": kind})
    await attack.refused(answer, 400)


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}
TEXT_PART = b'--x\r\nContent-Disposition: form-data; name="tweet_data"\r\n'
BROKEN_FORMS = {
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"--x\r\n\r\n"),
    "an empty boundary": ({"Content-Type": "multipart/form-data; boundary="}, b"--\r\n"),
    "a long boundary": ({"Content-Type": "multipart/form-data; boundary=" + "x" * 99}, b"--x"),
    "no part": (BOUNDARY, b"hello"),
    "no end": (BOUNDARY, b'--x\r\nContent-Disposition: form-data; name="tweet_data"\r\n\r\nhi'),
    "no headers": (BOUNDARY, b"--x\r\n\r\nhi\r\n--x--\r\n"),
    "no name": (BOUNDARY, b"--x\r\nContent-Disposition: form-data\r\n\r\nhi\r\n--x--\r\n"),
    "bad headers": (BOUNDARY, b"--x\r\n\xff\xfe: \x00\r\n\r\nhi\r\n--x--\r\n"),
    "a strange encoding": (
        BOUNDARY,
        TEXT_PART + b"Content-Transfer-Encoding: rot13\r\n\r\nhi\r\n--x--\r\n",
    ),
    "not base64": (
        BOUNDARY,
        TEXT_PART + b"Content-Transfer-Encoding: base64\r\n\r\n!!!!!\r\n--x--\r\n",
    ),
    "a strange charset": (
        BOUNDARY,
        TEXT_PART + b"Content-Type: text/plain; charset=klingon\r\n\r\nhi\r\n--x--\r\n",
    ),
    "invalid UTF-8": (
        BOUNDARY,
        b'--x\r\nContent-Disposition: form-data; name="tweet_data"\r\n\r\n\xff\xfe\r\n--x--\r\n',
    ),
    "a name that is not UTF-8": (
        BOUNDARY,
        b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nhi\r\n--x--\r\n',
    ),
    "a file whose name is not UTF-8": (
        BOUNDARY,
        b'--x\r\nContent-Disposition: form-data; name="\xff"; filename="x"\r\n\r\nhi\r\n--x--\r\n',
    ),
    "a part in parts": (
        BOUNDARY,
        TEXT_PART
        + b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nhi\r\n--y--\r\n--x--\r\n",
    ),
    "invalid UTF-8 in a form": (FORM, b"tweet_data=%ff%fe&username=%ff"),
    "a form of a strange charset": (
        {"Content-Type": "application/x-www-form-urlencoded; charset=klingon"},
        b"tweet_data=hi",
    ),
    "an encoding that is none": (FORM | {"Content-Encoding": "gzip"}, b"tweet_data=hi"),
    "a part's encoding that is none": (BOUNDARY | {"Content-Encoding": "deflate"}, b"--x--"),
    "many fields": (FORM, b"&".join(b"a%d=1" % n for n in range(50_000))),
    "only signs": (FORM, b"&&&===%%%"),
    "surrogates": (FORM, b"tweet_data=%ed%a0%80"),
}


@EVERY_POST
@pytest.mark.parametrize("case", BROKEN_FORMS)
async def test_broken_forms_are_refused(attack: Attack, path: str, case: str) -> None:
    headers, body = BROKEN_FORMS[case]
    answer = await attack.ask("POST", path, attack.ada, data=body, headers=headers)
    if path.endswith("follow"):
        assert answer.status < 500  # it reads no field of the body
    else:
        await attack.refused(answer, 400, 401, 413)


@pytest.mark.parametrize("path", TEXTS)
async def test_a_file_is_no_text(attack: Attack, path: str) -> None:
    for field in TEXTS[path]:
        form = FormData()
        form.add_field(field, b"hi", filename="hi.txt")
        answer = await attack.ask("POST", path, attack.ada, data=form)
        await attack.refused(answer, 400)
        answer.refused(400, field)


ODD_IDS = ["0", "-1", "1" * 20, str(2**63), str(2**64), "٣", "1.0", "0x1", "1e3", "", "%00", " 1",
           "x" * 5_000]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS)
async def test_odd_ids_are_refused(attack: Attack, odd: str) -> None:
    for bound in ("max_id", "since_id", "min_id"):
        for path in ("/timeline/home", "/users/ada/tweets"):
            answer = await attack.get(path, attack.ada, params={bound: odd})
            await attack.refused(answer, 400)
            answer.refused(400, bound)
    if odd:
        for method in ("GET", "DELETE"):
            await attack.refused(await attack.ask(method, f"/tweets/{odd}", attack.ada), 404)


@pytest.mark.parametrize("far", ["1", str(2**62), str(2**63 - 1), "9" * 18, "0" * 18 + "1"])
async def test_far_ids_are_fine_where_they_bound_and_not_found_where_they_name(
    attack: Attack, far: str
) -> None:
    for bound in ("max_id", "since_id", "min_id"):
        for path in ("/timeline/home", "/users/ada/tweets"):
            answer = await attack.get(f"{path}?{bound}={far}", attack.ada)
            assert answer.status == 200
            assert len(answer.json["data"]) in {0, 5}
    for method in ("GET", "DELETE"):
        await attack.refused(await attack.ask(method, f"/tweets/{far}", attack.ada), 404)


LISTS = ["/timeline/home", "/users/ada/tweets", "/users/ada/followers", "/users/ada/following"]


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "abc", "", "1.5", "9" * 30, "٣", "1e1", "%00", "+5", " 5"]
)
async def test_odd_limits_are_refused(attack: Attack, limit: str) -> None:
    for path in LISTS:
        for name in ("limit", "maximum_results_to_return"):
            answer = await attack.get(path, attack.ada, params={name: limit})
            await attack.refused(answer, 400)
            answer.refused(400, "maximum_results_to_return")


async def test_cursors_that_are_not_ours_are_refused(attack: Attack) -> None:
    page = (await attack.get("/timeline/home?limit=2", attack.ada)).json
    for ours in (page["next"], page["prev"]):
        kind, rest = ours[0], ours[1:]
        at, other, check = rest.split("-")
        forged = [
            ours[:-1], ours + "0", ours.upper(), rest, "x" + rest, "", "null", "0", " " + ours,
            f"{'n' if kind == 'o' else 'o'}{rest}", f"{kind}{at}-{int(other, 16) - 1:x}-{check}",
            f"{kind}1-{other}-{check}", f"{kind}{at}-{other}-0", f"{kind}0{at}-{other}-{check}",
            f"{kind}{at}-{'f' * 17}-{check}", "a" * 5_000, "\x00", "٣", ours + "\n",
            "b2ZmPTEw", "eyJpZCI6MX0=", other,
        ]  # fmt: skip
        for cursor in forged:
            for path in LISTS:
                answer = await attack.get(path, attack.ada, params={"cursor": cursor})
                await attack.refused(answer, 400)
                answer.refused(400, "cursor")


async def test_a_cursor_of_another_server_is_refused(attack: Attack) -> None:
    token = Cursors(b"another secret").token(Position(5), newer=False)
    await attack.refused(await attack.get(f"/timeline/home?cursor={token}", attack.ada), 400)


@pytest.mark.parametrize(
    "name", ["%00", "a%00", "%2F", "..%2F..%2Fetc", "%ff", "%C3%A9", "ad%C3%A1", "%E2%84%AA",
             "a" * 5_000, "%", "%zz", "%25", "ada%20", "+ada", "@ada", "ada;x", "%F0%9F%98%80",
             "ada%0d%0aX-Evil:%201", "%ed%a0%80", "ada%3Fx", "*"],
)  # fmt: skip
async def test_odd_names_in_a_path_are_not_found(attack: Attack, name: str) -> None:
    for method, rest in (
        ("GET", ""), ("GET", "/tweets"), ("GET", "/followers"), ("POST", "/follow"),
        ("DELETE", "/follow"),
    ):  # fmt: skip
        answer = await attack.ask(method, f"/users/{name}{rest}", attack.ada, raw_path=True)
        await attack.refused(answer, 404)
        assert "X-Evil" not in answer.headers


async def test_an_encoded_name_is_the_name_itself(attack: Attack) -> None:
    assert (await attack.get("/users/%61d%61", raw_path=True)).json["username"] == "ada"


async def test_very_long_headers_are_refused_before_anything_happens(attack: Attack) -> None:
    for size in (7_000, 8_180):
        await attack.refused(await attack.get("/users/me", "x" * size), 401)
    for name in ("X-API-Key", "Authorization", "Cookie", "X-Long"):
        headers = {name: "x" * 100_000}
        async with attack.client.get("/api/v1/users/me", headers=headers) as response:
            assert response.status == 431
            assert "Traceback" not in await response.text()


@pytest.mark.parametrize(
    "raw",
    [b"GET /\x00 HTTP/1.1\r\n\r\n", b"NONSENSE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
     POST + b"Content-Length: -5\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
     POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n"],
)  # fmt: skip
async def test_what_is_not_http_is_answered_without_a_trace(attack: Attack, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", attack.client.port)
    writer.write(raw)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert b"Traceback" not in answer
    assert not answer or answer.split(b" ")[1].startswith(b"4"), answer
    assert digest_of_rows(attack.chirp.engine) == attack.before


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)  # fmt: skip
FIELDS = sorted({field for fields in TEXTS.values() for field in fields} | {*NUMBERS, "x"})
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=6) | JSON_VALUES


async def throw(bodies: list[tuple[str, Any, bool]]) -> None:
    chirp = await Driver.open()
    async with Http(chirp) as http:
        ada, _ = await chirp.register_many("ada", "bob")
        for path, body, as_form in bodies:
            if as_form and isinstance(body, dict):
                data = urlencode({k: str(v) for k, v in body.items()}, errors="replace").encode()
                answer = await http.ask("POST", path, ada, data=data, headers=FORM)
            else:
                answer = await http.post(path, body, ada)
            assert answer.status < 500
        await chirp.check()
    await chirp.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(POSTS), BODIES, st.booleans()),
                min_size=1, max_size=12))  # fmt: skip
def test_no_json_makes_the_server_fail(
    same_switch_interval: None, bodies: list[tuple[str, Any, bool]]
) -> None:
    asyncio.run(throw(bodies))
