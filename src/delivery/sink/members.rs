//! Who is in which audience, and how far every delivery is.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::journal::Entry;

/// Members per entry of a rewritten journal.
const PER_ENTRY: usize = 10_000;

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Apply it.
    Next,
    /// It was applied before: acknowledge it again.
    Repeated,
    /// An earlier batch of its delivery is missing: not now.
    Early,
    /// Its delivery has ended before it: never.
    Beyond,
}

/// An audience: two collaborations may use one name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Audience {
    name: String,
    collaboration: String,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    next: u32,
    ended: bool,
}

/// The state of a destination. About 100 bytes per member and audience.
#[derive(Default)]
pub(super) struct Members {
    audiences: BTreeMap<Audience, HashSet<Box<str>>>,
    deliveries: HashMap<Box<str>, Progress>,
}

impl Members {
    /// What to do with batch `sequence` of `delivery`.
    pub(super) fn judge(&self, delivery: &str, sequence: u32) -> Verdict {
        let progress = self.deliveries.get(delivery).copied().unwrap_or_default();
        if sequence < progress.next {
            Verdict::Repeated
        } else if progress.ended {
            Verdict::Beyond
        } else if sequence > progress.next {
            Verdict::Early
        } else {
            Verdict::Next
        }
    }

    /// Applies what the journal remembers.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Batch {
                collaboration,
                audience,
                delivery,
                sequence,
                last,
                remove,
                add,
            } => {
                let members = self.audience(audience, collaboration);
                for cookie in remove {
                    members.remove(cookie.as_str());
                }
                members.extend(add.into_iter().map(String::into_boxed_str));
                let progress = Progress {
                    next: sequence.saturating_add(1),
                    ended: last,
                };
                self.deliveries.insert(delivery.into(), progress);
            }
            Entry::Members {
                collaboration,
                audience,
                members,
            } => self
                .audience(audience, collaboration)
                .extend(members.into_iter().map(String::into_boxed_str)),
            Entry::Progress {
                delivery,
                next,
                ended,
            } => {
                let progress = Progress { next, ended };
                self.deliveries.insert(delivery.into(), progress);
            }
        }
    }

    /// Members, summed over audiences.
    pub(super) fn count(&self) -> u64 {
        self.audiences.values().map(|set| set.len() as u64).sum()
    }

    /// Bytes that a rewritten journal would take, about.
    pub(super) fn weight(&self) -> u64 {
        let members = self.audiences.values().flatten();
        let cookies: u64 = members.map(|cookie| cookie.len() as u64 + 3).sum();
        cookies + 100 * self.deliveries.len() as u64
    }

    /// Everything as journal entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let progress = self.deliveries.iter().map(|(delivery, progress)| {
            let Progress { next, ended } = *progress;
            Entry::Progress {
                delivery: delivery.to_string(),
                next,
                ended,
            }
        });
        let members = self.audiences.iter().flat_map(|(audience, set)| {
            let mut rest = set.iter().peekable();
            std::iter::from_fn(move || {
                rest.peek()?;
                let members = rest.by_ref().take(PER_ENTRY);
                Some(Entry::Members {
                    collaboration: audience.collaboration.clone(),
                    audience: audience.name.clone(),
                    members: members.map(ToString::to_string).collect(),
                })
            })
        });
        progress.chain(members)
    }

    /// Every audience's name with its cookies, sorted; one name of two collaborations is one audience
    /// here. Memory: 16 bytes per member of the largest audience.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (&str, Vec<&str>)> + '_ {
        let mut audiences = self.audiences.iter().peekable();
        std::iter::from_fn(move || {
            let (Audience { name, .. }, set) = audiences.next()?;
            let mut cookies: Vec<&str> = set.iter().map(|cookie| &**cookie).collect();
            while let Some((_, more)) = audiences.next_if(|(next, _)| next.name == *name) {
                cookies.extend(more.iter().map(|cookie| &**cookie));
            }
            cookies.sort_unstable();
            cookies.dedup();
            Some((name.as_str(), cookies))
        })
    }

    fn audience(&mut self, name: String, collaboration: String) -> &mut HashSet<Box<str>> {
        let audience = Audience {
            name,
            collaboration,
        };
        self.audiences.entry(audience).or_default()
    }
}
