//! The order of a merged list: what the patch says, then what the server had, interleaved.

use super::{Error, Items, is_deletion};
use serde_json::Value;

/// Puts the items of a merged list in order. Those that `ours` names come in that order, the others in the order of
/// `theirs`; where both are known to the server, its order decides which comes first.
pub fn arrange(merged: Vec<Value>, items: Items, ours: &[&Value], theirs: &[&Value]) -> Result<Vec<Value>, Error> {
    let place = |order: &[&Value], key: &Value| order.iter().position(|other| *other == key);
    let (mut of_patch, mut of_server) = (Vec::with_capacity(merged.len()), Vec::new());
    for item in merged {
        let key = items.key(&item)?;
        let (in_ours, in_theirs) = (place(ours, key), place(theirs, key));
        let list = if in_ours.is_some() { &mut of_patch } else { &mut of_server };
        list.push(Placed { rank: in_ours.or(in_theirs), in_theirs, item });
    }
    sort(&mut of_patch);
    sort(&mut of_server);

    let mut result = Vec::with_capacity(of_patch.len() + of_server.len());
    let mut of_server = of_server.into_iter().peekable();
    for next in of_patch {
        let before = |server: &Placed| matches!((server.in_theirs, next.in_theirs), (Some(a), Some(b)) if a < b);
        while let Some(server) = of_server.next_if(before) {
            result.push(server.item);
        }
        result.push(next.item);
    }
    result.extend(of_server.map(|server| server.item));
    Ok(result)
}

struct Placed {
    rank: Option<usize>,
    in_theirs: Option<usize>,
    item: Value,
}

/// Sorts by rank, deletions last. An item without a rank goes before all that came before it, and what comes after it
/// goes before it: that is where apimachinery's comparison leaves them.
fn sort(list: &mut Vec<Placed>) {
    let deletions: Vec<Placed> = list.extract_if(.., |placed| is_deletion(&placed.item)).collect();
    let before = |a: &Placed, b: &Placed| !matches!((a.rank, b.rank), (Some(a), Some(b)) if a >= b);
    for end in 1..list.len() {
        let mut place = end;
        while place > 0 && before(&list[place], &list[place - 1]) {
            list.swap(place, place - 1);
            place -= 1;
        }
    }
    list.extend(deletions);
}
