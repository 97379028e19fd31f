//! From the cells of a row to what is sent of it: tokens, consent, segments, cookies.
//!
//! A row whose consent can never satisfy the terms is sent without tokens, segments and cookies: the
//! service needs its consent record to count it, and nothing else (data minimisation). A row that only
//! another day could let in is sent whole: the service judges it on its own day. Where the file replaces
//! people who are there, a row that is not let in has its tokens all the same: the people with these
//! identifiers leave.

use tamis_protocols::consent::{Destinations, DropReason};
use tamis_protocols::identifier::{
    IdentifierDigest, IdentifierType, Malformed, Normaliser, PostalParts, prehashed,
};
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::cookie;

use super::bridging::Bridging;
use super::columns::{Layout, Role};
use super::consent_cells::ConsentCells;
use super::judge::Judge;
use super::prepared::PreparedRow;
use super::quality::{HashKey, IdentifierColumn, Tally};
use super::reading::Block;
use super::segments::Labels;
use super::suspicious::{Oddity, Placeholders, compare};

/// Hashes of valid identifiers, by column, for counting repetitions.
pub type Hashes = [Vec<u64>; 5];

/// Where the identifier cells are and how they are read.
pub struct IdentifierCells<'a> {
    normaliser: Normaliser,
    email: Option<usize>,
    phone: Option<usize>,
    postal: Option<[usize; 4]>,
    email_sha256: Option<usize>,
    phone_sha256: Option<usize>,
    placeholders: Placeholders,
    hash_key: HashKey,
    tokeniser: Option<&'a Tokeniser>,
}

impl<'a> IdentifierCells<'a> {
    /// As found in the header. Without a tokeniser (a dry run) rows have no tokens.
    pub fn of(
        layout: &Layout,
        normaliser: Normaliser,
        hash_key: HashKey,
        tokeniser: Option<&'a Tokeniser>,
    ) -> IdentifierCells<'a> {
        let [surname, given_name, street_number, postcode] =
            Role::POSTAL.map(|role| layout.position(role));
        let postal = || Some([surname?, given_name?, street_number?, postcode?]);
        IdentifierCells {
            normaliser,
            email: layout.position(Role::Email),
            phone: layout.position(Role::Phone),
            postal: postal(),
            email_sha256: layout.position(Role::EmailSha256),
            phone_sha256: layout.position(Role::PhoneSha256),
            placeholders: Placeholders::new(),
            hash_key,
            tokeniser,
        }
    }

    /// The identifier columns that the file has.
    pub fn columns(&self) -> Vec<IdentifierColumn> {
        let all = IdentifierColumn::ALL.into_iter();
        all.filter(|column| match column {
            IdentifierColumn::Email => self.email.is_some(),
            IdentifierColumn::Phone => self.phone.is_some(),
            IdentifierColumn::Postal => self.postal.is_some(),
            IdentifierColumn::EmailSha256 => self.email_sha256.is_some(),
            IdentifierColumn::PhoneSha256 => self.phone_sha256.is_some(),
        })
        .collect()
    }

    /// The digests of a row, by type: of the identifier itself if it is valid, else the one brought.
    pub fn digests(
        &self,
        block: &Block,
        row: usize,
        tally: &mut Tally,
        hashes: &mut Hashes,
    ) -> [Option<IdentifierDigest>; 3] {
        let mut look = |column, outcome: Option<Result<IdentifierDigest, Malformed>>| {
            let outcome = outcome?;
            tally.cells_mut(column).count(&outcome);
            if outcome == Err(Malformed::DigestOfNothing) {
                tally.cells_mut(column).placeholders += 1;
            }
            let digest = outcome.ok()?;
            hashes[column as usize].push(self.hash_key.hash(&digest));
            Some(digest)
        };
        let cell = |place: usize| block.cell(row, place);
        let email = self.email.map(cell);
        let email = email.map(|cell| self.normaliser.email_digest(cell));
        let email = look(IdentifierColumn::Email, email);
        let phone = self.phone.map(cell);
        let phone = phone.map(|cell| self.normaliser.phone_digest(cell));
        let phone = look(IdentifierColumn::Phone, phone);
        let postal = self.postal.map(|places| {
            let [surname, given_name, street_number, postcode] = places.map(cell);
            self.normaliser.postal(&PostalParts {
                surname,
                given_name,
                street_number,
                postcode,
            })
        });
        let postal = look(
            IdentifierColumn::Postal,
            postal.map(|p| p.map(|p| p.digest())),
        );
        let brought = |place: usize, kind| {
            let digest = prehashed(kind, cell(place))?;
            match self.placeholders.contain(&digest) {
                true => Err(Malformed::DigestOfNothing),
                false => Ok(digest),
            }
        };
        let email_brought = self.email_sha256.map(|p| brought(p, IdentifierType::Email));
        let email_brought = look(IdentifierColumn::EmailSha256, email_brought);
        let phone_brought = self.phone_sha256.map(|p| brought(p, IdentifierType::Phone));
        let phone_brought = look(IdentifierColumn::PhoneSha256, phone_brought);
        note_oddity(IdentifierColumn::EmailSha256, email, email_brought, tally);
        note_oddity(IdentifierColumn::PhoneSha256, phone, phone_brought, tally);
        [email.or(email_brought), phone.or(phone_brought), postal]
    }

    /// The tokens of digests.
    pub fn tokens(&self, digests: [Option<IdentifierDigest>; 3]) -> [Option<Token>; 3] {
        let Some(tokeniser) = self.tokeniser else {
            return [None; 3];
        };
        let token = |kind: IdentifierType| {
            let digest = digests[kind.index()]?;
            Some(tokeniser.token(kind, &digest))
        };
        IdentifierType::ALL.map(token)
    }
}

fn note_oddity(
    column: IdentifierColumn,
    made: Option<IdentifierDigest>,
    brought: Option<IdentifierDigest>,
    tally: &mut Tally,
) {
    let (Some(made), Some(brought)) = (made, brought) else {
        return;
    };
    let cells = tally.cells_mut(column);
    match compare(&made, &brought) {
        Some(Oddity::DoubleHash) => cells.double_hashed += 1,
        Some(Oddity::Contradiction) => cells.contradicting += 1,
        None => {}
    }
}

/// Reads the rows of a file; shared by all workers.
pub struct RowReader<'a> {
    /// Identifiers.
    pub identifiers: IdentifierCells<'a>,
    /// Another collaboration whose tokens the rows carry as well.
    pub(super) bridging: Option<Bridging<'a>>,
    /// Consent.
    pub consent: ConsentCells<'a>,
    /// What the terms demand of it, on the day on which it is judged here; nothing if people are to be
    /// removed.
    pub judge: Option<Judge<'a>>,
    /// Whether a row replaces whoever has its identifiers, let in or not.
    pub takes_out: bool,
    /// Segment labels.
    pub labels: &'a Labels,
    /// For each destination the position of its cookie, if there is a column.
    pub cookies: Vec<Option<usize>>,
    /// The destinations of the terms as consents name them, and the bit of each of this file's among them.
    pub recipients: Destinations,
    /// By destination, as [`Self::cookies`].
    pub bits: Vec<u32>,
}

impl RowReader<'_> {
    /// Empty counters of the right shape.
    pub fn tally(&self) -> Tally {
        Tally::new(self.cookies.len(), self.labels.names.len())
    }

    /// Reads a row and counts it.
    pub fn read(
        &self,
        block: &Block,
        row: usize,
        tally: &mut Tally,
        hashes: &mut Hashes,
    ) -> PreparedRow {
        tally.rows += 1;
        let digests = self.identifiers.digests(block, row, tally, hashes);
        let consent = self.consent.read(block, row, |role| {
            *tally.unreadable.entry(role).or_default() += 1;
        });
        let segments = self.labels.of_row(block, row);
        for label in &segments {
            if let Some(count) = tally.segments.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        let mut cookies = self.read_cookies(block, row, tally);
        if let Some(names) = &consent.details().recipients {
            // Where the row may not be used, its cookie does not go.
            let usable = self.recipients.among(names);
            for (cookie, bit) in cookies.iter_mut().zip(&self.bits) {
                cookie.take_if(|_| usable & bit == 0);
            }
        }
        let has_identifier = digests.iter().any(Option::is_some);
        let judge = self.judge.as_ref();
        let verdict = judge.map_or(Ok(()), |judge| judge.verdict(&consent));
        let verdict = verdict.and(has_identifier.then_some(()).ok_or(DropReason::NoIdentifier));
        let sent_whole = match verdict {
            Ok(()) => {
                tally.usable += 1;
                true
            }
            Err(reason) => {
                *tally.dropped.entry(reason).or_default() += 1;
                reason.depends_on_the_day()
            }
        };
        match sent_whole {
            true => {
                let tokens = self.identifiers.tokens(digests);
                let bridging = self.bridging.as_ref();
                let bridged = bridging.map(|bridging| bridging.tokens(block, row, digests));
                let bridged = bridged.unwrap_or_default();
                PreparedRow::new(tokens, bridged, &consent, &segments, &cookies)
            }
            false if self.takes_out => {
                let tokens = self.identifiers.tokens(digests);
                PreparedRow::new(tokens, [None; 3], &consent, &[], &[])
            }
            false => PreparedRow::new([None; 3], [None; 3], &consent, &[], &[]),
        }
    }

    fn read_cookies<'a>(
        &self,
        block: &'a Block,
        row: usize,
        tally: &mut Tally,
    ) -> Vec<Option<&'a [u8]>> {
        let mut cookies = Vec::with_capacity(self.cookies.len());
        for (place, count) in self.cookies.iter().zip(&mut tally.cookies) {
            let cell = place.map_or("", |place| block.cell(row, place).trim());
            let cookie = cookie::parse(cell.as_bytes());
            match cookie {
                Some(_) => count.present += 1,
                None if cell.is_empty() => count.empty += 1,
                None => count.unusable += 1,
            }
            cookies.push(cookie.map(|cookie| cookie.as_bytes()));
        }
        cookies
    }
}
