//! The attack of threats.md: a dictionary of e-mails and phones against everything an operator has.
//!
//! Two parties pair and upload for real; then the attacker takes every file, every row, the
//! key-encryption key and the log's key, opens what these open, and tries every candidate against the
//! tokens found, keyed with everything that could be a key. With the pair key the same attack succeeds.

use std::collections::HashSet;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};
use tamis_keys::purpose::{PairKey, PairSecret, PairShare, Sealing};
use tamis_keys::signing::SigningKey;
use tamis_keys::{Epoch, Secret, sealing};
use tamis_protocols::identifier::{IdentifierDigest, IdentifierType, Normaliser, Profile};
use tamis_protocols::pairing::{self, Transcript};
use tamis_protocols::token::{self, Token, Tokeniser};
use tamis_protocols::wire::api::*;

use super::population::{CROWD, crm_of, graph_of};
use super::world::ALL;
use super::{Person, World};
use crate::service::files::Object;
use crate::service::work::JobError;
use crate::sets::{self, SealedSet, Window, members};
use crate::store::snapshot;

/// Both sides know them.
const MEMBERS: u32 = 220;
/// Candidates tried: the members are among them.
const CANDIDATES: u32 = 2_000;

fn email(number: u32) -> String {
    format!("person{number}@example.com")
}

fn digest(text: &str) -> IdentifierDigest {
    let normaliser = Normaliser::new(Profile::Onboarding1, Some("FR")).unwrap();
    normaliser.email(text).unwrap().digest()
}

type Dictionary = Vec<(IdentifierType, IdentifierDigest)>;

/// Every candidate as e-mail and as phone.
fn dictionary() -> Dictionary {
    let normaliser = Normaliser::new(Profile::Onboarding1, Some("FR")).unwrap();
    let phone = |number| normaliser.phone(&format!("+336{number:08}"));
    (0..CANDIDATES)
        .flat_map(|number| {
            let phone = phone(number).unwrap().digest();
            [
                (IdentifierType::Email, digest(&email(number))),
                (IdentifierType::Phone, phone),
            ]
        })
        .collect()
}

/// One side's keys, which never leave it.
struct Side {
    name: &'static str,
    sealing: Secret<Sealing>,
    share: Secret<PairShare>,
}

impl Side {
    async fn enrol(world: &mut World, name: &'static str, role: Role) -> Side {
        let sealing = Secret::<Sealing>::generate(&*world.parts.entropy);
        let share = Secret::<PairShare>::generate(&*world.parts.entropy);
        let token = world.service.invite(name, role).await.unwrap();
        let mut request = world.request(name, role, token);
        request.sealing_key = Some(BASE64_STANDARD.encode(sealing::public(&sealing)));
        world.service.enrol(request).await.unwrap();
        Side {
            name,
            sealing,
            share,
        }
    }

    fn seal(&self, world: &World, collaboration: &str, to: &Side) -> String {
        let key = sealing::public(&to.sealing);
        let entropy = &*world.parts.entropy;
        let sealed = pairing::seal_share(
            &self.share,
            collaboration,
            self.name,
            to.name,
            &key,
            entropy,
        );
        BASE64_STANDARD.encode(sealed.unwrap())
    }
}

/// Signs and pairs; the collaboration, and the pair key that only the two sides can make.
async fn pair(world: &World, shop: &Side, graphs: &Side) -> (CollaborationView, Secret<PairKey>) {
    let terms = serde_json::to_string(&world.terms()).unwrap();
    let id = pairing::collaboration_id(terms.as_bytes());
    let mut proposal = world.proposal("shop", &terms);
    proposal.sealed_share = shop.seal(world, &id, graphs);
    let caller = world.caller("shop");
    world.service.propose(&caller, proposal).await.unwrap();
    let acceptance = AcceptanceRequest {
        signature: world.proposal("graphs", &terms).signature,
        sealed_share: graphs.seal(world, &id, shop),
    };
    let caller = world.caller("graphs");
    let accepted = world.service.accept(&caller, &id, acceptance).await;
    let signing = |name: &str| SigningKey::public(&world.keys[name]);
    let transcript = Transcript {
        collaboration: id.clone(),
        advertiser_signing: signing("shop"),
        partner_signing: signing("graphs"),
        advertiser_sealing: sealing::public(&shop.sealing),
        partner_sealing: sealing::public(&graphs.sealing),
    };
    let secret = pairing::pair_secret(&shop.share, &graphs.share, &transcript);
    (accepted.unwrap(), token::pair_key(&secret, &id, Epoch(1)))
}

/// The share that the service relays to a side, sealed.
async fn relayed(world: &World, to: &str, collaboration: &str) -> Vec<u8> {
    let caller = world.caller(to);
    let view = world.service.collaboration(&caller, collaboration).await;
    let sealed = view.unwrap().share_for_you.unwrap();
    BASE64_STANDARD.decode(sealed).unwrap()
}

/// What an operator, or a thief of all it has, ends up with.
#[derive(Default)]
struct Loot {
    /// Every file as it lies there, and every object that the stolen keys open.
    bytes: Vec<Vec<u8>>,
    tokens: HashSet<Token>,
    /// Everything of 32 bytes that could be a key.
    keys: Vec<[u8; 32]>,
}

impl Loot {
    async fn take(world: &World, collaboration: &CollaborationView) -> Loot {
        let mut loot = Loot::default();
        loot.files(world.path());
        // The key-encryption key and the log's, as `instance.rs` makes them.
        loot.keys.extend([[4; 32], [5; 32], [0; 32]]);
        for party in [&collaboration.advertiser, &collaboration.partner] {
            for key in [Some(&party.signing_key), party.sealing_key.as_ref()] {
                let key = BASE64_STANDARD.decode(key.unwrap()).unwrap();
                loot.keys.push(key.try_into().unwrap());
            }
        }
        for text in [&collaboration.terms, &collaboration.id] {
            loot.keys.push(Sha256::digest(text).into());
        }
        for who in ["shop", "graphs"] {
            let sealed = relayed(world, who, &collaboration.id).await;
            loot.keys.extend(
                sealed
                    .windows(32)
                    .map(|part| <[u8; 32]>::try_from(part).unwrap()),
            );
            loot.bytes.push(sealed);
        }
        loot.open(world, collaboration).await.unwrap();
        loot
    }

    fn files(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => self.files(&path),
                false => self.bytes.push(std::fs::read(path).unwrap()),
            }
        }
    }

    /// Unwraps every data key and opens what it protects.
    async fn open(
        &mut self,
        world: &World,
        collaboration: &CollaborationView,
    ) -> Result<(), JobError> {
        let service = &world.service;
        let id = crate::domain::id::Id::parse(&collaboration.id).unwrap();
        let (uploads, withdrawals, files, emissions) = snapshot!(service.store(), "loot", |tx| {
            let mut uploads = tx.uploads("shop").await?;
            uploads.extend(tx.uploads("graphs").await?);
            let withdrawals = tx.withdrawals(id).await?;
            let mut files = Vec::new();
            for id in tx.member_file_ids().await? {
                files.extend(tx.member_file(id).await?);
            }
            let mut emissions = Vec::new();
            for id in tx.emission_file_ids().await? {
                emissions.extend(tx.emission_file(id).await?);
            }
            Ok::<_, JobError>((uploads, withdrawals, files, emissions))
        })?;
        for upload in uploads {
            let key = service.key(Object::Upload(upload.id), &upload.wrapped_key)?;
            let name = upload.id.to_string();
            let set = SealedSet::open(&service.files().set(upload.id), &key, &name).unwrap();
            for layer in set.layers() {
                let mut window = Window::new(layer.run());
                window.aim(0..layer.run().index().len());
                for page in 0..window.len() {
                    let tokens = window.page(page).unwrap().tokens;
                    let tokens = (0..tokens.len()).map(|i| Token(tokens.get(i).to_be_bytes()));
                    self.tokens.extend(tokens);
                }
            }
            self.keys.push(*key.expose());
        }
        for withdrawal in withdrawals {
            let object = Object::Withdrawal(withdrawal.id);
            let key = service.key(object, &withdrawal.wrapped_key)?;
            let path = service.files().withdrawal(withdrawal.id);
            let tokens = sets::read_tokens(&path, &key, &object.context()).unwrap();
            self.tokens.extend(tokens);
            self.keys.push(*key.expose());
        }
        for file in files {
            let object = Object::Members(file.id);
            let key = service.key(object, &file.wrapped_key)?;
            let path = service.files().members(file.id);
            let opened = members::MemberFile::open(&path, &key, &object.context()).unwrap();
            for change in members::changes(None, &opened) {
                if let members::Change::Add(cookie) = change.unwrap() {
                    self.bytes.push(cookie.bytes);
                }
            }
            self.keys.push(*key.expose());
        }
        for file in emissions {
            let object = Object::Emission(file.id);
            let key = service.key(object, &file.wrapped_key)?;
            let path = service.files().emission(file.id);
            let opened = sets::read_emission(&path, &key, &object.context()).unwrap();
            self.bytes.push(opened.emitted.to_stored());
            self.keys.push(*key.expose());
        }
        let choice = service.choice_key("shop", "graphs").await?;
        self.keys.push(*choice.expose());
        Ok(())
    }

    /// How many candidates a key tells, as pair key or as pair secret.
    fn recovered(&self, dictionary: &Dictionary, collaboration: &str, key: &[u8; 32]) -> usize {
        let secret = Secret::<PairSecret>::from_bytes(*key);
        let derived = token::pair_key(&secret, collaboration, Epoch(1));
        [Secret::<PairKey>::from_bytes(*key), derived]
            .iter()
            .map(|key| {
                let tokeniser = Tokeniser::new(key);
                dictionary
                    .iter()
                    .filter(|(kind, digest)| self.tokens.contains(&tokeniser.token(*kind, digest)))
                    .count()
            })
            .sum()
    }
}

#[tokio::test]
async fn a_dictionary_recovers_nobody_from_everything_the_operator_has() {
    let mut world = World::empty().await;
    let shop = Side::enrol(&mut world, "shop", Role::Advertiser).await;
    let graphs = Side::enrol(&mut world, "graphs", Role::Partner).await;
    world.enrol("dsp-a", Role::Destination).await;
    world.enrol("dmp-b", Role::Destination).await;
    let (collaboration, pair_key) = pair(&world, &shop, &graphs).await;
    let tokeniser = Tokeniser::new(&pair_key);
    let token =
        |person: &Person| tokeniser.token(IdentifierType::Email, &digest(&email(person.number)));
    let people = Person::many(MEMBERS, 0);
    let id = &collaboration.id;
    let rows = crm_of(id, &people, &token);
    world.send("shop", id, &rows).await;
    let rows = graph_of(id, &people, &token);
    world.send("graphs", id, &rows).await;
    world.work(&ALL).await;
    world.put(id, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let request = WithdrawalRequest {
        tokens: vec![hex::encode(token(&people[0]).0)],
        kind: Default::default(),
    };
    let caller = world.caller("shop");
    world.service.withdraw(&caller, id, request).await.unwrap();
    world.work(&ALL).await;

    let loot = Loot::take(&world, &collaboration).await;
    let strangers = 2 * (CROWD - MEMBERS);
    assert_eq!(loot.tokens.len(), (MEMBERS + strangers) as usize);
    assert!(loot.keys.len() > 100 && loot.bytes.len() > 100);
    // In the clear, or hashed without a key: the member that the attacker is sure of.
    let canary = email(7);
    let hashed = digest(&canary);
    let found = |needle: &[u8]| {
        let within = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle);
        loot.bytes.iter().any(within)
    };
    assert!(!found(canary.as_bytes()));
    assert!(!found(hashed.as_bytes()));
    assert!(!found(hex::encode(hashed.as_bytes()).as_bytes()));
    let mut short = [0; 16];
    short.copy_from_slice(&hashed.as_bytes()[..16]);
    assert!(!loot.tokens.contains(&Token(short)));
    // Keyed, with everything that could be the key.
    let dictionary = dictionary();
    for key in &loot.keys {
        assert_eq!(loot.recovered(&dictionary, id, key), 0);
    }
    // No stolen key opens a share that passed through.
    for (from, to) in [(&shop, &graphs), (&graphs, &shop)] {
        let sealed = relayed(&world, to.name, id).await;
        for key in &loot.keys {
            let key = Secret::<Sealing>::from_bytes(*key);
            assert!(pairing::open_share(&key, id, from.name, to.name, &sealed).is_err());
        }
        assert!(pairing::open_share(&to.sealing, id, from.name, to.name, &sealed).is_ok());
    }
    // The attack itself works: whoever has the pair key recovers every member.
    assert_eq!(
        loot.recovered(&dictionary, id, pair_key.expose()),
        MEMBERS as usize
    );
}
