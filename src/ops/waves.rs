//! Working on many objects side by side, while results come in the order of the input.

use crate::api::{Object, ObjectExt};
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::HashMap;
use std::future::Future;

/// How many requests are under way at once.
pub const CONCURRENCY: usize = 16;

/// In which wave each object is sent: what others need comes first, and two texts about one object keep their order.
/// `key` tells objects apart.
pub fn waves(objects: &[(&Object, String)]) -> Vec<usize> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    // Each class has room for as many waves as one object is mentioned.
    let width = objects.len() + 1;
    objects
        .iter()
        .map(|(object, key)| {
            let wave = class(object) * width;
            let wave = seen.get(key.as_str()).map_or(wave, |earlier| wave.max(earlier + 1));
            seen.insert(key, wave);
            wave
        })
        .collect()
}

/// 0 for what names and types depend on, 1 for what the server looks at when it admits others, 2 for the rest.
fn class(object: &Object) -> usize {
    match object.kind() {
        "Namespace" | "CustomResourceDefinition" => 0,
        "ServiceAccount" | "LimitRange" | "ResourceQuota" | "PriorityClass" | "RuntimeClass" | "StorageClass"
        | "IngressClass" | "Role" | "ClusterRole" => 1,
        _ => 2,
    }
}

/// Runs `work` on each index, wave after wave and side by side within a wave. `done` gets each result in the order of
/// the indices, as soon as all before it are there.
pub async fn run<T, F: Future<Output = T>>(waves: &[usize], work: impl Fn(usize) -> F, mut done: impl FnMut(usize, T)) {
    let mut order: Vec<usize> = (0..waves.len()).collect();
    order.sort_by_key(|index| waves[*index]);
    let mut results: Vec<Option<T>> = (0..waves.len()).map(|_| None).collect();
    let mut next = 0;
    for wave in order.chunk_by(|a, b| waves[*a] == waves[*b]) {
        let work = &work;
        let mut running = stream::iter(wave.iter().copied())
            .map(|index| async move { (index, work(index).await) })
            .buffer_unordered(CONCURRENCY);
        while let Some((index, result)) = running.next().await {
            results[index] = Some(result);
            while let Some(result) = results.get_mut(next).and_then(Option::take) {
                done(next, result);
                next += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_need_comes_first_and_repeats_wait() {
        let objects =
            [json!({"kind": "Pod"}), json!({"kind": "Namespace"}), json!({"kind": "Pod"}), json!({"kind": "Pod"})];
        let keys = ["a", "n", "b", "a"];
        let pairs: Vec<_> = objects.iter().zip(keys).map(|(object, key)| (object, key.to_string())).collect();
        let waves = waves(&pairs);
        assert!(waves[1] < waves[0]);
        assert_eq!(waves[0], waves[2]);
        assert!(waves[3] > waves[0]);
    }

    #[test]
    fn results_keep_the_order_of_the_input() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut seen = Vec::new();
        let order = std::cell::RefCell::new(Vec::new());
        let order = &order;
        runtime.block_on(run(
            &[5, 1, 5],
            |index| async move {
                order.borrow_mut().push(index);
                index * 10
            },
            |index, result| seen.push((index, result)),
        ));
        assert_eq!(seen, [(0, 0), (1, 10), (2, 20)]);
        assert_eq!(order.borrow()[0], 1);
    }
}
