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
