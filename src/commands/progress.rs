//! What a person is told while work takes long: how far it is, and what it waits for. Scripts are told nothing.
//!
//! On a terminal that takes lines back it stands below all output, and is gone when the work is done. On one that does
//! not (`TERM=dumb`), or that another program writes to as well, only what is waited for is told, in a line each time
//! that it changes.

use super::streams::Complaints;
use super::{Context, interrupted};
use crate::ops::delete::Going;
use crate::ops::waves::{self, Left};
use crate::output::terminal::{self, visible};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::time::{Duration, Instant};

/// From when on a person wants to know what it is that takes so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether there is news.
const TICK: Duration = Duration::from_millis(100);
/// Of how many objects it is told at once what they wait for.
const WAITING: usize = 3;

/// How a person can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// There is nobody.
    None,
    /// In lines that stay.
    Lines,
    /// In lines that are taken back.
    Below,
}

impl Way {
    /// How on a terminal of this sort (`TERM`). `is_ours` says that its size is known, and that nobody else writes to it.
    fn of(is_terminal: bool, term: Option<&str>, is_ours: impl FnOnce() -> bool) -> Self {
        match term {
            _ if !is_terminal => Way::None,
            None | Some("dumb") => Way::Lines,
            _ if is_ours() => Way::Below,
            _ => Way::Lines,
        }
    }
}

/// How far some work is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct News {
    /// `2 of 3 are gone`.
    how_far: String,
    /// What is waited for, a line each.
    why: Vec<String>,
}

/// Who tells how far work is.
pub struct Progress {
    way: Way,
    out: Complaints,
    begun: Instant,
    news: RefCell<News>,
    /// What was told last.
    told: RefCell<News>,
    side_by_side: SideBySide,
}

impl Context {
    /// Begins to tell how far some work is: nothing, when it does not take long.
    pub fn progress(&self) -> Progress {
        let is_ours = || terminal::size().is_some() && !terminal::is_piped();
        Progress {
            way: Way::of(self.complains_to_terminal(), self.env("TERM"), is_ours),
            out: self.complaints(),
            begun: Instant::now(),
            news: RefCell::default(),
            told: RefCell::default(),
            side_by_side: SideBySide::default(),
        }
    }
}

impl Progress {
    /// Whether there is a person who is told.
    pub fn is_on(&self) -> bool {
        self.way != Way::None
    }

    /// Has it told, from when on it takes long, how far the work is and what it waits for, a line each.
    pub fn say(&self, how_far: String, why: &str) {
        *self.news.borrow_mut() = News { how_far, why: why.lines().map(String::from).collect() };
    }

    /// Has it told how many of `all` are gone that were deleted.
    pub fn gone(&self, Going { gone, reason }: &Going, all: usize) {
        self.say(format!("{gone} of {all} are gone"), reason.as_deref().unwrap_or_default());
    }

    /// Does the work, and tells of it meanwhile.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.with(work, || self.news.borrow().clone()).await
    }

    /// Works on objects side by side, as [`waves::run_until`] does, and tells how many are done. `names` are those of
    /// the objects as `RESOURCE/NAMESPACE/NAME`.
    pub async fn side_by_side<T, F: Future<Output = T>, I: Future<Output = ()>>(
        &self,
        names: &[String],
        waves: &[usize],
        work: impl Fn(usize) -> F,
        done: impl FnMut(usize, T),
        interruption: impl Fn() -> I,
    ) -> Left {
        if !self.is_on() {
            return waves::run_until(waves, work, done, interruption).await;
        }
        let here = &self.side_by_side;
        here.clear();
        let interruption = || async {
            interruption().await;
            here.stopping.set(true);
        };
        let all = waves::run_until(waves, |index| here.one(index, work(index)), done, interruption);
        self.with(all, || here.news(names)).await
    }

    /// Who has it told what the object that is worked on as this index waits for.
    pub fn of(&self, index: usize) -> impl Fn(String) {
        move |why| drop(self.side_by_side.under_way.borrow_mut().insert(index, why))
    }

    async fn with<T>(&self, work: impl Future<Output = T>, news: impl Fn() -> News) -> T {
        if !self.is_on() {
            return work.await;
        }
        let mut work = pin!(work);
        let mut pause = PATIENCE.saturating_sub(self.begun.elapsed());
        loop {
            match tokio::time::timeout(pause, &mut work).await {
                Ok(result) => return result,
                Err(_) => self.tell(news()),
            }
            pause = TICK;
        }
    }

    fn tell(&self, news: News) {
        let News { how_far, why } = &news;
        match self.way {
            Way::Below if !how_far.is_empty() => {
                let why = why.iter().map(|line| format!("    {line}"));
                let lines: Vec<String> = [format!("  {how_far}")].into_iter().chain(why).collect();
                self.out.stderr.say_below(&lines);
            }
            Way::Lines if !why.is_empty() && self.told.borrow().why != *why => {
                let line = format!("  {how_far}; {}", why.join("; "));
                // That nobody listens any more can be told to nobody.
                let _ = self.out.clone().write_all((visible(&line) + "\n").as_bytes());
            }
            _ => return,
        }
        *self.told.borrow_mut() = news;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // What others say stays.
        if *self.told.borrow() != News::default() {
            self.out.stderr.make_way();
        }
    }
}

/// How far objects are that are worked on side by side.
#[derive(Default)]
struct SideBySide {
    done: Cell<usize>,
    /// What those that are worked on wait for; empty when that is but an answer.
    under_way: RefCell<BTreeMap<usize, String>>,
    /// Whether a person has pressed Ctrl-C.
    stopping: Cell<bool>,
}

impl SideBySide {
    fn clear(&self) {
        self.done.set(0);
        self.under_way.borrow_mut().clear();
        self.stopping.set(false);
    }

    async fn one<T>(&self, index: usize, work: impl Future<Output = T>) -> T {
        self.under_way.borrow_mut().insert(index, String::new());
        let result = work.await;
        self.under_way.borrow_mut().remove(&index);
        self.done.set(self.done.get() + 1);
        result
    }

    fn news(&self, names: &[String]) -> News {
        let under_way = self.under_way.borrow();
        let name = |index: &usize| names.get(*index).map(|name| interrupted::named(name)).unwrap_or_default();
        let waiting = under_way.iter().filter(|(_, why)| !why.is_empty());
        let why = waiting.take(WAITING).map(|(index, why)| format!("{} {why}", name(index))).collect();
        let how_far = format!("{} of {} done", self.done.get(), names.len());
        // What was begun first is likely what takes long.
        let first = under_way.keys().next().map(name).filter(|name| name.contains('/'));
        let how_far = match first {
            _ if self.stopping.get() => {
                format!("{how_far}; interrupted, {} under way (Ctrl-C: do not wait)", under_way.len())
            }
            Some(first) => format!("{how_far}, {first} is next"),
            None => how_far,
        };
        News { how_far, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Context;

    #[test]
    fn who_is_told_and_how() {
        for (is_terminal, term, is_ours, way) in [
            (true, Some("xterm"), true, Way::Below),
            (true, Some("xterm"), false, Way::Lines),
            (true, Some("dumb"), true, Way::Lines),
            (true, None, true, Way::Lines),
            (false, Some("xterm"), true, Way::None),
        ] {
            assert_eq!(Way::of(is_terminal, term, || is_ours), way, "{is_terminal} {term:?} {is_ours}");
        }
        assert!(!Context::for_test().progress().is_on());
    }

    #[test]
    fn objects_are_counted_and_what_holds_them_is_named() {
        let names: Vec<String> = (0..8).map(|i| format!("pods/x/p{i}")).collect();
        let here = SideBySide::default();
        let put = |index: usize, why: &str| drop(here.under_way.borrow_mut().insert(index, why.into()));
        let news = || {
            let News { how_far, why } = here.news(&names);
            format!("{how_far}|{}", why.join("|"))
        };
        assert_eq!(news(), "0 of 8 done|");
        here.done.set(2);
        put(4, "");
        put(3, "");
        assert_eq!(news(), "2 of 8 done, pods/p3 -n x is next|");
        put(4, "waits for finalizers: a/b");
        assert_eq!(news(), "2 of 8 done, pods/p3 -n x is next|pods/p4 -n x waits for finalizers: a/b");
        (5..8).for_each(|index| put(index, "is slow"));
        assert_eq!(news().matches('|').count(), WAITING, "{}", news());
        here.clear();
        put(1, "");
        here.stopping.set(true);
        assert_eq!(news(), "0 of 8 done; interrupted, 1 under way (Ctrl-C: do not wait)|");
    }

    #[test]
    fn work_under_way_is_known() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let here = SideBySide::default();
        let seen = runtime.block_on(here.one(3, async { here.under_way.borrow().clone() }));
        assert_eq!(seen, BTreeMap::from([(3, String::new())]));
        assert!(here.under_way.borrow().is_empty() && here.done.get() == 1);
    }
}
