//! Who withdraws: a customer whose leaving can be checked cookie by cookie.
//!
//! A customer early in the CRM with undoubted consent, loyal and known at both destinations if possible, whom
//! no other row of the CRM shares an identifier with, and who is exactly one person of the graph: one row with undoubted
//! consent, with a cookie, sharing neither identifier nor cookie with any other row. So the withdrawal must
//! remove these cookies from everywhere, and no others. Only the demo can look at both files at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use tamis_protocols::identifier::{IdentifierType, Normaliser, Profile};

use super::cast::{DESTINATIONS, Persona};
use super::reading::{Key, Row, Rows, loose_words};
use crate::cli::Failure;

/// How many customers are looked at.
const CANDIDATES: usize = 1_000;
/// The columns of a postal identifier.
const POSTAL: [&str; 4] = ["surname", "given_name", "street_number", "postcode"];
/// Loyalty levels of the audience `loyal`.
const LOYAL: [&str; 3] = ["silver", "gold", "platinum"];

/// Somebody who withdraws.
pub(super) struct Customer {
    /// Columns and cells that identify the customer, as they stand in the CRM.
    pub(super) cells: Vec<(&'static str, String)>,
    /// The person's cookies, by destination.
    pub(super) cookies: BTreeMap<Persona, BTreeSet<String>>,
}

/// What the search knows: the two files and how identifiers are read.
pub(super) struct Search<'a> {
    pub(super) crm: &'a Path,
    pub(super) graph: &'a Path,
    pub(super) region: &'a str,
    pub(super) kinds: &'a [IdentifierType],
    pub(super) as_of: Date,
}

struct Candidate {
    cells: Vec<(&'static str, String)>,
    words: [String; 2],
    keys: BTreeSet<Key>,
    is_loyal: bool,
    crm_rows: u32,
    graph_rows: Vec<Found>,
}

/// A row of the graph that shares an identifier with a candidate.
struct Found {
    keys: BTreeSet<Key>,
    words: [String; 2],
    consents: bool,
    cookies: BTreeMap<Persona, BTreeSet<String>>,
}

impl Search<'_> {
    /// Reads each file twice.
    pub(super) fn run(&self) -> Result<Customer, Failure> {
        let normaliser = Normaliser::new(Profile::Onboarding1, Some(self.region))
            .map_err(|error| Failure::usage(format!("--region: {error}")))?;
        let mut candidates = self.candidates(&normaliser)?;
        self.meet(&mut candidates, &normaliser)?;
        candidates.retain(Candidate::is_one_person);
        self.drop_the_entangled(&mut candidates, &normaliser)?;
        let chosen = candidates.into_iter().next().ok_or_else(|| {
            Failure::refused(
                "nobody among the first customers can withdraw in a way that can be checked",
            )
            .next("The demo needs a customer with consent that is exactly one person of the graph.")
        })?;
        Ok(Customer {
            cells: chosen.cells,
            cookies: chosen
                .graph_rows
                .into_iter()
                .flat_map(|found| found.cookies)
                .collect(),
        })
    }

    /// The first customers with undoubted consent; half of the places are kept for the loyal.
    fn candidates(&self, normaliser: &Normaliser) -> Result<Vec<Candidate>, Failure> {
        let withdrawn: Vec<_> = self.withdrawable();
        let columns: &[&str] = match withdrawn[..] {
            [IdentifierType::Postal] => &POSTAL,
            _ => &["email", "phone"],
        };
        let mut rows = Rows::open(self.crm)?;
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut others = 0;
        while let Some(row) = rows.next() {
            if !row.consents(self.as_of) {
                continue;
            }
            let is_loyal = LOYAL.contains(&row.cell("loyalty").to_lowercase().as_str());
            if !is_loyal && others >= CANDIDATES / 2 {
                continue;
            }
            let keys = row.keys(&withdrawn, normaliser);
            if keys.is_empty() {
                continue;
            }
            others += usize::from(!is_loyal);
            candidates.push(Candidate {
                cells: columns
                    .iter()
                    .map(|c| (*c, row.cell(c).to_owned()))
                    .collect(),
                words: loose_words(row.cell("email"), row.cell("phone")),
                keys,
                is_loyal,
                crm_rows: 0,
                graph_rows: Vec::new(),
            });
            if candidates.len() >= CANDIDATES {
                break;
            }
        }
        // What is withdrawn is what stands in the row as raw text.
        candidates.retain(|one| one.cells.iter().any(|(_, cell)| !cell.is_empty()));
        Ok(candidates)
    }

    /// Identifier types that `withdrawn.csv` carries: e-mail and phone, which are quicker to look for,
    /// or the postal address where it is all there is.
    fn withdrawable(&self) -> Vec<IdentifierType> {
        let is_quick = |kind: &IdentifierType| *kind != IdentifierType::Postal;
        let quick: Vec<_> = self.kinds.iter().copied().filter(is_quick).collect();
        if quick.is_empty() {
            self.kinds.to_vec()
        } else {
            quick
        }
    }

    /// Counts the rows of both files that share an identifier with a candidate.
    fn meet(&self, candidates: &mut [Candidate], normaliser: &Normaliser) -> Result<(), Failure> {
        let wanted = index(candidates.iter().map(|candidate| &candidate.keys));
        let loose = candidates
            .iter()
            .flat_map(|candidate| candidate.words.clone())
            .collect();
        let withdrawable = self.withdrawable();
        self.scan(self.crm, &withdrawable, &loose, normaliser, |_, keys| {
            for place in owners(&wanted, keys) {
                candidates[place].crm_rows += 1;
            }
        })?;
        self.scan(
            self.graph,
            &withdrawable,
            &loose,
            normaliser,
            |row, keys| {
                for place in owners(&wanted, keys) {
                    candidates[place].graph_rows.push(Found {
                        keys: row.keys(self.kinds, normaliser),
                        words: loose_words(row.cell("email"), row.cell("phone")),
                        consents: row.consents(self.as_of),
                        cookies: cookies(row),
                    });
                }
            },
        )
    }

    /// Drops candidates whose row of the graph shares an identifier or a cookie with another row of it.
    fn drop_the_entangled(
        &self,
        candidates: &mut Vec<Candidate>,
        normaliser: &Normaliser,
    ) -> Result<(), Failure> {
        // The best few are enough, and make the pass over the file cheap.
        candidates.sort_by_key(Candidate::rank);
        candidates.truncate(50);
        let found = || {
            candidates
                .iter()
                .flat_map(|candidate| &candidate.graph_rows)
        };
        let wanted = index(found().map(|found| &found.keys));
        let loose: BTreeSet<&String> = found().flat_map(|found| &found.words).collect();
        let held: BTreeMap<(Persona, &String), usize> = candidates
            .iter()
            .enumerate()
            .flat_map(|(place, candidate)| {
                let found = candidate.graph_rows.iter().flat_map(|found| &found.cookies);
                found.flat_map(move |(at, cookies)| cookies.iter().map(move |c| ((*at, c), place)))
            })
            .collect();
        let mut rows_of = vec![BTreeSet::new(); candidates.len()];
        let mut number = 0_u64;
        let mut rows = Rows::open(self.graph)?;
        while let Some(row) = rows.next() {
            number += 1;
            let may_meet = row
                .loosely(self.kinds)
                .is_none_or(|words| words.iter().any(|word| loose.contains(word)));
            let mut places = BTreeSet::new();
            if may_meet {
                places = owners(&wanted, &row.keys(self.kinds, normaliser));
            }
            for (at, cookies) in cookies(&row) {
                places.extend(cookies.iter().filter_map(|cookie| held.get(&(at, cookie))));
            }
            for place in places {
                rows_of[place].insert(number);
            }
        }
        let mut alone = rows_of.into_iter().map(|rows| rows.len() == 1);
        candidates.retain(|_| alone.next().unwrap_or(false));
        Ok(())
    }

    /// Hands every row that may share an identifier with a candidate to `each`, with its identifiers.
    fn scan(
        &self,
        file: &Path,
        kinds: &[IdentifierType],
        loose: &BTreeSet<String>,
        normaliser: &Normaliser,
        mut each: impl FnMut(&Row<'_>, &BTreeSet<Key>),
    ) -> Result<(), Failure> {
        let mut rows = Rows::open(file)?;
        while let Some(row) = rows.next() {
            let may_meet = row
                .loosely(kinds)
                .is_none_or(|words| words.iter().any(|word| loose.contains(word)));
            if may_meet {
                each(&row, &row.keys(kinds, normaliser));
            }
        }
        Ok(())
    }
}

impl Candidate {
    /// Loyal before others, known at more destinations before known at fewer, then in the order of the CRM.
    fn rank(&self) -> (bool, Reverse<usize>) {
        let known = self.graph_rows.iter().map(|found| found.cookies.len());
        (!self.is_loyal, Reverse(known.sum()))
    }

    fn is_one_person(&self) -> bool {
        self.crm_rows == 1
            && matches!(self.graph_rows.as_slice(), [only] if only.consents && !only.cookies.is_empty())
    }
}

fn cookies(row: &Row<'_>) -> BTreeMap<Persona, BTreeSet<String>> {
    DESTINATIONS
        .into_iter()
        .map(|destination| (destination, row.cookies(destination.name())))
        .filter(|(_, cookie)| !cookie.is_empty())
        .map(|(destination, cookie)| (destination, BTreeSet::from([cookie.to_owned()])))
        .collect()
}

fn index<'a>(sets: impl Iterator<Item = &'a BTreeSet<Key>>) -> BTreeMap<Key, Vec<usize>> {
    let mut index = BTreeMap::<Key, Vec<usize>>::new();
    for (place, keys) in sets.enumerate() {
        for key in keys {
            index.entry(*key).or_default().push(place);
        }
    }
    index
}

fn owners(index: &BTreeMap<Key, Vec<usize>>, keys: &BTreeSet<Key>) -> BTreeSet<usize> {
    keys.iter()
        .filter_map(|key| index.get(key))
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use jiff::civil::date;

    const HEAD_CRM: &str =
        "email,phone,loyalty,consent_basis,consent_purposes,consent_at,opposed\n";
    const HEAD_GRAPH: &str = "email,phone,cookie_dsp_a,cookie_dmp_b,consent_purposes,consent_at\n";
    const GIVEN: &str = "1 3 4,2026-05-01T00:00:00Z";

    fn search(crm: &str, graph: &str) -> Result<Customer, Failure> {
        let home = tempfile::tempdir().unwrap();
        let (left, right) = (home.path().join("crm.csv"), home.path().join("graph.csv"));
        std::fs::write(&left, format!("{HEAD_CRM}{crm}")).unwrap();
        std::fs::write(&right, format!("{HEAD_GRAPH}{graph}")).unwrap();
        Search {
            crm: &left,
            graph: &right,
            region: "AU",
            kinds: &[IdentifierType::Email, IdentifierType::Phone],
            as_of: date(2026, 11, 22),
        }
        .run()
    }

    #[test]
    fn the_first_loyal_customer_who_is_one_person_is_chosen() {
        let crm =
            format!("bronze@x.fr,,bronze,consent,{GIVEN},\nGold@x.fr,,gold,consent,{GIVEN},\n");
        let graph = format!("bronze@x.fr,,c1,,{GIVEN}\ngold@X.fr,,c2,d2,{GIVEN}\n");
        let chosen = search(&crm, &graph).unwrap();
        assert_eq!(chosen.cells[0], ("email", "Gold@x.fr".to_owned()));
        assert_eq!(chosen.cookies[&Persona::DspA], ["c2".to_owned()].into());
        assert_eq!(chosen.cookies[&Persona::DmpB], ["d2".to_owned()].into());
    }

    #[test]
    fn nobody_is_chosen_whose_leaving_would_touch_others() {
        let crm = format!("a@x.fr,0405 013 424,gold,consent,{GIVEN},\n");
        let lone = format!("a@x.fr,,c1,,{GIVEN}\n");
        assert!(search(&crm, &lone).is_ok());
        // Two rows of the graph, a merged person, a shared cookie, a doubted consent, an opposition.
        let two = format!("{lone}b@x.fr,+61405013424,c2,,{GIVEN}\n");
        assert!(search(&crm, &two).is_err());
        let merged = format!("a@x.fr,0405 999 888,c1,,{GIVEN}\n,+61 405 999 888,c2,,{GIVEN}\n");
        assert!(search(&crm, &merged).is_err());
        let shared = format!("{lone}z@x.fr,,c1,,{GIVEN}\n");
        assert!(search(&crm, &shared).is_err());
        assert!(search(&crm, "a@x.fr,,c1,,1 2,2026-05-01T00:00:00Z\n").is_err());
        let opposed = crm.replace(",\n", ",1\n");
        assert!(search(&opposed, &lone).is_err());
        let twice = format!("{crm}A@x.fr,,silver,consent,{GIVEN},\n");
        assert!(search(&twice, &lone).is_err());
    }

    #[test]
    fn the_bundled_files_have_somebody() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let chosen = Search {
            crm: &root.join("crm.csv"),
            graph: &root.join("graph.csv"),
            region: "AU",
            kinds: &[IdentifierType::Email, IdentifierType::Phone],
            as_of: date(2026, 11, 22),
        }
        .run()
        .unwrap();
        assert!(!chosen.cookies.is_empty());
    }
}
