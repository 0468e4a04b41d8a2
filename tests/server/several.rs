//! Several `steer serve` over one etcd, which is killed and started again while clients of each write and watch; then one
//! of the servers is killed, too, in the middle of what follows from deletes.

use crate::connection::{Connection, Folder, MAPS, Server, events, watch};
use crate::etcd::Etcd;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{ScopedJoinHandle, scope, sleep};
use std::time::{Duration, Instant};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const WIDGETS: &str = "/apis/example.org/v1/namespaces/default/widgets";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A client of one server, for as long as it is wanted and the server is there.
struct Client<'a> {
    port: u16,
    name: usize,
    connection: Option<Connection>,
    wanted: &'a AtomicBool,
    /// How many writes were acknowledged, to all clients.
    done: &'a AtomicUsize,
}

/// What became of a request.
enum Said {
    Answer(u16, Value),
    /// Nobody knows: the server has gone, or etcd had.
    Unknown,
}

impl Client<'_> {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Said {
        if self.connection.is_none() {
            self.connection = Connection::new(self.port).ok();
        }
        let Some(connection) = self.connection.as_mut() else {
            sleep(Duration::from_millis(20));
            return Said::Unknown;
        };
        match connection.send(method, path, body) {
            Ok((code, answer)) if code < 500 => {
                if method != "GET" && code < 300 {
                    self.done.fetch_add(1, Ordering::SeqCst);
                }
                Said::Answer(code, serde_json::from_slice(&answer).unwrap())
            }
            Ok(_) => Said::Unknown,
            Err(_) => {
                self.connection = None;
                Said::Unknown
            }
        }
    }

    /// Creates, changes and deletes objects. Gives the state of each that was acknowledged last; none for one that is
    /// deleted. Those about which nobody knows are left out.
    fn write(mut self) -> HashMap<String, Option<String>> {
        let mut known = HashMap::new();
        for number in 0.. {
            if !self.is_wanted() {
                break;
            }
            // Four creates, a change and a delete.
            let (step, block) = (number % 6, number / 6);
            let name = format!("w{}-{}", self.name, block * 4 + [0, 1, 2, 3, 1, 2][step]);
            let (path, data) = (format!("{MAPS}/{name}"), json!({"number": number.to_string()}));
            let (said, expected) = match step {
                4 => (self.send("PATCH", &path, Some(json!({"data": data}))), 200),
                5 => (self.send("DELETE", &path, None), 200),
                _ => (self.send("POST", MAPS, Some(json!({"metadata": {"name": name}, "data": data}))), 201),
            };
            let is_open = step > 3 && !known.contains_key(&name);
            match said {
                Said::Answer(code, _) if is_open && code == 404 => {}
                Said::Answer(code, answer) => {
                    assert_eq!(code, expected, "{answer}");
                    let version = answer["metadata"]["resourceVersion"].as_str().map(String::from);
                    known.insert(name, version.filter(|_| step != 5));
                }
                Said::Unknown => drop(known.remove(&name)),
            }
        }
        known
    }

    /// Adds one to a number that all clients add to. Gives the numbers that were acknowledged.
    fn count(mut self) -> Vec<u64> {
        let path = format!("{MAPS}/counter");
        let mut counted = Vec::new();
        while self.is_wanted() {
            let Said::Answer(200, mut object) = self.send("GET", &path, None) else { continue };
            let number = object["data"]["n"].as_str().unwrap().parse::<u64>().unwrap() + 1;
            object["data"]["n"] = number.to_string().into();
            match self.send("PUT", &path, Some(object)) {
                Said::Answer(200, _) => counted.push(number),
                Said::Answer(code, answer) => assert_eq!(code, 409, "{answer}"),
                Said::Unknown => {}
            }
        }
        counted
    }

    /// Makes services with ports on nodes.
    fn serve(mut self) {
        for number in 0.. {
            if !self.is_wanted() {
                break;
            }
            let ports = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
            let name = format!("s{}-{number}", self.name);
            let service = json!({"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": ports}});
            if let Said::Answer(code, answer) = self.send("POST", SERVICES, Some(service)) {
                assert_eq!(code, 201, "{answer}");
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// What a watch tells: type, name and resourceVersion.
type Told = (String, String, u64);

/// Follows all config maps until one with the name `end` is made, or the server is gone.
fn follow(port: u16, since: &str) -> Vec<Told> {
    let mut reader = watch(port, &format!("resourceVersion={since}"));
    let mut told = Vec::new();
    while let Ok(Some(more)) = events(&mut reader) {
        for event in more {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
            let metadata = &event["object"]["metadata"];
            assert_ne!(event["type"], "ERROR", "{event}");
            let version = text(&metadata["resourceVersion"]).parse().unwrap();
            told.push((text(&event["type"]), text(&metadata["name"]), version));
        }
        if told.last().is_some_and(|(_, name, _)| name == "end") {
            break;
        }
    }
    told
}

fn list(server: &Server, path: &str) -> Vec<Value> {
    let (code, answer) = Connection::new(server.port).unwrap().send("GET", path, None).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(code, 200, "{answer}");
    answer["items"].as_array().unwrap().clone()
}

fn send(server: &Server, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let (code, answer) = Connection::new(server.port).unwrap().send(method, path, body).unwrap();
    (code, serde_json::from_slice(&answer).unwrap_or_default())
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Has a server begin what takes it a moment: an owner, a namespace and a definition are deleted, and what they hold has
/// to follow.
fn begin_deletes(server: &Server) {
    let made = |path: &str, body: Value| {
        let (code, answer) = send(server, "POST", path, Some(body));
        assert_eq!(code, 201, "{answer}");
        answer
    };
    let owner = made(MAPS, json!({"metadata": {"name": "owner"}}));
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]});
    made("/api/v1/namespaces", json!({"metadata": {"name": "going"}}));
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    made(
        DEFINITIONS,
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.org"},
            "spec": {
                "group": "example.org", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]
            }
        }),
    );
    for number in 0..20 {
        let name = format!("owned-{number}");
        made(MAPS, json!({"metadata": {"name": name, "ownerReferences": [reference]}}));
        made("/api/v1/namespaces/going/secrets", json!({"metadata": {"name": name}}));
        let widget = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name}});
        made(WIDGETS, widget);
    }
    let definition = format!("{DEFINITIONS}/widgets.example.org");
    for path in [&format!("{MAPS}/owner"), "/api/v1/namespaces/going", &definition] {
        assert_eq!(send(server, "DELETE", path, None).0, 200, "{path}");
    }
}

#[test]
fn servers_over_one_etcd_outlive_it_and_each_other() {
    let Some(mut etcd) = Etcd::start("several-etcd") else { return };
    let folder = Folder::new("several");
    let mut flags = etcd.flags();
    flags.extend(["--etcd-prefix=/other/place".into(), "--etcd-compaction-interval=3s".into()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let start = || Server::start(&folder.0, &flags);
    let (a, b, mut c) = (start(), start(), start());
    let (code, counter) = send(&b, "POST", MAPS, Some(json!({"metadata": {"name": "counter"}, "data": {"n": "0"}})));
    assert_eq!(code, 201, "{counter}");
    let since = counter["metadata"]["resourceVersion"].as_str().unwrap();
    let (wanted, done) = (AtomicBool::new(true), AtomicUsize::new(0));
    scope(|scope| {
        let ports = [a.port, b.port, c.port];
        let followers: Vec<ScopedJoinHandle<Vec<Told>>> =
            ports.map(|port| scope.spawn(move || follow(port, since))).into();
        let client = |name: usize| {
            let port = ports[name % 3];
            Client { port, name, connection: None, wanted: &wanted, done: &done }
        };
        let writers: Vec<_> = (0..6).map(client).map(|client| scope.spawn(move || client.write())).collect();
        let counters: Vec<_> = (0..3).map(client).map(|client| scope.spawn(move || client.count())).collect();
        for client in (0..3).map(client) {
            scope.spawn(move || client.serve());
        }
        let more = |writes: usize| {
            let before = done.load(Ordering::SeqCst);
            until("more writes", || done.load(Ordering::SeqCst) >= before + writes);
        };
        for _ in 0..2 {
            more(150);
            etcd.kill();
            sleep(Duration::from_millis(200));
            etcd.again();
        }
        more(150);
        begin_deletes(&c);
        c.child.kill().unwrap();
        c.wait();
        more(150);
        wanted.store(false, Ordering::SeqCst);
        let known: Vec<(String, Option<String>)> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();

        // What the third server had begun is finished by the others.
        let owned = |item: &Value| item["metadata"].get("ownerReferences").is_some();
        until("dependents go", || !list(&b, MAPS).iter().any(owned));
        until("the namespace goes", || send(&b, "GET", "/api/v1/namespaces/going", None).0 == 404);
        until("the definition goes", || list(&a, DEFINITIONS).is_empty());
        assert!(list(&a, "/api/v1/namespaces/going/secrets").is_empty());

        // All that was acknowledged is there, on both.
        let (code, end) = send(&a, "POST", MAPS, Some(json!({"metadata": {"name": "end"}})));
        assert_eq!(code, 201, "{end}");
        let maps = list(&a, MAPS);
        assert_eq!(maps, list(&b, MAPS));
        let versions: BTreeMap<&str, &str> = maps
            .iter()
            .map(|item| &item["metadata"])
            .map(|meta| (meta["name"].as_str().unwrap(), meta["resourceVersion"].as_str().unwrap()))
            .collect();
        for (name, version) in &known {
            assert_eq!(versions.get(name.as_str()).copied(), version.as_deref(), "{name}");
        }
        // No number was given twice, so no update overwrote another.
        let mut counted: Vec<u64> = counters.into_iter().flat_map(|counter| counter.join().unwrap()).collect();
        let all = counted.len();
        counted.sort_unstable();
        counted.dedup();
        assert_eq!(counted.len(), all);
        // No address and no port has two services.
        let mut claims = HashSet::new();
        let services = list(&b, SERVICES);
        for service in services.iter().map(|service| &service["spec"]) {
            assert!(claims.insert(service["clusterIP"].to_string()), "{service}");
            for port in service["ports"].as_array().unwrap().iter().filter(|port| port.get("nodePort").is_some()) {
                assert!(claims.insert(port["nodePort"].to_string()), "{service}");
            }
        }
        assert!(services.len() > 20, "{} services", services.len());

        // Each event came once, in order, from each server, and together they make what there is.
        let told: Vec<Vec<Told>> = followers.into_iter().map(|follower| follower.join().unwrap()).collect();
        assert_eq!(told[0], told[1]);
        assert!(told[0].starts_with(&told[2]), "the third server told the same until it was killed");
        assert!(told[0].is_sorted_by(|one, next| one.2 < next.2));
        let mut there = BTreeMap::from([("counter", 0)]);
        for (kind, name, version) in &told[0] {
            let before = match kind.as_str() {
                "DELETED" => there.remove(name.as_str()),
                _ => there.insert(name, *version),
            };
            assert_eq!(before.is_some(), kind != "ADDED", "{kind} {name} {version}");
        }
        let there: BTreeMap<&str, String> = there.into_iter().map(|(name, v)| (name, v.to_string())).collect();
        let versions = versions.into_iter().filter(|(name, _)| *name != "kube-root-ca.crt");
        assert!(there.iter().map(|(name, version)| (*name, version.as_str())).eq(versions), "{there:?}");
    });
    // One that starts now finds the same, less what was compacted.
    let c = start();
    assert_eq!(list(&c, MAPS), list(&a, MAPS));
    let old = format!("{MAPS}?resourceVersion={since}&resourceVersionMatch=Exact");
    until("etcd forgets", || send(&c, "GET", &old, None).0 == 410);
}
