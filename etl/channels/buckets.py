"""A bucket of any server that speaks the S3 protocol, as a channel: TLS is verified, objects are read as they were listed.

Built on s3fs, of which only the calls are used: its caches and guesses (regions, credentials of the machine) are not wanted.
"""

from __future__ import annotations

import io
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TypeVar, cast

import botocore.exceptions  # type: ignore[import-untyped]
import s3fs
from fsspec.asyn import sync

from etl.channels.connection import CONNECT_SECONDS, READ_SECONDS, Connection, is_loopback, read_connection
from etl.channels.protocol import ChannelUnavailable
from etl.channels.refusals import RefusalCode
from etl.channels.stores import Entry, StoreChannel, judge
from etl.register.channels import AfterReceipt, ChannelLine

OPTIONS: Final = ("tls", "ca", "region")
"""`tls`: true; false for a server on this machine only. `ca`: file of the certificate authority that the
server's certificate is verified by, where it is one's own."""

_Result = TypeVar("_Result")
_ITEMS_A_PAGE = 1000
_GONE = {"NoSuchKey", "404", "PreconditionFailed", "412", "ConditionalRequestConflict", "InvalidObjectState"}
_NOT_KNOWN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure", "InvalidToken", "ExpiredToken"}


@contextmanager
def open_bucket(line: ChannelLine, url: str, max_bytes: int) -> Iterator[StoreChannel]:
    """The channel of a line. Raises ChannelUnavailable."""
    for name in ("s3fs", "botocore", "aiobotocore", "fsspec"):
        logging.getLogger(name).setLevel(logging.WARNING)  # what is sent is logged below that, signatures too
    known = read_connection(line.connection, url, ("s3",), OPTIONS)
    bucket = known.path.strip("/")
    if not bucket or "/" in bucket:
        raise ChannelUnavailable(
            f"the connection {known.name} names no bucket: write s3://KEY:SECRET@HOST:PORT/BUCKET; a folder in it stands in "
            "channels.yaml"
        )
    if not known.user or not known.password:
        raise ChannelUnavailable(
            f"the connection {known.name} has no access key and secret: write s3://KEY:SECRET@HOST/BUCKET"
        )
    tls = known.is_on("tls", default=True)
    if not tls and not is_loopback(known.host):
        raise ChannelUnavailable(f"the connection {known.name} would carry reports in clear: leave out `tls=false`")
    client: dict[str, Any] = {"region_name": known.option("region") or "us-east-1"}
    if tls:
        client["verify"] = _read_authority(known)
    files = s3fs.S3FileSystem(
        key=known.user,
        secret=known.password,
        endpoint_url=f"{'https' if tls else 'http'}://{known.address.partition('://')[2]}",
        use_ssl=tls,
        client_kwargs=client,
        config_kwargs={
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retries": {"max_attempts": 2, "mode": "standard"},
            "s3": {"addressing_style": "path"},
            # Servers other than the first one of this protocol do not know the newer checksums.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    files.retries = 1  # botocore tries again already
    yield StoreChannel(line, _Bucket(line, known, files, bucket), max_bytes)


def _read_authority(known: Connection) -> str | bool:
    path = known.file("ca")
    if path is None:
        return True
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        raise ChannelUnavailable(
            f"`ca` of the connection {known.name} is no file of certificates (PEM): correct it"
        ) from None
    return path


class _Bucket:
    fetchers = 8
    coarse_seconds = 0  # an object appears whole, and its ETag tells it from others
    passed_over = 0

    def __init__(self, line: ChannelLine, known: Connection, files: s3fs.S3FileSystem, bucket: str) -> None:
        self._known = known
        self._files = files
        self._bucket = bucket
        self._prefix = f"{line.path.strip('/')}/" if line.path.strip("/") else ""
        self._done = line.done_folder.encode() if line.after is AfterReceipt.MOVE else None

    def list_entries(self, most: int) -> tuple[list[Entry], bool]:
        """See Store."""
        found: list[Entry] = []
        seen, token = 0, None
        while True:
            asked: dict[str, Any] = {"ContinuationToken": token} if token else {}
            page = self._list_page(asked)
            for item in page.get("Contents", ()):
                seen += 1
                if seen > most:
                    return found, False
                entry = self._describe(item)
                if entry is not None:
                    found.append(entry)
            following = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not following or following == token:
                return found, True
            token = following

    def _list_page(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            page: dict[str, Any] = self._call(
                "list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, MaxKeys=_ITEMS_A_PAGE, **asked
            )
        except (PermissionError, FileNotFoundError) as error:
            raise ChannelUnavailable(
                f"{self._known.address}: the bucket cannot be listed ({error}): let the account of the connection "
                f"{self._known.name} list and read it"
            ) from None
        return page

    def _describe(self, item: dict[str, Any]) -> Entry | None:
        key = str(item["Key"])
        # What does not begin as asked for, or is the mark of a folder, is no file of this channel.
        if not key.startswith(self._prefix) or (key.endswith("/") and not item["Size"]):
            return None
        steps = tuple(key.removeprefix(self._prefix).encode("utf-8", "surrogatepass").split(b"/"))
        verdict = judge(steps, self._done)
        if verdict is False:
            return None
        changed = item["LastModified"]
        fault = verdict if isinstance(verdict, RefusalCode) else None
        return Entry(
            steps,
            f"{item.get('ETag', '')}-{changed.timestamp():.0f}",
            item["Size"],
            changed.timestamp(),
            changed,
            fault,
        )

    @contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """See Store."""
        etag = _etag_of(entry)
        answer = self._call(
            "get_object", Bucket=self._bucket, Key=self._key(entry), **({"IfMatch": etag} if etag else {})
        )
        body = answer["Body"]
        try:
            yield cast("BinaryIO", _Body(self, body))
        finally:
            body.close()

    def move(self, entry: Entry, folder: str) -> None:
        """See Store. The protocol has no renaming: a copy of exactly what was read, then the deletion of exactly that."""
        key = self._key(entry)
        target = self._prefix + folder + "/" + key.removeprefix(self._prefix)
        try:
            if not self._is_same(key, entry):
                return
            self._call(
                "copy_object",
                Bucket=self._bucket,
                Key=self._find_free(target, _etag_of(entry)),
                CopySource={"Bucket": self._bucket, "Key": key},
                CopySourceIfMatch=_etag_of(entry),
            )
            # A server that does not know IfMatch here deletes what is there; so the last look is as late as can be.
            if self._is_same(key, entry):
                self._call("delete_object", Bucket=self._bucket, Key=key, IfMatch=_etag_of(entry))
        except ChannelUnavailable:
            raise
        except FileNotFoundError:
            return
        except OSError as error:
            raise ChannelUnavailable(
                f"{self._known.address}: objects taken cannot be moved to {folder} ({error}): let the account of the connection "
                f"{self._known.name} write and delete there, or set `after: keep` in channels.yaml"
            ) from None

    def _is_same(self, key: str, entry: Entry) -> bool:
        found = self._call("head_object", Bucket=self._bucket, Key=key)
        return bool(found.get("ETag", "") == _etag_of(entry))

    def _find_free(self, target: str, etag: str) -> str:
        """The target, or its name with a number where another object lies there; a copy made before a crash is the same."""
        free, number = target, 1
        while True:
            try:
                if self._call("head_object", Bucket=self._bucket, Key=free).get("ETag") == etag:
                    return free
            except FileNotFoundError:
                return free
            number += 1
            stem, dot, extension = target.rpartition(".")
            free = f"{stem}~{number}.{extension}" if dot and "/" not in extension else f"{target}~{number}"

    def _key(self, entry: Entry) -> str:
        return self._prefix + b"/".join(entry.steps).decode("utf-8", "surrogatepass")

    def _call(self, method: str, **arguments: Any) -> Any:
        return self.run(self._files._call_s3, method, **arguments)

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """The result of the coroutine function, its errors as a channel tells them; the server's own words are not repeated."""
        where, name = self._known.address, self._known.name
        try:
            return sync(self._files.loop, function, *arguments, **named)
        except botocore.exceptions.SSLError:
            raise ChannelUnavailable(
                f"{where}: the server's certificate could not be verified. Where it is signed by an authority of your own, give "
                f"its file as `ca` in the connection {name}; where it has expired or names another host, it must be renewed"
            ) from None
        except (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionError, TimeoutError):
            raise ChannelUnavailable(
                f"{where} cannot be reached: see that the server runs, and that host, port and `tls` of the connection {name} "
                "are right"
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise ChannelUnavailable(
                f"{where} broke off ({type(error).__name__}): see that the server runs and speaks the S3 protocol"
            ) from None
        except OSError as error:
            raise self._tell(error) from None

    def _tell(self, error: OSError) -> OSError:
        """What s3fs made of the server's answer, told in our words."""
        code = _code_of(error)
        where, name = self._known.address, self._known.name
        if code in _GONE or (isinstance(error, FileNotFoundError) and code != "NoSuchBucket"):
            return FileNotFoundError("it is gone or has changed since it was listed")
        if code == "NoSuchBucket":
            return ChannelUnavailable(f"{where} has no bucket as the connection {name} names: correct its path")
        if code in _NOT_KNOWN:
            return ChannelUnavailable(
                f"{where} does not accept the access key of the connection {name}: correct key and secret"
            )
        if isinstance(error, PermissionError):
            return PermissionError(f"the server does not allow it ({code or 'AccessDenied'})")
        return ChannelUnavailable(
            f"{where} answered with an error ({code or type(error).__name__}): see the server's own log"
        )


class _Body(io.RawIOBase):
    """The bytes of an answer, read once, in order."""

    def __init__(self, bucket: _Bucket, body: Any) -> None:
        self._bucket = bucket
        self._body = body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._bucket.run(self._body.read, None if size < 0 else size)
        return data


def _etag_of(entry: Entry) -> str:
    return entry.stamp.rpartition("-")[0]


def _code_of(error: BaseException) -> str:
    """The protocol's code of an answer: a word of its own list, no text of the server."""
    cause: BaseException | None = error
    while cause is not None:
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            code = str(response.get("Error", {}).get("Code", ""))
            return code if code.isalnum() and len(code) <= 60 else ""
        cause = cause.__cause__
    return ""
