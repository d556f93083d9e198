"""`study cluster template`: every file is what its reader takes, and what cannot work is refused in words."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main
import yaml
from ray.autoscaler._private.aws.config import _configure_iam_role
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start as ray_start

from study.cli.cluster_files import NAME, SPOT, seconds_of
from study.cli.commands import app
from tests.study.cli.conftest import Type
from tests.study.cli.kuberay_fields import RAY_JOB

AMI = "ami-0123456789abcdef0"
PROFILE = "arn:aws:iam::123456789012:instance-profile/study"
ON_FOLDER = ("--store", "/mnt/study/store", "--data", "/mnt/study")
AWS = ("ray-aws", "grid_tifs", "--region", "us-east-1", "--machine", "g6.12xlarge", "--vm-image", AMI)
NFS = ("--nfs", "fs-01.efs.us-east-1.amazonaws.com:/")
GCP = (
    "ray-gcp", "grid_tifs", "--project-id", "robust", "--zone", "us-central1-a", "--machine", "n1-standard-16",
    "--cpus", "16", "--gpus", "2", "--gpu-type", "nvidia-tesla-t4", "--vm-image", "projects/p/global/images/gpu",
)  # fmt: skip
KUBE = ("kuberay", "grid_tifs", "--image", "registry.example.org/study:1")
SLURM = ("slurm", "grid_tifs", "--store", "/nfs/store")

MADE = {
    "aws, NFS, on demand": (*AWS, *ON_FOLDER, *NFS),
    "aws, S3, spot": (
        *AWS, "--store", "s3://bucket/studies", "--instance-profile", PROFILE, "--spot",
        "--zone", "us-east-1a,us-east-1b",
        "--min-workers", "2", "--max-workers", "8", "--image", "registry.example.org/study:1",
    ),
    "gcp, Filestore, on demand": (*GCP, *ON_FOLDER, "--nfs", "10.0.0.2:/share"),
    "gcp, GCS, spot": (*GCP, "--store", "gs://bucket/x", "--service-account", "a@p.iam.gserviceaccount.com", "--spot"),
    "kuberay, claim": (*KUBE, *ON_FOLDER, "--pvc", "shared"),
    "kuberay, S3, all": (
        *KUBE, "--store", "s3://bucket/x", "--secret", "keys", "--service-account", "study", "--namespace", "robust",
        "--spot", "eks", "--gpus", "4", "--min-workers", "2", "--max-workers", "9", "--idle-minutes", "7",
        "--node-selector", "nvidia.com/gpu.product=NVIDIA-L4", "--node-selector", "pool=a", "--pvc", "shared",
        "--data", "/mnt/study/data",
    ),
    "slurm, bare": SLURM,
    "slurm, all": (
        *SLURM, "--nodes", "4", "--gpus", "4", "--gpu-type", "a100", "--partition", "gpu", "--account", "a", "--qos",
        "long", "--constraint", "a100|[rack1*2&rack2*2]", "--venv", "/nfs/venv", "--module", "cuda/13", "--module",
        "python", "--no-requeue", "--data", "/nfs/data",
    ),
    "slurm, CPUs": (*SLURM, "--gpus", "0"),
}  # fmt: skip


def made(study: Type, name: str) -> str:
    answer = study("cluster", "template", *MADE[name])
    assert answer.exit_code == 0, answer.stderr
    return answer.stdout


def named(*kinds: str) -> Any:
    return pytest.mark.parametrize("name", [name for name in MADE if name.startswith(kinds)])


@named("aws", "gcp")
def test_ray_takes_the_cluster(study: Type, name: str) -> None:
    """Ray's own schema and rules, on the file alone and with Ray's defaults below it."""
    config = yaml.safe_load(made(study, name))
    validate_config({**config, "cluster_synced_files": []})
    whole = prepare_config(config)
    validate_config(whole)
    head, worker = whole["available_node_types"]["head"], whole["available_node_types"]["worker"]
    assert head["resources"] == {"CPU": 0, "GPU": 0}
    assert head["max_workers"] == 0
    assert 1 <= worker["min_workers"] <= worker["max_workers"] == whole["max_workers"]
    assert {"--env RAY_AUTH_MODE=token", "--env RAY_AUTH_TOKEN_PATH=/home/ray/keys/token"} <= set(
        whole["docker"]["run_options"]
    )
    assert "/home/ray/keys" in whole["file_mounts"]


def test_a_cluster_with_everything_else_than_the_defaults(study: Type) -> None:
    config = yaml.safe_load(made(study, "aws, S3, spot"))
    worker = config["available_node_types"]["worker"]
    assert (worker["min_workers"], worker["max_workers"]) == (2, 8)
    assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    head = config["available_node_types"]["head"]["node_config"]
    assert worker["node_config"]["IamInstanceProfile"] == head["IamInstanceProfile"] == {"Arn": PROFILE}
    assert "InstanceMarketOptions" not in config["available_node_types"]["head"]["node_config"]
    assert config["docker"]["image"] == "registry.example.org/study:1"
    assert not any("pip install" in command for command in config["setup_commands"])
    assert set(config["file_mounts"]) == {"/home/ray/keys"}
    assert config["provider"]["availability_zone"] == "us-east-1a,us-east-1b"
    on_demand = yaml.safe_load(made(study, "aws, NFS, on demand"))
    assert "InstanceMarketOptions" not in on_demand["available_node_types"]["worker"]["node_config"]
    assert "--volume /mnt/study:/mnt/study" in on_demand["docker"]["run_options"]


def test_a_head_whose_workers_have_a_role_is_not_given_rays_own(study: Type) -> None:
    """Ray's own may start machines, but none with a role: it lacks iam:PassRole."""
    text = made(study, "aws, S3, spot")
    assert "iam:PassRole" in text.partition("cluster_name")[0]
    config = prepare_config(yaml.safe_load(text)) | {"head_node": {}}
    assert _configure_iam_role(config)["head_node"] == {}, "or else it would have asked AWS for Ray's own"
    bare = made(study, "aws, NFS, on demand")
    assert "IamInstanceProfile" not in bare
    assert "PassRole" not in bare


def test_compute_engines_own_words(study: Type) -> None:
    kinds = yaml.safe_load(made(study, "gcp, GCS, spot"))["available_node_types"]
    worker = kinds["worker"]
    for kind in kinds.values():
        assert kind["node_config"]["disks"][0]["initializeParams"] == {
            "diskSizeGb": 200, "diskType": "zones/us-central1-a/diskTypes/pd-balanced",
            "sourceImage": "projects/p/global/images/gpu",
        }  # fmt: skip
    assert worker["resources"] == {"CPU": 16, "GPU": 2}
    assert worker["node_config"]["guestAccelerators"] == [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 2}]
    assert worker["node_config"]["scheduling"] == {
        "onHostMaintenance": "TERMINATE", "automaticRestart": False, "provisioningModel": "SPOT",
        "instanceTerminationAction": "DELETE",
    }  # fmt: skip
    assert worker["node_config"]["serviceAccounts"][0]["email"] == "a@p.iam.gserviceaccount.com"


@named("aws", "gcp", "kuberay")
def test_workers_may_all_go(study: Type, name: str) -> None:
    answer = study("cluster", "template", *MADE[name], "--min-workers", "0")
    assert answer.exit_code == 0, answer.stderr
    made = yaml.safe_load(answer.stdout)
    if name.startswith("kuberay"):
        jsonschema.validate(made, RAY_JOB)
        (workers,) = made["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        assert (workers["replicas"], workers["minReplicas"]) == (0, 0)
    else:
        validate_config(prepare_config(made))
        assert made["available_node_types"]["worker"]["min_workers"] == 0
    assert "study cluster wait --nodes 1 " in answer.stdout


@named("kuberay")
def test_kuberay_takes_the_job(study: Type, name: str) -> None:
    job = yaml.safe_load(made(study, name))
    jsonschema.Draft202012Validator.check_schema(RAY_JOB)
    jsonschema.validate(job, RAY_JOB)
    ray = job["spec"]["rayClusterSpec"]
    assert ray["authOptions"] == {"mode": "token"}
    assert ray["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0", "num-gpus": "0"}
    for group in (ray["headGroupSpec"], *ray["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", ())}
        assert mounted == {volume["name"] for volume in pod.get("volumes", ())} == {"shared"}
        assert container["resources"]["requests"] == container["resources"]["limits"]


@pytest.mark.parametrize(("path", "value"), [("authOption", {}), ("backoffLimit", "5"), ("submissionMode", "Http")])
def test_the_schema_refuses_what_kuberay_has_not(study: Type, path: str, value: object) -> None:
    job = yaml.safe_load(made(study, "kuberay, claim"))
    job["spec"][path] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, RAY_JOB)


def test_a_job_with_everything(study: Type) -> None:
    job = yaml.safe_load(made(study, "kuberay, S3, all"))
    assert job["metadata"] == {"name": "study", "namespace": "robust"}
    ray = job["spec"]["rayClusterSpec"]
    (workers,) = ray["workerGroupSpecs"]
    assert (workers["replicas"], workers["minReplicas"], workers["maxReplicas"]) == (2, 2, 9)
    assert ray["autoscalerOptions"]["idleTimeoutSeconds"] == 420
    pod = workers["template"]["spec"]
    assert pod["nodeSelector"] == {
        "nvidia.com/gpu.product": "NVIDIA-L4", "pool": "a", "eks.amazonaws.com/capacityType": "SPOT",
    }  # fmt: skip
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "keys"}}]
    head = ray["headGroupSpec"]["template"]["spec"]
    (term,) = head["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "eks.amazonaws.com/capacityType", "operator": "NotIn", "values": ["SPOT"]}
    ]
    assert "nodeSelector" not in head


@pytest.mark.parametrize("kind", SPOT)
def test_every_kind_of_spot_node(study: Type, kind: str) -> None:
    answer = study("cluster", "template", *KUBE, *ON_FOLDER, "--pvc", "shared", "--spot", kind)
    job = yaml.safe_load(answer.stdout)
    jsonschema.validate(job, RAY_JOB)
    key, value = SPOT[kind]
    (workers,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert workers["template"]["spec"]["nodeSelector"] == {key: value}


@named("slurm")
def test_bash_and_shellcheck_take_the_script(study: Type, tmp_path: Path, name: str) -> None:
    script = tmp_path / "job.sh"
    script.write_text(made(study, name))
    subprocess.run(["bash", "-n", str(script)], check=True)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("shellcheck is not installed beside Python: `make install-dev` brings it")
    found = subprocess.run([str(shellcheck), str(script)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_slurm_is_asked_for_what_was_typed(study: Type) -> None:
    asked = re.findall(r"^#SBATCH (.*)$", made(study, "slurm, all"), re.MULTILINE)
    assert {
        "--nodes=4", "--gpus-per-node=a100:4", "--cpus-per-task=8", "--mem=32G", "--time=1-00:00:00", "--partition=gpu",
        "--account=a", "--qos=long", '--constraint="a100|[rack1*2&rack2*2]"', "--signal=B:USR1@300",
        "--no-requeue", "--ntasks-per-node=1",
    } <= set(asked)  # fmt: skip
    bare = re.findall(r"^#SBATCH (.*)$", made(study, "slurm, CPUs"), re.MULTILINE)
    assert "--requeue" in bare
    assert not [one for one in bare if re.match("--(gpus|partition|account|qos|constraint)", one)]


@pytest.mark.parametrize("name", MADE)
def test_nothing_of_the_template_is_left(study: Type, name: str) -> None:
    text = made(study, name)
    assert not re.search(r"__[A-Z_]+__|#\?|\bNone\b", text)
    assert text.startswith("#")
    assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("name", MADE)
def test_every_study_command_shown_can_be_typed(study: Type, name: str) -> None:
    text = made(study, name).replace('"$STORE"', "/x").replace('"$address"', "auto")
    text = re.sub(r'"\$\{#nodes\[@\]\}"', "3", text)
    shown = re.findall(r"(?<![\w/])study ((?:cluster wait|launch|status) [^'&>|`;\n]*)", text)
    assert len(shown) >= 2
    for typed in shown:
        command: Any = typer.main.get_command(app)
        words = shlex.split(re.sub(r"  .*", "", typed).rstrip())
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("study", words, resilient_parsing=False).close()


@named("aws", "gcp", "slurm")
def test_every_option_of_ray_start_exists(study: Type, name: str) -> None:
    known = {option for parameter in ray_start.params for option in parameter.opts}
    text = made(study, name)
    part = text.partition("common=(")[2] if name.startswith("slurm") else text.partition("head_start_ray_commands")[2]
    used = set(re.findall(r"(--[a-z-]+)(?==| |\)|\n|\")", part.partition("# --- The study")[0]))
    ours = {"--nodes", "--ntasks", "--nodelist", "--cpu-bind", "--export", "--output", "--minutes"}
    ours |= {"--fork", "--no-proxy", "--method", "--header"}
    assert len(used) >= 6
    assert used - ours <= known


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ((*SLURM, "--time", "1 day"), "--time: [DAYS-]HOURS:MINUTES:SECONDS, such as 1-00:00:00, got '1 day'"),
        ((*SLURM, "--time", "00:10:00"), "--time 00:10:00 is 600 s, of which the last 300 are for stopping"),
        ((*SLURM, "--nodes", "0"), "'--nodes': Input should be greater than or equal to 1"),
        ((*SLURM, "--notice", "10"), "'--notice': Input should be greater than or equal to 60"),
        ((*SLURM, "--gpus", "0", "--gpu-type", "a100"), "--gpu-type a100: of how many? give --gpus, at least 1"),
        ((*SLURM, "--partition", "a b"), "--partition: letters, digits and ._/:@%+=,~- only, 'a b' has ' '"),
        ((*SLURM, "--partition", "$(rm)"), "--partition: letters, digits"),
        ((*SLURM, "--name", "My_Study"), "--name: lower-case letters, digits and dashes"),
        (("slurm", "grid_tifs", "--store", "store"), "--store: an absolute folder, the same on every node, got store"),
        (("slurm", "grid_tifs", "--store", "hdfs://x/y"), "--store: a folder, s3://… or gs://…, got hdfs://x/y"),
        ((*AWS, *ON_FOLDER), "--store /mnt/study/store: nodes share no folder; give --nfs"),
        ((*AWS, "--store", "/data/store", *NFS), "it lies outside of --mount /mnt/study"),
        ((*AWS, "--store", "/mnt/study-other", *NFS), "it lies outside of --mount /mnt/study"),
        ((*AWS, "--store", "s3://b/x"), "only by an instance profile; give --instance-profile arn:aws:iam::"),
        ((*AWS, *ON_FOLDER, *NFS, "--vm-image", "ubuntu"), "--vm-image: an AMI such as ami-0123456789abcdef0"),
        ((*AWS, *ON_FOLDER, "--nfs", "/export"), "--nfs: HOST:/PATH, got /export"),
        (
            (*AWS, *ON_FOLDER, *NFS, "--max-workers", "1", "--min-workers", "2"),
            "--max-workers: at least --min-workers, 2",
        ),
        ((*AWS, *ON_FOLDER, *NFS, "--project", "/"), "--project /: a checkout of this project has pyproject.toml"),
        ((*AWS, "--store", "/s", *NFS, "--mount", "/"), "--mount: a folder of its own, got /"),
        ((*GCP[:-4], *GCP[-2:], "--store", "gs://b/x"), "has no GPU of its own: say which to attach"),
        ((*GCP, "--store", "gs://b/x"), "only as a service account; give --service-account"),
        (
            (*GCP, "--store", "gs://b/x", "--zone", "uscentral"),
            "--zone: REGION-ZONE, such as us-central1-a, got uscentral",
        ),
        ((*GCP, "--store", "gs://b/x", "--vm-image", "debian"), "--vm-image: projects/PROJECT/global/images/NAME, or"),
        ((*AWS, *ON_FOLDER, *NFS, "--mount", "/mnt/a:b"), "--mount: containers mount no path with a colon, got /mnt/a"),
        ((*SLURM, "--constraint", "a b"), "--constraint: as Slurm writes it without spaces, such as a100 or"),
        ((*SLURM, "--constraint", 'a"$(rm)"'), "--constraint: as Slurm writes it"),
        ((*SLURM, "--partition", "-x"), "--partition: a value, got -x, which would be read as an option"),
        ((*KUBE, *ON_FOLDER), "nodes share no folder; give --pvc"),
        ((*KUBE, "--store", "s3://b/x"), "the bucket asks who comes; give --service-account"),
        ((*KUBE, *ON_FOLDER, "--pvc", "p", "--node-selector", "gpu"), "--node-selector: KEY=VALUE, got gpu"),
        ((*KUBE, *ON_FOLDER, "--pvc", "p", "--namespace", "A_B"), "--namespace: lower-case letters, digits and dashes"),
        ((*KUBE, *ON_FOLDER, "--pvc", "p", "--namespace", "a-"), "--namespace: lower-case letters, digits and dashes"),
        (
            (*KUBE, *ON_FOLDER, "--pvc", "p", "--spot", "gke", "--node-selector", f"{SPOT['gke'][0]}=false"),
            "gke-spot=false: --spot gke asks for cloud.google.com/gke-spot=true, and no node has both; leave one out",
        ),
        (
            (*KUBE, *ON_FOLDER, "--pvc", "p", "--node-selector", "pool=a", "--node-selector", "pool=b"),
            "--node-selector pool=b: there is also pool=a, and no node has both; leave one out",
        ),
        (
            ("kuberay", "/mnt/study/my.yaml", *KUBE[2:], "--store", "s3://b/x", "--secret", "s"),
            "SPEC: /mnt/study/my.yaml lies in --mount /mnt/study, where nothing is mounted; give --pvc",
        ),
        ((*KUBE, "--store", "/mnt/study/my store", "--pvc", "p"), "'/mnt/study/my store' has ' '; give another name"),
        ((*KUBE, "--store", "/mnt/study/it's", "--pvc", "p"), """--store: letters, digits and ._/:@%+=,~- only"""),
        ((*KUBE, "--store", "s3://b/$(id)", "--secret", "s"), "--store: letters, digits and ._/:@%+=,~- only"),
        (("kuberay", '/mnt/study/"a".yaml', *KUBE[2:], *ON_FOLDER), "SPEC: letters, digits and ._/:@%+=,~- only"),
    ],
)
def test_what_cannot_work_is_refused_in_words(study: Type, typed: tuple[str, ...], said: str) -> None:
    answer = study("cluster", "template", *typed)
    assert answer.exit_code == 2
    assert said in re.sub(r"[│\s]+", " ", answer.stderr)
    assert not answer.stdout


@pytest.mark.parametrize("spec", ["my_study.yaml", "grid_tif", "./grid_tifs", "~/s.yaml", "/mnt/study/../s.yaml"])
@pytest.mark.parametrize(
    ("typed", "way_out"),
    [
        ((*AWS, *ON_FOLDER, *NFS), "give /home/ray/{name}, and bring yours there with `ray rsync-up FILE {spec} /home"),
        ((*GCP, "--store", "gs://b/x", "--service-account", "a@b"), "give /home/ray/{name}, and bring yours there"),
        ((*KUBE, *ON_FOLDER, "--pvc", "p"), "the volume of --pvc, to which you copy it, such as /mnt/study/{name}"),
        (SLURM, "give its path in a folder that every node sees: /"),
    ],
)
def test_a_study_of_this_machines_is_refused_before_anything_is_written(
    study: Type, typed: tuple[str, ...], way_out: str, spec: str
) -> None:
    """No node would find it: neither a pod nor a cloud's head has this folder, and a batch job may begin elsewhere."""
    Path("my_study.yaml").write_text("study: mine")
    answer = study("cluster", "template", typed[0], spec, *typed[2:], "-o", "made")
    assert answer.exit_code == 2
    said = " ".join(answer.stderr.split())
    assert f"SPEC: a shipped study (`study spec` lists them), or a YAML's whole path on the cluster, got {spec}" in said
    assert way_out.format(name=Path(spec).name, spec=spec) in said
    assert not Path("made").exists()


@pytest.mark.parametrize("spec", ["grid_tifs", "grid_tifs.yaml", "/mnt/study/my_study.yaml"])
@pytest.mark.parametrize("name", ["aws, S3, spot", "gcp, GCS, spot", "kuberay, claim", "slurm, bare"])
def test_a_study_that_every_cluster_has_is_launched_by_its_name(study: Type, name: str, spec: str) -> None:
    answer = study("cluster", "template", MADE[name][0], spec, *MADE[name][2:])
    assert answer.exit_code == 0, answer.stderr
    assert f"study launch {spec} --address" in answer.stdout


def test_a_study_in_the_image_takes_no_claim(study: Type) -> None:
    answer = study("cluster", "template", "kuberay", "/home/ray/my.yaml", *KUBE[2:], "--store", "s3://b/x",
                   "--secret", "s")  # fmt: skip
    assert answer.exit_code == 0, answer.stderr
    assert "study launch /home/ray/my.yaml --address" in answer.stdout


def test_the_label_of_spot_nodes_may_be_typed_as_well(study: Type) -> None:
    label = "=".join(SPOT["gke"])
    answer = study("cluster", "template", *KUBE, *ON_FOLDER, "--pvc", "p", "--spot", "gke", "--node-selector", label)
    assert answer.exit_code == 0, answer.stderr


def test_a_file_is_not_written_over_unasked(study: Type) -> None:
    first = study("cluster", "template", *SLURM, "-o", "job.sh")
    assert first.stdout == "job.sh: how to use it is said at its beginning\n"
    assert Path("job.sh").read_text() == made(study, "slurm, bare")
    again = study("cluster", "template", *SLURM, "-o", "job.sh", "--nodes", "2")
    assert again.exit_code == 2
    assert "-o job.sh: it exists; give another name, or --force" in again.stderr
    assert study("cluster", "template", *SLURM, "-o", "job.sh", "--nodes", "2", "--force").exit_code == 0
    assert "--nodes=2" in Path("job.sh").read_text()
    assert "No such file" in study("cluster", "template", *SLURM, "-o", "no/where.sh").stderr


@pytest.mark.parametrize(
    ("time", "seconds"), [("00:00:01", 1), ("01:00:00", 3600), ("1-00:00:00", 86400), ("100:00:00", 360000)]
)
def test_slurms_times(time: str, seconds: int) -> None:
    assert seconds_of(time) == seconds


@pytest.mark.parametrize(
    ("name", "good"), [("a", True), ("a-1", True), ("1a", False), ("a-", False), ("a" * 41, False)]
)
def test_names(name: str, good: bool) -> None:
    assert (NAME.fullmatch(name) is not None) is good


@pytest.mark.parametrize("kind", ["ray-aws", "ray-gcp", "kuberay", "slurm"])
def test_the_example_of_each_help_works(study: Type, kind: str) -> None:
    help_text = study("cluster", "template", kind, "--help").stdout
    example = re.search(r"Example:\n((?: +.*\n)+)", help_text)
    assert example is not None
    words = shlex.split(example[1])
    assert words[:4] == ["study", "cluster", "template", kind]
    answer = study(*words[1:])
    assert answer.exit_code == 0, answer.stderr
