//! What an advertiser's set must be, so that it can be the set of a CRM: neither a handful of rows around
//! one person nor everybody there is.
//!
//! The minimum counts rows that take part, in the whole set after a delta. The maximum is half as many
//! again as the advertiser declared: in the terms, or else by its first sealed set. It holds for the rows
//! that are read and for the rows that take part in the whole set.

use tamis_protocols::release::Policy;

use super::JobError;
use crate::sets::too_many_rows;
use crate::store::Tx;
use crate::store::layers::SetSize;
use crate::store::uploads::{Kind, Upload};

/// How large an advertiser's set may become, in percent of the declaration.
const GROWTH: u64 = 150;

/// Bounds of an advertiser's set, in rows.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Fewest that take part.
    least: u64,
    /// Most; none: nothing was declared yet.
    pub most: Option<u64>,
}

impl Bounds {
    /// Those of an upload; none for a partner's.
    pub(super) async fn read(
        tx: &mut Tx,
        upload: &Upload,
        policy: &Policy,
        declared: Option<u64>,
    ) -> Result<Option<Bounds>, JobError> {
        if upload.kind == Kind::Graph {
            return Ok(None);
        }
        let declared = match declared {
            Some(rows) => Some(rows),
            None => tx.first_sealed_rows(upload.collaboration).await?,
        };
        Ok(Some(Bounds {
            least: policy.upload_min().into(),
            most: declared.map(|rows| rows.saturating_mul(GROWTH) / 100),
        }))
    }

    /// Whether a set of this size is admitted; if not, what its owner reads.
    pub(super) fn admit(&self, size: &SetSize) -> Result<(), String> {
        if size.accepted < self.least {
            return Err(format!(
                "fewer than {} rows of the set would take part: send all of your customers, not a few of them \
                 (`tamis upload --dry-run` says which rows take part); whoever left is taken out by a withdrawal",
                self.least
            ));
        }
        match self.most {
            Some(most) if size.accepted > most => Err(too_many_rows(most)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn size(accepted: u64) -> SetSize {
        SetSize {
            rows: accepted,
            accepted,
            persons: 0,
        }
    }

    #[test]
    fn a_set_is_admitted_from_the_minimum_to_half_as_much_again_as_declared() {
        let bounds = Bounds {
            least: 1000,
            most: Some(3000),
        };
        for (rows, holds) in [
            (0, false),
            (999, false),
            (1000, true),
            (3000, true),
            (3001, false),
        ] {
            assert_eq!(bounds.admit(&size(rows)).is_ok(), holds, "{rows}");
        }
        let undeclared = Bounds {
            most: None,
            ..bounds
        };
        assert!(undeclared.admit(&size(1 << 40)).is_ok());
    }

    #[test]
    fn a_refusal_names_the_bound_and_never_the_size() {
        let bounds = Bounds {
            least: 1000,
            most: Some(3000),
        };
        for rows in [777, 7777] {
            let why = bounds.admit(&size(rows)).unwrap_err();
            assert!(!why.contains("777"), "{why}");
        }
    }
}
