//! Graphs whose rows carry tokens of two collaborations.

use super::*;

/// Every row of the spool: its own tokens, and those of the other collaboration.
fn rows(party: &Party) -> Vec<[[Option<Token>; 3]; 2]> {
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let mut decoder = StreamDecoder::new(file).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.bridge.as_deref(), Some(EARLIER));
    let mut rows = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        rows.extend((0..reader.len()).map(|row| [reader.tokens(row), reader.bridged(row)]));
    }
    rows
}

fn digest(profile: Profile, address: &str) -> tamis_protocols::identifier::IdentifierDigest {
    let normaliser = Normaliser::new(profile, None).unwrap();
    normaliser.email(address).unwrap().digest()
}

const HEADER: &str = "email,phone,cookie_dsp_a,cookie_dmp_b,consent_purposes,consent_at";

#[test]
fn each_row_has_the_tokens_that_it_would_have_in_either_collaboration() {
    let mut party = Party::new();
    let alone = |key: u8| {
        let mut alone = Party::new();
        alone.pair_key = Secret::from_bytes([key; 32]);
        let file = example("graph.csv");
        alone.prepare(Role::Partner, &file, false).unwrap();
        let file = BufReader::new(File::open(alone.spool()).unwrap());
        let mut decoder = StreamDecoder::new(file).unwrap();
        let header = decoder.header().clone();
        assert_eq!(header.bridge, None);
        let mut tokens = Vec::new();
        while let Some(batch) = decoder.next_batch().unwrap() {
            let reader = BatchReader::new(&batch, &header).unwrap();
            tokens.extend((0..reader.len()).map(|row| reader.tokens(row)));
        }
        tokens
    };
    party.bridge = Some((party.terms.clone(), Secret::from_bytes([9; 32])));
    let file = example("graph.csv");
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.rows, 7_272);
    // The same seed shuffles all three in the same way.
    let both = alone(1).into_iter().zip(alone(9)).map(<[_; 2]>::from);
    assert!(rows(&party) == both.collect::<Vec<_>>());
}

#[test]
fn tokens_of_the_other_collaboration_follow_its_own_terms() {
    let mut party = Party::new();
    let mut earlier = terms(&[IdentifierType::Email]);
    earlier.profile = Profile::Google1;
    let key = || Secret::from_bytes([9; 32]);
    party.bridge = Some((earlier, key()));
    // The profiles differ in which mailboxes are one.
    let address = "Anna.Lee+news@googlemail.com";
    let text = format!("{HEADER}\n{address},0405 013 424,c-1,,1 3 4,2026-06-01\n");
    let file = party.file(&text);
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    let [own, bridged] = rows(&party)[0];
    assert!(own[0] == Some(party.token_of_email(address)) && own[1].is_some());
    let (here, there) = [Profile::Onboarding1, Profile::Google1]
        .map(|profile| digest(profile, address))
        .into();
    assert!(here != there);
    let token = Tokeniser::new(&key()).token(IdentifierType::Email, &there);
    assert!(bridged == [Some(token), None, None]);
    // It is read twice and counted once.
    assert_eq!(prepared.quality.identifiers[0].valid, 1);
}

#[test]
fn whoever_can_never_take_part_has_no_token_of_either_collaboration() {
    let mut party = Party::new();
    party.bridge = Some((party.terms.clone(), Secret::from_bytes([9; 32])));
    let text = format!(
        "{HEADER}\na@example.com,,c-1,,1 3 4,2026-06-01\nb@example.com,,c-2,,1,2026-06-01\n"
    );
    party
        .prepare(Role::Partner, &party.file(&text), false)
        .unwrap();
    let rows = rows(&party);
    let with = rows
        .iter()
        .filter(|both| both.iter().all(|t| t[0].is_some()));
    let without = rows.iter().filter(|both| **both == [[None; 3]; 2]);
    assert_eq!((with.count(), without.count()), (1, 1));
}

#[test]
fn only_a_full_graph_carries_tokens_of_two_collaborations() {
    let mut party = Party::new();
    party.bridge = Some((party.terms.clone(), Secret::from_bytes([9; 32])));
    let said = party.prepare(Role::Advertiser, &example("crm.csv"), false);
    assert!(said.unwrap_err().to_string().contains("tamis.bridge"));
    party.mode = UploadMode::Add;
    let said = party.prepare(Role::Partner, &example("graph.csv"), false);
    assert!(said.unwrap_err().to_string().contains("tamis.bridge"));
}
