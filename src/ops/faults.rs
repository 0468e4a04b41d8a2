//! What is wrong with some of many objects, summed up as kubectl does (k8s.io/cli-runtime, package `resource`): what goes
//! wrong with the objects themselves is told first, one by one; then what could not be read from manifests or fetched,
//! all of it as one failure, in which all that is wrong with the items of a list is one again.

use super::Failure;
use super::infos::Info;

/// What is wrong with one object.
#[derive(Debug)]
pub struct Fault {
    /// The manifest and its document that is a list with the object among its items.
    pub list: Option<ListPlace>,
    /// What.
    pub failure: Failure,
    /// Whether the object was there, so that it is told by itself.
    pub is_own: bool,
}

/// A list: its source, and which document it is there.
pub type ListPlace = (String, usize);

impl Fault {
    /// An object that could not be read.
    pub fn unread(list: Option<ListPlace>, failure: Failure) -> Self {
        Self { list, failure, is_own: false }
    }

    /// An object that was there, and with which something is wrong: its place, or what was done with it.
    pub fn of_item(list: Option<ListPlace>, failure: Failure) -> Self {
        Self { list, failure, is_own: true }
    }

    /// As [`Fault::of_item`], of an object whose list does not matter.
    pub fn own(failure: Failure) -> Self {
        Self::of_item(None, failure)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::unread(None, failure)
    }
}

/// All that is wrong.
#[derive(Debug, Default)]
pub struct Faults {
    /// Each with the number of objects before it.
    own: Vec<(usize, Failure)>,
    unread: Vec<Failure>,
    /// The list that the last of the unread was in.
    list: Option<ListPlace>,
}

impl Faults {
    /// Adds what is wrong with an object, after all that is wrong with others.
    pub fn push(&mut self, fault: Fault) {
        self.push_at(usize::MAX, fault);
    }

    fn push_at(&mut self, before: usize, fault: Fault) {
        let Fault { list, failure, is_own } = fault;
        if is_own {
            return self.own.push((before, failure));
        }
        match self.unread.last_mut() {
            Some(Failure::Many(failures)) if list.is_some() && self.list == list => failures.push(failure),
            _ if list.is_some() => self.unread.push(Failure::Many(vec![failure])),
            _ => self.unread.push(failure),
        }
        self.list = list;
    }

    /// Adds what went wrong with an object that was there, after all that is wrong with others.
    pub fn add(&mut self, failure: Failure) {
        self.add_at(usize::MAX, failure);
    }

    /// Adds what went wrong with the object that has this index among those that were there.
    pub fn add_at(&mut self, index: usize, failure: Failure) {
        self.own.push((index, failure));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.unread.is_empty()
    }

    /// The failures in the order in which they are told.
    pub fn told(mut self) -> Vec<Failure> {
        self.own.sort_by_key(|(before, _)| *before);
        let own = self.own.into_iter().map(|(_, failure)| failure);
        own.chain(Failure::together(self.unread)).collect()
    }

    /// All of it as one failure.
    ///
    /// # Errors
    /// When anything is wrong.
    pub fn sum(self) -> Result<(), Failure> {
        Failure::collect(self.told())
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(all: I) -> Self {
        let mut faults = Self::default();
        all.into_iter().for_each(|fault| faults.push(fault));
        faults
    }
}

/// The objects, and why others are none.
pub fn apart(found: Vec<Result<Info, Fault>>) -> (Vec<Info>, Faults) {
    let (mut infos, mut faults) = (Vec::new(), Faults::default());
    for item in found {
        match item {
            Ok(info) => infos.push(info),
            Err(fault) => faults.push_at(infos.len(), fault),
        }
    }
    (infos, faults)
}

/// What is told where work ends at the first document with which anything is wrong: that, or, where it is a list, all
/// that is wrong with its items. `faults` are in the order of the objects.
pub fn of_first_document(faults: Vec<Fault>) -> Option<Failure> {
    let mut faults = faults.into_iter();
    let first = faults.next()?;
    let Some(list) = first.list else { return Some(first.failure) };
    let others = faults.take_while(|fault| fault.list.as_ref() == Some(&list)).map(|fault| fault.failure);
    Some(Failure::Many(std::iter::once(first.failure).chain(others).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(list: usize, text: &str) -> Fault {
        Fault::unread((list > 0).then(|| ("f".into(), list)), Failure::message(text))
    }

    #[test]
    fn the_unread_are_one_and_the_items_of_a_list_again() {
        let mut faults = Faults::default();
        for (list, text) in [(0, "a"), (1, "b"), (1, "c"), (2, "d"), (0, "e")] {
            faults.push(unread(list, text));
        }
        faults.push(Fault::own(Failure::message("f")));
        faults.add(Failure::message("g"));
        let [first, second, Failure::Many(unread)] = &faults.told()[..] else { panic!() };
        assert_eq!((first.words(), second.words()), ("f".into(), "g".into()));
        let words: Vec<_> = unread.iter().map(Failure::words).collect();
        assert_eq!(words, ["a", "[b, c]", "d", "e"]);
        assert!(matches!(unread[2], Failure::Many(_)), "even alone it is of a list");
        assert!(Faults::default().sum().is_ok());
    }

    #[test]
    fn what_is_wrong_with_objects_is_told_in_their_order() {
        let mut faults = Faults::default();
        faults.push_at(1, Fault::own(Failure::message("before the second")));
        faults.push_at(1, unread(0, "unread"));
        for (index, text) in [(1, "second"), (0, "first")] {
            faults.add_at(index, Failure::message(text));
        }
        faults.add(Failure::message("last"));
        let words: Vec<_> = faults.told().iter().map(Failure::words).collect();
        assert_eq!(words, ["first", "before the second", "second", "last", "unread"]);
    }

    #[test]
    fn a_document_is_what_work_ends_at() {
        let words = |faults: Vec<Fault>| of_first_document(faults).map(|failure| failure.words());
        assert_eq!(words(vec![unread(0, "a"), unread(0, "b")]).unwrap(), "a");
        assert_eq!(words(vec![unread(1, "a"), unread(1, "b"), unread(2, "c")]).unwrap(), "[a, b]");
        assert_eq!(words(Vec::new()), None);
    }
}
