"""The template for Kubernetes against a stand-in for its API: which pods, and what they do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyspark
import pytest

from tests.conftest import ALONE
from tests.deploy.conftest import CHECKOUT
from tests.deploy.kubernetes import Kubernetes, served
from vospec import config, pipeline
from vospec.archives.simulated import simulate
from vospec.backend.session import Engine
from vospec.job import Job

pytestmark = pytest.mark.spark

FOLDER = CHECKOUT / "deploy" / "cluster"
#: What is other than in the template, for a small machine.
SMALLER = {
    "spark.executor.instances 8": "spark.executor.instances 2",
    "spark.executor.cores 4": "spark.executor.cores 1",
    "podTemplateFile kubernetes/": f"podTemplateFile {FOLDER}/kubernetes/",
}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="vospec-kubernetes."))
    yield made
    shutil.rmtree(made)


def _settings(place: Path, store: str, api: str) -> Path:
    properties = (FOLDER / "kubernetes.properties").read_text()
    for given, wanted in SMALLER.items():
        assert given in properties
        properties = properties.replace(given, wanted)
    (place / "kubernetes.properties").write_text(properties)
    toml = place / f"{store}.toml"
    toml.write_text(f"""
        [store]
        folder = "{place}/{store}"
        [survey]
        folders = ["{place}/sky/survey"]
        [training]
        folders = ["{place}/sky/training"]
        [spark]
        master = "k8s://{api}"
        driver_memory = "1g"
        executor_memory = "768m"
        properties = "{place}/kubernetes.properties"
        min_spectra = 0
    """)
    return toml


def test_pods_of_the_template_do_the_work(place: Path) -> None:
    simulate(place / "sky", n_survey=40, n_training=16, seed=3)
    # A checkout that is installed nowhere stands beside it.
    image = {
        "PYTHONPATH": str(CHECKOUT),
        "PATH": "/usr/bin:/bin",
        "SPARK_HOME": pyspark.__path__[0],
    }
    entrypoint = [str(FOLDER / "kubernetes" / "entrypoint")]
    kubernetes = Kubernetes(place / "node", entrypoint, image)
    with served(kubernetes) as api:
        toml = _settings(place, "store", api)
        program = [sys.executable, "-m", "tests.deploy.stages", str(toml), "ingest"]
        done = subprocess.run(  # noqa: S603 - our own program
            program,
            cwd=CHECKOUT,
            # The image has its Python, with vospec, where the driver has it.
            env=os.environ | {"KUBECONFIG": "/dev/null", "PYSPARK_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        logs = "\n".join(path.read_text()[-3000:] for path in place.glob("node/*/log"))
        assert done.returncode == 0, done.stdout + done.stderr + logs
        # The driver has taken its pods away.
        assert kubernetes.pods == {}
    assert len(kubernetes.asked) == 2
    for pod in kubernetes.asked:
        _judge(pod)
    settings = config.load(_settings(place, "alone", api))
    pipeline.ingest(Job(replace(settings, spark=ALONE), Engine(ALONE, place / "scratch")))
    found, expected = (
        {path.name: path.read_bytes() for path in (place / store).glob("spectra/*/*.parquet")}
        for store in ("store", "alone")
    )
    assert len(found) == 16
    assert found == expected


def _judge(pod: dict) -> None:
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example/vospec-executor:4.3.0"
    assert container["args"] == ["executor"]
    assert container["resources"]["requests"]["cpu"] == "1"
    assert container["resources"]["limits"]["memory"] == "6912Mi"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["metadata"]["namespace"] == "vospec"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["automountServiceAccountToken"] is False
    claims = [volume.get("persistentVolumeClaim") for volume in pod["spec"]["volumes"]]
    assert {"claimName": "vospec-shared"} in claims
    assert "/shared" in [mount["mountPath"] for mount in container["volumeMounts"]]
    names = {variable["name"] for variable in container["env"]}
    assert "_SPARK_AUTH_SECRET" in names
    options = [e["value"] for e in container["env"] if e["name"].startswith("SPARK_JAVA_OPT_")]
    assert not [option for option in options if re.search("secret", option, re.IGNORECASE)]
