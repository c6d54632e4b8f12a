"""Why a channel or the collector does not take something: a closed list, with what is told in Vietnamese.

Codes are kept with what was refused (landing.refusal) and read by other tools: never rename one, only add. Texts name no file
and no person; the caller says which file. It must not decide anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from etl.text import format_number


class RefusalCode(StrEnum):
    """Kept in landing.refusal; `REFUSALS` has a text for each."""

    TOO_LARGE = "TOO-LARGE"
    NAME_UNSAFE = "NAME-UNSAFE"
    NAME_WITH_PATH = "NAME-WITH-PATH"
    NOT_REGULAR = "NOT-REGULAR"
    TOO_DEEP = "TOO-DEEP"
    KIND_NOT_TAKEN = "KIND-NOT-TAKEN"
    TOO_MANY_FILES = "TOO-MANY-FILES"

    MAIL_WITHOUT_FILE = "MAIL-WITHOUT-FILE"
    MAIL_TOO_LARGE = "MAIL-TOO-LARGE"
    MAIL_BROKEN = "MAIL-BROKEN"
    MAIL_NESTED = "MAIL-NESTED"
    MAIL_WINMAIL_DAT = "MAIL-WINMAIL-DAT"
    MAIL_ENCODING = "MAIL-ENCODING"
    MAIL_ENCRYPTED = "MAIL-ENCRYPTED"
    MAIL_AUTOMATIC = "MAIL-AUTOMATIC"

    ZIP_BROKEN = "ZIP-BROKEN"
    ZIP_TOO_MANY_FILES = "ZIP-TOO-MANY-FILES"
    ZIP_TOO_LARGE = "ZIP-TOO-LARGE"
    ZIP_BOMB = "ZIP-BOMB"
    ZIP_NESTED = "ZIP-NESTED"
    ZIP_ENCRYPTED = "ZIP-ENCRYPTED"
    ZIP_PATH = "ZIP-PATH"
    ZIP_LINK = "ZIP-LINK"
    ZIP_METHOD = "ZIP-METHOD"
    ZIP_EMPTY = "ZIP-EMPTY"

    HTTP_OTHER_HOST = "HTTP-OTHER-HOST"
    HTTP_LOCAL_ADDRESS = "HTTP-LOCAL-ADDRESS"
    HTTP_TOO_MANY_REDIRECTS = "HTTP-TOO-MANY-REDIRECTS"
    HTTP_GONE = "HTTP-GONE"
    HTTP_NOT_ALLOWED = "HTTP-NOT-ALLOWED"
    HTTP_ENCODING = "HTTP-ENCODING"
    HTTP_NOT_UNDERSTOOD = "HTTP-NOT-UNDERSTOOD"


class RefusalText(NamedTuple):
    """What happened and what to do, whole Vietnamese sentences."""

    reason: str
    fix: str


_SOURCE_SYSTEM = "Đơn vị quản lý hệ thống nguồn cần trả tệp từ chính máy chủ đã đăng ký."

REFUSALS: Final[Mapping[RefusalCode, RefusalText]] = {
    RefusalCode.TOO_LARGE: RefusalText(
        "Tệp lớn hơn giới hạn cho phép nên không được nhận.",
        "Xóa ảnh, trang tính và định dạng thừa, hoặc chép số liệu sang biểu mẫu được cấp rồi gửi lại.",
    ),
    RefusalCode.NAME_UNSAFE: RefusalText(
        "Tên tệp hoặc thư mục có ký tự không hợp lệ (ký tự điều khiển, ký tự ẩn) nên không được nhận.",
        "Đổi tên, chỉ dùng chữ, số, dấu cách, dấu chấm và dấu gạch, rồi gửi lại.",
    ),
    RefusalCode.NAME_WITH_PATH: RefusalText(
        "Tên tệp chứa đường dẫn trỏ ra thư mục khác nên không được nhận.",
        "Đổi tên tệp, bỏ dấu gạch chéo và cụm “..”, rồi gửi lại.",
    ),
    RefusalCode.NOT_REGULAR: RefusalText(
        "Mục này là liên kết (lối tắt) hoặc không phải tệp thường nên không được nhận.", "Gửi chính tệp báo cáo."
    ),
    RefusalCode.TOO_DEEP: RefusalText(
        "Tệp nằm trong quá nhiều cấp thư mục nên không được nhận.", "Đặt tệp ở thư mục của đơn vị."
    ),
    RefusalCode.KIND_NOT_TAKEN: RefusalText(
        "Loại tệp này không được nhận.",
        "Gửi bảng tính (.xlsx, .xlsm, .xls, .ods, .csv) hoặc tệp .json; có thể kèm văn bản .pdf, .docx; nhiều tệp thì nén .zip.",
    ),
    RefusalCode.TOO_MANY_FILES: RefusalText(
        "Lần gửi có quá nhiều tệp.", "Chia thành nhiều lần gửi, mỗi lần ít tệp hơn."
    ),
    RefusalCode.MAIL_WITHOUT_FILE: RefusalText(
        "Thư không có tệp báo cáo đính kèm.", "Đính kèm biểu mẫu đã điền vào thư rồi gửi lại."
    ),
    RefusalCode.MAIL_TOO_LARGE: RefusalText(
        "Thư lớn hơn giới hạn cho phép nên không được nhận.",
        "Chỉ đính kèm biểu mẫu đã điền, bỏ ảnh và tài liệu khác, rồi gửi lại.",
    ),
    RefusalCode.MAIL_BROKEN: RefusalText(
        "Không đọc được cấu trúc của thư, hoặc phần đính kèm bị hỏng.", "Soạn thư mới, đính kèm lại tệp từ máy rồi gửi."
    ),
    RefusalCode.MAIL_NESTED: RefusalText(
        "Tệp nằm trong thư được chuyển tiếp lồng nhau quá nhiều lần.",
        "Lưu tệp về máy rồi đính kèm trực tiếp vào một thư mới.",
    ),
    RefusalCode.MAIL_WINMAIL_DAT: RefusalText(
        "Tệp đính kèm bị Outlook đóng gói thành winmail.dat, hệ thống không mở được.",
        "Trong Outlook, chọn định dạng thư HTML hoặc Văn bản thuần (không dùng Rich Text) rồi gửi lại.",
    ),
    RefusalCode.MAIL_ENCODING: RefusalText(
        "Phần đính kèm được mã hóa để truyền theo cách không được hỗ trợ.",
        "Gửi lại bằng chương trình thư thông dụng, hoặc bằng thư điện tử công vụ trên trình duyệt.",
    ),
    RefusalCode.MAIL_ENCRYPTED: RefusalText(
        "Thư được mã hóa nên hệ thống không đọc được.", "Gửi lại thư không mã hóa; có thể ký số."
    ),
    RefusalCode.MAIL_AUTOMATIC: RefusalText(
        "Thư do máy tự gửi (báo không gửi được, trả lời vắng mặt), không phải lần nộp báo cáo.",
        "Không cần gửi lại; nếu là thư báo không gửi được, kiểm tra địa chỉ đầu mối của đơn vị trong danh bạ.",
    ),
    RefusalCode.ZIP_BROKEN: RefusalText(
        "Tệp nén bị hỏng hoặc tải lên chưa trọn vẹn.", "Nén lại các tệp thành .zip rồi gửi lại."
    ),
    RefusalCode.ZIP_TOO_MANY_FILES: RefusalText(
        "Tệp nén chứa quá nhiều tệp.", "Chỉ nén các biểu mẫu đã điền; chia thành nhiều tệp nén nếu cần."
    ),
    RefusalCode.ZIP_TOO_LARGE: RefusalText(
        "Nội dung của tệp nén khi giải nén lớn hơn giới hạn.", "Chỉ nén các biểu mẫu đã điền rồi gửi lại."
    ),
    RefusalCode.ZIP_BOMB: RefusalText(
        "Tệp nén có tỷ lệ nén bất thường, có thể gây hại cho máy chủ.",
        "Kiểm tra tệp gốc, xóa vùng trống và định dạng thừa, rồi gửi thẳng tệp bảng tính, không nén.",
    ),
    RefusalCode.ZIP_NESTED: RefusalText(
        "Trong tệp nén có tệp nén khác.", "Giải nén trước, rồi nén các biểu mẫu vào một tệp .zip duy nhất."
    ),
    RefusalCode.ZIP_ENCRYPTED: RefusalText(
        "Tệp nén có đặt mật khẩu nên hệ thống không mở được.", "Nén lại không đặt mật khẩu rồi gửi lại."
    ),
    RefusalCode.ZIP_PATH: RefusalText(
        "Trong tệp nén có tên tệp trỏ ra ngoài thư mục hoặc có ký tự điều khiển.",
        "Đưa các biểu mẫu vào một thư mục, nén lại thư mục đó rồi gửi lại.",
    ),
    RefusalCode.ZIP_LINK: RefusalText(
        "Trong tệp nén có liên kết (lối tắt), không phải tệp.", "Nén chính các tệp báo cáo rồi gửi lại."
    ),
    RefusalCode.ZIP_METHOD: RefusalText(
        "Tệp nén dùng cách nén không được hỗ trợ.", "Nén lại bằng chức năng nén ZIP có sẵn của máy rồi gửi lại."
    ),
    RefusalCode.ZIP_EMPTY: RefusalText("Tệp nén không có tệp nào.", "Nén lại các biểu mẫu đã điền rồi gửi lại."),
    RefusalCode.HTTP_OTHER_HOST: RefusalText(
        "Hệ thống nguồn dẫn đến một máy chủ khác với máy chủ đã đăng ký.", _SOURCE_SYSTEM
    ),
    RefusalCode.HTTP_LOCAL_ADDRESS: RefusalText("Hệ thống nguồn dẫn đến một địa chỉ nội bộ.", _SOURCE_SYSTEM),
    RefusalCode.HTTP_TOO_MANY_REDIRECTS: RefusalText(
        "Hệ thống nguồn chuyển hướng quá nhiều lần.",
        "Đơn vị quản lý hệ thống nguồn cần ghi địa chỉ cuối cùng của tệp trong danh mục.",
    ),
    RefusalCode.HTTP_GONE: RefusalText(
        "Tệp có trong danh mục của hệ thống nguồn nhưng không còn ở đó.", "Đưa tệp lên lại, hoặc bỏ khỏi danh mục."
    ),
    RefusalCode.HTTP_NOT_ALLOWED: RefusalText(
        "Hệ thống nguồn không cho phép tải tệp này.", "Cấp quyền tải tệp cho tài khoản kết nối đã đăng ký."
    ),
    RefusalCode.HTTP_ENCODING: RefusalText(
        "Hệ thống nguồn trả dữ liệu nén theo cách không được hỗ trợ, hoặc bị hỏng.",
        "Trả dữ liệu không nén, hoặc nén gzip.",
    ),
    RefusalCode.HTTP_NOT_UNDERSTOOD: RefusalText(
        "Một mục trong danh mục của hệ thống nguồn không đúng định dạng đã công bố.",
        "Sửa danh mục theo định dạng đã công bố: mỗi mục có url và name.",
    ),
}

REASONS: Final[Mapping[RefusalCode, str]] = {code: f"{text.reason} {text.fix}" for code, text in REFUSALS.items()}
"""Reason and fix in one: what the standing office reads; the sender may be told the same."""

NEVER_ANSWERED: Final = frozenset({RefusalCode.MAIL_AUTOMATIC})
"""Nobody reads an answer to these, and a machine that answers would be answered for ever."""


_SIZES: Final = frozenset({RefusalCode.TOO_LARGE, RefusalCode.MAIL_TOO_LARGE, RefusalCode.ZIP_TOO_LARGE})
_COUNTS: Final = frozenset({RefusalCode.TOO_MANY_FILES, RefusalCode.ZIP_TOO_MANY_FILES})
_NAMED: Final = frozenset(
    {
        RefusalCode.ZIP_PATH, RefusalCode.ZIP_LINK, RefusalCode.ZIP_ENCRYPTED, RefusalCode.ZIP_METHOD, RefusalCode.ZIP_NESTED,
        RefusalCode.HTTP_OTHER_HOST, RefusalCode.HTTP_LOCAL_ADDRESS,
    }
)  # fmt: skip
"""Their detail is the name of a file or of a machine."""
_NUMBER: Final = re.compile(r"\d+(?:\.\d{3})*")


def tell_refusal_detail(code: str, detail: str) -> str:
    """What is kept beside a code, as people read it: "more than 5242880 bytes" as "lớn hơn 5 MB"; "" for what only whoever
    keeps the system needs to know."""
    if code in _NAMED:
        return detail
    numbers = [int(found.replace(".", "")) for found in _NUMBER.findall(detail)]
    if code in _SIZES:
        shown = [_show_size(number) for number in numbers]
    elif code in _COUNTS:
        shown = [f"{format_number(number)} tệp" for number in numbers]
    else:
        return ""
    if len(shown) == 1:
        return f"lớn hơn {shown[0]}"
    return f"{shown[0]}, giới hạn {shown[1]}" if len(shown) == 2 else ""


def _show_size(size: int) -> str:
    """In MB, or KB where it is less, with one decimal at most."""
    unit, name = (1024**2, "MB") if size >= 1024**2 else (1024, "KB")
    return f"{format_number(Decimal(size) / unit, 1).removesuffix(',0')} {name}"


def describe_refusal(code: str) -> str:
    """What a stored code says in Vietnamese; the code itself where it is not known here (any more)."""
    return REASONS[RefusalCode(code)] if code in set(RefusalCode) else code
