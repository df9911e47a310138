"""Questions about rendered manifests: plain dictionaries as YAML gives them."""

WORKLOADS = ("Deployment", "StatefulSet", "Job", "Pod")
STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")


def name_of(thing):
    return thing["metadata"]["name"]


def labels_of(thing):
    return thing["metadata"].get("labels", {})


def annotations_of(thing):
    return thing["metadata"].get("annotations") or {}


def of_kind(objects, *kinds):
    return [thing for thing in objects if thing["kind"] in kinds]


def named(objects, kind, name):
    return next((each for each in of_kind(objects, kind) if name_of(each) == name), None)


def component_of(thing):
    return labels_of(thing).get("app.kubernetes.io/component")


def workload(objects, component):
    return next(each for each in of_kind(objects, "Deployment", "StatefulSet")
                if component_of(each) == component)


def pod_of(thing):
    """The pod or pod template of a workload: {"metadata": ..., "spec": ...}."""
    return thing if thing["kind"] == "Pod" else thing["spec"]["template"]


def containers_of(thing):
    spec = pod_of(thing)["spec"]
    return spec.get("initContainers", []) + spec["containers"]


def volumes_of(thing):
    return pod_of(thing)["spec"].get("volumes", [])


def volume_sources(thing):
    """(kind, name, keys) of each Secret, ConfigMap and claim the pod mounts."""
    for volume in volumes_of(thing):
        for source in [volume] + volume.get("projected", {}).get("sources", []):
            keys = lambda found: [item["key"] for item in found.get("items", [])]  # noqa: E731
            if "secret" in source:
                found = source["secret"]
                yield "Secret", found.get("name") or found["secretName"], keys(found)
            if "configMap" in source:
                yield "ConfigMap", source["configMap"]["name"], keys(source["configMap"])
            if "persistentVolumeClaim" in source:
                yield "PersistentVolumeClaim", source["persistentVolumeClaim"]["claimName"], []


def names_mounted(thing, kind):
    return {name for found, name, _ in volume_sources(thing) if found == kind}


def claim_at(thing, path):
    """Name of the claim that a container of the pod mounts at the path, or None."""
    for container in containers_of(thing):
        for mount in container.get("volumeMounts", []):
            if mount["mountPath"] == path:
                return next((volume["persistentVolumeClaim"]["claimName"]
                             for volume in volumes_of(thing)
                             if volume["name"] == mount["name"]
                             and "persistentVolumeClaim" in volume), None)
    return None


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def hooks_of(thing):
    return set(annotations_of(thing).get("helm.sh/hook", "").split(",")) - {""}


def environment_of(container):
    return {each["name"]: each for each in container.get("env", [])}
