//! Who the persons of one partner's set are in another: whoever has a token in common.
//!
//! Persons are numbers, and every set counts anew. What was emitted in the numbers of one set is told in
//! those of the next, so that the gate remembers it. A person whose tokens went to several persons is all
//! of them; several who became one are that one.
//!
//! Flow: where the new set lies on the very layers of the old one, numbers stay, only aliases move, and
//! whoever was removed and added again is looked up by the tokens of the layers above. Otherwise both runs are walked together once, whatever the keys of the collaborations: a set that
//! carries tokens of two keys leads from one to the other.
//!
//! Memory: 4 bytes a person of the old set, 8 for every further person that somebody became, and two
//! windows of pages.

use std::sync::atomic::{AtomicBool, Ordering};

use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::Emitted;

use super::changes::Fate;
use super::run::{PageView, Window};
use super::{Finder, Layer, NOBODY, SealedSet, SetError};

/// Pages that are read together.
const PAGES: usize = 64;

/// Old persons and their new numbers.
pub struct Renumbering {
    /// By old person: the first new one; [`NOBODY`] if there is none.
    first: Vec<u32>,
    /// Further ones: old, new; ascending.
    more: Vec<(u32, u32)>,
    /// Persons of the new set.
    persons: u32,
}

impl Renumbering {
    /// From the persons of `old` to those of `new`, both of a partner. None if `cancel` was raised.
    ///
    /// # Errors
    /// A set cannot be read.
    pub fn between(
        old: &SealedSet,
        new: &SealedSet,
        cancel: &AtomicBool,
    ) -> Result<Option<Renumbering>, SetError> {
        let mut numbers = Renumbering {
            first: vec![NOBODY; old.persons() as usize],
            more: Vec::new(),
            persons: new.persons(),
        };
        let (before, after) = (Fate::of(old), Fate::of(new));
        if lies_on(new, old) {
            for person in 0..old.persons() {
                if let Some(now) = before.now(person).and_then(|person| after.now(person)) {
                    numbers.first[person as usize] = now;
                }
            }
            // Whoever was removed meanwhile and came again has another number.
            let came_again = new.gone().len() > old.gone().len();
            let (below, above) = new.layers().split_at(old.layers().len());
            for (layer, added) in below
                .iter()
                .flat_map(|one| above.iter().map(move |two| (one, two)))
            {
                let looked_up = came_again.then(|| {
                    again(layer, added, cancel, |from, to| {
                        let gone = before.now(from).filter(|from| after.now(*from).is_none());
                        if let (Some(from), Some(to)) = (gone, after.now(to)) {
                            numbers.note(from, to);
                        }
                    })
                });
                if !looked_up.transpose()?.unwrap_or(true) {
                    return Ok(None);
                }
            }
            numbers.settle();
            return Ok(Some(numbers));
        }
        for layer in old.layers() {
            for other in new.layers() {
                let walked = common(layer, other, cancel, |from, to| {
                    if let (Some(from), Some(to)) = (before.now(from), after.now(to)) {
                        numbers.note(from, to);
                    }
                })?;
                if !walked {
                    return Ok(None);
                }
            }
        }
        numbers.settle();
        Ok(Some(numbers))
    }

    fn settle(&mut self) {
        self.more.sort_unstable();
        self.more.dedup();
    }

    fn note(&mut self, old: u32, new: u32) {
        let Some(first) = self.first.get_mut(old as usize) else {
            return;
        };
        if *first == NOBODY {
            *first = new;
        } else if *first != new && self.more.last() != Some(&(old, new)) {
            self.more.push((old, new));
        }
    }

    /// Persons who were let out, in the new numbers.
    #[must_use]
    pub fn apply(&self, emitted: &Emitted) -> Emitted {
        emitted.renumbered(|old, add| {
            if let Some(new) = self.first.get(old as usize).filter(|new| **new != NOBODY) {
                add(*new);
            }
            let from = self.more.partition_point(|(from, _)| *from < old);
            for (_, new) in self.more[from..]
                .iter()
                .take_while(|(from, _)| *from == old)
            {
                add(*new);
            }
        })
    }

    /// Everybody of the new set who was there in the old one.
    pub fn image(&self) -> PersonSet {
        let mut words = vec![0_u64; (self.persons as usize).div_ceil(64)];
        let more = self.more.iter().map(|(_, new)| new);
        for new in self.first.iter().chain(more).filter(|new| **new != NOBODY) {
            if let Some(word) = words.get_mut(*new as usize / 64) {
                *word |= 1 << (new % 64);
            }
        }
        PersonSet::from_words(&words)
    }
}

/// Whether the layers of `old` are the lowest of `new`.
fn lies_on(new: &SealedSet, old: &SealedSet) -> bool {
    let same = |(one, other): (&Layer, &Layer)| one.as_below() == other.as_below();
    new.layers().len() >= old.layers().len() && new.layers().iter().zip(old.layers()).all(same)
}

/// Calls `both` with the owners of every token that stands in both layers; false if `cancel` was raised.
fn common(
    one: &Layer,
    other: &Layer,
    cancel: &AtomicBool,
    mut both: impl FnMut(u32, u32),
) -> Result<bool, SetError> {
    let (mut left, mut right) = (Cursor::new(one), Cursor::new(other));
    while !cancel.load(Ordering::Relaxed) {
        let (Some(a), Some(b)) = (left.page()?, right.page()?) else {
            return Ok(true);
        };
        let (mut i, mut j) = (a.at, b.at);
        while i < a.view.len() && j < b.view.len() {
            let (token, there) = (a.view.tokens.get(i), b.view.tokens.get(j));
            if token == there {
                both(a.view.owner(i), b.view.owner(j));
            }
            // A partner's run has each token once in a layer.
            i += usize::from(token <= there);
            j += usize::from(there <= token);
        }
        (left.at, right.at) = (i, j);
    }
    Ok(false)
}

/// Calls `both` with the owners of every token of `layer` that stands in `added` too, which is looked
/// through; false if `cancel` was raised.
fn again(
    layer: &Layer,
    added: &Layer,
    cancel: &AtomicBool,
    mut both: impl FnMut(u32, u32),
) -> Result<bool, SetError> {
    let (mut added, mut finder) = (Cursor::new(added), Finder::new(layer.run()));
    while !cancel.load(Ordering::Relaxed) {
        let Some(Rest { view, at }) = added.page()? else {
            return Ok(true);
        };
        let end = view.len();
        for i in at..end {
            let to = view.owner(i);
            finder.find(view.tokens.get(i), |page, at| both(page.owner(at), to))?;
        }
        added.at = end;
    }
    Ok(false)
}

/// A page that has records left, and the first of these.
struct Rest<'w> {
    view: PageView<'w>,
    at: usize,
}

/// A place in a run that is read from its beginning to its end.
struct Cursor<'a> {
    layer: &'a Layer,
    window: Window<'a>,
    /// The first page of the window, and the present one in it.
    from: usize,
    page: usize,
    /// The present record of the page.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(layer: &'a Layer) -> Self {
        Cursor {
            layer,
            window: Window::new(layer.run()),
            from: 0,
            page: 0,
            at: 0,
        }
    }

    /// The present page; none at the end.
    fn page(&mut self) -> Result<Option<Rest<'_>>, SetError> {
        loop {
            if self.page == self.window.len() {
                self.from += self.window.len();
                let pages = self.layer.run().index().len();
                if self.from >= pages {
                    return Ok(None);
                }
                self.window.aim(self.from..pages.min(self.from + PAGES));
                self.window.read()?;
                self.page = 0;
            }
            if self.at < self.window.page(self.page)?.len() {
                let at = self.at;
                let view = self.window.page(self.page)?;
                return Ok(Some(Rest { view, at }));
            }
            (self.page, self.at) = (self.page + 1, 0);
        }
    }
}
