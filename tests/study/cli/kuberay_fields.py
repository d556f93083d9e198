"""The fields of KubeRay's RayJob v1 and of Kubernetes' pods that our manifest may use, as a JSON Schema.

Names, types and what is required are those of the published custom resource definition `rayjobs.ray.io` (v1), with
`authOptions` as KubeRay 1.5.1 brought it. It bounds the words of `upscalingMode` and `authOptions.mode`:
those of `submissionMode`, names and numbers are checked by KubeRay's operator, those of pods by Kubernetes. Whatever is
not here is refused, as `kubeconform -strict` would refuse what the definition has not. Stricter than the definition: a
container names its image, a template has its `spec`, lists are not empty.
"""

from typing import Any

NUMBER = r"(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
QUANTITY = {
    "type": ["string", "integer"],
    "pattern": rf"^(\+|-)?{NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?{NUMBER}))?$",
}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def whole(least: int = 0) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": 2**31 - 1}


def strict(required: str = "", /, **properties: Any) -> dict[str, Any]:
    """An object with these properties and no other."""
    return {
        "type": "object", "properties": properties, "required": required.split(), "additionalProperties": False,
    }  # fmt: skip


def listed(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


QUANTITIES = {"type": "object", "additionalProperties": QUANTITY}
MATCH = strict(
    "key operator", key=TEXT, operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]},
    values=listed(TEXT),
)  # fmt: skip
CONTAINER = strict(
    "name image",
    name=NAME,
    image=TEXT,
    env=listed(strict("name", name=TEXT, value=TEXT)),
    envFrom=listed(strict("", secretRef=strict("", name=NAME))),
    ports=listed(strict("containerPort", name=TEXT, containerPort={"type": "integer", "minimum": 1, "maximum": 65535})),
    resources=strict("", requests=QUANTITIES, limits=QUANTITIES),
    volumeMounts=listed(strict("mountPath name", name=NAME, mountPath=TEXT)),
)
POD = strict(
    "containers",
    containers=listed(CONTAINER),
    serviceAccountName=TEXT,
    securityContext=strict("", fsGroup=whole(), fsGroupChangePolicy={"enum": ["OnRootMismatch", "Always"]}),
    affinity=strict(
        "",
        nodeAffinity=strict(
            "",
            requiredDuringSchedulingIgnoredDuringExecution=strict(
                "nodeSelectorTerms", nodeSelectorTerms=listed(strict("", matchExpressions=listed(MATCH)))
            ),
        ),
    ),
    nodeSelector=TEXTS,
    tolerations=listed(
        strict(
            "",
            key=TEXT,
            operator={"enum": ["Exists", "Equal"]},
            value=TEXT,
            effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
        )
    ),
    terminationGracePeriodSeconds=whole(),
    volumes=listed(strict("name", name=NAME, persistentVolumeClaim=strict("claimName", claimName=NAME))),
)
TEMPLATE = strict("spec", spec=POD)
CLUSTER = strict(
    "headGroupSpec",
    rayVersion=TEXT,
    authOptions=strict("", mode={"enum": ["disabled", "token"]}),
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=strict(
        "", idleTimeoutSeconds=whole(), upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]}
    ),
    headGroupSpec=strict("template", rayStartParams=TEXTS, template=TEMPLATE),
    workerGroupSpecs=listed(
        strict(
            "groupName maxReplicas minReplicas template",
            groupName=TEXT,
            replicas=whole(),
            minReplicas=whole(),
            maxReplicas=whole(),
            rayStartParams=TEXTS,
            template=TEMPLATE,
        )
    ),
)
RAY_JOB = strict(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=strict("name", name=NAME | {"maxLength": 47}, namespace=NAME),
    spec=strict(
        "",
        entrypoint=TEXT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        submitterConfig=strict("", backoffLimit=whole()),
        backoffLimit=whole(),
        shutdownAfterJobFinishes={"type": "boolean"},
        ttlSecondsAfterFinished=whole(),
        rayClusterSpec=CLUSTER,
    ),
)
