"""Files that set up a cluster for a study: templates in `templates/`, filled in from what was typed.

A template is a file of its kind, YAML or bash. `__NAME__` in it stands for a value; a line that ends with `#? name` is
there only where `name` holds.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path, PurePosixPath

from study.cli.errors import CommandError
from study.cli.options import shipped_names

MARK = re.compile(r"\s*#\? (?P<condition>[a-z]+)$")
PLACEHOLDER = re.compile(r"__(?P<name>[A-Z]+(?:_[A-Z]+)*)__")

SAFE = re.compile(r"[A-Za-z0-9._/:@%+=,~-]+")
"""What stands in YAML, in a shell's command and in a comment as it is, without quotes."""
CONSTRAINT = re.compile(r"[A-Za-z0-9._/:@%+=,~|&*()\[\]-]+")
"""Slurm's, in double quotes: a100|h100, [rack1*2&rack2*2]."""
NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
"""Valid for clouds, Kubernetes and Slurm alike; clouds append to it."""
ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z0-9]+")
IMAGE = re.compile(r"(https://(www|compute)\.googleapis\.com/compute/v1/)?projects/[^/]+/global/images/(family/)?[^/]+")
"""These two are Compute Engine's."""
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123's, as Kubernetes calls a namespace."""
TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)")

SPOT: Mapping[str, tuple[str, str]] = {
    "gke": ("cloud.google.com/gke-spot", "true"),
    "eks": ("eks.amazonaws.com/capacityType", "SPOT"),
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
    "aks": ("kubernetes.azure.com/scalesetpriority", "spot"),
}
"""The label that each kind of Kubernetes gives to nodes that may be taken away; some taint them with it as well."""
EXTRAS = {"s3://": "[s3]", "gs://": "[gs]"}
"""What of this project's optional dependencies a store takes."""


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every kind of cluster is asked for."""

    spec: str
    """What is launched: a shipped study's name, or a whole path on the head."""
    name: str
    store: str
    """A folder that every node sees, or a bucket's URL."""
    data: str | None
    """$STUDY_DATA on the nodes."""

    def __post_init__(self) -> None:
        if NAME.fullmatch(self.name) is None:
            raise CommandError(
                f"--name: lower-case letters, digits and dashes, at most 40, the first a letter, got {self.name!r}"
            )
        for flag, value in (("SPEC", self.spec), ("--store", self.store), ("--data", self.data)):
            check_safe(flag, value)
        check_place("--store", self.store)
        if self.data is not None:
            check_folder("--data", self.data)


@dataclass(frozen=True, kw_only=True)
class Scaled(Common):
    """A cluster whose workers come and go."""

    min_workers: int
    max_workers: int
    idle_minutes: int
    mount: str
    """Where shared storage is mounted on every node."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_workers < self.min_workers:
            raise CommandError(
                f"--max-workers: at least --min-workers, {self.min_workers}, got {self.max_workers}; raise it"
            )
        check_safe("--mount", self.mount)
        check_folder("--mount", self.mount)
        if PurePosixPath(self.mount) == PurePosixPath("/"):
            raise CommandError("--mount: a folder of its own, got /; give one such as /mnt/study")
        if ":" in self.mount:
            raise CommandError(f"--mount: containers mount no path with a colon, got {self.mount}; give one without")

    def values(self) -> dict[str, object]:
        return {
            **common_values(self), "MIN_WORKERS": self.min_workers, "MAX_WORKERS": self.max_workers,
            "IDLE_MINUTES": self.idle_minutes, "IDLE_SECONDS": 60 * self.idle_minutes, "MOUNT": self.mount,
            "WAIT_NODES": self.min_workers + 1,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Machines(Scaled):
    """A cluster of a cloud's machines, which `ray up` starts."""

    region: str
    zone: str | None
    machine: str
    head_machine: str
    vm_image: str
    disk: int
    """GB, of each machine."""
    spot: bool
    nfs: str | None
    """HOST:/PATH"""
    image: str | None
    """Of the container, with this project in it; None: Ray's own, into which `project` is installed."""
    project: Path | None
    """A checkout of this project."""
    keys: str
    """The folder on one's own machine that holds the token."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (
            ("--region", self.region), ("--zone", self.zone), ("--machine", self.machine), ("--keys", self.keys),
            ("--head-machine", self.head_machine), ("--vm-image", self.vm_image), ("--nfs", self.nfs),
            ("--image", self.image),
        )  # fmt: skip
        for flag, value in given:
            check_safe(flag, value)
        if self.nfs is not None and re.fullmatch(r"[^/:]+:/.*", self.nfs) is None:
            raise CommandError(f"--nfs: HOST:/PATH, got {self.nfs}; for EFS fs-ID.efs.REGION.amazonaws.com:/")
        check_shared(self, "--nfs", self.nfs)
        if self.image is None:
            check_checkout(self.project)
        there = f"/home/ray/{PurePosixPath(self.spec).name}"
        check_spec(self.spec, f"give {there}, and bring yours there with `ray rsync-up FILE {self.spec} {there}`")

    def values(self) -> dict[str, object]:
        return {
            **super().values(), "REGION": self.region, "ZONE": self.zone, "MACHINE": self.machine,
            "HEAD_MACHINE": self.head_machine, "VM_IMAGE": self.vm_image, "DISK": self.disk, "NFS": self.nfs,
            "IMAGE": self.image or f"rayproject/ray:{ray_version()}-py{python_version()}-gpu", "PROJECT": self.project,
            "KEYS": self.keys, "SPOT_WORD": "spot" if self.spot else "on-demand",
        }  # fmt: skip

    def conditions(self) -> dict[str, bool]:
        return {
            "data": self.data is not None, "nfs": self.nfs is not None, "spot": self.spot,
            "stays": not self.spot, "project": self.image is None, "folder": is_folder(self.store),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Aws(Machines):
    """EC2."""

    profile: str | None
    """The instance profile of head and workers, an ARN. Not of workers alone: Ray's own role for a head may not pass a
    role on (iam:PassRole)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if re.fullmatch(r"ami-[0-9a-f]{8,17}", self.vm_image) is None:
            raise CommandError(f"--vm-image: an AMI such as ami-0123456789abcdef0, got {self.vm_image}")
        if self.profile is not None and re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:instance-profile/[\w+=,.@/-]+",
                                                     self.profile) is None:  # fmt: skip
            raise CommandError(
                f"--instance-profile: an ARN, arn:aws:iam::ACCOUNT:instance-profile/NAME, got {self.profile}"
            )
        if self.store.startswith("s3://") and self.profile is None:
            raise CommandError(
                f"--store {self.store}: workers may read and write a bucket only by an instance profile; give "
                "--instance-profile arn:aws:iam::ACCOUNT:instance-profile/NAME, whose role may also start machines and "
                "pass itself on (AmazonEC2FullAccess, iam:PassRole)"
            )

    def text(self) -> str:
        conditions = self.conditions() | {"zone": self.zone is not None, "profile": self.profile is not None}
        return filled("ray_aws.yaml", self.values() | {"PROFILE": self.profile}, conditions)


@dataclass(frozen=True, kw_only=True)
class Gcp(Machines):
    """Compute Engine."""

    cloud_project: str
    cpus: int
    """Of a worker: Ray does not know this cloud's machine types."""
    gpus: int
    gpu_type: str | None
    """Attached to machines that have none of their own (n1); a2, a3 and g2 have theirs."""
    account: str | None
    """The workers' service account."""

    def __post_init__(self) -> None:
        if self.zone is None or ZONE.fullmatch(self.zone) is None:  # before the region, which is a part of it
            raise CommandError(f"--zone: REGION-ZONE, such as us-central1-a, got {self.zone}")
        super().__post_init__()
        for flag, value in (("--project-id", self.cloud_project), ("--gpu-type", self.gpu_type),
                            ("--service-account", self.account)):  # fmt: skip
            check_safe(flag, value)
        if IMAGE.fullmatch(self.vm_image) is None:
            raise CommandError(
                "--vm-image: projects/PROJECT/global/images/NAME, or …/images/family/NAME, got "
                f"{self.vm_image}; `gcloud compute images list --uri` lists them"
            )
        if self.gpu_type is not None and not self.gpus:
            raise CommandError(f"--gpu-type {self.gpu_type}: of how many? give --gpus, at least 1")
        if self.gpus and self.machine.startswith("n1-") and self.gpu_type is None:
            raise CommandError(
                f"--machine {self.machine} has no GPU of its own: say which to attach with --gpu-type nvidia-tesla-t4"
            )
        if self.store.startswith("gs://") and self.account is None:
            raise CommandError(
                f"--store {self.store}: workers may read and write a bucket only as a service account; give "
                "--service-account NAME@PROJECT.iam.gserviceaccount.com"
            )

    def text(self) -> str:
        values = self.values() | {
            "CLOUD_PROJECT": self.cloud_project, "CPUS": self.cpus, "GPUS": self.gpus, "ACCELERATOR": self.gpu_type,
            "ACCOUNT": self.account,
        }  # fmt: skip
        conditions = {"accelerator": self.gpu_type is not None, "account": self.account is not None}
        return filled("ray_gcp.yaml", values, self.conditions() | conditions)


@dataclass(frozen=True, kw_only=True)
class Kube(Scaled):
    """A RayJob on Kubernetes."""

    namespace: str | None
    image: str
    """With this project in it."""
    cpus: int
    gpus: int
    memory: int
    """GiB; these three are a worker's."""
    pvc: str | None
    """A claim that many nodes may mount at once."""
    spot: str | None
    """Whose Kubernetes, a key of SPOT; None for nodes that stay."""
    selector: tuple[str, ...]
    """KEY=VALUE labels of the nodes that workers go to."""
    secret: str | None
    account: str | None
    retries: int

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (
            ("--namespace", self.namespace), ("--image", self.image), ("--pvc", self.pvc), ("--secret", self.secret),
            ("--service-account", self.account), *(("--node-selector", one) for one in self.selector),
        )  # fmt: skip
        for flag, value in given:
            check_safe(flag, value)
        if self.namespace is not None and LABEL.fullmatch(self.namespace) is None:
            raise CommandError(
                "--namespace: lower-case letters, digits and dashes inside, at most 63, as Kubernetes calls them, got "
                f"{self.namespace}"
            )
        self._check_labels()
        check_shared(self, "--pvc", self.pvc)
        if not is_folder(self.store) and self.secret is None and self.account is None:
            raise CommandError(
                f"--store {self.store}: the bucket asks who comes; give --service-account with a role on it, or "
                "--secret whose keys become environment variables"
            )
        there = f"{self.mount}/{PurePosixPath(self.spec).name}"
        check_spec(self.spec, f"give its path on the volume of --pvc, to which you copy it, such as {there}")
        if self.pvc is None and PurePosixPath(self.mount) in PurePosixPath(self.spec).parents:
            raise CommandError(
                f"SPEC: {self.spec} lies in --mount {self.mount}, where nothing is mounted; give --pvc, the claim on "
                "whose volume it is, or the whole path of a YAML in --image"
            )

    def _check_labels(self) -> None:
        """Raises CommandError for what is not a label, and for two that no node has at once."""
        spot = dict([SPOT[self.spot]] if self.spot is not None else [])
        asked = dict(spot)
        for one in self.selector:
            if re.fullmatch(r"[^=]+=[^=]+", one) is None:
                raise CommandError(f"--node-selector: KEY=VALUE, got {one}")
            key, value = one.split("=")
            if asked.setdefault(key, value) != value:
                other = f"--spot {self.spot} asks for" if key in spot else "there is also"
                raise CommandError(
                    f"--node-selector {one}: {other} {key}={asked[key]}, and no node has both; leave one out"
                )

    def text(self) -> str:
        key, value = SPOT[self.spot] if self.spot is not None else ("", "")
        selector = dict(one.split("=") for one in self.selector) | ({key: value} if key else {})
        values = self.values() | {
            "NAMESPACE": self.namespace, "IMAGE": self.image, "CPUS": self.cpus, "GPUS": self.gpus,
            "MEMORY": self.memory, "PVC": self.pvc, "SECRET": self.secret, "ACCOUNT": self.account,
            "RETRIES": self.retries, "SPOT_KEY": key, "SPOT_VALUE": value, "NODE_SELECTOR": json.dumps(selector),
        }  # fmt: skip
        conditions = {
            "namespace": self.namespace is not None, "data": self.data is not None, "pvc": self.pvc is not None,
            "spot": self.spot is not None, "selector": bool(selector), "secret": self.secret is not None,
            "account": self.account is not None, "none": not self.min_workers,
        }  # fmt: skip
        return filled("kuberay.yaml", values, conditions)


@dataclass(frozen=True, kw_only=True)
class Slurm(Common):
    """A batch job of Slurm's."""

    nodes: int
    cpus: int
    gpus: int
    gpu_type: str | None
    memory: int
    """GiB, as Slurm counts its G; these are of each node."""
    time: str
    """[DAYS-]HOURS:MINUTES:SECONDS"""
    notice: int
    """Seconds before the end at which the launch is told to stop."""
    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    venv: str | None
    modules: tuple[str, ...]
    join_minutes: int
    requeue: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (
            ("--gpu-type", self.gpu_type), ("--partition", self.partition), ("--account", self.account),
            ("--qos", self.qos), ("--venv", self.venv),
            *(("--module", one) for one in self.modules),
        )  # fmt: skip
        for flag, value in given:
            check_safe(flag, value)
        if self.constraint is not None and CONSTRAINT.fullmatch(self.constraint) is None:
            raise CommandError(
                f"--constraint: as Slurm writes it without spaces, such as a100 or 'a100|h100', got {self.constraint!r}"
            )
        if self.venv is not None:
            check_folder("--venv", self.venv)
        if self.gpu_type is not None and not self.gpus:
            raise CommandError(f"--gpu-type {self.gpu_type}: of how many? give --gpus, at least 1")
        allowed = seconds_of(self.time)
        if allowed <= 2 * self.notice:
            raise CommandError(
                f"--time {self.time} is {allowed} s, of which the last {self.notice} are for stopping; give more than "
                "twice --notice"
            )
        there = Path(self.spec).absolute()
        check_spec(self.spec, f"give its path in a folder that every node sees: {there}, if this one is such")

    def text(self) -> str:
        kind = f"{self.gpu_type}:" if self.gpu_type is not None else ""
        values = common_values(self) | {
            "NODES": self.nodes, "CPUS": self.cpus, "GPUS": f"{kind}{self.gpus}", "GPU_COUNT": self.gpus,
            "MEMORY": self.memory, "MEMORY_BYTES": _of_trials(self.memory * 2**30), "TIME": self.time,
            "NOTICE": self.notice, "PARTITION": self.partition,
            "ACCOUNT": self.account, "QOS": self.qos, "CONSTRAINT": self.constraint, "VENV": self.venv,
            "MODULES": " ".join(self.modules), "JOIN_MINUTES": self.join_minutes,
        }  # fmt: skip
        conditions = {
            "data": self.data is not None, "gpus": self.gpus > 0, "partition": self.partition is not None,
            "account": self.account is not None, "qos": self.qos is not None,
            "constraint": self.constraint is not None, "venv": self.venv is not None, "modules": bool(self.modules),
            "requeue": self.requeue, "once": not self.requeue,
        }  # fmt: skip
        return filled("slurm.sh", values, conditions)


def _of_trials(memory: int) -> int:
    """Bytes, of a job's on a node: nine tenths, but 3 GiB less for Ray and its object store, and half at least."""
    return max(memory // 2, min(memory * 9 // 10, memory - 3 * 2**30))


def common_values(cluster: Common) -> dict[str, object]:
    extra = next((extra for scheme, extra in EXTRAS.items() if cluster.store.startswith(scheme)), "")
    return {
        "SPEC": cluster.spec, "NAME": cluster.name, "STORE": cluster.store, "DATA": cluster.data,
        "RAY": ray_version(), "PYTHON": python_version(), "EXTRA": extra,
    }  # fmt: skip


def filled(template: str, values: Mapping[str, object], conditions: Mapping[str, bool]) -> str:
    """The template's text with `values` in it, without the lines whose condition does not hold."""
    lines = []
    for line in (files("study.cli.templates") / template).read_text(encoding="utf-8").splitlines():
        mark = MARK.search(line)
        if mark is None or conditions[mark["condition"]]:
            kept = line if mark is None else line[: mark.start()]
            lines.append(PLACEHOLDER.sub(lambda found: str(values[found["name"]]), kept))
    return "\n".join(lines) + "\n"


def check_safe(flag: str, value: str | None) -> None:
    """Raises CommandError for a text that YAML or a shell would take apart."""
    if value is not None and value.startswith("-"):
        raise CommandError(f"{flag}: a value, got {value}, which would be read as an option; give another name")
    if value is not None and SAFE.fullmatch(value) is None:
        strange = sorted(set(SAFE.sub("", value)))
        told = f"has {' '.join(map(repr, strange))}" if strange else "is empty"
        raise CommandError(f"{flag}: letters, digits and ._/:@%+=,~- only, {value!r} {told}; give another name")


def check_spec(spec: str, way_out: str) -> None:
    """Raises CommandError for what means a file in a folder of this machine, where the launch will not run."""
    path = PurePosixPath(spec)
    is_shipped = f"{spec.removesuffix('.yaml')}.yaml" in shipped_names()
    if not is_shipped and (not path.is_absolute() or ".." in path.parts):
        raise CommandError(
            f"SPEC: a shipped study (`study spec` lists them), or a YAML's whole path on the cluster, got {spec}; "
            f"{way_out}"
        )


def check_place(flag: str, value: str) -> None:
    """Raises CommandError for what is neither an absolute folder nor a bucket's URL."""
    if "://" in value and not value.startswith(tuple(EXTRAS)):
        raise CommandError(f"{flag}: a folder, s3://… or gs://…, got {value}")
    if is_folder(value):
        check_folder(flag, value)


def check_folder(flag: str, value: str) -> None:
    """Raises CommandError for a folder that means another on another node."""
    if not value.startswith("/") or ".." in PurePosixPath(value).parts:
        raise CommandError(f"{flag}: an absolute folder, the same on every node, got {value}; begin it with /")


def check_shared(cluster: Scaled, flag: str, storage: str | None) -> None:
    """Raises CommandError unless the store, and the data, lie on what is mounted on every node."""
    for name, folder in (("--store", cluster.store), ("--data", cluster.data)):
        if folder is None or not is_folder(folder):
            continue
        if storage is None:
            raise CommandError(f"{name} {folder}: nodes share no folder; give {flag}, which is mounted at --mount")
        if PurePosixPath(cluster.mount) not in (PurePosixPath(folder), *PurePosixPath(folder).parents):
            raise CommandError(
                f"{name} {folder}: it lies outside of --mount {cluster.mount}, where {flag} is mounted on every node; "
                f"give {name} {cluster.mount}/{PurePosixPath(folder).name}, or --mount another folder"
            )


def check_checkout(project: Path | None) -> None:
    """Raises CommandError unless `project` is a folder that can be installed from, as nodes' machines will."""
    if project is None:
        raise CommandError(
            "--project: this `study` does not run from a checkout; give --project DIR, which has constraints.txt, or "
            "--image, a container with this project in it"
        )
    for needed in ("pyproject.toml", "constraints.txt"):
        if not (project / needed).is_file():
            raise CommandError(f"--project {project}: a checkout of this project has {needed}, this folder has not")
    check_safe("--project", str(project))


def checkout() -> Path | None:
    """The checkout that this package runs from, if it does."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "constraints.txt").is_file() else None


def is_folder(place: str) -> bool:
    return "://" not in place


def seconds_of(time: str) -> int:
    """Of Slurm's [DAYS-]HOURS:MINUTES:SECONDS; raises CommandError."""
    found = TIME.fullmatch(time)
    if found is None:
        raise CommandError(f"--time: [DAYS-]HOURS:MINUTES:SECONDS, such as 1-00:00:00, got {time!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((24 * days + hours) * 60 + minutes) * 60 + seconds


def ray_version() -> str:
    """Nodes must have the same as the driver."""
    return metadata.version("ray")


def python_version() -> str:
    """As Ray's images are tagged: 311"""
    return f"{sys.version_info.major}{sys.version_info.minor}"
