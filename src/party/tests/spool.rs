//! What is in a spool, and what is not.

use super::*;

#[test]
fn the_example_crm_becomes_rows_that_the_service_can_read() {
    let party = Party::new();
    let prepared = party
        .prepare(Role::Advertiser, &example("crm.csv"), false)
        .unwrap();
    assert_eq!(prepared.rows, 5_000);
    let quality = &prepared.quality;
    assert_eq!(quality.rows, 5_000);
    assert_eq!(quality.identifiers[0].empty, 73);
    assert_eq!(quality.identifiers[0].malformed, 78 + 73 + 70 + 67);
    assert_eq!(quality.identifiers[1].reasons["double_zero_prefix"], 518);
    let segments = [
        "loyalty=bronze",
        "loyalty=gold",
        "loyalty=platinum",
        "loyalty=silver",
        "status=active",
        "status=inactive",
    ];
    assert_eq!(
        quality
            .segments
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        segments
    );
    assert_eq!(quality.segments["loyalty=platinum"], 107);
    let dropped: u64 = quality.dropped.values().sum();
    assert_eq!(quality.usable + dropped, 5_000);

    // What the service finds is what the report said.
    let mut decoder =
        StreamDecoder::new(BufReader::new(File::open(party.spool()).unwrap())).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.segments, segments);
    let (mut rows, mut usable) = (0, 0);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            rows += 1;
            let mut record = ConsentRecord::default();
            reader.consent_into(row, &mut record);
            let has_token = reader.tokens(row).iter().any(Option::is_some);
            match party
                .terms
                .advertiser_consent
                .evaluate(&record, date(2026, 11, 22))
            {
                Ok(_) if has_token => usable += 1,
                Ok(_) => *reasons.entry("no_identifier").or_default() += 1,
                Err(reason) => {
                    assert!(
                        !has_token,
                        "a token of somebody whose consent can never do was sent"
                    );
                    *reasons.entry(reason.as_str()).or_default() += 1;
                }
            }
        }
    }
    assert_eq!((rows, usable), (5_000, quality.usable));
    assert_eq!(reasons, quality.dropped);
}

#[test]
fn the_example_graph_carries_sealed_and_open_cookies() {
    let party = Party::new();
    let prepared = party
        .prepare(Role::Partner, &example("graph.csv"), false)
        .unwrap();
    assert_eq!(prepared.rows, 7_272);
    assert_eq!(prepared.quality.cookies["dsp-a"].present, 7_272 - 1_218);
    let mut decoder =
        StreamDecoder::new(BufReader::new(File::open(party.spool()).unwrap())).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.labels["dmp-b"], None);
    let context = LabelContext {
        collaboration: COLLABORATION,
        destination: "dsp-a",
    };
    let opener =
        LabelOpener::new(&party.dsp_key, &header.labels["dsp-a"].unwrap(), &context).unwrap();
    let mut sealed = BTreeSet::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            // By name: dmp-b is 0, dsp-a is 1.
            if let Some(open) = reader.cookie(row, 0) {
                assert_eq!(open.cookie.len(), 19);
            }
            if let Some(cell) = reader.cookie(row, 1) {
                let cookie = opener.open(cell.cookie.try_into().unwrap()).unwrap();
                assert_eq!(
                    cell.tag,
                    cookie_tag(&party.cookie_tag, COLLABORATION, "dsp-a", &cookie)
                );
                sealed.insert(String::from_utf8(cookie).unwrap());
            }
        }
    }
    let text = std::fs::read_to_string(example("graph.csv")).unwrap();
    assert!(sealed.len() > 4_000);
    assert!(sealed.iter().all(|cookie| text.contains(cookie.as_str())));
}

#[test]
fn no_identifier_and_no_cookie_is_in_the_spool() {
    let party = Party::new();
    let text = format!(
        "email,phone,cookie_dsp_a,cookie_dmp_b,consent_purposes,consent_at\nAnna.Secret@Example.com,0405 013 424,dsp-cookie-1,,1 3 4,2026-06-01\n,,,{},1 3 4,2026-06-01\n",
        "x".repeat(64)
    );
    party
        .prepare(Role::Partner, &party.file(&text), false)
        .unwrap();
    let spool = std::fs::read(party.spool()).unwrap();
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let digest = normaliser
        .email("anna.secret@example.com")
        .unwrap()
        .digest();
    let holds = |needle: &[u8]| spool.windows(needle.len()).any(|window| window == needle);
    for secret in [
        &b"nna.secret"[..],
        b"Secret",
        b"405013424",
        b"dsp-cookie-1",
        digest.as_bytes(),
    ] {
        assert!(!holds(secret));
    }
    assert!(holds(&party.token_of_email("anna.secret@example.com").0));
}

#[test]
fn the_order_of_the_file_is_not_the_order_of_the_upload() {
    let party = Party::new();
    let mut text = String::from("email,consent_basis,consent_purposes,consent_at\n");
    (0..300).for_each(|row| text.push_str(&format!("p{row}@example.com,{CONSENT}\n")));
    party
        .prepare(Role::Advertiser, &party.file(&text), false)
        .unwrap();
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let mut found = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        found.extend((0..batch.num_rows()).map(|row| reader.tokens(row)[0].unwrap()));
    }
    let expected: Vec<Token> = (0..300)
        .map(|row| party.token_of_email(&format!("p{row}@example.com")))
        .collect();
    assert_ne!(found, expected);
    let in_place = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
    assert!(in_place < 15, "{in_place} rows kept their place");
    assert_eq!(
        found.into_iter().collect::<BTreeSet<_>>(),
        expected.into_iter().collect()
    );
}

#[test]
fn digests_of_the_same_person_give_the_same_token() {
    let party = Party::new();
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let digest = hex::encode(
        normaliser
            .email("anna@example.com")
            .unwrap()
            .digest()
            .as_bytes(),
    );
    let text = format!(
        "email_sha256,email,consent_basis,consent_purposes,consent_at\n{digest},,{CONSENT}\n\
         d41d8cd98f00b204e9800998ecf8427e,,{CONSENT}\n{digest},anna@example.com,{CONSENT}\n\
         {digest},bob@example.com,{CONSENT}\n,{digest},{CONSENT}\n"
    );
    let quality = party
        .prepare(Role::Advertiser, &party.file(&text), false)
        .unwrap()
        .quality;
    let (email, hashed) = (&quality.identifiers[0], &quality.identifiers[1]);
    assert_eq!((email.already_hashed, hashed.column), (1, "email_sha256"));
    assert_eq!(
        (hashed.valid, hashed.duplicate, hashed.contradicting),
        (3, 2, 1)
    );
    assert_eq!(hashed.reasons["md5"], 1);
    assert_eq!(quality.dropped["no_identifier"], 2);
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let batch = decoder.next_batch().unwrap().unwrap();
    let reader = BatchReader::new(&batch, &header).unwrap();
    let tokens: Vec<Token> = (0..5).filter_map(|row| reader.tokens(row)[0]).collect();
    let anna = party.token_of_email("anna@example.com");
    assert_eq!(tokens.iter().filter(|token| **token == anna).count(), 2);
    assert!(tokens.contains(&party.token_of_email("bob@example.com")));
}

#[test]
fn rows_that_only_another_day_could_let_in_are_sent_whole() {
    let party = Party::new();
    let text = "email,consent_basis,consent_purposes,consent_at\n\
                old@example.com,consent,3 4,2024-01-01\nnew@example.com,consent,3 4,2026-11-23\n\
                ok@example.com,consent,3 4,2026-11-22\nno@example.com,consent,3,2026-11-22\n";
    let quality = party
        .prepare(Role::Advertiser, &party.file(text), false)
        .unwrap()
        .quality;
    assert_eq!(quality.usable, 1);
    assert_eq!(
        (
            quality.dropped["too_old"],
            quality.dropped["consent_in_future"]
        ),
        (1, 1)
    );
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let batch = decoder.next_batch().unwrap().unwrap();
    let reader = BatchReader::new(&batch, &header).unwrap();
    let with_token = (0..4)
        .filter(|row| reader.tokens(*row)[0].is_some())
        .count();
    assert_eq!(with_token, 3);
}

#[test]
fn who_withdraws_has_the_tokens_of_the_upload() {
    let party = Party::new();
    let file = party
        .file("E-Mail,Phone\n Anna.B@GMAIL.com ,0405 013 424\nn/a,\nanna.b+x@googlemail.com,\n");
    let tokens = withdrawal_tokens(&WithdrawalOptions {
        file: &file,
        map: None,
        region: Some("AU"),
        terms: &party.terms,
        pair_key: &party.pair_key,
    })
    .unwrap();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.contains(&party.token_of_email("annab@gmail.com")));
    assert!(tokens.is_sorted());
}

#[test]
fn a_preparation_that_is_asked_to_stop_stops_and_leaves_no_spool() {
    let mut party = Party::new();
    party.stopped = true;
    let outcome = party.prepare(Role::Advertiser, &example("crm.csv"), false);
    assert!(matches!(outcome, Err(PartyError::Interrupted)));
    assert!(!party.spool().exists());
}
