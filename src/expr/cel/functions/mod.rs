//! Functions: CEL's own, those of its extensions for texts and sets, and Kubernetes' libraries.

mod convert;
mod costs;
mod formatting;
mod libraries;
mod lists;
mod strings;
mod times;
mod urls;

pub use convert::text;
pub use costs::cost;
pub use libraries::Version;
pub use urls::Url;

use super::Failure;
use super::access;
use super::operators::no_overload;
use super::value::Val;

type Outcome = Result<Val, Failure>;

/// Calls a function.
pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Outcome {
    let all = [strings::call, lists::call, times::call, urls::call, libraries::call, access::call, convert::call];
    for call in all {
        if let Some(outcome) = call(name, target, args) {
            return outcome;
        }
    }
    Err(no_overload())
}

/// A number of items or characters as a value.
fn count(number: usize) -> Val {
    Val::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
