"""`study cluster`: files that set up a cluster, and waiting for its nodes."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from study.cli.cluster_files import Aws, Gcp, Kube, Slurm, checkout
from study.cli.errors import UNFINISHED, CommandError
from study.cli.options import examples
from study.cli.terminal import terminal

cluster = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Set up a cluster, and wait for its nodes.")
template = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write what sets a cluster up: GPU nodes, shared storage, spot workers, autoscaling.",
)
AWS = (
    "study cluster template ray-aws grid_tifs --region us-east-1 --machine g6.12xlarge --vm-image ami-0123456789abcdef0"
    " --spot --max-workers 8 --nfs fs-01234567.efs.us-east-1.amazonaws.com:/ --store /mnt/study/store --data /mnt/study"
    " -o study.yaml"
)
GCP = (
    "study cluster template ray-gcp grid_tifs --project-id robust --zone us-central1-a --machine g2-standard-24"
    " --cpus 24 --gpus 2 --vm-image projects/robust/global/images/gpu --nfs 10.0.0.2:/share --store /mnt/study/store"
    " -o study.yaml"
)
KUBE = (
    "study cluster template kuberay grid_tifs --image registry.example.org/study:1 --gpus 1 --max-workers 16 --spot gke"
    " --pvc shared --store /mnt/study/store --data /mnt/study -o study.yaml"
)
SLURM = (
    "study cluster template slurm grid_tifs --nodes 4 --gpus 4 --cpus 32 --memory 200 --time 1-00:00:00"
    " --partition gpu --venv /nfs/me/venv --store /nfs/me/store --data /nfs/me/data -o study.sh"
)
cluster.add_typer(template, name="template", **examples(SLURM))

Launched = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="What to launch: a shipped study, or a YAML's whole path on the cluster.",
        show_default=False,
    ),
]
Store = Annotated[
    str,
    typer.Option(metavar="DIR|URL", help="The study's store: a folder of every node, s3://… or gs://…",
                 show_default=False),
]  # fmt: skip
Data = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="$STUDY_DATA on the nodes, where `study data tifs` built.", show_default=False),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="Of the cluster or job.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file.  Default: print.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Write over FILE.")]
Fewest = Annotated[int, typer.Option(min=0, max=1000, metavar="N", help="Workers that stay, also without work.")]
Most = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Workers at most.")]
Idle = Annotated[int, typer.Option(min=1, max=1440, metavar="N", help="Minutes until an idle worker is let go.")]
Mount = Annotated[str, typer.Option(metavar="DIR", help="Where every node mounts the shared folder.")]
Region = Annotated[str, typer.Option(metavar="REGION", help="Of the cloud.", show_default=False)]
Machine = Annotated[str, typer.Option(metavar="TYPE", help="Of the workers.", show_default=False)]
Disk = Annotated[int, typer.Option(min=50, max=16000, metavar="GB", help="Of each machine.")]
Nfs = Annotated[
    str | None,
    typer.Option(metavar="HOST:/PATH", help="The shared folder: EFS, Filestore, any NFS.", show_default=False),
]
Image = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        help="A container on top of Ray's with this project in it.  Default: Ray's, and the project is installed.",
        show_default=False,
    ),
]
Project = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The checkout to install.  Default: what runs here.", show_default=False),
]
Keys = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Holds the token on your machine.  Default: ~/NAME-keys.", show_default=False),
]
Gpus = Annotated[int, typer.Option(min=0, max=16, metavar="N", help="GPUs of a worker.")]
Cpus = Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="CPUs of a worker.")]


def written(text: str, output: Path | None, force: bool) -> None:
    """Prints it, or writes it whole to a file that there is not yet; raises CommandError."""
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"-o {output}: it exists; give another name, or --force to write over it") from None
    except OSError as error:
        raise CommandError(f"-o {output}: {error.strerror}; give a file in a folder that can be written") from error
    terminal().print(f"{output}: how to use it is said at its beginning")


@template.command("ray-aws", **examples(AWS))
def ray_aws(
    spec: Launched,
    store: Store,
    region: Region,
    machine: Machine,
    vm_image: Annotated[
        str,
        typer.Option(
            metavar="AMI",
            help="Of Ubuntu, with NVIDIA's driver, docker and its NVIDIA toolkit: AWS's Deep Learning Base AMIs.",
            show_default=False,
        ),
    ],
    data: Data = None,
    name: Name = "study",
    zone: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Tried in turn.  Default: any.", show_default=False)
    ] = None,
    head_machine: Annotated[str, typer.Option(metavar="TYPE", help="Of the head.")] = "m7i.xlarge",
    spot: Annotated[bool, typer.Option("--spot", help="Workers that may be taken away, for less.")] = False,
    min_workers: Fewest = 1,
    max_workers: Most = 4,
    idle_minutes: Idle = 15,
    disk: Disk = 200,
    nfs: Nfs = None,
    mount: Mount = "/mnt/study",
    instance_profile: Annotated[
        str | None, typer.Option(metavar="ARN", help="Of all machines; for an s3:// store.", show_default=False)
    ] = None,
    image: Image = None,
    project: Project = None,
    keys: Keys = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """A cluster YAML for `ray up` on EC2."""
    made = Aws(
        spec=spec, name=name, store=store, data=data, min_workers=min_workers, max_workers=max_workers,
        idle_minutes=idle_minutes, mount=mount, region=region, zone=zone, machine=machine, head_machine=head_machine,
        vm_image=vm_image, disk=disk, spot=spot, nfs=nfs, image=image, project=_checkout(project, image),
        keys=keys or f"~/{name}-keys", profile=instance_profile,
    )  # fmt: skip
    written(made.text(), output, force)


@template.command("ray-gcp", **examples(GCP))
def ray_gcp(
    spec: Launched,
    store: Store,
    project_id: Annotated[str, typer.Option(metavar="ID", help="The project that pays.", show_default=False)],
    zone: Annotated[str, typer.Option(metavar="ZONE", help="One that has the GPUs.", show_default=False)],
    machine: Machine,
    cpus: Cpus,
    gpus: Gpus,
    vm_image: Annotated[
        str,
        typer.Option(
            metavar="IMAGE",
            help="projects/…/global/images/…, with NVIDIA's driver, docker and its NVIDIA toolkit.",
            show_default=False,
        ),
    ],
    data: Data = None,
    name: Name = "study",
    gpu_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="To attach to an n1 machine: nvidia-tesla-t4.", show_default=False),
    ] = None,
    head_machine: Annotated[str, typer.Option(metavar="TYPE", help="Of the head.")] = "n2-standard-4",
    spot: Annotated[bool, typer.Option("--spot", help="Workers that may be taken away, for less.")] = False,
    min_workers: Fewest = 1,
    max_workers: Most = 4,
    idle_minutes: Idle = 15,
    disk: Disk = 200,
    nfs: Nfs = None,
    mount: Mount = "/mnt/study",
    service_account: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Of the workers; for a gs:// store.", show_default=False)
    ] = None,
    image: Image = None,
    project: Project = None,
    keys: Keys = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """A cluster YAML for `ray up` on Google Compute Engine."""
    made = Gcp(
        spec=spec, name=name, store=store, data=data, min_workers=min_workers, max_workers=max_workers,
        idle_minutes=idle_minutes, mount=mount, region=zone.rpartition("-")[0], zone=zone, machine=machine,
        head_machine=head_machine, vm_image=vm_image, disk=disk, spot=spot, nfs=nfs, image=image,
        project=_checkout(project, image), keys=keys or f"~/{name}-keys", cloud_project=project_id, cpus=cpus,
        gpus=gpus, gpu_type=gpu_type, account=service_account,
    )  # fmt: skip
    written(made.text(), output, force)


@template.command(**examples(KUBE))
def kuberay(
    spec: Launched,
    store: Store,
    image: Annotated[
        str, typer.Option(metavar="IMAGE", help="On top of Ray's, with this project in it.", show_default=False)
    ],
    data: Data = None,
    name: Name = "study",
    namespace: Annotated[
        str | None, typer.Option(metavar="NAME", help="Default: kubectl's.", show_default=False)
    ] = None,
    gpus: Gpus = 1,
    cpus: Cpus = 8,
    memory: Annotated[int, typer.Option(min=1, max=16000, metavar="GIB", help="Of a worker.")] = 32,
    spot: Annotated[
        Literal["gke", "eks", "karpenter", "aks"] | None,
        typer.Option(help="Workers on nodes that may be taken away, as this kind labels them.", show_default=False),
    ] = None,
    node_selector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Nodes of the workers: cloud.google.com/gke-accelerator=nvidia-l4.  May be given several times.",
            show_default=False,
        ),
    ] = None,
    min_workers: Fewest = 1,
    max_workers: Most = 4,
    idle_minutes: Idle = 5,
    pvc: Annotated[
        str | None, typer.Option(metavar="NAME", help="A ReadWriteMany claim, mounted.", show_default=False)
    ] = None,
    mount: Mount = "/mnt/study",
    secret: Annotated[
        str | None, typer.Option(metavar="NAME", help="Becomes environment variables.", show_default=False)
    ] = None,
    service_account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the pods; with a role on the bucket.", show_default=False)
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, max=100, metavar="N", help="New clusters after a first whose launch failed.")
    ] = 1,
    output: Output = None,
    force: Force = False,
) -> None:
    """A RayJob for KubeRay on Kubernetes."""
    made = Kube(
        spec=spec, name=name, store=store, data=data, min_workers=min_workers, max_workers=max_workers,
        idle_minutes=idle_minutes, mount=mount, namespace=namespace, image=image, cpus=cpus, gpus=gpus, memory=memory,
        pvc=pvc, spot=spot, selector=tuple(node_selector or ()), secret=secret, account=service_account,
        retries=retries,
    )  # fmt: skip
    written(made.text(), output, force)


@template.command(**examples(SLURM))
def slurm(
    spec: Launched,
    store: Store,
    data: Data = None,
    name: Name = "study",
    nodes: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Nodes of the job.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, max=16, metavar="N", help="GPUs of a node.")] = 1,
    gpu_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="As Slurm calls it: a100.", show_default=False)
    ] = None,
    cpus: Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="CPUs of a node.")] = 8,
    memory: Annotated[int, typer.Option(min=1, max=16000, metavar="GB", help="Of a node.")] = 32,
    time: Annotated[str, typer.Option(metavar="[D-]HH:MM:SS", help="The job's time limit.")] = "1-00:00:00",
    notice: Annotated[
        int, typer.Option(min=60, max=3600, metavar="S", help="Seconds before the limit at which trials checkpoint.")
    ] = 300,
    requeue: Annotated[
        bool, typer.Option("--requeue/--no-requeue", help="Queue the job again at its limit, or if a node fails.")
    ] = True,
    join_minutes: Annotated[
        int, typer.Option(min=1, max=120, metavar="N", help="How long nodes may take to join.")
    ] = 10,
    partition: Annotated[str | None, typer.Option(metavar="NAME", help="Slurm's.", show_default=False)] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Slurm's.", show_default=False)] = None,
    qos: Annotated[str | None, typer.Option(metavar="NAME", help="Slurm's.", show_default=False)] = None,
    constraint: Annotated[str | None, typer.Option(metavar="NAME", help="Slurm's.", show_default=False)] = None,
    venv: Annotated[
        str | None, typer.Option(metavar="DIR", help="Python with this project, shared.", show_default=False)
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="To load.  May be given several times.", show_default=False),
    ] = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """A batch script for Slurm: Ray on every node of one job."""
    made = Slurm(
        spec=spec, name=name, store=store, data=data, nodes=nodes, cpus=cpus, gpus=gpus, gpu_type=gpu_type,
        memory=memory, time=time, notice=notice, partition=partition, account=account, qos=qos, constraint=constraint,
        venv=venv, modules=tuple(module or ()), join_minutes=join_minutes, requeue=requeue,
    )  # fmt: skip
    written(made.text(), output, force)


@cluster.command(**examples("study cluster wait --nodes 4", "study cluster wait --address head:6379 --nodes 4"))
def wait(
    nodes: Annotated[
        int, typer.Option(min=1, max=10000, metavar="N", help="How many, the head included.", show_default=False)
    ],
    address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The Ray cluster, `auto` for this node's.")
    ] = "auto",
    minutes: Annotated[float, typer.Option(min=0, max=1440, metavar="N", help="How long to wait.")] = 10,
) -> None:
    """Wait until so many nodes have joined a Ray cluster.

    Exit status: 0 they have, 1 they have not in time.
    """
    from study.executor.cluster import ClusterError, wait_for_nodes

    try:
        joined = wait_for_nodes(address, nodes, 60 * minutes)
    except ClusterError as error:
        terminal(error=True).print(str(error))
        raise typer.Exit(UNFINISHED) from None
    terminal().print(joined.offered())


def _checkout(project: Path | None, image: str | None) -> Path | None:
    """What is installed on nodes whose image has nothing of this project."""
    if image is not None:
        return None
    return project.resolve() if project is not None else checkout()
