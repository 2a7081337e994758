//! Items of eight partitions, and the pages in which they are listed.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;

use banto_ports::{Cursor, Page};

/// The partitions of a route's outbox, and of an account's findings: 5,000 changes a second are
/// some 3,500 write units, and a partition takes 1,000 of them. (DynamoDB developer guide, "Best
/// practices for designing and using partition keys effectively".)
pub(crate) const SHARDS: usize = 8;

/// The partition of an item: by the last digit of its id, which ends in a hash.
pub(crate) fn shard_of(id: &str) -> usize {
    let digit = id.chars().next_back().and_then(|last| last.to_digit(16));
    digit
        .and_then(|digit| usize::try_from(digit).ok())
        .unwrap_or_default()
        % SHARDS
}

/// Items by partition and id.
#[derive(Debug)]
pub(crate) struct Sharded<T>(BTreeMap<(usize, String), T>);

impl<T> Default for Sharded<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Sharded<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.0.get(&key_of(id))
    }

    pub(crate) fn insert(&mut self, id: &str, item: T) {
        self.0.insert(key_of(id), item);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.remove(&key_of(id));
    }

    /// All items whose id is not less, in the order of their ids.
    pub(crate) fn in_order(&self, from: &str) -> impl Iterator<Item = &T> {
        let of_shard = |shard| {
            self.0
                .range((shard, from.to_owned())..(shard + 1, String::new()))
        };
        let mut shards: Vec<_> = (0..SHARDS)
            .map(|shard| of_shard(shard).peekable())
            .collect();
        iter::from_fn(move || {
            let heads = shards.iter_mut().enumerate();
            let heads = heads.filter_map(|(place, shard)| Some((&shard.peek()?.0.1, place)));
            let (_, place) = heads.min()?;
            let (_, item) = shards.get_mut(place)?.next()?;
            Some(item)
        })
    }

    /// Items whose id begins so, partition by partition, after a place.
    fn after(
        &self,
        prefix: &str,
        place: Option<(usize, &str)>,
    ) -> impl Iterator<Item = Listed<'_, T>> {
        let (first, after) = place.unwrap_or_default();
        (first..SHARDS).flat_map(move |shard| {
            let from = if shard == first && !after.is_empty() {
                Bound::Excluded((shard, after.to_owned()))
            } else {
                Bound::Included((shard, prefix.to_owned()))
            };
            let end = Bound::Excluded((shard, format!("{prefix}{}", char::MAX)));
            self.0.range((from, end))
        })
    }
}

impl<T: Clone> Sharded<T> {
    /// A page of those items whose id begins so and that are listed at all.
    pub(crate) fn page(
        &self,
        paging: &Paging,
        after: Option<&Cursor>,
        prefix: &str,
        is_listed: impl Fn(&T) -> bool,
    ) -> Page<T> {
        paging.page(after, |place, size| {
            let place = place.and_then(|place| place.split_once('/'));
            let place = place.map(|(shard, id)| (shard.parse().unwrap_or_default(), id));
            let mut items = self.after(prefix, place);
            let read: Vec<_> = items.by_ref().take(size).collect();
            let last = items.next().and(read.last());
            let last = last.map(|((shard, id), _)| format!("{shard}/{id}"));
            let listed = read.iter().filter(|(_, item)| is_listed(item));
            (listed.map(|(_, item)| (*item).clone()).collect(), last)
        })
    }
}

type Listed<'a, T> = (&'a (usize, String), &'a T);

fn key_of(id: &str) -> (usize, String) {
    (shard_of(id), id.to_owned())
}

/// The way in which AWS cuts listings into pages.
#[derive(Debug)]
pub(crate) struct Paging {
    /// Most items of a page.
    pub(crate) size: usize,
    /// True if a page without items comes before each page but the first.
    pub(crate) with_empty: bool,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            size: Self::USUAL,
            with_empty: false,
        }
    }
}

/// The signs that a place begins with: of one that lists items, and of one that lists none.
const ITEMS: char = '+';
const NONE: char = '-';

impl Paging {
    /// Most items of a page of AWS Config's. (AWS Config API reference,
    /// `GetAggregateComplianceDetailsByConfigRule`.)
    const USUAL: usize = 100;

    /// The page after a place. `list` answers with the items after a place, at most so many, and
    /// with the place of the last one if there are more.
    pub(crate) fn page<T>(
        &self,
        after: Option<&Cursor>,
        list: impl FnOnce(Option<&str>, usize) -> (Vec<T>, Option<String>),
    ) -> Page<T> {
        let place = after.map(|cursor| cursor.0.as_str());
        if let Some(place) = place.and_then(|place| place.strip_prefix(NONE)) {
            return Page {
                items: Vec::new(),
                next: Some(Cursor(format!("{ITEMS}{place}"))),
            };
        }
        let place = place.and_then(|place| place.strip_prefix(ITEMS));
        let (items, last) = list(place, self.size);
        let sign = if self.with_empty { NONE } else { ITEMS };
        let next = last.map(|last| Cursor(format!("{sign}{last}")));
        Page { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 5] = ["1#a", "2#8", "1#9", "2#f", "1#0"];

    fn items() -> Sharded<&'static str> {
        let mut items = Sharded::default();
        for id in IDS {
            items.insert(id, id);
        }
        items
    }

    fn pages(paging: &Paging, prefix: &str) -> Vec<Vec<&'static str>> {
        let items = items();
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = items.page(paging, after.as_ref(), prefix, |id| *id != "1#9");
            pages.push(page.items);
            after = page.next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn items_come_in_order_whatever_their_partitions() {
        let items = items();
        let in_order: Vec<_> = items.in_order("1#1").copied().collect();
        assert_eq!(in_order, ["1#9", "1#a", "2#8", "2#f"]);
    }

    #[test]
    fn pages_go_by_partition_and_hold_fewer_or_none_where_items_are_not_listed() {
        let paging = Paging {
            size: 1,
            with_empty: false,
        };
        assert_eq!(pages(&paging, "1#"), [vec!["1#0"], vec![], vec!["1#a"]]);
        let paging = Paging {
            size: 2,
            with_empty: true,
        };
        let expected = [vec!["1#0", "2#8"], vec![], vec!["1#a"], vec![], vec!["2#f"]];
        assert_eq!(pages(&paging, ""), expected);
    }
}
