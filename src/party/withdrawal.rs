//! The tokens of people who withdrew, from a file with identifier columns.

use std::collections::BTreeSet;
use std::path::Path;

use tamis_keys::Secret;
use tamis_keys::purpose::PairKey;
use tamis_protocols::identifier::Normaliser;
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::terms::Terms;

use super::PartyError;
use super::columns::{ColumnMap, Consent, Layout, Wanted};
use super::quality::{HashKey, Tally};
use super::reading::Source;
use super::row::{Hashes, IdentifierCells};

/// Whose withdrawal, and in which collaboration.
pub struct WithdrawalOptions<'a> {
    /// CSV or Parquet with the identifier columns of an upload.
    pub file: &'a Path,
    /// The map of columns with unusual names.
    pub map: Option<&'a Path>,
    /// Default region of phone numbers.
    pub region: Option<&'a str>,
    /// The collaboration's terms.
    pub terms: &'a Terms,
    /// Its pair key of the terms' epoch.
    pub pair_key: &'a Secret<PairKey>,
}

/// Every token of every row, distinct and in ascending order, which is not that of the file. Memory: 16
/// bytes a token. Cells that give no identifier are passed over; no token at all is an empty answer.
///
/// # Errors
/// The file cannot be read, or has no identifier column.
pub fn withdrawal_tokens(options: &WithdrawalOptions<'_>) -> Result<Vec<Token>, PartyError> {
    let source = Source::open(options.file)?;
    let wanted = Wanted {
        identifiers: &options.terms.identifiers,
        consent: Consent::NotRead,
        destinations: &[],
        segments: None,
    };
    let layout = Layout::find(&source.columns, &ColumnMap::read(options.map)?, &wanted)?;
    let normaliser = Normaliser::new(options.terms.profile, options.region)?;
    let tokeniser = Tokeniser::new(options.pair_key);
    let cells = IdentifierCells::of(&layout, normaliser, HashKey::default(), Some(&tokeniser));
    let mut tally = Tally::default();
    let mut tokens = BTreeSet::new();
    for block in source.blocks(&layout.chosen)? {
        let block = block?;
        let mut hashes = Hashes::default();
        for row in 0..block.rows() {
            let digests = cells.digests(&block, row, &mut tally, &mut hashes);
            tokens.extend(cells.tokens(digests).into_iter().flatten());
        }
    }
    Ok(tokens.into_iter().collect())
}
