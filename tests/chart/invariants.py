"""What must hold for everything the chart renders, whatever the values.

Each function takes the objects and yields what is wrong, one line each. What a zone is stands here
a second time on purpose: the chart's own table is what is being checked.
"""
import yaml

from manifests import (STAGES, WORKLOADS, annotations_of, claim_at, component_of, containers_of,
                       environment_of, hooks_of, labels_of, matches, name_of, named,
                       names_mounted, of_kind, pod_of, volume_sources, volumes_of, workload)

MAY_SEE_RAW = {"ingest", "gateway", "validator", "privacy-blurrer"}
IDENTITY_KEPT = ("deduper", "balancer", "sink")
STATE_KEPT = ("deduper", "balancer")
METRICS_PORT = 9464


def settings_of(objects, stage):
    """The settings file the stage's pods read."""
    mounted = names_mounted(workload(objects, stage), "ConfigMap")
    for name in mounted:
        data = (named(objects, "ConfigMap", name) or {"data": {}})["data"]
        if f"{stage}.yaml" in data:
            return yaml.safe_load(data[f"{stage}.yaml"])
    return {}


def where(thing):
    return f"{thing['kind']} {name_of(thing)}"


# ---- zones ----

def safe_zone_cannot_read_raw(objects):
    """Blob volume, settings and credentials: none of the raw zone's is in a pod of the safe one."""
    raw_claim = claim_at(workload(objects, "validator"), "/var/lib/winnow/blobs/raw")
    if not raw_claim:
        yield "validator mounts no raw blobs"
    shared = shared_credentials(objects)
    for thing in of_kind(objects, *WORKLOADS):
        component = component_of(thing)
        if component in MAY_SEE_RAW:
            continue
        if raw_claim in names_mounted(thing, "PersistentVolumeClaim"):
            yield f"{where(thing)} mounts the raw blobs, claim {raw_claim}"
        if any("blobs/raw" in mount["mountPath"] for container in containers_of(thing)
               for mount in container.get("volumeMounts", [])):
            yield f"{where(thing)} has a place for raw blobs"
        for secret in names_mounted(thing, "Secret") & shared:
            yield f"{where(thing)} holds Secret {secret} of the raw zone"
        if component in STAGES and "raw" in settings_of(objects, component).get("blobs", {}):
            yield f"{where(thing)} is told where raw blobs are"


def shared_credentials(objects):
    """Secrets of the raw zone that are not the brokers' authority, which all may know."""
    found = set()
    for thing in of_kind(objects, *WORKLOADS):
        if component_of(thing) in MAY_SEE_RAW:
            found |= {name for kind, name, keys in volume_sources(thing)
                      if kind == "Secret" and not set(keys) <= {"ca.crt"}}
    return found


def zone_labels_tell_the_zone(objects):
    for thing in of_kind(objects, *WORKLOADS):
        component = component_of(thing)
        expected = ("raw" if component in MAY_SEE_RAW else
                    "safe" if component in IDENTITY_KEPT else "control")
        if labels_of(pod_of(thing)).get("winnow/zone") != expected:
            yield f"{where(thing)} is not labelled winnow/zone: {expected}"


def policies_of(objects, thing):
    labels = labels_of(pod_of(thing))
    return [policy for policy in of_kind(objects, "NetworkPolicy")
            if matches(policy["spec"]["podSelector"].get("matchLabels", {}), labels)]


def everything_is_denied_first(objects):
    for thing in of_kind(objects, *WORKLOADS):
        if not any(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
                   and not policy["spec"].get("ingress") and not policy["spec"].get("egress")
                   for policy in policies_of(objects, thing)):
            yield f"{where(thing)} is under no policy that denies everything"


def only_metrics_can_be_reached(objects):
    for policy in of_kind(objects, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            ports = {port["port"] for port in rule.get("ports", [])}
            if ports != {METRICS_PORT}:
                yield f"{where(policy)} lets in to ports {sorted(ports) or 'of every number'}"
            if not rule.get("from"):
                yield f"{where(policy)} lets everybody in"
            for peer in rule.get("from", []):
                chosen = peer.get("podSelector", {}).get("matchLabels", {})
                component = chosen.get("app.kubernetes.io/component")
                if "namespaceSelector" not in peer and component != "test":
                    yield f"{where(policy)} lets pods of its own namespace in: {chosen}"


def stages_reach_brokers_and_names_only(objects, ports=frozenset()):
    """`ports`: of brokers that advertise others than kafka.brokers names."""
    for thing in of_kind(objects, *WORKLOADS):
        allowed = {53, METRICS_PORT} if component_of(thing) in ("test", "topics") else {53}
        for policy in policies_of(objects, thing):
            for rule in policy["spec"].get("egress", []):
                given = {port["port"] for port in rule.get("ports", [])}
                if not given:
                    yield f"{where(policy)} lets {where(thing)} out to every port"
                for port in given - allowed - ports - broker_ports(objects):
                    yield f"{where(policy)} lets {where(thing)} out to port {port}"


def broker_ports(objects):
    brokers = settings_of(objects, "validator")["kafka"]["brokers"]
    return {int(each.rpartition(":")[2]) for each in brokers.split(",")}


def zones_have_policies_of_their_own(objects):
    for zone, stage in (("raw", "validator"), ("raw", "privacy-blurrer"), ("safe", "sink")):
        policies = policies_of(objects, workload(objects, stage))
        if not any(policy["spec"]["podSelector"]["matchLabels"].get("winnow/zone") == zone
                   for policy in policies):
            yield f"{stage} is under no policy of the zone {zone}"


# ---- identity and state ----

def stateful_sets_keep_their_identity(objects):
    for stage in IDENTITY_KEPT:
        thing = workload(objects, stage)
        if thing["kind"] != "StatefulSet":
            yield f"{stage} is a {thing['kind']}: its pods have no lasting names"
            continue
        if len(name_of(thing)) > 52:
            yield f"{where(thing)}: the name leaves no room for a revision"
        service = named(objects, "Service", thing["spec"]["serviceName"])
        if not service or service["spec"].get("clusterIP") != "None":
            yield f"{where(thing)} has no headless Service"
    for stage in STATE_KEPT:
        yield from state_is_on_a_volume_of_its_own(objects, stage)


def state_is_on_a_volume_of_its_own(objects, stage):
    thing = workload(objects, stage)
    claims = {name_of(each) for each in thing["spec"].get("volumeClaimTemplates", [])}
    directory = settings_of(objects, stage).get("state", {}).get("directory", "")
    mounts = [mount for container in containers_of(thing) for mount in container["volumeMounts"]
              if mount["name"] in claims and directory.startswith(mount["mountPath"] + "/")]
    if not mounts:
        yield f"{where(thing)}: state.directory {directory!r} is on no volume of its own"


def every_stage_has_a_unique_instance(objects):
    """Two processes of one name fence each other."""
    for stage in STAGES:
        thing = workload(objects, stage)
        for container in containers_of(thing):
            instance = environment_of(container).get("WINNOW_INSTANCE", {})
            field = instance.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            if field != "metadata.name":
                yield f"{where(thing)}: WINNOW_INSTANCE is not the pod's name"
        if "instance" in settings_of(objects, stage):
            yield f"{where(thing)}: its settings name one instance for all pods"


# ---- containers ----

def no_container_can_do_more_than_it_must(objects):
    for thing in of_kind(objects, *WORKLOADS):
        pod = pod_of(thing)["spec"]
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{where(thing)} is given a token"
        if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{where(thing)} is in a namespace of the host"
        if any("hostPath" in volume for volume in volumes_of(thing)):
            yield f"{where(thing)} mounts a folder of the node"
        if pod.get("securityContext", {}).get("fsGroup") != 10001:
            yield f"{where(thing)}: volumes do not belong to group 10001"
        for container in containers_of(thing):
            yield from may_do_too_much(thing, container)


def may_do_too_much(thing, container):
    wanted = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001,
              "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
              "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    given = container.get("securityContext", {})
    for key, value in wanted.items():
        if given.get(key) != value:
            yield f"{where(thing)}, {container['name']}: {key} is {given.get(key)}, not {value}"
    for key in set(given) - set(wanted):
        yield f"{where(thing)}, {container['name']}: {key} is set"


def secrets_are_files(objects):
    for thing in of_kind(objects, "Secret"):
        yield f"{where(thing)}: the chart makes no Secrets"
    for thing in of_kind(objects, *WORKLOADS):
        for container in containers_of(thing):
            for name, variable in environment_of(container).items():
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    yield f"{where(thing)}: {name} is a secret in the environment"


def containers_say_why_they_end(objects):
    for thing in of_kind(objects, *WORKLOADS):
        for container in containers_of(thing):
            if container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
                yield f"{where(thing)}, {container['name']} ends without a word"


def images_are_pinned(objects, tag):
    for thing in of_kind(objects, *WORKLOADS):
        for container in containers_of(thing):
            image, _, digest = container["image"].partition("@")
            if not digest and image.rpartition(":")[2] != tag:
                yield f"{where(thing)} runs {image}, not version {tag}"
            name = image.rpartition("/")[2].partition(":")[0]
            component = component_of(thing)
            expected = f"winnow-{component}" if component in STAGES else "winnow"
            if name != expected:
                yield f"{where(thing)} runs {name}, not {expected}"


def resources_are_asked_for(objects):
    for thing in of_kind(objects, *WORKLOADS):
        for container in containers_of(thing):
            given = container.get("resources", {})
            for kind, keys in (("requests", ("cpu", "memory")), ("limits", ("memory",))):
                for key in keys:
                    if key not in given.get(kind, {}):
                        yield f"{where(thing)}, {container['name']}: no {kind}.{key}"


def stages_are_probed(objects):
    for stage in STAGES:
        thing = workload(objects, stage)
        container = containers_of(thing)[0]
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        if ports.get("metrics") != settings_of(objects, stage).get("http", {}).get("port"):
            yield f"{where(thing)}: the port is not the one it listens on"
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"),
                            ("readinessProbe", "/readyz")):
            asked = container.get(probe, {}).get("httpGet", {})
            if asked != {"path": path, "port": "metrics"}:
                yield f"{where(thing)}: {probe} asks {asked}"


def pods_may_finish(objects):
    """Killed only after a service has given up by itself, 5 s after drain_seconds."""
    for stage in STAGES:
        thing = workload(objects, stage)
        drain = int(settings_of(objects, stage)["drain_seconds"].removesuffix("s"))
        grace = pod_of(thing)["spec"].get("terminationGracePeriodSeconds", 30)
        if grace <= drain + 10:
            yield f"{where(thing)} is killed after {grace} s, but drains for {drain}"


# ---- what refers to what ----

def missing_references(objects):
    """(kind, name) of everything pods use and the chart does not make."""
    found = set()
    for thing in of_kind(objects, *WORKLOADS):
        used = {(kind, name) for kind, name, _ in volume_sources(thing)}
        used.add(("ServiceAccount", pod_of(thing)["spec"]["serviceAccountName"]))
        found |= {(kind, name) for kind, name in used if not named(objects, kind, name)}
    return found


def keys_are_there(objects):
    for thing in of_kind(objects, *WORKLOADS):
        for kind, name, keys in volume_sources(thing):
            made = named(objects, kind, name)
            for key in keys if made else []:
                if key not in made.get("data", {}):
                    yield f"{where(thing)}: {kind} {name} has no {key}"


def hooks_need_only_what_is_there(objects):
    """Before an install nothing of the release exists but earlier hooks."""
    for thing in of_kind(objects, "Job"):
        if {"pre-install", "pre-upgrade", "pre-rollback"} - hooks_of(thing):
            yield f"{where(thing)} does not run before install, upgrade and rollback"
        if thing["spec"].get("activeDeadlineSeconds", 300) >= 300 and not thing["spec"].get(
                "backoffLimit"):
            yield f"{where(thing)} outlasts helm"
        weight = int(annotations_of(thing).get("helm.sh/hook-weight", 0))
        used = [(kind, name) for kind, name, _ in volume_sources(thing)]
        used.append(("ServiceAccount", pod_of(thing)["spec"]["serviceAccountName"]))
        for kind, name in used:
            made = named(objects, kind, name)
            if made and not (hooks_of(thing) <= hooks_of(made) and
                             int(annotations_of(made)["helm.sh/hook-weight"]) < weight):
                yield f"{where(thing)} needs {kind} {name}, which is made after it"


def selectors_find_one_workload(objects):
    pods = of_kind(objects, "Deployment", "StatefulSet")
    for thing in pods:
        if not matches(thing["spec"]["selector"]["matchLabels"], labels_of(pod_of(thing))):
            yield f"{where(thing)} does not select its own pods"
    selectors = [(each, each["spec"]["selector"]) for each in of_kind(objects, "Service")]
    selectors += [(each, each["spec"]["selector"]["matchLabels"])
                  for each in of_kind(objects, "Deployment", "StatefulSet", "PodDisruptionBudget")]
    for thing, selector in selectors:
        found = [name_of(each) for each in pods if matches(selector, labels_of(pod_of(each)))]
        if found != [name_of(thing)]:
            yield f"{where(thing)} selects the pods of {found}"


def stages_can_be_drained(objects):
    for stage in STAGES:
        budget = named(objects, "PodDisruptionBudget", name_of(workload(objects, stage)))
        if not budget or budget["spec"].get("maxUnavailable") != 1:
            yield f"{stage} has no budget of one pod at a time"


def every_stage_is_scraped(objects):
    for monitor in of_kind(objects, "ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = {component_of(each) for each in of_kind(objects, "Service")
                 if matches(selector, labels_of(each))}
        if found != set(STAGES):
            yield f"{where(monitor)} finds {sorted(found)}"
        for endpoint in monitor["spec"]["endpoints"]:
            rules = {rule["targetLabel"]: rule for rule in endpoint.get("relabelings", [])}
            if rules.get("job", {}).get("replacement") != "winnow":
                yield f"{where(monitor)}: the job is not called winnow, as rules expect"
            if rules.get("instance", {}).get("sourceLabels") != ["__meta_kubernetes_pod_name"]:
                yield f"{where(monitor)}: the instance is not the pod"


def scaling_stays_within_partitions(objects, partitions):
    for scaled in of_kind(objects, "ScaledObject"):
        target = named(objects, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])
        if not target:
            yield f"{where(scaled)} scales what is no Deployment of the chart"
            continue
        if "replicas" in target["spec"]:
            yield f"{where(target)} has replicas, which every upgrade would set back"
        most = partitions[component_of(target)]
        if scaled["spec"]["maxReplicaCount"] > most:
            yield f"{where(scaled)}: more than {most} instances would idle"


def names_are_unique(objects):
    seen = set()
    for thing in objects:
        key = (thing["kind"], thing["metadata"].get("namespace"), name_of(thing))
        if key in seen:
            yield f"{where(thing)} is there twice"
        seen.add(key)


ON_OBJECTS = (safe_zone_cannot_read_raw, zone_labels_tell_the_zone,
              stateful_sets_keep_their_identity,
              every_stage_has_a_unique_instance, no_container_can_do_more_than_it_must,
              secrets_are_files, containers_say_why_they_end, resources_are_asked_for,
              stages_are_probed, pods_may_finish, keys_are_there, hooks_need_only_what_is_there,
              selectors_find_one_workload, stages_can_be_drained, every_stage_is_scraped,
              names_are_unique)
ON_NETWORK = (everything_is_denied_first, only_metrics_can_be_reached,
              zones_have_policies_of_their_own)


def problems(objects, tag, partitions, network=True, ports=frozenset()):
    """Everything that is wrong."""
    found = [problem for check in ON_OBJECTS + (ON_NETWORK if network else ())
             for problem in check(objects)]
    if network:
        found += stages_reach_brokers_and_names_only(objects, ports)
    return (found + list(images_are_pinned(objects, tag)) +
            list(scaling_stays_within_partitions(objects, partitions)))
