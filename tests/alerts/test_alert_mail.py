"""Messages and what carries them: headers, halves, TLS, refusals, a real mail server on loopback, a real web room."""

from __future__ import annotations

import base64
import email
import http.server
import json
import logging
import quopri
import re
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from smtp_sink import open_sink

from etl.alerts.channels import ChannelDown, FolderChannel, LetterRefused
from etl.alerts.letters import Body, Duty, Sender, write_late_list, write_reminder
from etl.alerts.mail import Enclosure, Envelope, write_message
from etl.alerts.plan import Recipient
from etl.alerts.smtp import SmtpChannel, read_smtp_url
from etl.alerts.webhooks import WebhookChannel, name_room, read_webhooks
from etl.calendar.deadlines import TIMEZONE
from etl.register.alerting import LetterKind
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

NOW = datetime(2026, 6, 17, 7, 30, tzinfo=TIMEZONE)
DUE = datetime(2026, 6, 16, 23, 59, 59, tzinfo=TIMEZONE)
BODY = Body("Nhắc nộp báo cáo: hạn 16/06/2026", "Kính gửi: Nông Văn Ấ\n", "<p>Kính gửi: <b>Nông Văn Ấ</b></p>")
WHO = Recipient("baocao@xa.example", "Nông Văn Ấ – Xã Bảo Lâm, phòng “VH”")
OFFICE = Envelope("hdtdkt@tinh.example", "Sở Nội vụ tỉnh Cao Bằng", "hoi@tinh.example", "tinh.example")
SENDER = Sender("Sở Nội vụ", "Hội đồng Thi đua – Khen thưởng tỉnh", "hoi@tinh.example")


def message(body: Body = BODY, who: Recipient = WHO, **more: Any) -> EmailMessage:
    return write_message(body, who, OFFICE, "1111-2222", NOW, ["H14.X1 movements-half:2026-S1 T-5"], **more)


def test_a_message_arrives_as_it_was_written() -> None:
    with open_sink() as sink, SmtpChannel(read_smtp_url(sink.url), OFFICE.address) as channel:
        channel.send(message(enclosures=[Enclosure("biểu mẫu.xlsx", b"PK\x00\r\n.")]), WHO.address)
    (mail,) = sink.mails
    got = mail.message
    assert (mail.to, mail.message_id) == (WHO.address, "<1111-2222@tinh.example>")
    assert got["Subject"] == BODY.subject
    assert decode_words(mail.raw, "To") == f"{WHO.name} <{WHO.address}>"
    assert got["To"].addresses[0].addr_spec == WHO.address
    assert got["From"].addresses[0].addr_spec == "hdtdkt@tinh.example"
    assert got["Reply-To"] == "hoi@tinh.example"
    assert got["Date"].datetime == NOW
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["X-Report-Item"] == "H14.X1 movements-half:2026-S1 T-5"
    plain, html = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == BODY.text
    assert html.get_content().strip() == BODY.html
    (workbook,) = got.iter_attachments()
    assert (workbook.get_filename(), workbook.get_content()) == ("biểu mẫu.xlsx", b"PK\x00\r\n.")
    # Every line is one that any server takes.
    assert all(len(line) <= 998 and line.isascii() for line in mail.raw.split(b"\r\n"))


def decode_words(raw: bytes, name: str) -> str:
    """A header as RFC 2047 has it read: blanks between two encoded words are not there, others are one blank."""
    (line,) = re.findall(rf"(?m)^{name}: (.*(?:\n[ \t].*)*)", raw.decode("ascii").replace("\r\n", "\n"))
    unfolded = re.sub(r"\n[ \t]+", " ", line)
    assert all(len(part) <= 76 for part in line.split("\n"))
    joined = re.sub(r"(?<=\?=) +(?==\?)", "", unfolded)

    def decode(match: re.Match[str]) -> str:
        assert len(match[0]) <= 75
        data = base64.b64decode(match[2]) if match[1] == "b" else quopri.decodestring(match[2], header=True)
        return data.decode("utf-8")

    return re.sub(r"=\?utf-8\?([bq])\?([^?]*)\?=", decode, joined)


words = st.text('aăâbcdđêghiơnôưuạắộừyXTV “”–,.()"@;:<>?=_', min_size=1, max_size=90).map(
    lambda text: " ".join(text.split())
)


@given(words.filter(bool))
def test_names_and_subjects_come_back_letter_by_letter(text: str) -> None:
    text = f"Đơn vị {text}"
    raw = write_message(Body(text, "a", "b"), Recipient("a@b.example", text), OFFICE, "1", NOW).as_bytes()
    assert decode_words(raw, "Subject") == text
    assert decode_words(raw, "To") == f"{text} <a@b.example>"


def test_the_names_of_all_units_come_back() -> None:
    for unit in read_register(PROJECT_ROOT / "register").units:
        body = Body(f"Quá hạn nộp báo cáo {unit.name}: hạn 16/06/2026", "a", "b")
        raw = write_message(body, Recipient("a@b.example", unit.name), OFFICE, "1", NOW).as_bytes()
        assert decode_words(raw, "Subject") == body.subject
        assert decode_words(raw, "To") == f"{unit.name} <a@b.example>"


def test_long_names_of_enclosures_come_back() -> None:
    name = "Báo cáo kết quả phong trào thi đua 6 tháng đầu năm 2026 của Ủy ban nhân dân xã Nguyễn Huệ (bản chính thức)_gop-y.xlsx"
    raw = message(enclosures=[Enclosure(name, b"x")]).as_bytes()
    (part,) = email.message_from_bytes(raw, policy=policy.SMTP).iter_attachments()
    assert part.get_filename() == name


@pytest.mark.parametrize(
    "attack", ["x\r\nBcc: ke.xau@la.example", "x\nX-Test: 1", "x\rBcc: a@b.example", "x\u2028y", "x\x00", "x\x85y"]
)
def test_no_name_or_subject_adds_a_header(attack: str) -> None:
    for make in (
        lambda: message(Body(attack, "a", "b")),
        lambda: message(who=Recipient(WHO.address, attack)),
        lambda: message(who=Recipient(f"a@b.example{attack}", "x")),
        lambda: message(enclosures=[Enclosure(attack, b"")]),
        lambda: write_message(BODY, WHO, OFFICE, "1", NOW, [attack]),
    ):
        with pytest.raises(ValueError, match=r"."):
            make()


def test_a_second_recipient_cannot_hide_in_an_address() -> None:
    for address in ("a@b.example, c@d.example", "a@b.example c@d.example", "<a@b.example>", ""):
        with pytest.raises((ValueError, IndexError)):
            message(who=Recipient(address, "x"))


# ------------------------------------------------------------------------------------------------ faults


def test_refusals_are_of_the_letter_and_the_next_one_goes() -> None:
    with open_sink() as sink, SmtpChannel(read_smtp_url(sink.url), OFFICE.address) as channel:
        sink.answer = {"baocao@xa.example": "550 5.1.1 baocao@xa.example unknown"}.get
        with pytest.raises(LetterRefused) as gone:
            channel.send(message(), WHO.address)
        sink.answer = {"baocao@xa.example": "451 greylisted"}.get
        with pytest.raises(LetterRefused) as later:
            channel.send(message(), WHO.address)
        sink.answer = lambda _: None
        sink.on_data = lambda _: "552 too large"
        with pytest.raises(LetterRefused) as big:
            channel.send(message(), WHO.address)
        sink.on_data = lambda _: None
        channel.send(message(), WHO.address)
    assert (gone.value.for_good, later.value.for_good, big.value.for_good) == (True, False, True)
    for refused in (gone.value, later.value, big.value):
        assert "@" not in str(refused)
    assert len(sink.mails) == 2


def test_a_server_that_is_not_there_is_the_channel() -> None:
    with open_sink() as sink:
        url = sink.url
    with SmtpChannel(read_smtp_url(url), OFFICE.address) as channel, pytest.raises(ChannelDown, match=r"127\.0\.0\.1"):
        channel.send(message(), WHO.address)


def test_a_closing_server_is_the_channel() -> None:
    with open_sink() as sink, SmtpChannel(read_smtp_url(sink.url), OFFICE.address) as channel:
        sink.answer = lambda _: "421 going down"
        with pytest.raises(ChannelDown):
            channel.send(message(), WHO.address)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    with open_sink() as sink, SmtpChannel(read_smtp_url(sink.url), OFFICE.address) as channel:
        channel.send(message(), WHO.address)
        connection = channel._connection
        assert connection is not None
        assert connection.sock is not None
        connection.sock.shutdown(2)
        channel.send(message(), WHO.address)
        assert len(sink.mails) == 2


# ------------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_starttls_with_a_certificate_that_is_trusted(context: ssl.SSLContext, certificate: Path) -> None:
    with open_sink(context, "mat khau@1") as sink:
        url = f"smtp://to:mat%20khau%401@localhost:{sink.port}?tls=starttls&ca={certificate}"
        with SmtpChannel(read_smtp_url(url), OFFICE.address) as channel:
            channel.send(message(), WHO.address)
        assert len(sink.mails) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_no_letter_over_tls_that_is_not_trusted(context: ssl.SSLContext, certificate: Path, host: str) -> None:
    """A certificate of nobody's authority, or one for another name."""
    trusted = f"&ca={certificate}" if host == "127.0.0.1" else ""
    with open_sink(context) as sink:
        url = f"smtp://{host}:{sink.port}?tls=starttls{trusted}"
        with SmtpChannel(read_smtp_url(url), OFFICE.address) as channel, pytest.raises(ChannelDown, match="TLS"):
            channel.send(message(), WHO.address)
        assert sink.mails == []


def test_no_letter_in_clear_where_starttls_is_asked_for() -> None:
    with open_sink() as sink:
        url = f"smtp://localhost:{sink.port}?tls=starttls"
        with SmtpChannel(read_smtp_url(url), OFFICE.address) as channel, pytest.raises(ChannelDown):
            channel.send(message(), WHO.address)
        assert sink.mails == []


def test_a_wrong_password_is_the_channel_and_is_not_told(context: ssl.SSLContext, certificate: Path) -> None:
    with open_sink(context, "dung") as sink:
        url = f"smtp://u:bi-mat@localhost:{sink.port}?tls=starttls&ca={certificate}"
        with SmtpChannel(read_smtp_url(url), OFFICE.address) as channel, pytest.raises(ChannelDown) as caught:
            channel.send(message(), WHO.address)
    assert "bi-mat" not in str(caught.value)
    assert "535" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://thu.tinh.example", ("thu.tinh.example", 587, "starttls")),
        ("smtps://thu.tinh.example", ("thu.tinh.example", 465, "tls")),
        ("smtp://thu.tinh.example:25?tls=none", ("thu.tinh.example", 25, "none")),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "none")),
        ("smtp://[::1]:2525/", ("::1", 2525, "none")),
    ],
)
def test_urls_of_mail_servers(url: str, expected: tuple[str, int, str]) -> None:
    server = read_smtp_url(url)
    assert (server.host, server.port, server.security) == expected


@pytest.mark.parametrize(
    "url",
    [
        "thu.tinh.example", "http://u:bi-mat@thu.tinh.example", "smtp://", "smtp://u:bi-mat@h:99999", "smtp://h/x",
        "smtp://u:bi-mat@thu.tinh.example?tls=none", "smtps://h?tls=starttls", "smtp://h?tls=tls", "smtp://h?verify=no",
        "smtp://h?tls=maybe", "smtp://u:bi-m%E1%BA%ADt@h", "smtp://[::1", "smtp://h?x",
    ],
)  # fmt: skip
def test_a_url_that_is_wrong_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="MOVEMENT_REPORTS_SMTP_URL") as caught:
        read_smtp_url(url)
    assert "bi-mat" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ folder, rooms


def test_a_folder_in_place_of_a_server(tmp_path: Path) -> None:
    with FolderChannel(tmp_path / "thư") as channel:
        channel.send(message(), WHO.address)
        channel.send(message(), WHO.address)
    assert [path.name for path in (tmp_path / "thư").iterdir()] == ["1111-2222.eml"]


class _Room(http.server.BaseHTTPRequestHandler):
    posts: list[dict[str, Any]]
    status = 200

    def do_POST(self) -> None:
        self.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def room() -> Iterator[tuple[str, type[_Room]]]:
    made = type("Room", (_Room,), {"posts": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), made)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/bi-mat-cua-phong", made
    server.shutdown()
    server.server_close()


def test_a_room_gets_the_message_and_its_url_stays_ours(
    room: tuple[str, type[_Room]], caplog: pytest.LogCaptureFixture
) -> None:
    url, made = room
    channel = WebhookChannel(read_webhooks(f" {url}\n"))
    (recipient,) = channel.rooms
    assert recipient.address == name_room(url)
    assert "bi-mat" not in recipient.address
    with caplog.at_level(logging.DEBUG):
        channel.send(BODY, recipient.address)
        made.status = 500
        with pytest.raises(LetterRefused) as caught:
            channel.send(BODY, recipient.address)
    assert made.posts[0]["title"] == BODY.subject
    assert "Nông Văn Ấ" in made.posts[0]["message"]
    assert not caught.value.for_good
    assert not [record for record in caplog.records if "bi-mat" in record.getMessage()]
    with pytest.raises(LetterRefused) as gone:
        channel.send(BODY, "webhook:0000")
    assert gone.value.for_good


# ------------------------------------------------------------------------------------------------ words


def duty(letter: LetterKind, days: int, **changes: Any) -> Duty:
    return Duty(letter, "Xã Bảo Lâm", "Báo cáo phong trào", "6 tháng đầu năm 2026", DUE, days, **changes)


@pytest.mark.parametrize(
    ("letter", "days", "subject", "words"),
    [
        (LetterKind.UPCOMING, 5, "Nhắc nộp báo cáo: hạn 16/06/2026", "còn 5 ngày làm việc"),
        (LetterKind.UPCOMING, 3, "Nhắc nộp báo cáo: hạn 16/06/2026", "còn 3 ngày làm việc"),  # after an outage
        (LetterKind.TOMORROW, 1, "Sắp đến hạn nộp báo cáo: 16/06/2026", "còn 1 ngày làm việc"),
        (LetterKind.TODAY, 0, "Ngày cuối để nộp báo cáo: hạn 16/06/2026", "ngày cuối"),
        (LetterKind.LATE, 1, "Quá hạn nộp báo cáo (hạn 16/06/2026)", "quá hạn 1 ngày làm việc"),
        (LetterKind.LATE_HEAD, 3, "Đề nghị thủ trưởng đơn vị chỉ đạo nộp báo cáo quá hạn", "quá hạn 3 ngày làm việc"),
    ],
)
def test_every_rung_has_its_words(letter: LetterKind, days: int, subject: str, words: str) -> None:
    body = write_reminder("Nông Văn A", [duty(letter, days, file="mau.xlsx")], SENDER)
    assert body.subject == subject
    for text in (body.text, body.html):
        for said in (words, "Nông Văn A", "Xã Bảo Lâm", "Báo cáo phong trào – 6 tháng đầu năm 2026", "16/06/2026 23:59",
                     "Việc cần làm", "mau.xlsx", "hoi@tinh.example", "Sở Nội vụ"):  # fmt: skip
            assert said in text, said
        assert "{" not in text.partition("</style>")[2]
    assert len(body.subject) < 78


def test_what_is_still_to_come_is_not_called_late() -> None:
    other = Duty(LetterKind.UPCOMING, "Khối 1", "Báo cáo năm", "năm 2026", DUE + timedelta(days=9), 5)
    body = write_reminder("A", [other, duty(LetterKind.LATE, 1)], SENDER)
    late, _, rest = body.text.partition("Ngoài ra, còn báo cáo:")
    assert body.subject == "Quá hạn nộp báo cáo (hạn 16/06/2026)"
    assert "Khối 1" not in late
    assert "còn 5 ngày làm việc" in rest


def test_the_list_tells_who_how_late_and_what_was_promised() -> None:
    duties = [
        duty(LetterKind.LATE_LIST, 5, received=True),
        Duty(LetterKind.LATE_LIST, "Xã <b>", "Báo cáo phong trào", "6 tháng đầu năm 2026", DUE, 7,
             promised=date(2026, 6, 30), promise="Chờ số liệu"),
    ]  # fmt: skip
    body = write_late_list("Thường trực", duties, SENDER)
    assert body.subject == "Danh sách đơn vị quá hạn nộp báo cáo (2 đơn vị)"
    assert body.text.index(
        "Xã <b>: quá hạn 7 ngày làm việc, chưa gửi; đơn vị hẹn ngày 30/06/2026: Chờ số liệu"
    ) < body.text.index("Xã Bảo Lâm: quá hạn 5 ngày làm việc, đã gửi, chưa đạt")
    assert "Xã &lt;b&gt;" in body.html
    assert "<b>" not in body.html
