//! What a set has of one person: for the owner of the set, who has to tell.
//!
//! Memory: a bitmap of owners; of a partner's set one of rows; a block per file.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use roaring::RoaringBitmap;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind;

use super::classes::RARE;
use super::restricted::is_reserved;
use super::{Finder, Layer, NOBODY, SealedSet, SetError, owners_of};

/// One row of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRow {
    /// The upload of its layer.
    pub upload: String,
    /// Its number in the layer.
    pub row: u32,
    /// The last day of its consent; none for a row that takes part in nothing.
    pub last_day: Option<Date>,
    /// Labels of an advertiser's segments, ascending.
    pub segments: Vec<String>,
    /// Destinations that a partner's row has a cookie for, ascending.
    pub cookies_at: Vec<String>,
}

/// The rows of everybody whose the tokens are, at most `most`, the base first.
///
/// # Errors
/// A damaged file.
pub fn rows_of(set: &SealedSet, tokens: &[Token], most: usize) -> Result<Vec<OwnRow>, SetError> {
    let mut rows = Vec::new();
    let owners = owners_of(set, tokens)?;
    for layer in set.layers() {
        match set.kind() {
            UploadKind::Crm => advertisers(layer, tokens, &mut rows)?,
            UploadKind::Graph => partners(layer, &owners, &mut rows)?,
        }
        if rows.len() >= most {
            rows.truncate(most);
            break;
        }
    }
    Ok(rows)
}

fn advertisers(layer: &Layer, tokens: &[Token], out: &mut Vec<OwnRow>) -> Result<(), SetError> {
    let mut found = std::collections::BTreeMap::new();
    let mut finder = Finder::new(layer.run());
    for token in tokens {
        finder.find(u128::from_be_bytes(token.0), |view, at| {
            found.insert(view.owner(at), (view.day(at), view.class(at)));
        })?;
    }
    if found.is_empty() {
        return Ok(());
    }
    let classes = layer.classes()?;
    let mut rare = std::collections::BTreeMap::new();
    if found.values().any(|(_, class)| *class == RARE)
        && let Some(mut rows) = layer.rare_rows()
    {
        while let Some((row, segments)) = rows.next()? {
            if found.contains_key(&row) {
                rare.insert(row, segments.to_vec());
            }
        }
    }
    for (row, (day, class)) in found {
        let segments = classes.get(usize::from(class)).or_else(|| rare.get(&row));
        let labels = segments.into_iter().flatten();
        let labels = labels.filter_map(|at| layer.segments().get(usize::from(*at)));
        let own = labels.filter(|label| !is_reserved(label));
        let mut segments: Vec<String> = own.cloned().collect();
        segments.sort_unstable();
        out.push(OwnRow {
            upload: layer.id().to_owned(),
            row,
            last_day: last_day(day),
            segments,
            cookies_at: Vec::new(),
        });
    }
    Ok(())
}

fn partners(layer: &Layer, owners: &RoaringBitmap, out: &mut Vec<OwnRow>) -> Result<(), SetError> {
    if owners.is_empty() {
        return Ok(());
    }
    let mut walk = layer.walk_rows()?;
    while let Some(block) = walk.next()? {
        for i in 0..block.len() {
            let person = block.person(i);
            if person == NOBODY || !owners.contains(person) {
                continue;
            }
            let there = layer.destinations().iter().enumerate();
            let mut cookies_at: Vec<String> = there
                .filter(|(at, _)| block.has_cookie(i, *at))
                .map(|(_, destination)| destination.name.clone())
                .collect();
            cookies_at.sort_unstable();
            out.push(OwnRow {
                upload: layer.id().to_owned(),
                row: block.first + i as u32,
                last_day: last_day(block.day(i)),
                segments: Vec::new(),
                cookies_at,
            });
        }
    }
    Ok(())
}

fn last_day(number: u16) -> Option<Date> {
    let days = i64::from(number);
    (days > 0).then(|| date(1970, 1, 1).saturating_add(days.days()))
}
