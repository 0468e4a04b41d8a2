//! The order that Go's `sort.Sort` leaves.
//!
//! kubectl sorts with it. It is not stable, and a list's items are often equal by the field they are sorted by (all
//! pods of a Deployment have the creation time of one second), so another sort would print another order. It is
//! pattern-defeating quicksort (Orson Peters, arXiv:2106.05123) with the constants of Go 1.19 and later.

/// The order of `count` items: for each place, the number of the item that belongs there. `less` may be any relation,
/// even one by which no order is possible.
pub fn order(count: usize, less: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut sort = Sort { order: (0..count).collect(), less };
    sort.quick(0, count, usize::BITS - count.leading_zeros());
    sort.order
}

/// Up to this many items are sorted by insertion.
const INSERTION: usize = 12;
/// From this many on, a pivot is a median of medians, and a nearly sorted list is repaired.
const LARGE: usize = 50;
/// How many repairs are tried.
const REPAIRS: usize = 5;

struct Sort<F> {
    order: Vec<usize>,
    less: F,
}

/// What the pivot's neighbours say of the list.
#[derive(PartialEq)]
enum Hint {
    Rising,
    Falling,
    Unknown,
}

impl<F: Fn(usize, usize) -> bool> Sort<F> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(self.order[a], self.order[b])
    }

    fn quick(&mut self, mut start: usize, mut end: usize, mut bad_pivots_left: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        while end - start > INSERTION {
            if bad_pivots_left == 0 {
                return self.heap(start, end);
            }
            if !balanced {
                self.scatter(start, end);
                bad_pivots_left -= 1;
            }
            let (mut pivot, mut hint) = self.pivot(start, end);
            if hint == Hint::Falling {
                self.order[start..end].reverse();
                pivot = end - 1 - (pivot - start);
                hint = Hint::Rising;
            }
            if balanced && partitioned && hint == Hint::Rising && self.repair(start, end) {
                return;
            }
            if start > 0 && !self.less(start - 1, pivot) {
                // The pivot is the least: put what equals it first, and be done with that.
                start = self.part(start, end, pivot, move |sort, item| !sort.less(start, item)).0;
                continue;
            }
            let length = end - start;
            let (after, none_moved) = self.part(start, end, pivot, move |sort, item| sort.less(item, start));
            partitioned = none_moved;
            let middle = after - 1;
            self.order.swap(start, middle);
            balanced = (middle - start).min(end - middle) >= length / 8;
            if middle - start < end - middle {
                self.quick(start, middle, bad_pivots_left);
                start = middle + 1;
            } else {
                self.quick(middle + 1, end, bad_pivots_left);
                end = middle;
            }
        }
        for place in start + 1..end {
            self.sink(place, start);
        }
    }

    /// Moves an item down while it is less than the one before it.
    fn sink(&mut self, mut place: usize, start: usize) {
        while place > start && self.less(place, place - 1) {
            self.order.swap(place, place - 1);
            place -= 1;
        }
    }

    /// Puts the pivot at `start` and, behind it, all items that belong before the others. Returns where the others
    /// begin, and whether everything was in its place.
    fn part(&mut self, start: usize, end: usize, pivot: usize, before: impl Fn(&Self, usize) -> bool) -> (usize, bool) {
        self.order.swap(start, pivot);
        let (mut low, mut high) = (start + 1, end);
        let mut none_moved = true;
        loop {
            while low < high && before(self, low) {
                low += 1;
            }
            while low < high && !before(self, high - 1) {
                high -= 1;
            }
            if low >= high {
                return (low, none_moved);
            }
            self.order.swap(low, high - 1);
            none_moved = false;
            low += 1;
            high -= 1;
        }
    }

    /// Sorts a list that is nearly sorted, and says whether it was.
    fn repair(&mut self, start: usize, end: usize) -> bool {
        let mut place = start + 1;
        for _ in 0..REPAIRS {
            while place < end && !self.less(place, place - 1) {
                place += 1;
            }
            if place == end {
                return true;
            }
            if end - start < LARGE {
                return false;
            }
            self.order.swap(place, place - 1);
            if place - start >= 2 {
                self.sink(place - 1, 0);
            }
            let mut next = place + 1;
            while next < end && self.less(next, next - 1) {
                self.order.swap(next, next - 1);
                next += 1;
            }
        }
        false
    }

    fn pivot(&self, start: usize, end: usize) -> (usize, Hint) {
        let length = end - start;
        let mut swaps = 0;
        let mut places = [1, 2, 3].map(|quarter| start + length / 4 * quarter);
        if length >= LARGE {
            places = places.map(|place| self.median([place - 1, place, place + 1], &mut swaps));
        }
        let pivot = self.median(places, &mut swaps);
        let hint = match swaps {
            0 => Hint::Rising,
            12 => Hint::Falling,
            _ => Hint::Unknown,
        };
        (pivot, hint)
    }

    fn median(&self, mut places: [usize; 3], swaps: &mut u32) -> usize {
        for first in [0, 1, 0] {
            if self.less(places[first + 1], places[first]) {
                places.swap(first, first + 1);
                *swaps += 1;
            }
        }
        places[1]
    }

    /// Moves three items to where chance has it, by a generator that begins with the length.
    fn scatter(&mut self, start: usize, end: usize) {
        let length = end - start;
        let mut random = length as u64;
        let mask = (1u64 << (usize::BITS - length.leading_zeros())) - 1;
        for place in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = (random & mask) as usize;
            let other = if other >= length { other - length } else { other };
            self.order.swap(start + length / 4 * 2 - 1 + place, start + other);
        }
    }

    fn heap(&mut self, start: usize, end: usize) {
        let length = end - start;
        for root in (0..length.div_ceil(2)).rev() {
            self.sift(start, root, length);
        }
        for last in (0..length).rev() {
            self.order.swap(start, start + last);
            self.sift(start, 0, last);
        }
    }

    fn sift(&mut self, start: usize, mut root: usize, length: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(start + child, start + child + 1) {
                child += 1;
            }
            if !self.less(start + root, start + child) {
                return;
            }
            self.order.swap(start + root, start + child);
            root = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    /// What `kubectl get --sort-by` prints first of such items.
    #[test]
    fn equal_items_are_where_kubectl_puts_them() {
        for (count, keys, want) in
            [(60, 3, [22, 58, 54, 53, 4, 49, 45, 44, 8, 9]), (200, 10, [134, 89, 195, 179, 119, 120, 44, 45, 74, 75])]
        {
            let key = |n: usize| (n * 7919 + n / 3) % keys;
            assert_eq!(order(count, |a, b| key(a) < key(b))[..10], want);
        }
    }

    #[test]
    fn every_order_is_sorted_and_whole() {
        for (count, keys) in [(0, 1), (1, 1), (12, 3), (13, 1), (13, 13), (60, 3), (200, 10), (1000, 7), (1000, 1000)] {
            let key = |n: usize| (n * 7919 + n / 3) % keys;
            for reversed in [false, true] {
                let key = |n: usize| if reversed { keys - key(n) } else { key(n) };
                let order = order(count, |a, b| key(a) < key(b));
                assert!(order.is_sorted_by_key(|n| key(*n)), "{count} {keys}");
                let mut places = order;
                places.sort_unstable();
                assert!(places.into_iter().eq(0..count));
            }
        }
    }

    #[test]
    fn a_relation_that_is_no_order_ends_too() {
        for count in [2, 12, 13, 100, 1000] {
            let mut all = order(count, |_, _| true);
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
        }
    }
}
