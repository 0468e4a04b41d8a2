//! What kube-apiserver says of new objects: causes, warnings, or that they are made.

use super::*;

/// Blocks of a path, an object, and cases: what is put where in it, and, indented, what is said then.
const RULES: &str = include_str!("rules.txt");

#[test]
fn new_objects_are_checked() {
    run(async {
        let client = Client::new().await;
        for block in RULES.split("\n\n") {
            let mut lines = block.lines().peekable();
            let (path, object) = (lines.next().unwrap(), lines.next().unwrap());
            while let Some(edits) = lines.next() {
                let mut expected = Vec::new();
                while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
                    expected.push(line.trim().replace("\\n", "\n"));
                }
                let object = edited(serde_json::from_str(object).unwrap(), edits);
                let answer = client.post(&format!("{path}?dryRun=All"), object).await;
                assert_eq!(said(&answer), expected, "{path}: {edits}");
            }
        }
    });
}

#[test]
fn storage_classes_keep_what_volumes_are_made_by() {
    run(async {
        let client = Client::new().await;
        let path = "/apis/storage.k8s.io/v1/storageclasses";
        let class = json!({"metadata": {"name": "s"}, "provisioner": "p", "parameters": {"a": "b"}});
        client.post(path, class).await.expect(201);
        for (edit, expected) in [
            (json!({"provisioner": "q"}), r#"provisioner: Invalid value: "q": field is immutable"#),
            (json!({"parameters": null}), "parameters: Invalid value: null: field is immutable"),
            (json!({"reclaimPolicy": "Retain"}), r#"reclaimPolicy: Invalid value: "Retain": field is immutable"#),
        ] {
            assert_eq!(said(&client.merge(&format!("{path}/s"), edit).await), [expected]);
        }
    });
}

#[test]
fn metadata_is_checked_as_often_as_kinds_check_it() {
    run(async {
        let client = Client::new().await;
        let metadata = json!({"name": "x"});
        let plain = json!({"metadata": metadata});
        let pods = json!({"matchLabels": {"a": "b"}});
        let devices = "/apis/resource.k8s.io/v1/deviceclasses";
        for (path, object, labels, finalizers) in [
            ("/api/v1/namespaces/default/configmaps", plain.clone(), 4, 2),
            ("/api/v1/namespaces/default/limitranges", json!({"metadata": metadata, "spec": {"limits": []}}), 3, 1),
            (
                "/api/v1/namespaces/default/podtemplates",
                json!({"metadata": metadata, "template": {"spec":
                {"containers": [{"name": "c", "image": "i"}]}, "metadata": {}}}),
                3,
                1,
            ),
            (
                "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                json!({"metadata": metadata, "spec":
                {"selector": pods}}),
                2,
                0,
            ),
            ("/apis/coordination.k8s.io/v1/namespaces/default/leases", json!({"metadata": metadata, "spec": {}}), 3, 0),
            (devices, json!({"metadata": metadata, "spec": {}}), 4, 2),
        ] {
            client.post(path, object).await.expect(201);
            let edit = json!({"metadata": {"labels": {"bad key": "v"}, "finalizers": ["plain"]}});
            let causes = said(&client.merge(&format!("{path}/x"), edit).await);
            let about = |field: &str| causes.iter().filter(|cause| cause.starts_with(field)).count();
            assert_eq!((about("metadata.labels"), about("metadata.finalizers[0]")), (labels, finalizers), "{path}");
        }
    });
}

#[test]
fn who_tells_the_status_leaves_metadata_alone_where_kinds_say_so() {
    run(async {
        let client = Client::new().await;
        let claim = json!({"metadata": {"name": "x"}, "spec": {}});
        let budget = json!({"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": {"a": "b"}}}});
        for (path, object, kept) in [
            ("/apis/resource.k8s.io/v1/namespaces/default/resourceclaims", claim, true),
            ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget, false),
        ] {
            client.post(path, object).await.expect(201);
            let edit = json!({"metadata": {"labels": {"a": "b"}}});
            let changed = client.merge(&format!("{path}/x/status"), edit).await.expect(200);
            assert_eq!(changed["metadata"].get("labels").is_none(), kept, "{path}");
        }
    });
}

#[test]
fn devices_for_administrators_want_a_namespace_for_them() {
    run(async {
        let client = Client::new().await;
        let path = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
        let request = json!({"name": "r", "exactly": {"deviceClassName": "c", "adminAccess": true}});
        let claim = json!({"metadata": {"name": "x"}, "spec": {"devices": {"requests": [request]}}});
        let why = "spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the \
                   `resource.kubernetes.io/admin-access: true` label on the containing namespace";
        assert_eq!(said(&client.post(path, claim.clone()).await), [why]);
        let label = json!({"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}});
        client.merge("/api/v1/namespaces/default", label).await.expect(200);
        client.post(path, claim).await.expect(201);
    });
}

/// The object after `path=value ; path=value`.
fn edited(mut object: Value, edits: &str) -> Value {
    for edit in edits.split(" ; ") {
        let (path, value) = edit.split_once('=').unwrap();
        let place = path.split('.').fold(&mut object, |place, name| match name.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[name],
        });
        *place = serde_json::from_str(value).unwrap();
    }
    object
}

fn said(answer: &Answer) -> Vec<String> {
    let mut said: Vec<_> = match answer.code {
        201 => vec!["made".into()],
        _ => {
            let refused = answer.expect(422);
            let causes = refused["details"]["causes"].as_array().unwrap().iter();
            let text = |cause: &Value, name: &str| cause[name].as_str().unwrap().to_string();
            causes.map(|cause| format!("{}: {}", text(cause, "field"), text(cause, "message"))).collect()
        }
    };
    let warnings = answer.headers.get_all(header::WARNING).iter();
    said.extend(warnings.map(|warning| format!("warning: {}", warning.to_str().unwrap())));
    said
}
