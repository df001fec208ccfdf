"""A stand-in for the API of Kubernetes, which runs the pods that it is asked for as processes.

It knows what Spark's driver asks for: pods, their list, their end, and what else there might
be of a job. A pod becomes the entrypoint of its image, with the pod's environment and none of
ours, on an address of loopback of its own.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Pod = dict[str, Any]


class Kubernetes:
    """The API, and the one node on which its pods run.

    Parameters
    ----------
    folder : Path
        Where containers work.
    entrypoint : list of str
        The image: what is called with the arguments of a container.
    image : dict
        Variables of the image.
    """

    def __init__(self, folder: Path, entrypoint: list[str], image: dict[str, str]) -> None:
        self.folder, self.entrypoint, self.image = folder, entrypoint, image
        self.pods: dict[str, Pod] = {}
        self.asked: list[Pod] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def create(self, namespace: str, pod: Pod) -> Pod:
        """Run a pod."""
        with self._lock:
            number = len(self.asked) + 1
            pod["metadata"] |= {
                "namespace": namespace,
                "uid": f"pod-{number}",
                "resourceVersion": "1",
                "creationTimestamp": "2026-01-01T00:00:00Z",
            }
            self.asked.append(pod)
            pod["status"] = {"phase": "Running", "podIP": f"127.0.1.{number}"}
            self.pods[pod["metadata"]["name"]] = pod
            self._run(pod)
        return pod

    def delete(self, chosen: list[str]) -> None:
        """End pods."""
        with self._lock:
            for name in chosen:
                self.pods.pop(name, None)
                _end(self._processes.pop(name, None))

    def _run(self, pod: Pod) -> None:
        name = pod["metadata"]["name"]
        (container,) = pod["spec"]["containers"]
        place = self.folder / name
        place.mkdir(parents=True)
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        variables = {e["name"]: _value(e, pod) for e in container["env"]}
        for variable, value in variables.items():
            if value in mounts:
                # An empty volume is a folder here.
                variables[variable] = str(place / variable)
                (place / variable).mkdir()
        with (place / "log").open("wb") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own program
                [*self.entrypoint, *container["args"]],
                env=self.image | variables,
                cwd=place,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _value(variable: dict[str, Any], pod: Pod) -> str:
    if "valueFrom" not in variable:
        return str(variable.get("value", ""))
    part: Any = pod
    for key in variable["valueFrom"]["fieldRef"]["fieldPath"].split("."):
        part = part[key]
    return str(part)


def _end(process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Handler(BaseHTTPRequestHandler):
    """Answers as the API does."""

    protocol_version = "HTTP/1.1"
    #: What is asked, and whether it is all over.
    kubernetes: Kubernetes
    over: threading.Event

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        namespace, kind, _ = self._place()
        self._answer(self.kubernetes.create(namespace, given) if kind == "pods" else given, 201)

    def do_GET(self) -> None:
        _, kind, name = self._place()
        pods = self.kubernetes.pods if kind == "pods" else {}
        if "watch=true" in self.path:
            self._watch()
        elif name in pods:
            self._answer(pods[name])
        elif name:
            self._answer({"kind": "Status", "status": "Failure", "code": 404}, 404)
        else:
            metadata = {"resourceVersion": "1"}
            self._answer({"kind": "List", "metadata": metadata, "items": list(pods.values())})

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, kind, name = self._place()
        if kind == "pods":
            self.kubernetes.delete([name] if name else list(self.kubernetes.pods))
        self._answer({"kind": "Status", "status": "Success"})

    def _watch(self) -> None:
        """Tell of no change: Spark asks for the list, too."""
        if self.headers.get("Upgrade"):
            # No web socket here, says the 200: ask again without.
            self._answer({})
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.over.wait()
        self.close_connection = True

    def _answer(self, content: Pod, status: int = 200) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _place(self) -> tuple[str, str, str]:
        """Namespace, kind and name."""
        parts = [*self.path.partition("?")[0].split("/"), "", ""]
        at = parts.index("namespaces") if "namespaces" in parts else 0
        return parts[at + 1], parts[at + 2], parts[at + 3]


@contextlib.contextmanager
def served(kubernetes: Kubernetes) -> Iterator[str]:
    """The address of the API on loopback; with it all pods end."""
    over = threading.Event()
    handler = type("Served", (Handler,), {"kubernetes": kubernetes, "over": over})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        kubernetes.delete(list(kubernetes.pods))
        server.shutdown()
        server.server_close()
