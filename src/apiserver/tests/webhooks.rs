//! Webhooks that change what is written, or refuse it.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn warnings(answer: &super::Answer) -> Vec<&str> {
    answer.headers.get_all(header::WARNING).iter().map(|value| value.to_str().unwrap()).collect()
}

/// Answers reviews over TLS until the runtime ends: what is asked of it, and with which patch or words.
async fn webhook(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Value {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let review: Value = serde_json::from_slice(&body).unwrap();
                        let mut response = answer(&review["request"]);
                        response["uid"] = review["request"]["uid"].clone();
                        let kind = (review["apiVersion"].clone(), review["kind"].clone());
                        let body = json!({"apiVersion": kind.0, "kind": kind.1, "response": response}).to_string();
                        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::new(Bytes::from(
                            body,
                        ))))
                    }
                });
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
    let bundle = STANDARD.encode(certified.cert.pem());
    json!({"url": format!("https://localhost:{port}/hook"), "caBundle": bundle})
}

fn hook(client: &Value, more: Value) -> Value {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]});
    let mut hook = json!({
        "name": "h.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None",
        "admissionReviewVersions": ["v1"]
    });
    for (key, value) in more.as_object().unwrap() {
        hook[key] = value.clone();
    }
    hook
}

async fn configure(client: &Client, resource: &str, hook: Value) {
    let path = format!("/apis/admissionregistration.k8s.io/v1/{resource}");
    client.post(&path, json!({"metadata": {"name": "c"}, "webhooks": [hook]})).await.expect(201);
}

#[test]
fn webhooks_change_objects() {
    run(async {
        let client = Client::new().await;
        let target = webhook(|request| {
            assert_eq!(request["kind"]["kind"], "ConfigMap");
            assert_eq!(request["namespace"], "default");
            let patch = json!([{"op": "add", "path": "/data", "value": {"by": request["operation"]}}]);
            let patch = STANDARD.encode(patch.to_string());
            json!({"allowed": true, "patchType": "JSONPatch", "patch": patch, "warnings": ["changed"]})
        })
        .await;
        let selector = json!({"objectSelector": {"matchExpressions": [{"key": "plain", "operator": "DoesNotExist"}]}});
        configure(&client, "mutatingwebhookconfigurations", hook(&target, selector)).await;
        let answer = client.post(CONFIGMAPS, json!({"metadata": {"name": "a"}})).await;
        assert_eq!(warnings(&answer), [r#"299 - "changed""#]);
        assert_eq!(answer.expect(201)["data"], json!({"by": "CREATE"}));
        let changed = client.merge(&format!("{CONFIGMAPS}/a"), json!({"data": null})).await.expect(200);
        assert_eq!(changed["data"], json!({"by": "UPDATE"}));
        assert_eq!(client.configmap("b", json!({"plain": "1"})).await.get("data"), None);
    });
}

/// Where a hook answers that adds to `data.by` and counts in `data.TIMES` how often it did.
fn adding(by: &'static str) -> impl Fn(&Value) -> Value {
    move |request| {
        let data = &request["object"]["data"];
        let times = data[by].as_str().map_or(0, |times| times.parse::<u32>().unwrap()) + 1;
        let mut patch = json!([{"op": "add", "path": format!("/data/{by}"), "value": times.to_string()}]);
        if data[by] == "2" {
            patch = json!([]);
        }
        let patch = STANDARD.encode(patch.to_string());
        json!({"allowed": true, "patchType": "JSONPatch", "patch": patch})
    }
}

#[test]
fn webhooks_that_want_to_are_asked_again() {
    run(async {
        let client = Client::new().await;
        let [first, second] = [webhook(adding("first")).await, webhook(adding("second")).await];
        let named = |name: &str, at: &Value, policy: &str| {
            hook(at, json!({"name": format!("{name}.example.com"), "reinvocationPolicy": policy}))
        };
        let path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        for (policy, times) in [("Never", ["1", "1"]), ("IfNeeded", ["2", "2"])] {
            let hooks = json!([named("a", &first, policy), named("b", &second, policy)]);
            let configuration = json!({"metadata": {"name": "c"}, "webhooks": hooks});
            client.post(path, configuration).await.expect(201);
            let made = json!({"metadata": {"generateName": "a"}, "data": {"x": "y"}});
            let data = client.post(CONFIGMAPS, made).await.expect(201)["data"].clone();
            assert_eq!([&data["first"], &data["second"]], times, "{policy}");
            client.delete(&format!("{path}/c"), Value::Null).await.expect(200);
        }
    });
}

#[test]
fn webhooks_see_what_is_made_below_objects() {
    run(async {
        let client = Client::new().await;
        let target = webhook(|request| {
            let seen = format!("{} {} {}", request["subResource"], request["kind"]["kind"], request["object"]["kind"]);
            json!({"allowed": false, "status": {"message": seen, "code": 403}})
        })
        .await;
        let rules = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"],
            "resources": ["pods/eviction", "serviceaccounts/token", "*/scale", "deployments/status"]}]);
        configure(&client, "mutatingwebhookconfigurations", hook(&target, json!({"rules": rules}))).await;
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        client.post(PODS, json!({"metadata": {"name": "a"}, "spec": spec})).await.expect(201);
        let selector = json!({"matchLabels": {"a": "b"}});
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": spec});
        let deployment = json!({"metadata": {"name": "d"}, "spec": {"selector": selector, "template": template}});
        let deployments = "/apis/apps/v1/namespaces/default/deployments";
        client.post(deployments, deployment).await.expect(201);
        let seen = |answer: Answer| {
            let message = answer.expect(403)["message"].as_str().unwrap().to_owned();
            message.split_once("request: ").unwrap().1.replace('"', "")
        };
        let eviction = json!({"metadata": {"name": "a"}});
        let evicted = client.post(&format!("{PODS}/a/eviction"), eviction).await;
        assert_eq!(seen(evicted), "eviction Eviction Eviction");
        let scaled = client.merge(&format!("{deployments}/d/scale"), json!({"spec": {"replicas": 2}})).await;
        assert_eq!(seen(scaled), "scale Scale Scale");
        let changed = client.merge(&format!("{deployments}/d/status"), json!({"status": {"replicas": 2}})).await;
        assert_eq!(seen(changed), "status Deployment Deployment");
    });
}

#[test]
fn webhooks_refuse_and_fail() {
    run(async {
        let client = Client::new().await;
        let target = webhook(|request| {
            let denied = request["operation"] == "DELETE" || request["object"]["data"]["bad"] == "1";
            json!({"allowed": !denied, "status": {"message": "not like this", "code": 403}})
        })
        .await;
        configure(&client, "validatingwebhookconfigurations", hook(&target, json!({}))).await;
        client.configmap("a", json!({})).await;
        let bad = json!({"metadata": {"name": "b"}, "data": {"bad": "1"}});
        let refused = client.post(CONFIGMAPS, bad).await.expect(403);
        assert_eq!(refused["message"], r#"admission webhook "h.example.com" denied the request: not like this"#);
        client.delete(&format!("{CONFIGMAPS}/a"), Value::Null).await.expect(403);

        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/c";
        let nobody = json!({"url": "https://127.0.0.1:1/"});
        for (more, code) in [(json!({}), 500), (json!({"failurePolicy": "Ignore"}), 201)] {
            client.merge(path, json!({"webhooks": [hook(&nobody, more)]})).await.expect(200);
            let answer = client.post(CONFIGMAPS, json!({"metadata": {"name": "d"}})).await.expect(code);
            if code == 500 {
                assert_eq!(
                    answer["message"],
                    "Internal error occurred: failed calling webhook \"h.example.com\": failed to call webhook: Post \
                     \"https://127.0.0.1:1/?timeout=10s\": dial tcp 127.0.0.1:1: connect: connection refused"
                );
            }
        }
        client.merge(path, json!({"webhooks": [hook(&nobody, json!({"sideEffects": "Some"}))]})).await;
        let service = json!({"service": {"namespace": "default", "name": "none"}});
        client.merge(path, json!({"webhooks": [hook(&service, json!({}))]})).await.expect(200);
        let answer = client.post(CONFIGMAPS, json!({"metadata": {"name": "e"}})).await.expect(500);
        assert!(answer["message"].as_str().unwrap().ends_with(r#"service "none" not found"#), "{answer}");
    });
}
