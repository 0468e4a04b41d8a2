//! What HTTP clients see of any answer: its form, its headers, and which paths and methods there are.

use super::*;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Compact JSON, or JSON for people.
fn form(answer: &super::Answer) -> &'static str {
    match (answer.bytes.starts_with(b"{\n  "), answer.bytes.ends_with(b"\n")) {
        (true, false) => "people",
        (false, true) => "compact",
        _ => "neither",
    }
}

#[test]
fn json_is_laid_out_for_people() {
    run(async {
        let client = Client::new().await;
        client.configmap("m", json!({})).await;
        for path in [format!("{CONFIGMAPS}/m"), CONFIGMAPS.into(), format!("{CONFIGMAPS}/nosuch"), "/apis".into()] {
            for (agent, query, expected) in [
                ("test", "", "compact"),
                ("curl/8", "", "people"),
                ("Wget/1", "", "people"),
                ("Mozilla/5.0 (X11)", "", "people"),
                ("test", "?pretty=true", "people"),
                ("curl/8", "?pretty=0", "compact"),
                ("curl/8", "?pretty=", "people"),
            ] {
                let answer = client.with(&[("user-agent", agent)], "GET", &format!("{path}{query}"), Value::Null).await;
                assert_eq!(form(&answer), expected, "{agent} {path}{query}");
            }
        }
        let yaml = client.get_as(&format!("{CONFIGMAPS}/nosuch?pretty=1"), "application/yaml").await;
        assert!(yaml.text().starts_with("apiVersion: v1\ncode: 404\n"), "{}", yaml.text());
        // Nothing that is accepted fits the failure itself.
        assert_eq!(form(&client.get_as(&format!("{CONFIGMAPS}/nosuch"), "text/html").await), "people");
    });
}

#[test]
fn paths_have_their_methods() {
    run(async {
        let client = Client::new().await;
        for (method, path, code, media) in [
            ("POST", "/api", 405, JSON),
            ("HEAD", "/api/v1", 405, JSON),
            ("POST", "/apis", 200, JSON),
            ("DELETE", "/apis/apps", 200, JSON),
            ("POST", "/apis/apps/v1", 405, JSON),
            ("GET", "/apis/nosuch", 404, TEXT),
            ("GET", "/apis/nosuch/v1/x", 404, TEXT),
            ("GET", "/apis/apps/v9/x", 404, JSON),
            ("GET", "/api/v9/x", 404, JSON),
            ("GET", "/api/v1/nosuch", 404, JSON),
            ("POST", "/version", 405, JSON),
            ("PUT", "/healthz", 200, TEXT),
            ("GET", "/healthz/", 404, TEXT),
            ("GET", "/healthz/ping", 200, TEXT),
            ("GET", "/index.html", 200, JSON),
            ("GET", "/nosuch", 404, TEXT),
            ("GET", "//", 404, TEXT),
            ("GET", "/openapi/v2/", 404, TEXT),
            ("GET", "/version/x", 404, JSON),
            ("GET", "/apis/authentication.k8s.io/v1/tokenreviews/x", 404, JSON),
            ("OPTIONS", CONFIGMAPS, 405, JSON),
            ("GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        ] {
            let answer = client.with(&[], method, path, Value::Null).await;
            assert_eq!((answer.code, answer.headers[header::CONTENT_TYPE].to_str().unwrap()), (code, media), "{path}");
        }
    });
}

#[test]
fn answers_have_headers() {
    run(async {
        let client = Client::new().await;
        let [first, second] = [client.get("/version").await, client.get("/version").await];
        assert_ne!(first.headers["audit-id"], second.headers["audit-id"]);
        let named = client.with(&[("audit-id", "abc")], "GET", "/nosuch", Value::Null).await;
        for (name, value) in [("audit-id", "abc"), ("x-content-type-options", "nosniff")] {
            assert_eq!(named.headers[name], value);
        }
        let tag = client.get("/openapi/v3/apis/apps/v1").await.headers[header::ETAG].to_str().unwrap().to_string();
        for (known, code) in
            [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("*".into(), 304), ("\"x\"".into(), 200)]
        {
            let headers = [("if-none-match", known.as_str())];
            let answer = client.with(&headers, "GET", "/openapi/v3/apis/apps/v1", Value::Null).await;
            assert_eq!((answer.code, answer.bytes.is_empty()), (code, code == 304), "{known}");
        }
        let moved = client.get("/openapi/v3/apis/apps/v1?hash=OTHER").await;
        let to = moved.headers[header::LOCATION].to_str().unwrap();
        assert_eq!((moved.code, to), (301, &*format!("/openapi/v3/apis/apps/v1?hash={}", tag.trim_matches('"'))));
        assert_eq!(client.get_as("/openapi/v3/apis/apps/v1", "application/yaml").await.code, 406);
    });
}

#[test]
fn fields_have_the_order_of_their_types() {
    run(async {
        let client = Client::new().await;
        let body = json!({"metadata": {"name": "p", "labels": {"b": "1", "a": "2"}}, "spec": {
            "containers": [{"image": "i", "name": "c", "env": [{"value": "v", "name": "n"}]}]}});
        client.post(PODS, body).await.expect(201);
        let text = client.get(&format!("{PODS}/p")).await.text();
        for part in [
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default","uid":"#,
            r#""labels":{"a":"2","b":"1"},"managedFields":[{"manager":"#,
            r#""containers":[{"name":"c","image":"i","env":[{"name":"n","value":"v"}],"resources":{}"#,
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        let odd = client.get_as(&format!("{PODS}/p"), partial).await;
        let why = "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)";
        assert_eq!((odd.code, odd.json()["message"].as_str()), (406, Some(why)));
        let none = client.get_as(&format!("{PODS}?labelSelector=x"), partial).await;
        assert!(none.text().contains(r#","items":null}"#), "{}", none.text());
    });
}

#[test]
fn metrics_count_requests() {
    run(async {
        let client = Client::new().await;
        for _ in 0..3 {
            client.get(&format!("{CONFIGMAPS}/nosuch")).await;
        }
        let text = client.get("/metrics").await.text();
        let line = r#"apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"} 3"#;
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(
            client.get("/metrics/slis").await.text().contains(r#"kubernetes_healthcheck{name="ping",type="livez"} 1"#)
        );
    });
}
