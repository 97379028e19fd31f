//! Consent records under faults: kept with every set, and erased wholly or not at all.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::ErrorKind;
use std::path::PathBuf;

use tamis::sets::{ChunkKey, ChunkKeys, Ledger, LedgerPlace, chunk_key};
use tamis_keys::purpose::Data;
use tamis_keys::{Secret, home};
use tamis_protocols::consent::ProofError;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind;

use crate::rows::{Seeded, key, token};
use crate::scenario::{Outcome, ROWS, World, must};

/// The directory of an upload's records, and its keys.
pub struct Place {
    dir: PathBuf,
    key: Secret<Data>,
    seed: Secret<Data>,
}

impl Place {
    pub fn of(world: &World, kind: UploadKind) -> Place {
        let name = kind.as_str();
        Place {
            dir: world.data("consent", name),
            key: key(&format!("records of {name}")),
            seed: key(&format!("seed of {name}")),
        }
    }

    pub fn ledger(&self) -> LedgerPlace<'_> {
        LedgerPlace {
            dir: &self.dir,
            key: &self.key,
            seed: &self.seed,
        }
    }
}

/// Who is erased: an advertiser's first customer.
fn erased() -> Vec<Token> {
    vec![token(1, 0)]
}

fn first() -> ChunkKeys {
    ChunkKeys::Seed(key("seed of crm"))
}

/// The keys that are in the database once the erasure has committed.
fn second(chunks: u32, rewritten: u32) -> ChunkKeys {
    let keys = (0..chunks).filter_map(|chunk| {
        let (generation, key) = match chunk == rewritten {
            true => (1, Some(key("second"))),
            false => (0, chunk_key(&key("seed of crm"), chunk)),
        };
        key.map(|key| (chunk, ChunkKey { generation, key }))
    });
    ChunkKeys::Own(keys.collect::<BTreeMap<_, _>>())
}

/// Where there is a set, there are its records, and every one is what was committed to.
pub fn hold(world: &World, kind: UploadKind, consent_root: &str) -> Outcome {
    let place = Place::of(world, kind);
    let mut ledger = Ledger::open(&place.dir, &place.key, kind.as_str())?;
    let keys = match (kind, committed(world)?) {
        (UploadKind::Crm, Some(chunk)) => second(ledger.chunks(), chunk),
        _ => ChunkKeys::Seed(place.seed),
    };
    ledger.verify(&keys)?;
    let root = hex::encode(ledger.consent_root());
    must(root == consent_root, "the records are not those of the set")?;
    must(ledger.rows() == ROWS, "records are missing")
}

/// What the database would say: the chunk that was rewritten, once that is committed.
fn committed(world: &World) -> Result<Option<u32>, Box<dyn Error>> {
    match std::fs::read_to_string(world.data("consent", "committed")) {
        Ok(chunk) => Ok(Some(chunk.parse()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Rewrites the chunk of a customer, commits, acknowledges, and clears away.
pub fn erase(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    let place = Place::of(world, UploadKind::Crm);
    let mut ledger = Ledger::open(&place.dir, &place.key, UploadKind::Crm.as_str())?;
    let chunks = ledger.chunks();
    let mut rewritten = committed(world)?;
    if rewritten.is_none() {
        Ledger::clear(&place.dir, &first())?;
        for chunk in 0..chunks {
            let entropy = Seeded::new(12);
            if ledger.rewrite(chunk, &erased(), &first(), &key("second"), &entropy)? {
                let path = world.data("consent", "committed");
                home::write_private(&path, chunk.to_string().as_bytes())?;
                rewritten = Some(chunk);
                break;
            }
        }
    }
    let chunk = rewritten.ok_or("nobody is erased")?;
    ack(chunk.to_string());
    Ok(Ledger::clear(&place.dir, &second(chunks, chunk))?)
}

/// What was committed is erased and all others are proven; before that everybody is.
pub fn erasure_holds(world: &World, acks: &[String]) -> Outcome {
    let place = Place::of(world, UploadKind::Crm);
    let mut ledger = Ledger::open(&place.dir, &place.key, UploadKind::Crm.as_str())?;
    let root = ledger.consent_root();
    let committed = committed(world)?;
    must(
        acks.is_empty() || committed.is_some(),
        "what was acknowledged is not erased",
    )?;
    let keys = match committed {
        None => first(),
        Some(chunk) => second(ledger.chunks(), chunk),
    };
    ledger.verify(&keys)?;
    let found = ledger.rows_of(&erased(), &keys)?;
    must(
        found.is_empty() == committed.is_some(),
        "the index says otherwise",
    )?;
    let mut gone = 0;
    for row in 0..ledger.rows() {
        let mut proof = ledger.prove(row, &keys)?.ok_or("a row is missing")?;
        // The name of an upload is not an id here.
        proof.upload = "0".repeat(32);
        match proof.check(&root) {
            Ok(_) => {}
            Err(ProofError::Erased) => gone += 1,
            Err(error) => return Err(error.into()),
        }
    }
    must(gone == u64::from(committed.is_some()), "others were erased")
}
