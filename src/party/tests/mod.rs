#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::date;
use tamis_keys::purpose::{CookieTag, PairKey, Sealing};
use tamis_keys::{Secret, sealing};
use tamis_protocols::consent::{ConsentRecord, ConsentRule};
use tamis_protocols::identifier::{IdentifierType, Normaliser, Profile};
use tamis_protocols::label::{LabelContext, LabelOpener, cookie_tag};
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::api::Role;
use tamis_protocols::wire::batch::{BatchReader, StreamDecoder, UploadMode};
use tamis_protocols::wire::terms::{Destination, Terms};

use super::testing::Seeded;
use super::*;

mod bridging;
mod recipients;
mod removal;
mod report;
mod spool;

const COLLABORATION: &str = "00112233445566778899aabbccddeeff";

/// Another collaboration of the two.
const EARLIER: &str = "ffeeddccbbaa99887766554433221100";

fn terms(identifiers: &[IdentifierType]) -> Terms {
    Terms {
        version: 2,
        nonce: "00".repeat(16),
        advertiser: "shop".to_owned(),
        partner: "onboarder".to_owned(),
        protocol: "keyed".to_owned(),
        profile: Profile::Onboarding1,
        identifiers: identifiers.to_vec(),
        epoch: 1,
        destinations: vec![
            Destination::new("dsp-a", Some(&[7; 32])),
            Destination::new("dmp-b", None),
        ],
        release: tamis_protocols::release::Policy::floor(),
        crm_rows: None,
        residency: None,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: date(2027, 12, 31),
    }
}

struct Party {
    dir: tempfile::TempDir,
    terms: Terms,
    pair_key: Secret<PairKey>,
    /// Terms and key of [`EARLIER`], if its tokens are sent as well.
    bridge: Option<(Terms, Secret<PairKey>)>,
    cookie_tag: Secret<CookieTag>,
    dsp_key: Secret<Sealing>,
    segments: Vec<String>,
    region: Option<&'static str>,
    mode: UploadMode,
    /// Whether somebody asks the preparation to stop.
    stopped: bool,
}

impl Party {
    fn new() -> Party {
        Party {
            dir: tempfile::tempdir().unwrap(),
            terms: terms(&[IdentifierType::Email, IdentifierType::Phone]),
            pair_key: Secret::from_bytes([1; 32]),
            bridge: None,
            cookie_tag: Secret::from_bytes([2; 32]),
            dsp_key: Secret::from_bytes([3; 32]),
            segments: Vec::new(),
            region: Some("AU"),
            mode: UploadMode::Full,
            stopped: false,
        }
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join("input.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn spool(&self) -> PathBuf {
        self.dir.path().join("spool.arrows")
    }

    fn prepare(&self, role: Role, file: &Path, dry: bool) -> Result<Prepared, PartyError> {
        let spool = self.spool();
        let destinations = [
            DestinationKey {
                name: "dsp-a".to_owned(),
                sealing_key: Some(sealing::public(&self.dsp_key)),
            },
            DestinationKey {
                name: "dmp-b".to_owned(),
                sealing_key: None,
            },
        ];
        prepare(&PrepareOptions {
            file,
            map: None,
            region: self.region,
            segments: &self.segments,
            role,
            mode: self.mode,
            collaboration: COLLABORATION,
            terms: &self.terms,
            pair_key: &self.pair_key,
            bridge: self.bridge.as_ref().map(|(terms, pair_key)| Bridge {
                collaboration: EARLIER,
                terms,
                pair_key,
            }),
            cookie_tag: &self.cookie_tag,
            destinations: &destinations,
            spool: (!dry).then_some(spool.as_path()),
            today: date(2026, 11, 22),
            entropy: &Seeded::new(11),
            progress: &|_| {},
            stop: &std::sync::atomic::AtomicBool::new(self.stopped),
        })
    }

    fn token_of_email(&self, address: &str) -> Token {
        let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
        let digest = normaliser.email(address).unwrap().digest();
        Tokeniser::new(&self.pair_key).token(IdentifierType::Email, &digest)
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

const CONSENT: &str = "consent,1 3 4,2026-05-05T05:00:00Z";
