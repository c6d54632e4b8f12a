"""A real server of the S3 protocol (moto) on loopback, as long as a `with` block lasts; in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import botocore.session
from certificates import Certificates
from peers_sftp import find_port, start_process
from rooms import open_room

KEY, SECRET = "khoa-thu", "bi-mat-thu/+"


@dataclass
class S3Peer:
    """`client` is another client of the server than ours; `certificates` where it speaks TLS."""

    port: int
    bucket: str
    client: Any
    process: subprocess.Popen[bytes]
    certificates: Certificates | None = None

    def url(self, options: str | None = None, bucket: str | None = None) -> str:
        if options is None:
            options = f"?ca={self.certificates.authority}" if self.certificates else "?tls=false"
        return f"s3://{KEY}:bi-mat-thu%2F%2B@127.0.0.1:{self.port}/{bucket or self.bucket}{options}"

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def list_keys(self) -> list[str]:
        found: list[str] = []
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            found += [item["Key"] for item in page.get("Contents", ())]
        return found


@contextmanager
def open_s3_peer(certificates: Certificates | None = None) -> Iterator[S3Peer]:
    """The server with one empty bucket."""
    with open_room() as room:
        port = find_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        if certificates is not None:
            command += ["-s", "-c", str(certificates.certificate), "-k", str(certificates.key)]
        process = start_process(command, port, room / "log", {**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "65536"})
        try:
            client = botocore.session.get_session().create_client(
                "s3",
                region_name="us-east-1",
                endpoint_url=f"{'https' if certificates else 'http'}://127.0.0.1:{port}",
                aws_access_key_id=KEY,
                aws_secret_access_key=SECRET,
                verify=str(certificates.authority) if certificates else None,
            )
            client.create_bucket(Bucket="bao-cao")
            yield S3Peer(port, "bao-cao", client, process, certificates)
        finally:
            process.terminate()
            process.wait()


@dataclass
class FalseS3:
    """A server that lists what it likes. `asked`: method and path of every request but listings."""

    port: int
    asked: list[str]

    def url(self) -> str:
        return f"s3://{KEY}:bi-mat-thu%2F%2B@127.0.0.1:{self.port}/bao-cao?tls=false"


@contextmanager
def open_false_s3(listed: Mapping[str, int]) -> Iterator[FalseS3]:
    """Lists keys with sizes, whatever they are; has no object behind any of them."""
    asked: list[str] = []
    items = "".join(
        f"<Contents><Key>{quote(key)}</Key><LastModified>2026-06-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{size}</Size></Contents>"
        for number, (key, size) in enumerate(listed.items())
    )
    page = (
        '<?xml version="1.0"?><ListBucketResult><Name>bao-cao</Name><EncodingType>url</EncodingType>'
        f"<IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    )

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listing = "list-type=2" in self.path
            if not listing:
                asked.append(f"GET {self.path}")
            body = page.encode() if listing else b""
            self.send_response(200 if listing else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield FalseS3(server.server_address[1], asked)
    finally:
        server.shutdown()
        server.server_close()
