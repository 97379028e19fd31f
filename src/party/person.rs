//! One person's identifiers: from a file, and to the tokens of a collaboration.

use std::collections::BTreeSet;
use std::path::Path;

use tamis_protocols::ddrf::{Format, Kind, Subject};
use tamis_protocols::identifier::{IdentifierType, Normaliser, Profile, prehashed};
use tamis_protocols::token::{Token, Tokeniser};

use super::PartyError;
use super::columns::{ColumnMap, Consent, Layout, Wanted};
use super::quality::{HashKey, Tally};
use super::reading::Source;
use super::row::{Hashes, IdentifierCells};

/// The token of an identifier; none if it is none after all: an e-mail address without `@`.
pub fn token_of(
    subject: &Subject,
    normaliser: &Normaliser,
    tokeniser: &Tokeniser,
) -> Option<(IdentifierType, Token)> {
    let (kind, format) = subject.understood().ok()?;
    let (kind, digest) = match (kind, format) {
        (Kind::Email, Format::Plain) => (
            IdentifierType::Email,
            normaliser.email_digest(&subject.value),
        ),
        (Kind::Phone, Format::Plain) => (
            IdentifierType::Phone,
            normaliser.phone_digest(&subject.value),
        ),
        (Kind::Email, Format::Sha256) => (
            IdentifierType::Email,
            prehashed(IdentifierType::Email, &subject.value.to_lowercase()),
        ),
        (Kind::Phone, Format::Sha256) => (
            IdentifierType::Phone,
            prehashed(IdentifierType::Phone, &subject.value.to_lowercase()),
        ),
    };
    Some((kind, tokeniser.token(kind, &digest.ok()?)))
}

/// Everybody in a file, by the SHA-256 of each e-mail address and phone number in the canonical form of
/// `onboarding-1`; distinct, and not in the order of the file.
///
/// # Errors
/// The file cannot be read, or has no such column.
pub fn people(
    file: &Path,
    map: Option<&Path>,
    region: Option<&str>,
) -> Result<Vec<(Kind, Subject)>, PartyError> {
    let source = Source::open(file)?;
    let kinds = [
        (IdentifierType::Email, Kind::Email),
        (IdentifierType::Phone, Kind::Phone),
    ];
    let wanted = Wanted {
        identifiers: &kinds.map(|(kind, _)| kind),
        consent: Consent::NotRead,
        destinations: &[],
        segments: None,
    };
    let layout = Layout::find(&source.columns, &ColumnMap::read(map)?, &wanted)?;
    let normaliser = Normaliser::new(Profile::Onboarding1, region)?;
    let cells = IdentifierCells::of(&layout, normaliser, HashKey::default(), None);
    let mut tally = Tally::default();
    let mut found = BTreeSet::new();
    for block in source.blocks(&layout.chosen)? {
        let block = block?;
        let mut hashes = Hashes::default();
        for row in 0..block.rows() {
            let digests = cells.digests(&block, row, &mut tally, &mut hashes);
            for (at, (kind, _)) in kinds.iter().enumerate() {
                if let Some(digest) = &digests[kind.index()] {
                    found.insert((hex::encode(digest.as_bytes()), at));
                }
            }
        }
    }
    let all = found.into_iter().map(|(value, at)| {
        let kind = kinds[at].1;
        let subject = Subject {
            value,
            kind: kind.as_str().to_owned(),
            format: Format::Sha256.as_str().to_owned(),
        };
        (kind, subject)
    });
    Ok(all.collect())
}
