//! Reading what is in DER (X.690): tags, lengths and contents.

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The first byte: class, form and number.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
}

/// The items that follow each other in `bytes`, up to one that is cut short.
pub fn items(mut bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    std::iter::from_fn(move || {
        let (item, rest) = split(bytes)?;
        bytes = rest;
        Some(item)
    })
}

fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
        (length.iter().try_fold(0, add)?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Item { tag: *tag, content }, rest))
}

impl<'a> Item<'a> {
    /// The items inside; none when the item is a simple one.
    pub fn children(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        const CONSTRUCTED: u8 = 0x20;
        items(if self.tag & CONSTRUCTED == 0 { &[] } else { self.content })
    }

    /// The content as text.
    pub fn text(&self) -> String {
        const BMP: u8 = 0x1e;
        if self.tag == BMP {
            let units: Vec<u16> =
                self.content.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
            return String::from_utf16_lossy(&units);
        }
        String::from_utf8_lossy(self.content).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_end_where_they_are_cut_short() {
        let bytes = [0x30, 0x06, 0x02, 0x01, 0x05, 0x0c, 0x01, b'a', 0x04, 0x81, 0x01, 0xff, 0x02, 0x05, 0x00];
        let all: Vec<Item<'_>> = items(&bytes).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].tag, all[1].content), (4, [0xff].as_slice()));
        let inside: Vec<String> = all[0].children().map(|item| item.text()).collect();
        assert_eq!(inside, ["\u{5}", "a"]);
        assert_eq!(all[1].children().count(), 0);
        for cut in
            [&[0x30][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x04, 0x89, 255, 255, 255, 255, 255, 255, 255, 255, 255]]
        {
            assert_eq!(items(cut).count(), 0);
        }
    }
}
