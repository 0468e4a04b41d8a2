"""The official Python client (PyPI: kubernetes) against the server that KUBECONFIG names: create, read, list in pages,
watch, patch in each way, apply, subresources, delete; typed, and dynamic with a custom resource."""
import threading

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException

NAMESPACE = "python"


def refused(status, reason, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ApiException as error:
        assert (error.status, error.reason) == (status, reason), error
        return error
    raise AssertionError(f"{call.__name__} was not refused")


def deployment(replicas):
    labels = {"app": "web"}
    container = client.V1Container(name="web", image="registry.example/web:1", ports=[client.V1ContainerPort(container_port=80)])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container]))
    spec = client.V1DeploymentSpec(replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template)
    return client.V1Deployment(api_version="apps/v1", kind="Deployment", metadata=client.V1ObjectMeta(name="web"), spec=spec)


def typed():
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    made = apps.create_namespaced_deployment(NAMESPACE, deployment(2))
    assert made.spec.strategy.type == "RollingUpdate" and made.metadata.generation == 1
    refused(409, "Conflict", apps.create_namespaced_deployment, NAMESPACE, deployment(2))
    invalid = refused(422, "Unprocessable Entity", apps.create_namespaced_deployment, NAMESPACE, deployment(-1))
    assert "spec.replicas: Invalid value: -1" in invalid.body, invalid.body

    changed = apps.patch_namespaced_deployment("web", NAMESPACE, {"spec": {"template": {"spec": {"containers": [
        {"name": "web", "image": "registry.example/web:2"}]}}}})
    assert changed.spec.template.spec.containers[0].ports[0].container_port == 80, "a strategic merge keeps the rest"
    changed = apps.patch_namespaced_deployment("web", NAMESPACE, [{"op": "replace", "path": "/spec/replicas", "value": 4}])
    assert (changed.spec.replicas, changed.metadata.generation) == (4, 3)
    scale = apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 1}})
    assert scale.spec.replicas == 1
    stale = made
    stale.spec.replicas = 9
    refused(409, "Conflict", apps.replace_namespaced_deployment, "web", NAMESPACE, stale)
    fresh = apps.read_namespaced_deployment("web", NAMESPACE)
    fresh.spec.replicas = 3
    assert apps.replace_namespaced_deployment("web", NAMESPACE, fresh).spec.replicas == 3

    for number in range(25):
        core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(
            metadata=client.V1ObjectMeta(name=f"map-{number:02}", labels={"odd": str(number % 2)}), data={"n": str(number)}))
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map(NAMESPACE, limit=10, label_selector="odd", _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue or ""
    assert names == [f"map-{n:02}" for n in range(25)]
    odd = core.list_namespaced_config_map(NAMESPACE, label_selector="odd=1")
    assert len(odd.items) == 12
    refused(404, "Not Found", core.read_namespaced_config_map, "none", NAMESPACE)
    apps.delete_namespaced_deployment("web", NAMESPACE)
    refused(404, "Not Found", apps.read_namespaced_deployment, "web", NAMESPACE)
    return odd.metadata.resource_version


def watched(since):
    core = client.CoreV1Api()

    def change():
        core.patch_namespaced_config_map("map-01", NAMESPACE, {"data": {"n": "changed"}})
        core.delete_namespaced_config_map("map-03", NAMESPACE)
        core.patch_namespaced_config_map("map-05", NAMESPACE, {"metadata": {"labels": {"odd": "no"}}})
        core.patch_namespaced_config_map("map-02", NAMESPACE, {"metadata": {"labels": {"odd": "1"}}})

    changes = threading.Thread(target=change)
    changes.start()
    seen = []
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_config_map, NAMESPACE, label_selector="odd=1", resource_version=since,
                               timeout_seconds=30):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 4:
            stream.stop()
    changes.join()
    assert seen == [("MODIFIED", "map-01"), ("DELETED", "map-03"), ("DELETED", "map-05"), ("ADDED", "map-02")], seen


def custom():
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer", "minimum": 1, "default": 3}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    client.ApiextensionsV1Api().create_custom_resource_definition({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.python.example.org"},
        "spec": {"group": "python.example.org", "scope": "Namespaced", "versions": [version],
                 "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"}}})
    every = dynamic.DynamicClient(client.ApiClient())
    widgets = every.resources.get(api_version="python.example.org/v1", kind="Widget")
    body = {"apiVersion": "python.example.org/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {}}
    assert widgets.create(body=body, namespace=NAMESPACE).spec.size == 3
    refused(422, "Unprocessable Entity", widgets.patch, name="one", namespace=NAMESPACE, body={"spec": {"size": 0}},
            content_type="application/merge-patch+json")
    applied = widgets.server_side_apply(name="one", namespace=NAMESPACE, body={**body, "spec": {"size": 7}},
                                        field_manager="python", force_conflicts=True)
    assert applied.spec.size == 7
    managers = {entry.manager: entry.operation for entry in applied.metadata.managedFields}
    assert managers["python"] == "Apply", managers
    maps = every.resources.get(api_version="v1", kind="ConfigMap")
    first = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map-00"}, "data": {"n": "mine"}}
    conflict = refused(409, "Conflict", maps.server_side_apply, name="map-00", namespace=NAMESPACE, body=first,
                       field_manager="other")
    assert "FieldManagerConflict" in str(conflict.body), conflict.body
    widgets.delete(name="one", namespace=NAMESPACE)
    assert widgets.get(namespace=NAMESPACE).items == []


config.load_kube_config()
watched(typed())
custom()
print("python: all as expected")
