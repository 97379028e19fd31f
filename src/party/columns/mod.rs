//! Which column of a file is what: by usual names, or as a map says.
//!
//! Flow: header names → [`Role`]s ([`names`]) → overridden by `--map FILE` ([`map`]) → a [`Layout`] that
//! says where each cell of a block is found. What is missing is said by name, with what was found.

mod map;
mod names;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tamis_protocols::identifier::IdentifierType;

pub use map::ColumnMap;
pub use names::Role;

/// Usual names of segment columns, folded as in [`names`].
const USUAL_SEGMENTS: [&str; 14] = [
    "loyalty",
    "loyaltystatus",
    "loyaltytier",
    "loyaltylevel",
    "status",
    "customerstatus",
    "segment",
    "segments",
    "tier",
    "lifecycle",
    "lifecyclestage",
    "rfm",
    "rfmsegment",
    "membership",
];

/// Why the columns of a file cannot be told apart. Header cells that look like data are not repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ColumnError {
    /// Columns without which nothing can be done.
    #[error("missing: {missing}. Found: {found}")]
    Missing {
        /// What is missing, in words.
        missing: String,
        /// The header.
        found: String,
    },
    /// Another separator than a comma.
    #[error(
        "the columns are separated by {0}, not by commas: save the file as CSV with commas, or as Parquet"
    )]
    Separator(&'static str),
    /// Two columns for one thing.
    #[error(
        "`{first}` and `{second}` both look like {role}: say which with --map FILE ({role} = \"{first}\")"
    )]
    Twice {
        /// The role.
        role: String,
        /// The first column.
        first: String,
        /// The other.
        second: String,
    },
    /// The map is not TOML of role = "column".
    #[error("the column map: {0}")]
    Map(String),
    /// A named segment column is not there.
    #[error("no column `{column}` for --segments. Found: {found}")]
    NoSegment {
        /// As given.
        column: String,
        /// The header.
        found: String,
    },
}

/// What a file is read for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Identifier types of the terms.
    pub identifiers: &'a [IdentifierType],
    /// Whether consent is read, and whether its basis must be there.
    pub consent: Consent,
    /// Destinations whose cookies are read, in this order.
    pub destinations: &'a [String],
    /// Segment columns by name; none given: the usual ones. `None`: no segments.
    pub segments: Option<&'a [String]>,
}

/// How much of consent a file must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing: a file of withdrawals.
    NotRead,
    /// An advertiser's: basis, purposes, time.
    WithBasis,
    /// A partner's: purposes, time; the basis is consent unless a column says otherwise.
    WithoutBasis,
}

/// Where everything is. Positions are those of a [`super::reading::Block`]'s cells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// For each cell of a block its column in the file.
    pub chosen: Vec<usize>,
    /// Roles found, with their positions.
    roles: BTreeMap<Role, usize>,
    /// Segment columns: the name in labels, and the position.
    pub segments: Vec<(String, usize)>,
    /// Roles and segments with the column they were found in, for the report.
    pub found: BTreeMap<String, String>,
    /// Columns that are not read.
    pub ignored: Vec<String>,
    /// What is missing without being necessary, in words.
    pub notes: Vec<String>,
}

impl Layout {
    /// Finds the columns in `header`.
    pub fn find(
        header: &[String],
        map: &ColumnMap,
        wanted: &Wanted<'_>,
    ) -> Result<Layout, ColumnError> {
        let mut places = names::recognise(header, wanted.destinations);
        map.apply(header, wanted.destinations, &mut places)?;
        let mut layout = Layout::default();
        for role in Role::wanted(wanted) {
            let name = role.name(wanted.destinations);
            match places.get(&role).map_or(&[][..], Vec::as_slice) {
                [] => {}
                [column] => {
                    let position = layout.choose(*column);
                    layout.found.insert(name, header[*column].clone());
                    layout.roles.insert(role, position);
                }
                [first, second, ..] => {
                    return Err(ColumnError::Twice {
                        role: name,
                        first: shown(&header[*first]),
                        second: shown(&header[*second]),
                    });
                }
            }
        }
        layout.require(header, wanted)?;
        layout.find_segments(header, wanted)?;
        let ignored = (0..header.len()).filter(|column| !layout.chosen.contains(column));
        layout.ignored = ignored.map(|column| shown(&header[column])).collect();
        Ok(layout)
    }

    /// Position of a role's cell.
    pub fn position(&self, role: Role) -> Option<usize> {
        self.roles.get(&role).copied()
    }

    /// Whether all four parts of a postal identifier are there.
    pub fn has_postal(&self) -> bool {
        Role::POSTAL
            .iter()
            .all(|role| self.roles.contains_key(role))
    }

    fn choose(&mut self, column: usize) -> usize {
        let known = self.chosen.iter().position(|chosen| *chosen == column);
        known.unwrap_or_else(|| {
            self.chosen.push(column);
            self.chosen.len() - 1
        })
    }

    fn require(&mut self, header: &[String], wanted: &Wanted<'_>) -> Result<(), ColumnError> {
        let mut missing = Vec::new();
        let lacking: Vec<&str> = wanted
            .identifiers
            .iter()
            .filter(|kind| !self.has_identifier(**kind))
            .map(|kind| names::columns_of(*kind))
            .collect();
        if lacking.len() == wanted.identifiers.len() {
            missing.push(format!(
                "a column of identifiers ({})",
                lacking.join(", or ")
            ));
        } else {
            let note = |columns| format!("no column {columns}: these identifiers are not used");
            self.notes.extend(lacking.into_iter().map(note));
        }
        let consent: &[Role] = match wanted.consent {
            Consent::NotRead => &[],
            // A string says all of it.
            _ if [Role::TcString, Role::GppString]
                .iter()
                .any(|role| self.position(*role).is_some()) =>
            {
                &[]
            }
            Consent::WithBasis => &[Role::ConsentBasis, Role::ConsentPurposes, Role::ConsentAt],
            Consent::WithoutBasis => &[Role::ConsentPurposes, Role::ConsentAt],
        };
        let absent = consent
            .iter()
            .filter(|role| self.position(**role).is_none());
        missing.extend(absent.map(|role| role.name(wanted.destinations)));
        let cookies: Vec<String> = (0..wanted.destinations.len())
            .filter(|place| self.position(Role::Cookie(*place)).is_none())
            .map(|place| Role::Cookie(place).name(wanted.destinations))
            .collect();
        if !cookies.is_empty() && cookies.len() == wanted.destinations.len() {
            missing.push(format!("a column of cookies ({})", cookies.join(", or ")));
        } else {
            let note = |column| format!("no column {column}: nobody can be reached there");
            self.notes.extend(cookies.into_iter().map(note));
        }
        if missing.is_empty() {
            return Ok(());
        }
        if let [only] = header {
            for (sign, name) in [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")] {
                if only.contains(sign) {
                    return Err(ColumnError::Separator(name));
                }
            }
        }
        Err(ColumnError::Missing {
            missing: missing.join("; "),
            found: listed(header),
        })
    }

    fn has_identifier(&self, kind: IdentifierType) -> bool {
        let has = |role| self.roles.contains_key(&role);
        match kind {
            IdentifierType::Email => has(Role::Email) || has(Role::EmailSha256),
            IdentifierType::Phone => has(Role::Phone) || has(Role::PhoneSha256),
            IdentifierType::Postal => self.has_postal(),
        }
    }

    fn find_segments(&mut self, header: &[String], wanted: &Wanted<'_>) -> Result<(), ColumnError> {
        let Some(asked) = wanted.segments else {
            return Ok(());
        };
        let usual = |column: &&String| USUAL_SEGMENTS.contains(&names::folded(column).as_str());
        let columns: Vec<&String> = match asked {
            [] => header.iter().filter(usual).collect(),
            asked => asked.iter().collect(),
        };
        for column in columns {
            let same = |name: &String| names::folded(name) == names::folded(column);
            let place = header
                .iter()
                .position(same)
                .ok_or_else(|| ColumnError::NoSegment {
                    column: column.clone(),
                    found: listed(header),
                })?;
            let name = segment_name(&header[place]);
            if self.segments.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let position = self.choose(place);
            self.found
                .insert(format!("segment {name}"), header[place].clone());
            self.segments.push((name, position));
        }
        if self.segments.is_empty() {
            self.notes.push(
                "no segment column: only the audience `all` can be made (--segments)".to_owned(),
            );
        }
        Ok(())
    }
}

/// A column's name as it stands in expressions: lowercase, `_` for white space and `=`.
fn segment_name(column: &str) -> String {
    let name = column.trim().to_lowercase();
    name.replace(|c: char| c.is_whitespace() || c == '=', "_")
}

/// The header for an error. A file without a header has a person in its first line: cells that look like
/// data are not repeated.
fn listed(header: &[String]) -> String {
    const SHOWN: usize = 40;
    let mut names: Vec<String> = header.iter().take(SHOWN).map(|name| shown(name)).collect();
    if header.len() > SHOWN {
        names.push(format!("and {} more", header.len() - SHOWN));
    }
    let mut text = names.join(", ");
    if header.iter().any(|name| looks_like_data(name)) {
        text.push_str(" (the first line must name the columns)");
    }
    text
}

fn shown(name: &str) -> String {
    if looks_like_data(name) {
        "(a value)".to_owned()
    } else if name.chars().count() > 60 {
        name.chars().take(60).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}

fn looks_like_data(name: &str) -> bool {
    name.contains('@')
        || name.chars().filter(char::is_ascii_digit).count() >= 6 && !name.contains("sha256")
}
