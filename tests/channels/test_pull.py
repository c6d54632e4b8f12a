"""A web address on a real HTTP server: paging, conditional requests, what is refused, and who is never asked."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from certificates import make_certificates
from hypothesis import given, settings
from hypothesis import strategies as st
from offices import open_office
from peers_http import PASSWORD, TOKEN, USER, HttpPeer, Request, basic, run_http

from etl.channels.connection import read_connection
from etl.channels.protocol import ChannelUnavailable, Part
from etl.channels.pull import open_pull
from etl.channels.pull_listing import Item, NotAListing, read_listing
from etl.channels.refusals import RefusalCode
from etl.channels.web import NotNow, NotTaken, WebServer
from etl.register.channels import ChannelKind, ChannelLine
from etl.settings import Settings
from etl.usecases.collect import collect_arrivals
from etl.usecases.context import open_context

BOUND = 100_000
LINE = ChannelLine("he-thong", ChannelKind.HTTP, "he_thong", "/danh-muc")


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with run_http() as server:
        yield server


def look(peer: HttpPeer, notes: dict[str, str] | None = None, **changes: Any) -> dict[str, bytes | str]:
    """One whole look: locator -> bytes, or the code of the refusal; everything is acknowledged."""
    found: dict[str, bytes | str] = {}
    url = changes.pop("url", None) or peer.url()
    with open_pull(replace(LINE, **changes), url, BOUND, notes) as channel:
        for offer in channel.list_new():
            with channel.fetch(offer) as parts:
                for part in parts:
                    found[offer.locator] = part.stream.read() if isinstance(part, Part) else str(part.code)
            channel.acknowledge(offer)
    return found


def answers(body: Any, **headers: str) -> Callable[[Request], None]:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return lambda request: request.send(200, data, **headers)


def redirects(target: str) -> Callable[[Request], None]:
    return lambda request: request.send(302, b"", Location=target)


def test_every_page_is_read_and_an_unchanged_one_costs_an_answer_without_a_body(peer: HttpPeer) -> None:
    peer.files = {f"/tep/{number:03}.xlsx": b"%d" % number for number in range(25)}
    peer.page_size = 10
    notes: dict[str, str] = {}
    assert look(peer, notes) == peer.files
    peer.asked.clear()
    assert look(peer, notes) == {}
    assert peer.asked == [
        ("GET", "/danh-muc", 304),
        ("GET", "/danh-muc?trang=2", 304),
        ("GET", "/danh-muc?trang=3", 304),
    ]
    peer.files["/tep/024.xlsx"] = b"moi"
    peer.asked.clear()
    # Only the page that changed is read; what on it was recorded the collector knows by its version.
    assert look(peer, notes)["/tep/024.xlsx"] == b"moi"
    assert [status for _, path, status in peer.asked if path.startswith("/danh-muc")] == [304, 304, 200]


def test_a_page_is_asked_for_again_until_all_of_it_was_acknowledged(peer: HttpPeer) -> None:
    peer.files = {"/a.xlsx": b"1", "/b.xlsx": b"2"}
    notes: dict[str, str] = {}
    with open_pull(LINE, peer.url(), BOUND, notes) as channel:
        first, _ = list(channel.list_new())
        channel.acknowledge(first)
    assert notes == {}
    assert set(look(peer, notes)) == {"/a.xlsx", "/b.xlsx"}
    assert set(notes) == {f"{peer.url()}danh-muc"}


def test_things_without_a_version_are_asked_for_one_by_one(peer: HttpPeer) -> None:
    """An index without versions is the same while a file behind it changes."""
    peer.files, peer.with_versions = {"/a.xlsx": b"1", "/b.xlsx": b"2"}, False
    notes: dict[str, str] = {}

    def versions() -> dict[str, str]:
        with open_pull(LINE, peer.url(), BOUND, notes) as channel:
            offers = list(channel.list_new())
            for offer in offers:
                channel.acknowledge(offer)
        return {offer.locator: offer.version for offer in offers}

    first = versions()
    peer.asked.clear()
    assert versions() == first
    assert [status for _, path, status in peer.asked if path.endswith(".xlsx")] == [304, 304]
    peer.files["/a.xlsx"] = b"3"
    changed = versions()
    assert changed["/a.xlsx"] != first["/a.xlsx"]
    assert changed["/b.xlsx"] == first["/b.xlsx"]
    # Nor has the server ETags: then the bytes decide.
    peer.with_etags = False
    unlabelled = versions()
    assert versions() == unlabelled
    peer.files["/a.xlsx"] = b"4"
    assert versions()["/a.xlsx"] != unlabelled["/a.xlsx"]


def test_submissions_in_the_answer_itself(peer: HttpPeer) -> None:
    one = b'{"report": "movements-half", "period": "2026-S1", "unit": "H14.SYT", "so": 1.10}'
    two = one.replace(b"SYT", b"SNV")
    peer.pages["/danh-muc"] = answers(b" [\n " + one + b" ,\t" + two + b" , " + one.replace(b"1.10", b"2") + b"]")
    key = "/danh-muc#H14.{}/movements-half/2026-S1"
    # Byte for byte, and a second one of the same unit is not lost behind the first.
    assert look(peer) == {
        key.format("SYT"): one,
        key.format("SNV"): two,
        key.format("SYT") + "~~2": one.replace(b"1.10", b"2"),
    }
    peer.pages["/danh-muc"] = answers(one)
    assert look(peer) == {key.format("SYT"): one}


def test_what_is_taken_is_told_or_deleted_where_the_system_wants_it(peer: HttpPeer) -> None:
    peer.files, peer.with_acknowledge = {"/a.xlsx": b"1", "/b.xlsx": b"2"}, True
    look(peer)
    assert peer.told == {"/a.xlsx", "/b.xlsx"}
    peer.with_acknowledge = False
    look(peer, url=peer.url(options="?delete=true"))
    assert peer.deleted == {"/a.xlsx", "/b.xlsx"}
    assert look(peer) == {}


@pytest.mark.parametrize(
    ("secret", "header"),
    [(f"{USER}:mat-khau%2F%2B@", basic(USER, PASSWORD)), (f":{TOKEN}@", f"Bearer {TOKEN}")],
)
def test_the_secret_opens_the_door_and_is_in_no_error(peer: HttpPeer, secret: str, header: str) -> None:
    peer.files, peer.authorization = {"/a.xlsx": b"1"}, header
    assert look(peer, url=peer.url(secret)) == {"/a.xlsx": b"1"}
    wrong = peer.url(secret.replace("ma", "sai-"))
    with pytest.raises(ChannelUnavailable, match="refuses user, password or token") as fault:
        look(peer, url=wrong)
    assert "sai-" not in str(fault.value)


def test_another_host_is_never_asked_nor_told_the_secret(peer: HttpPeer) -> None:
    with run_http() as other:
        other.files = {"/a.xlsx": b"cua nguoi khac"}
        elsewhere = f"{other.url()}a.xlsx"
        peer.files = {"/that.xlsx": b"1"}
        peer.pages = {
            "/di.xlsx": redirects(elsewhere),
            "/vao.xlsx": redirects("http://169.254.169.254/latest/meta-data/"),
            "/ten.xlsx": redirects("http://localhost:80/"),
            "/tep.xlsx": redirects("file:///etc/passwd"),
            "/xa.xlsx": redirects("https://khac.example/a.xlsx"),
            "/quanh.xlsx": redirects("/quanh.xlsx"),
            "/dung.xlsx": redirects("/that.xlsx"),
            "/danh-muc": answers(
                {
                    "items": [
                        *({"url": f"/{name}.xlsx", "name": "a.xlsx", "version": "1"}
                          for name in ("di", "vao", "ten", "tep", "xa", "quanh", "dung", "khong-co")),
                        {"url": elsewhere, "name": "a.xlsx", "version": "1", "id": "danh-muc-khac"},
                        {"url": "//khac.example/a.xlsx", "name": "a.xlsx", "version": "1", "id": "hai-gach"},
                        {"url": "http://10.0.0.1/a.xlsx", "name": "a.xlsx", "version": "1", "id": "noi-bo"},
                        {"url": f"http://{USER}@127.0.0.1:{peer.port}/that.xlsx", "name": "a", "version": "1", "id": "ten"},
                        {"name": "khong dia chi", "version": "1"},
                    ]
                }
            ),
        }  # fmt: skip
        found = look(peer, url=peer.url(f"{USER}:{TOKEN}@"))
        assert found.pop("/dung.xlsx") == b"1"
        assert found.pop("/khong-co.xlsx") == RefusalCode.HTTP_GONE
        assert found.pop("/quanh.xlsx") == RefusalCode.HTTP_TOO_MANY_REDIRECTS
        assert [code for locator, code in found.items() if locator.startswith("#")] == [RefusalCode.HTTP_NOT_UNDERSTOOD]
        rest = {locator: code for locator, code in found.items() if not locator.startswith("#")}
        assert rest == {
            "/di.xlsx": "HTTP-LOCAL-ADDRESS", "/vao.xlsx": "HTTP-LOCAL-ADDRESS", "/ten.xlsx": "HTTP-LOCAL-ADDRESS",
            "/tep.xlsx": "HTTP-OTHER-HOST", "/xa.xlsx": "HTTP-OTHER-HOST", "danh-muc-khac": "HTTP-LOCAL-ADDRESS",
            "hai-gach": "HTTP-OTHER-HOST", "noi-bo": "HTTP-LOCAL-ADDRESS", "ten": "HTTP-LOCAL-ADDRESS",
        }  # fmt: skip
        assert other.asked == []


def test_an_index_that_leads_elsewhere_stops_the_channel_with_a_reason(peer: HttpPeer) -> None:
    for answer in (redirects("http://10.0.0.1/"), answers({"items": [], "next": "https://khac.example/"})):
        peer.pages["/danh-muc"] = answer
        with pytest.raises(ChannelUnavailable, match="the index is refused"):
            look(peer)
    peer.pages["/danh-muc"] = answers({"items": [], "next": "/danh-muc"})
    with pytest.raises(ChannelUnavailable, match="round in a circle"):
        look(peer)
    for page in (b"<html>", b"3", b"[" * 100_000, b"\xff\xfe"):
        peer.pages["/danh-muc"] = answers(page)
        with pytest.raises(ChannelUnavailable, match=r"is not what docs/channels\.md describes"):
            look(peer)


def test_pages_without_end_are_read_to_a_bound(peer: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.channels.pull.MOST_PAGES", 20)
    numbers = iter(range(10_000))
    peer.pages["/danh-muc"] = lambda request: request.send(200, b'{"items": [], "next": "?n=%d"}' % next(numbers))
    with pytest.raises(ChannelUnavailable, match="more than 20 pages"):
        look(peer)


def test_names_that_lead_outside_are_refused(peer: HttpPeer) -> None:
    names = ["../../x.xlsx", "x\r\nBcc: a@b.example", "/etc/passwd", "a\x00.xlsx", "BC/F05.xlsx"]
    peer.files = {"/that.xlsx": b"1"}
    items = [{"url": "/that.xlsx", "name": name, "id": str(n), "version": "1"} for n, name in enumerate(names)]
    peer.pages["/danh-muc"] = answers({"items": items})
    assert list(look(peer).values()) == ["NAME-WITH-PATH", "NAME-UNSAFE", "NAME-WITH-PATH", "NAME-UNSAFE", b"1"]


def endless(request: Request) -> None:
    """Bytes in chunks, without a length and without an end."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    try:
        while True:
            request.wfile.write(b"1000\r\n" + bytes(4096) + b"\r\n")
    except OSError:
        request.close_connection = True


def test_sizes_are_bounded_whatever_is_announced(peer: HttpPeer) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    pages = {
        "/bao-truoc": lambda request: request.send(200, b"", Content_Length=str(2 * 1024**3)),
        "/khong-het": endless,
        "/bom": answers(bomb, Content_Encoding="gzip"),
        "/la": answers(b"abc", Content_Encoding="br"),
        "/hong": answers(b"abc", Content_Encoding="gzip"),
        "/cut": answers(gzip.compress(b"abc" * 1000)[:-20], Content_Encoding="gzip"),
        "/tot": answers(gzip.compress(b"abc"), Content_Encoding="gzip"),
        "/vua": answers(bytes(BOUND)),
    }
    peer.pages = dict(pages)
    items: list[dict[str, Any]] = [{"url": path, "name": "a.xlsx", "version": "1"} for path in pages]
    items.append({"url": "/tot", "name": "a.xlsx", "version": "1", "id": "khai-lon", "size": 2 * 1024**3})
    peer.pages["/danh-muc"] = answers({"items": items})
    assert look(peer) == {
        "/bao-truoc": "TOO-LARGE", "/khong-het": "TOO-LARGE", "/bom": "TOO-LARGE", "/la": "HTTP-ENCODING",
        "/hong": "HTTP-ENCODING", "/cut": "HTTP-ENCODING", "/tot": b"abc", "/vua": bytes(BOUND), "khai-lon": "TOO-LARGE",
    }  # fmt: skip


def test_an_answer_that_is_cut_off_is_asked_for_again(peer: HttpPeer) -> None:
    def cut(request: Request) -> None:
        request.send(200, b"abc", Content_Length="1000")
        request.close_connection = True

    peer.pages = {"/a": cut, "/danh-muc": answers({"items": [{"url": "/a", "name": "a.xlsx", "version": "1"}]})}
    with pytest.raises(NotNow, match="broke off"):
        look(peer)
    peer.pages["/a"] = lambda request: request.send(503)
    with pytest.raises(ChannelUnavailable, match="answers 503"):
        look(peer)


def trickle(request: Request) -> None:
    """A byte now and then, for ever: each arrives before the client's patience with a single read ends."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    _drip(request, b"x")


def trickle_header(request: Request) -> None:
    """As `trickle`, with a header that does not end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    _drip(request, b"X-A: 1\r\n")


def _drip(request: Request, drop: bytes) -> None:
    request.close_connection = True
    with contextlib.suppress(OSError):
        while True:
            request.wfile.write(drop)
            request.wfile.flush()
            time.sleep(0.05)


@pytest.mark.parametrize("slow", [trickle, trickle_header])
def test_an_answer_without_end_is_given_up(
    peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, slow: Callable[[Request], None]
) -> None:
    monkeypatch.setattr("etl.channels.web.WHOLE_ANSWER_SECONDS", 0.5)
    peer.pages = {"/a": slow, "/danh-muc": answers({"items": [{"url": "/a", "name": "a.xlsx", "version": "1"}]})}
    with pytest.raises(NotNow, match="too slowly"):
        look(peer)


@pytest.mark.parametrize("version", [{"version": "1"}, {}])
def test_a_thing_that_fails_each_time_does_not_hold_up_the_others(
    peer: HttpPeer, make_settings: Callable[..., Settings], tmp_path: Path, version: dict[str, str]
) -> None:
    statuses = iter([500, 400, 204, 206, 500, 502] * 50)
    peer.pages["/hong"] = lambda request: request.send(next(statuses))
    items = [{"url": "/hong", "name": "a.xlsx", "id": str(n), **version} for n in range(60)]
    peer.pages["/tot"] = answers(b"tot")
    peer.pages["/danh-muc"] = answers({"items": [*items, {"url": "/tot", "name": "tot.xlsx", **version}]})
    lines = "  - {code: he-thong, kind: http, connection: he_thong, path: /danh-muc}\n"
    office = open_office(make_settings, tmp_path, lines, {"he_thong": peer.url()})
    with open_context(office.settings) as context:
        summary = collect_arrivals(context)
    assert (summary.landed, summary.unreadable, summary.unavailable) == (1, 60, ())
    # A server that is down is not asked for each of its things.
    asked = len(peer.asked)
    peer.pages["/hong"] = lambda request: request.send(503)
    with open_context(office.settings) as context:
        assert "answers 503" in collect_arrivals(context).unavailable[0].what
    assert len(peer.asked) - asked < 60


def test_what_was_refused_is_not_deleted_there(
    peer: HttpPeer, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../ra-ngoai.xlsx", b"1")
    peer.files = {"/lon.xlsx": bytes(2_000_000), "/goi.zip": packed.getvalue(), "/tot.xlsx": b"tot"}
    peer.with_versions = False
    lines = "  - {code: he-thong, kind: http, connection: he_thong, path: /danh-muc}\n"
    office = open_office(
        make_settings, tmp_path, lines, {"he_thong": peer.url(options="?delete=true")}, max_file_bytes=1_000_000
    )
    for found in ((1, 2), (0, 0)):
        with open_context(office.settings) as context:
            summary = collect_arrivals(context)
        assert (summary.landed, summary.refused, summary.unavailable) == (*found, ())
        assert sorted(peer.files) == ["/goi.zip", "/lon.xlsx"]
    assert office.count("landing.offer WHERE acknowledged_at IS NULL") == 0


def test_a_time_of_change_that_is_too_young_tells_no_state(peer: HttpPeer) -> None:
    def tell(data: bytes, age: float) -> Callable[[Request], None]:
        return answers(data, Last_Modified=formatdate(time.time() - age, usegmt=True))

    peer.pages["/danh-muc"] = answers({"items": [{"url": "/a", "name": "a.xlsx"}]})
    notes: dict[str, str] = {}
    for data in (b"mot", b"hai"):
        # The same second, other bytes.
        peer.pages["/a"] = tell(data, 0)
        assert (look(peer, notes), [name for name in notes if name.endswith("/a")]) == ({"/a": data}, [])
    peer.pages["/a"] = tell(b"ba", 100)
    assert look(peer, notes) == {"/a": b"ba"}
    assert [name for name in notes if name.endswith("/a")] != []


def test_broken_text_in_an_index_is_refused_alone(peer: HttpPeer) -> None:
    peer.files = {"/tot.xlsx": b"tot"}
    broken = [{"url": url} for url in ("/a\ud800", "/a\x01b", "/a\x00b", "/" + "x" * 70_000)]
    items = [*broken, {"url": "/tot.xlsx", "id": "\ud800"}, {"url": "/tot.xlsx", "version": "\udfff"}]
    peer.pages["/danh-muc"] = answers(
        json.dumps({"items": [{"name": "a", "version": "1", **item} for item in items]}).encode()
    )
    assert list(look(peer).values()) == [*["HTTP-NOT-UNDERSTOOD"] * 4, b"tot", b"tot"]
    peer.pages["/danh-muc"] = answers(b'[{"unit": "\\ud800", "report": "a", "period": "b"}]')
    assert len(look(peer)) == 1


def test_the_server_is_who_it_should_be(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with run_http(certificates) as peer:
        peer.files = {"/a.xlsx": b"1"}
        with pytest.raises(ChannelUnavailable, match="certificate that is not trusted") as fault:
            look(peer, url=peer.url(f":{TOKEN}@"))
        assert "?ca=FILE" in str(fault.value)
        assert TOKEN not in str(fault.value)
        assert peer.asked == []
        assert look(peer, url=peer.url(options=f"?ca={certificates.authority}")) == {"/a.xlsx": b"1"}
        by_name = peer.url(options=f"?ca={certificates.authority}").replace("127.0.0.1", "localhost")
        with pytest.raises(ChannelUnavailable, match="not trusted"):
            look(peer, url=by_name)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://:bi-mat@he-thong.example/", "secret in clear"),
        ("https://:bi-mat@127.0.0.1.nip.invalid/", "is not known"),
        ("https://:bi-mat@he-thong.example/?verify=false", "option that is not known"),
        ("https://:bi-mật@127.0.0.1/", "is not ASCII"),
        ("ftp://:bi-mat@he-thong.example/", "must be a URL"),
    ],
)
def test_connections_that_are_wrong_are_refused_without_their_secret(url: str, what: str) -> None:
    with pytest.raises(ChannelUnavailable, match=what) as fault, open_pull(LINE, url, BOUND) as channel:
        list(channel.list_new())
    assert "bi-m" not in str(fault.value)


def test_a_name_that_leads_into_the_local_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name service says is its word; here it is told what to say, because no test may ask the real one."""
    places = {"trong.example": "10.1.2.3", "may-nay.example": "127.0.0.1", "ngoai.example": "93.184.215.14"}
    monkeypatch.setattr(
        "etl.channels.web.socket.getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", (places[host], port))]
    )

    def check(host: str, options: str = "") -> None:
        WebServer(read_connection("x", f"https://{host}/{options}", ("https",), {"local"}))._check_address()

    check("ngoai.example")
    check("trong.example", "?local=true")
    for host, options in (("trong.example", ""), ("may-nay.example", ""), ("may-nay.example", "?local=true")):
        with pytest.raises(ChannelUnavailable, match="address of the local network"):
            check(host, options)


SERVER = WebServer(read_connection("x", "https://he-thong.example/a/", ("https",), ()))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_written_address_leads_to_another_server(written: str) -> None:
    for text in (written, f"//{written}", f"https://{written}", f"https://he-thong.example{written}", f"\\\\{written}"):
        try:
            url = SERVER.resolve("https://he-thong.example/danh-muc", text)
        except NotTaken:
            continue
        assert (
            url.startswith(("https://he-thong.example/", "https://he-thong.example?"))
            or url == "https://he-thong.example"
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["items", "url", "name", "id", "next", "size", "unit", "report"]), inner, max_size=5
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_no_answer_breaks_the_reader(answer: Any) -> None:
    try:
        listing = read_listing(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except NotAListing:
        return
    for entry in listing.entries:
        assert entry.key.isprintable() or not isinstance(entry, Item) or len(entry.key) < 200


def test_hostile_answers_leave_nothing_but_their_refusal(
    peer: HttpPeer, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    def pack(files: dict[str, bytes]) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return target.getvalue()

    with run_http() as other:
        other.files = {"/a.xlsx": b"cua nguoi khac"}
        peer.pages = {
            "/khac": redirects(f"{other.url()}a.xlsx"),
            "/nhieu": answers(pack({f"{n}.csv": b"" for n in range(10_000)})),
            "/long": answers(pack({"trong.zip": pack({"a.csv": b"1"})})),
            "/ra": answers(pack({"../../../ra-ngoai.xlsx": b"1"})),
            "/lon": lambda request: request.send(200, b"", Content_Length=str(2 * 1024**3)),
            "/tot": answers(pack({"F05.csv": b"a;b"})),
        }
        items = [{"url": path, "name": f"{path[1:]}.zip", "version": "1"} for path in peer.pages]
        items.append({"url": "/tot", "name": "../../ra-ngoai.xlsx", "id": "ten", "version": "1"})
        items.append({"url": "http://169.254.169.254/", "name": "a.xlsx", "id": "noi-bo", "version": "1"})
        peer.pages["/danh-muc"] = answers({"items": items})
        lines = "  - {code: he-thong, kind: http, connection: he_thong, path: /danh-muc}\n"
        office = open_office(make_settings, tmp_path, lines, {"he_thong": peer.url()})
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        with open_context(office.settings) as context:
            assert collect_arrivals(context).landed == 1
        assert other.asked == []
    assert dict(office.ask("SELECT locator, code FROM landing.refusal")) == {
        "/khac": "HTTP-LOCAL-ADDRESS", "/nhieu": "ZIP-TOO-MANY-FILES", "/long": "ZIP-NESTED", "/ra": "ZIP-PATH",
        "/lon": "TOO-LARGE", "ten": "NAME-WITH-PATH", "noi-bo": "HTTP-LOCAL-ADDRESS",
    }  # fmt: skip
    assert office.ask("SELECT locator, part, file_name FROM landing.arrival") == [
        ("/tot", "tot.zip!F05.csv", "F05.csv")
    ]
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in new} == {hashlib.sha256(b"a;b").hexdigest()}


def test_a_second_collection_takes_nothing_and_a_new_version_is_a_new_arrival(
    peer: HttpPeer, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    peer.files = {f"/{n}.xlsx": b"%d" % n for n in range(5)}
    lines = "  - {code: he-thong, kind: http, connection: he_thong, path: /danh-muc, unit: H14.SYT}\n"
    office = open_office(make_settings, tmp_path, lines, {"he_thong": peer.url()})

    def collect() -> int:
        with open_context(office.settings) as context:
            return collect_arrivals(context).landed

    assert collect() == 5
    peer.asked.clear()
    assert collect() == 0
    assert peer.asked == [("GET", "/danh-muc", 304)]
    peer.files["/3.xlsx"] = b"moi"
    assert collect() == 1
    assert office.ask("SELECT locator, hints FROM landing.arrival ORDER BY id DESC LIMIT 1") == [
        ("/3.xlsx", '{"unit": "H14.SYT"}')
    ]
    stored = {path.name for path in (office.settings.home / "landing").rglob("*") if path.is_file()}
    assert stored == {hashlib.sha256(data).hexdigest() for data in (*(b"%d" % n for n in range(5)), b"moi")}
