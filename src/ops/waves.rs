//! Working on many objects side by side, while results come in the order of the input.

use crate::api::{Object, ObjectExt};
use futures_util::StreamExt;
use futures_util::stream;
use std::cell::{Cell, RefCell};
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
pub async fn run<T, F: Future<Output = T>>(waves: &[usize], work: impl Fn(usize) -> F, done: impl FnMut(usize, T)) {
    run_until(waves, work, done, std::future::pending).await;
}

/// What is left when work was interrupted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// What was not begun.
    pub untouched: Vec<usize>,
    /// What was begun and not waited for.
    pub unknown: Vec<usize>,
}

/// Where an index is.
enum Slot<T> {
    Untouched,
    Begun,
    Done(T),
    Shown,
}

/// As [`run`], but stops when `interrupted` says so: what is under way is finished, and nothing more is begun. When it
/// says so once more, what is under way is not waited for either.
pub async fn run_until<T, F: Future<Output = T>, I: Future<Output = ()>>(
    waves: &[usize],
    work: impl Fn(usize) -> F,
    mut done: impl FnMut(usize, T),
    interrupted: impl Fn() -> I,
) -> Left {
    let mut order: Vec<usize> = (0..waves.len()).collect();
    order.sort_by_key(|index| waves[*index]);
    let slots: RefCell<Vec<Slot<T>>> = RefCell::new((0..waves.len()).map(|_| Slot::Untouched).collect());
    let stopping = Cell::new(false);
    let mut interruption = std::pin::pin!(interrupted());
    let mut next = 0;
    // Shows what is done, up to the first that is not; past those that never will be when nothing more comes.
    let mut show = |last: bool| {
        let mut slots = slots.borrow_mut();
        while let Some(slot) = slots.get_mut(next) {
            match slot {
                Slot::Done(_) => {
                    if let Slot::Done(result) = std::mem::replace(slot, Slot::Shown) {
                        done(next, result);
                    }
                }
                _ if last => {}
                _ => break,
            }
            next += 1;
        }
    };
    'all: for wave in order.chunk_by(|a, b| waves[*a] == waves[*b]) {
        let one = |index: usize| {
            let (work, slots, stopping) = (&work, &slots, &stopping);
            async move {
                if !stopping.get() {
                    slots.borrow_mut()[index] = Slot::Begun;
                    let result = work(index).await;
                    slots.borrow_mut()[index] = Slot::Done(result);
                }
            }
        };
        let mut running = stream::iter(wave.iter().copied()).map(one).buffer_unordered(CONCURRENCY);
        loop {
            tokio::select! {
                finished = running.next() => match finished {
                    Some(()) => show(false),
                    None => break,
                },
                () = &mut interruption => {
                    if stopping.replace(true) {
                        break 'all;
                    }
                    interruption.set(interrupted());
                }
            }
        }
    }
    show(true);
    let slots = slots.borrow();
    let left = |is: fn(&Slot<T>) -> bool| (0..slots.len()).filter(|index| is(&slots[*index])).collect();
    Left { untouched: left(|slot| matches!(slot, Slot::Untouched)), unknown: left(|slot| matches!(slot, Slot::Begun)) }
}

/// Waits until a person presses Ctrl-C. From then on that ends no program by itself.
pub async fn interruption() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
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

    #[test]
    fn an_interruption_leaves_each_item_done_or_untouched() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begun = Cell::new(0);
        let (begun, at_once) = (&begun, Cell::new(true));
        let mut seen = Vec::new();
        let waves = vec![0; CONCURRENCY * 2];
        // The first interruption comes before all is begun, the second never.
        let left = runtime.block_on(run_until(
            &waves,
            |index| async move {
                begun.set(begun.get() + 1);
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                index
            },
            |index, _| seen.push(index),
            || {
                let now = at_once.replace(false);
                async move {
                    match now {
                        true => tokio::task::yield_now().await,
                        false => std::future::pending().await,
                    }
                }
            },
        ));
        assert!(!left.untouched.is_empty() && left.unknown.is_empty(), "{left:?}");
        assert_eq!(seen.len(), begun.get());
        let mut all: Vec<usize> = seen.iter().chain(&left.untouched).copied().collect();
        all.sort();
        assert_eq!(all, (0..waves.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_second_interruption_waits_for_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let finished = Cell::new(0);
        let finished = &finished;
        let work = |index: usize| async move {
            if index == 1 {
                std::future::pending::<()>().await;
            }
            finished.set(finished.get() + 1);
        };
        // Comes when all is done that ends by itself: what is polled first is left to chance.
        let interrupted = || async {
            while finished.get() < 2 {
                tokio::task::yield_now().await;
            }
        };
        let mut seen = Vec::new();
        let left = runtime.block_on(run_until(&[0, 0, 0, 1], work, |index, ()| seen.push(index), interrupted));
        assert_eq!(left, Left { untouched: vec![3], unknown: vec![1] });
        assert_eq!(seen, [0, 2]);
    }
}
