//! Every state a stored thing can be in, and the only permitted transitions.
//!
//! The tables below are the whole truth: `state => [next, …]`. A [`Step`] can only be made along an
//! arrow, and the store changes a state only by a step, on exactly one row that still stands at its
//! beginning. So an impossible history cannot be written, whoever runs late or twice.

/// A transition that the table does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{from} cannot become {to}")]
pub struct Forbidden {
    from: &'static str,
    to: &'static str,
}

/// A set of states with its arrows.
pub trait State: Copy + PartialEq + 'static {
    /// The word in the database.
    fn as_str(self) -> &'static str;

    /// The inverse of [`State::as_str`].
    fn parse(word: &str) -> Option<Self>;

    /// Where this state may go.
    fn next(self) -> &'static [Self];
}

/// A permitted transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<S> {
    from: S,
    to: S,
}

impl<S: State> Step<S> {
    /// The step along the arrow from `from` to `to`, if there is one.
    pub fn new(from: S, to: S) -> Result<Step<S>, Forbidden> {
        if from.next().contains(&to) {
            Ok(Step { from, to })
        } else {
            Err(Forbidden {
                from: from.as_str(),
                to: to.as_str(),
            })
        }
    }

    /// Where the row must stand.
    pub fn from(self) -> S {
        self.from
    }

    /// Where the row will stand.
    pub fn to(self) -> S {
        self.to
    }
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal => [$($next:ident),*],)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl State for $name {
            fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }

            fn next(self) -> &'static [Self] {
                match self { $($name::$variant => &[$($name::$next),*],)+ }
            }
        }

        #[cfg(test)]
        impl $name {
            pub(crate) const ALL: &'static [$name] = &[$($name::$variant),+];
        }
    };
}

states! {
    /// A collaboration. That it has expired follows from its terms and the day, and is not stored.
    Collaboration {
        /// Signed by the advertiser.
        Proposed = "proposed" => [Active],
        /// Signed by both.
        Active = "active" => [],
    }
}

states! {
    /// An upload.
    Upload {
        /// Bytes are missing.
        Receiving = "receiving" => [Sealing, Terminated],
        /// Every byte is there; it waits for sealing or is being sealed.
        Sealing = "sealing" => [Sealed, Refused, Terminated],
        /// A sealed set. Immutable.
        Sealed = "sealed" => [],
        /// Its content was refused. Nothing of it is kept.
        Refused = "refused" => [],
        /// Ended by its owner, or not completed in time. Nothing of it is kept.
        Terminated = "terminated" => [],
    }
}

states! {
    /// A match.
    Match {
        /// Waiting or running.
        Pending = "pending" => [Done, Failed],
        /// The gate has decided.
        Done = "done" => [],
        /// Could not be evaluated; nothing was released.
        Failed = "failed" => [],
    }
}

states! {
    /// The decision on one audience at one destination.
    Decision {
        /// The gate has not decided.
        Deciding = "deciding" => [Released, BelowMinimum, Failed],
        /// Released: deliveries may be made on its uploads.
        Released = "released" => [],
        /// Refused. Nothing else is ever said.
        BelowMinimum = "below_minimum" => [],
        /// Could not be evaluated; nothing was released.
        Failed = "failed" => [],
    }
}

states! {
    /// A delivery.
    Delivery {
        /// Waiting for its turn or its next attempt.
        Queued = "queued" => [Sending, Failed],
        /// An attempt runs. Back to `Queued` after a failure that may pass.
        Sending = "sending" => [Queued, Delivered, Failed],
        /// Every batch was acknowledged.
        Delivered = "delivered" => [],
        /// Attempts are used up, or the destination refused. What was sent stays on record.
        Failed = "failed" => [],
    }
}

states! {
    /// A member file: what a destination was told, or may have been told.
    MemberFile {
        /// Written; nothing of it was sent yet.
        Planned = "planned" => [Partial, Told],
        /// Some of it may have reached the destination.
        Partial = "partial" => [Told],
        /// The destination acknowledged all of it: its state, until the next one.
        Told = "told" => [],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn holds<S: State + std::fmt::Debug>(all: &[S]) {
        for &from in all {
            assert_eq!(S::parse(from.as_str()), Some(from));
            for &to in all {
                assert_eq!(Step::new(from, to).is_ok(), from.next().contains(&to));
            }
            assert!(Step::new(from, from).is_err());
        }
        assert!(S::parse("").is_none());
    }

    #[test]
    fn only_the_arrows_of_the_tables_can_be_walked() {
        holds(Collaboration::ALL);
        holds(Upload::ALL);
        holds(Match::ALL);
        holds(Decision::ALL);
        holds(Delivery::ALL);
        holds(MemberFile::ALL);
    }

    #[test]
    fn a_refused_audience_never_becomes_released() {
        assert!(Step::new(Decision::BelowMinimum, Decision::Released).is_err());
        assert!(Step::new(Decision::Failed, Decision::Released).is_err());
    }

    #[test]
    fn a_sealed_upload_is_immutable() {
        assert!(Upload::Sealed.next().is_empty());
    }
}
