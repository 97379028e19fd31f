//! Tokens of another collaboration of the same two parties, for rows that carry both: a graph is sent like
//! this once when the parties have agreed anew, so that the service knows the same persons again.
//!
//! They are made of the same cells under the other collaboration's key, by the other terms: their identifier
//! types, and their way to normalise. Nothing of it is counted in the quality report.

use tamis_keys::Secret;
use tamis_keys::purpose::PairKey;
use tamis_protocols::identifier::{IdentifierDigest, IdentifierType, Normaliser};
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::terms::Terms;

use super::PartyError;
use super::columns::Layout;
use super::quality::{HashKey, Tally};
use super::reading::Block;
use super::row::{Hashes, IdentifierCells};

/// The other collaboration.
pub struct Bridge<'a> {
    /// Its id.
    pub collaboration: &'a str,
    /// Its terms.
    pub terms: &'a Terms,
    /// Its pair key of those terms' epoch.
    pub pair_key: &'a Secret<PairKey>,
}

/// Makes the tokens of the other collaboration.
pub(super) struct Bridging<'a> {
    identifiers: &'a [IdentifierType],
    tokeniser: Tokeniser,
    /// Reads the cells again, where the other terms normalise in another way.
    anew: Option<IdentifierCells<'static>>,
}

impl<'a> Bridging<'a> {
    /// For a file that is prepared under `terms`.
    pub(super) fn new(
        bridge: &Bridge<'a>,
        terms: &Terms,
        layout: &Layout,
        region: Option<&str>,
    ) -> Result<Self, PartyError> {
        let other = bridge.terms;
        let anew = match other.profile == terms.profile {
            true => None,
            false => {
                let normaliser = Normaliser::new(other.profile, region)?;
                Some(IdentifierCells::of(
                    layout,
                    normaliser,
                    HashKey::default(),
                    None,
                ))
            }
        };
        Ok(Bridging {
            identifiers: &other.identifiers,
            tokeniser: Tokeniser::new(bridge.pair_key),
            anew,
        })
    }

    /// The tokens of a row that has `digests` under the present terms.
    pub(super) fn tokens(
        &self,
        block: &Block,
        row: usize,
        digests: [Option<IdentifierDigest>; 3],
    ) -> [Option<Token>; 3] {
        let digests = match &self.anew {
            None => digests,
            Some(cells) => cells.digests(block, row, &mut Tally::default(), &mut Hashes::default()),
        };
        IdentifierType::ALL.map(|kind| {
            let digest = digests[kind.index()].filter(|_| self.identifiers.contains(&kind))?;
            Some(self.tokeniser.token(kind, &digest))
        })
    }
}
