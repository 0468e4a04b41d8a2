//! What services claim: addresses of one or two families, and ports of nodes.

use super::*;
use crate::apiserver::store::{Change, Expect, Key, Write};

const ADDRESSES: &str = "/apis/networking.k8s.io/v1/ipaddresses";

fn service(name: &str, mut spec: Value) -> Value {
    spec["ports"] = spec.get("ports").cloned().unwrap_or(json!([{"port": 80}]));
    json!({"metadata": {"name": name}, "spec": spec})
}

async fn dual() -> Client {
    let services = "10.0.0.0/24,fd00:10::/112".parse().unwrap();
    Client::told(Setup { services, ..Setup::default() }).await
}

#[test]
fn two_families_are_gained_and_lost() {
    run(async {
        let client = dual().await;
        let cidr = client.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes").await.expect(200);
        assert_eq!(cidr["spec"]["cidrs"], json!(["10.0.0.0/24", "fd00:10::/112"]));
        let made = client.post(SERVICES, service("s", json!({"ipFamilyPolicy": "PreferDualStack"}))).await.expect(201);
        assert_eq!(made["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
        let ips: Vec<&str> =
            made["spec"]["clusterIPs"].as_array().unwrap().iter().map(|ip| ip.as_str().unwrap()).collect();
        assert!(ips[0].starts_with("10.0.0.") && ips[1].starts_with("fd00:10::"), "{ips:?}");
        let claim = client.get(&format!("{ADDRESSES}/{}", ips[1])).await.expect(200);
        assert_eq!(claim["metadata"]["labels"]["ipaddress.kubernetes.io/ip-family"], "IPv6");
        let path = format!("{SERVICES}/s");
        let single = json!({"spec": {"ipFamilyPolicy": "SingleStack"}});
        let less = client.merge(&path, single).await.expect(200);
        assert_eq!(less["spec"]["clusterIPs"], json!([ips[0]]));
        client.get(&format!("{ADDRESSES}/{}", ips[1])).await.expect(404);
        let more = client.merge(&path, json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}})).await.expect(200);
        assert_eq!(more["spec"]["clusterIPs"].as_array().unwrap().len(), 2);
        assert_eq!(more["spec"]["clusterIPs"][0], ips[0]);
        let six =
            service("six", json!({"ipFamilies": ["IPv6"], "clusterIPs": ["fd00:10::77"], "clusterIP": "fd00:10::77"}));
        assert_eq!(client.post(SERVICES, six).await.expect(201)["spec"]["clusterIP"], "fd00:10::77");
        let again = service("again", json!({"clusterIP": "fd00:10::77"}));
        let refused = client.post(SERVICES, again).await.expect(422);
        let message = refused["message"].as_str().unwrap();
        assert!(message.ends_with("failed to allocate IP fd00:10::77: provided IP is already allocated"), "{message}");
    });
}

#[test]
fn a_cluster_of_one_family_refuses_two() {
    run(async {
        let client = Client::new().await;
        let two = service("s", json!({"ipFamilyPolicy": "RequireDualStack"}));
        let refused = client.post(SERVICES, two).await.expect(422);
        let expected = "Service \"s\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": \
                        this cluster is not configured for dual-stack services";
        assert_eq!(refused["message"], expected);
        let prefers = service("p", json!({"ipFamilyPolicy": "PreferDualStack"}));
        assert_eq!(client.post(SERVICES, prefers).await.expect(201)["spec"]["ipFamilies"], json!(["IPv4"]));
        let headless = client.post(SERVICES, service("h", json!({"clusterIP": "None"}))).await.expect(201);
        assert_eq!(headless["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    });
}

#[test]
fn protocols_share_a_port_and_a_health_check_has_its_own() {
    run(async {
        let client = Client::new().await;
        let ports =
            json!([{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}, {"name": "w", "port": 80}]);
        let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": ports});
        let made = client.post(SERVICES, service("dns", spec)).await.expect(201)["spec"].clone();
        let port = |index: usize| made["ports"][index]["nodePort"].as_i64().unwrap();
        assert_eq!(port(0), port(1));
        let check = made["healthCheckNodePort"].as_i64().unwrap();
        assert!(port(2) != port(0) && check != port(0) && check != port(2), "{made}");
        let taken = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": check}]});
        let refused = client.post(SERVICES, service("late", taken)).await.expect(422);
        let expected = format!(
            "Service \"late\" is invalid: spec.ports[0].nodePort: Invalid value: {check}: provided port is already allocated"
        );
        assert_eq!(refused["message"], expected);
        client.merge(&format!("{SERVICES}/dns"), json!({"spec": {"type": "ClusterIP"}})).await.expect(200);
        let free = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": check}]});
        client.post(SERVICES, service("late", free)).await.expect(201);
    });
}

#[test]
fn claims_are_repaired() {
    run(async {
        let client = Client::new().await;
        let node_port = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]});
        let made = client.post(SERVICES, service("s", node_port)).await.expect(201);
        let claim = format!("{ADDRESSES}/{}", made["spec"]["clusterIP"].as_str().unwrap());
        // Somebody takes a claim away; a service goes past the server.
        client.delete(&claim, Value::Null).await.expect(200);
        client.until(&claim, 200).await;
        let store = &client.server.store;
        let key = Key { collection: "/registry/services/specs/".into(), name: "default/s".into() };
        let revision = store.get(&key).await.unwrap().unwrap().revision;
        store.commit(vec![Write { key, expect: Expect::At(revision), change: Change::Delete }]).await.unwrap();
        client.server.repair_claims().await.unwrap();
        client.get(&claim).await.expect(404);
        let again = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]});
        client.post(SERVICES, service("again", again)).await.expect(201);
    });
}

#[test]
fn addresses_that_cannot_be_allocated_are_all_that_is_said() {
    run(async {
        let client = Client::new().await;
        let made = client.post(SERVICES, service("s", json!({"ports": [{"port": 80}]}))).await.expect(201);
        let ip = made["spec"]["clusterIP"].as_str().unwrap();
        for (spec, said) in [
            (
                json!({"ipFamilies": ["IPv6"], "type": "X"}),
                format!("spec.clusterIPs[0]: Invalid value: \"{ip}\": expected an IPv6 value as indicated by `ipFamilies[0]`"),
            ),
            (
                json!({"clusterIP": "x"}),
                "spec.clusterIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                    .into(),
            ),
            (
                json!({"clusterIP": "10.0.0.77"}),
                "spec.clusterIPs[0]: Invalid value: [\"10.0.0.77\"]: may not change once set".into(),
            ),
        ] {
            let refused = client.merge(&format!("{SERVICES}/s"), json!({"spec": spec})).await.expect(422);
            assert_eq!(refused["message"], format!("Service \"s\" is invalid: {said}"));
        }
    });
}
