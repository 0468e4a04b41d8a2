//! `steer serve --data-dir`, killed while it writes: what it acknowledged is there when it is started again.
//!
//! A short run by default. `STEER_DURABILITY=50x10000` kills it 50 times, each time somewhere within 10,000 writes.

use crate::connection::{Connection, MAPS, Server};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const WRITERS: usize = 4;

/// What a writer knows of one object.
#[derive(Clone, Debug)]
struct Known {
    /// The value and resourceVersion that were acknowledged last; none when that was a delete.
    acknowledged: Option<(usize, String)>,
    /// Whether something was asked for since and never answered.
    open: bool,
}

/// Creates, changes and deletes objects until the server goes; gives what became of each.
fn write(port: u16, writer: usize, acknowledged: &AtomicUsize) -> HashMap<String, Known> {
    let mut known: HashMap<String, Known> = HashMap::new();
    let Ok(mut connection) = Connection::new(port) else { return known };
    let filler = "x".repeat(800);
    for number in 0.. {
        // Four creates, a change and a delete.
        let (step, block) = (number % 6, number / 6);
        let name = format!("w{writer}-{}", block * 4 + [0, 1, 2, 3, 1, 2][step]);
        let data = json!({"number": number.to_string(), "filler": filler});
        let path = format!("{MAPS}/{name}");
        let (method, path, body, expected) = match step {
            4 => ("PATCH", path, Some(json!({"data": data})), 200),
            5 => ("DELETE", path, None, 200),
            _ => ("POST", MAPS.to_string(), Some(json!({"metadata": {"name": name}, "data": data})), 201),
        };
        let entry = known.entry(name).or_insert(Known { acknowledged: None, open: true });
        entry.open = true;
        let Ok((code, answer)) = connection.send(method, &path, body) else { break };
        assert_eq!(code, expected, "{}", String::from_utf8_lossy(&answer));
        entry.open = false;
        entry.acknowledged = (step != 5).then(|| {
            let object: Value = serde_json::from_slice(&answer).unwrap();
            (number, object["metadata"]["resourceVersion"].as_str().unwrap().to_string())
        });
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    known
}

/// Compares what the server has with what the writers know. Gives how many objects it has.
fn check(server: &Server, known: &HashMap<String, Known>) -> usize {
    let mut connection = Connection::new(server.port).unwrap();
    let (code, list) = connection.send("GET", MAPS, None).unwrap();
    assert_eq!(code, 200);
    let list: Value = serde_json::from_slice(&list).unwrap();
    let items = list["items"].as_array().unwrap();
    let there: HashMap<&str, &Value> = items.iter().map(|i| (i["metadata"]["name"].as_str().unwrap(), i)).collect();
    for (name, state) in known.iter().filter(|(_, state)| !state.open) {
        let found = there.get(name.as_str()).map(|object| {
            let number = object["data"]["number"].as_str().unwrap().parse().unwrap();
            (number, object["metadata"]["resourceVersion"].as_str().unwrap().to_string())
        });
        assert_eq!(found, state.acknowledged, "{name}");
    }
    let version = |text: &str| text.parse::<u64>().unwrap();
    let last = known.values().filter_map(|state| Some(version(&state.acknowledged.as_ref()?.1))).max().unwrap_or(0);
    assert!(version(list["metadata"]["resourceVersion"].as_str().unwrap()) >= last);
    assert!(there.keys().all(|name| known.contains_key(*name)), "an object came from nowhere");
    items.len()
}

#[test]
fn no_acknowledged_write_is_lost() {
    let wanted = std::env::var("STEER_DURABILITY").unwrap_or_else(|_| "3x300".into());
    let (rounds, writes) = wanted.split_once('x').expect("STEER_DURABILITY is ROUNDSxWRITES");
    let (rounds, writes): (usize, usize) = (rounds.parse().unwrap(), writes.parse().unwrap());
    let folder: PathBuf = std::env::temp_dir().join(format!("steersman-durability-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let data = format!("--data-dir={}", folder.join("data").display());
    let mut server = Server::start(&folder, &[&data]);
    for round in 0..rounds {
        let until = 1 + RandomState::new().hash_one(round) as usize % writes;
        let acknowledged = AtomicUsize::new(0);
        let port = server.port;
        let known: HashMap<String, Known> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn({
                        let a = &acknowledged;
                        move || write(port, writer, a)
                    })
                })
                .collect();
            while acknowledged.load(Ordering::SeqCst) < until && !writers.iter().any(|w| w.is_finished()) {
                std::thread::sleep(Duration::from_micros(200));
            }
            // SIGKILL, while the writers go on.
            server.child.kill().unwrap();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        drop(server);
        assert!(acknowledged.load(Ordering::SeqCst) >= until, "the server went before it was killed");
        server = Server::start(&folder, &[&data]);
        let there = check(&server, &known);
        println!("round {round}: killed after {until} writes or a few more; {there} objects are there");
        let (code, _) = Connection::new(server.port).unwrap().send("DELETE", MAPS, None).unwrap();
        assert_eq!(code, 200);
    }
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}
