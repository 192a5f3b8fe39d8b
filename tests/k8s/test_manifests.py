# SPDX-License-Identifier: Apache-2.0
"""The manifests, rendered by a pinned kustomize and validated strictly and offline against Kubernetes' own schemas."""
import os
import pathlib
import subprocess

import kubernetes_validate
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy" / "k8s" / "base"
KUBERNETES = "1.30"
SERVICES = ("ingest", "billing", "notify", "control")


@pytest.fixture(scope="session")
def kustomize():
    """Built once from go.mod and go.sum beside this file, which pin its version and the hashes of all it is made of."""
    cache = pathlib.Path(os.environ.get("RISER_CACHE") or pathlib.Path.home() / ".cache" / "riser")
    program = cache / "kustomize-v5.0.3"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["go", "build", "-mod=readonly", "-o", program, "sigs.k8s.io/kustomize/kustomize/v5"],
                       cwd=pathlib.Path(__file__).parent, check=True, timeout=900)
    return program


def render(kustomize, folder):
    ran = subprocess.run([kustomize, "build", folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(ran.stdout))


@pytest.fixture(scope="session")
def manifests(kustomize):
    return render(kustomize, BASE)


def validate(manifest):
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def workload(manifests, service):
    return next(m for m in manifests if m["kind"] in ("Deployment", "StatefulSet") and m["metadata"]["name"] == service)


def container(manifests, service):
    return workload(manifests, service)["spec"]["template"]["spec"]["containers"][0]


def test_every_manifest_is_valid(manifests):
    assert {m["kind"] for m in manifests} >= {"ConfigMap", "Service", "Deployment", "StatefulSet", "Namespace"}
    for manifest in manifests:
        validate(manifest)


@pytest.mark.parametrize("path", [("spec", "replicaz"), ("spec", "template", "spec", "containerz"),
                                  ("spec", "template", "spec", "terminationGracePeriodSecond")])
def test_a_misspelt_field_fails(kustomize, tmp_path, path):
    for file in BASE.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    documents = list(yaml.safe_load_all((tmp_path / "billing.yaml").read_text()))
    inner = next(d for d in documents if d["kind"] == "Deployment")
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = 1
    (tmp_path / "billing.yaml").write_text(yaml.safe_dump_all(documents))
    broken = workload(render(kustomize, tmp_path), "billing")
    with pytest.raises(kubernetes_validate.ValidationError, match=path[-1]):
        validate(broken)


@pytest.mark.parametrize("service", SERVICES)
def test_probes_are_on_the_endpoints_that_the_service_has(manifests, service):
    spec = container(manifests, service)
    assert spec["args"] == [f"riser-{service}"]
    assert spec["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert spec["readinessProbe"]["httpGet"]["path"] == "/readyz"
    settings = next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == service)["data"]
    assert [p["containerPort"] for p in spec["ports"] if p["name"] == "http"] == [int(settings["RISER_HTTP_PORT"])]
    assert settings["RISER_HTTP_HOST"] == "0.0.0.0"


def default_of(service, key):
    """The configuration table's own default, in seconds."""
    program = ROOT / "build" / "bin" / f"riser-{service}"
    printed = subprocess.run([program, "--print-config-env"], capture_output=True, text=True, check=True).stdout
    value = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)[key]
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    unit = next(u for u in sorted(units, key=len, reverse=True) if value.endswith(u))
    return float(value.removesuffix(unit)) * units[unit]


@pytest.mark.parametrize("service", SERVICES)
def test_termination_waits_longer_than_the_drain(manifests, service):
    spec = workload(manifests, service)["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > default_of(service, "RISER_DRAIN_DEADLINE")


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_is_root_and_nothing_is_written_but_the_spool(manifests, service):
    pod = workload(manifests, service)["spec"]["template"]["spec"]
    spec = container(manifests, service)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert spec["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                       "capabilities": {"drop": ["ALL"]}}
    writable = [m["mountPath"] for m in spec.get("volumeMounts", []) if not m.get("readOnly")]
    assert writable == (["/spool"] if service == "ingest" else [])


@pytest.mark.parametrize("service", SERVICES)
def test_the_instance_is_a_name_of_its_own_and_a_lasting_one(manifests, service):
    """Static group members, transactional producers and MQTT clients are named after it. A Deployment's pods are named
    anew at each start, so only a service that can do without a static member may be one."""
    instance = next(e for e in container(manifests, service)["env"] if e["name"] == "RISER_INSTANCE")
    assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    found = workload(manifests, service)
    settings = next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == service)["data"]
    if found["kind"] == "Deployment":
        assert settings.get("RISER_STATIC_MEMBER") == "false"
        return
    assert "RISER_STATIC_MEMBER" not in settings
    headless = next(m for m in manifests if m["kind"] == "Service" and m["metadata"]["name"] == service)
    assert found["spec"]["serviceName"] == service and headless["spec"]["clusterIP"] == "None"
    assert ("volumeClaimTemplates" in found["spec"]) == (service == "ingest")


def settings_of(manifests, service):
    return next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == service)["data"]


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_are_files_of_mounted_secrets_and_nothing_else(manifests, service):
    """Every file that the settings name lies in a read-only mount of a Secret; none is a variable or in a ConfigMap."""
    pod = workload(manifests, service)["spec"]["template"]["spec"]
    spec = container(manifests, service)
    secrets = {v["name"]: v["secret"] for v in pod["volumes"]}
    mounts = {m["mountPath"]: m for m in spec["volumeMounts"] if m["name"] in secrets}
    files = {key: value for key, value in settings_of(manifests, service).items() if key.endswith("_FILE")}
    assert {str(pathlib.Path(path).parent) for path in files.values()} <= set(mounts)
    assert all(m["readOnly"] for m in mounts.values())
    assert "/etc/riser/secrets" in mounts, "a password needs a place"
    assert all(secret["defaultMode"] == 0o440 for secret in secrets.values())
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    assert {key for key in settings_of(manifests, service) if "PASSWORD" in key or "SECRET" in key} <= set(files)
    assert "secretRef" not in str(spec["envFrom"]) and "secretKeyRef" not in str(spec["env"])
    assert not [m for m in manifests if m["kind"] == "Secret"], "a secret does not belong into the repository"


@pytest.mark.parametrize("service", SERVICES)
def test_every_wire_is_encrypted_by_what_the_service_itself_says(manifests, service, tmp_path):
    """The service accepts its ConfigMap, whose engines are not on loopback, and takes it for TLS."""
    settings = dict(settings_of(manifests, service))
    assert not [key for key in settings if key.endswith("_TLS")], "the default, auto, is TLS outside loopback"
    for wire in {"RISER_KAFKA", "RISER_MQTT", "RISER_REDIS", "RISER_SMTP"} & set(settings):
        assert f"{wire}_CA_FILE" in settings, "the system's authorities do not know a name within the cluster"
    for key, path in settings.items():
        if key.endswith("_FILE"):
            settings[key] = str(tmp_path / pathlib.Path(path).name)
            pathlib.Path(settings[key]).write_text("content\n")
    program = ROOT / "build" / "bin" / f"riser-{service}"

    def check(**changed):
        return subprocess.run([program, "--check-config"], capture_output=True, text=True, env={**settings, **changed})
    accepted = check()
    if service == "billing" and "hiredis is older than 1.0" in accepted.stderr:  # Debian 12; the image is Debian 13
        accepted = check(RISER_REDIS="127.0.0.1:6379")
    assert accepted.returncode == 0, accepted.stderr
    plain = check(RISER_KAFKA_PROPERTIES="security.protocol=plaintext")
    assert plain.returncode == 2 and "not on loopback" in plain.stderr


def selects(selector, labels):
    """As the API server reads it: of expressions we use In alone."""
    wanted = dict(selector.get("matchLabels", {}))
    expressions = selector.get("matchExpressions", [])
    assert wanted or expressions, "an empty selector is everybody"
    assert all(e["operator"] == "In" for e in expressions)
    return wanted.items() <= labels.items() and all(labels.get(e["key"]) in e["values"] for e in expressions)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_its_engines_and_nothing_else(manifests, service):
    labels = workload(manifests, service)["spec"]["template"]["metadata"]["labels"]
    policies = [m["spec"] for m in manifests if m["kind"] == "NetworkPolicy" and selects(m["spec"]["podSelector"], labels)]
    common, own = sorted(policies, key=lambda policy: "Ingress" not in policy["policyTypes"])
    assert common["policyTypes"] == ["Ingress", "Egress"] and own["policyTypes"] == ["Egress"]
    settings = settings_of(manifests, service)
    engines = {int(settings[key].rsplit(":", 1)[1]) for key in ("RISER_KAFKA", "RISER_MQTT", "RISER_REDIS", "RISER_SMTP")
               if key in settings}
    (names,), (wires,) = common["egress"], own["egress"]
    assert {p["port"] for p in names["ports"]} == {53}
    assert {p["port"] for p in wires["ports"]} == engines | ({443} if service == "notify" else set())
    inward, = common["ingress"]
    assert inward["from"] and inward["ports"] == [{"port": "http"}]


def test_ingest_keeps_its_spool(manifests):
    ingest = workload(manifests, "ingest")
    assert ingest["kind"] == "StatefulSet"
    claim = ingest["spec"]["volumeClaimTemplates"][0]
    settings = next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "ingest")["data"]
    assert settings["RISER_SPOOL_DIR"] == "/spool"
    size = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert size > int(settings["RISER_SPOOL_SIZE"].removesuffix("GiB")), "the volume must hold the whole spool"


def test_ingest_watches_sequences_only_alone(manifests):
    settings = next(m for m in manifests if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "ingest")["data"]
    assert workload(manifests, "ingest")["spec"]["replicas"] == 1 or settings["RISER_SEQUENCES"] == "false"
