"""A service of S3 on loopback, with a simulated survey in a bucket."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from vospec import listing

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "anyone",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def bucket(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A folder's survey in S3.

    Yields
    ------
    str
        Its address.
    dict
        Where that is, and as whom it is asked: variables of the environment, which are set.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    # All servers of a process serve the same buckets.
    urlopen(f"http://{host}:{port}/moto-api/reset", data=b"", timeout=10).close()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        made = fs.S3FileSystem(
            endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True
        )
        made.create_dir("archive")
        for part in ("survey", "training"):
            fs.copy_files(str(folder / part), f"archive/a sky/{part}", destination_filesystem=made)
        listing._filesystem.cache_clear()
        yield "s3a://archive/a sky", variables
        listing._filesystem.cache_clear()
    server.stop()
