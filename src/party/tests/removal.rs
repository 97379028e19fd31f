//! Files of people to be removed or replaced: identifiers in, tokens out.

use super::*;

/// Header and rows of the spool: the tokens that there are, in ascending order.
fn sent(party: &Party) -> (Vec<String>, Vec<Token>) {
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let mut decoder = StreamDecoder::new(file).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.mode, party.mode);
    let (mut columns, mut tokens) = (Vec::new(), Vec::new());
    while let Some(batch) = decoder.next_batch().unwrap() {
        let names = batch
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        columns = names;
        let reader = BatchReader::new(&batch, &header).unwrap();
        let rows = 0..reader.len();
        tokens.extend(rows.flat_map(|row| reader.tokens(row).into_iter().flatten()));
    }
    tokens.sort_unstable();
    (columns, tokens)
}

#[test]
fn a_file_of_leavers_needs_identifiers_only_and_both_sides_send_tokens_alone() {
    let mut party = Party::new();
    party.mode = UploadMode::Remove;
    let file = party.file("email\na@example.com\nnot an address\nb@example.com\n");
    let mut expected = ["a@example.com", "b@example.com"].map(|one| party.token_of_email(one));
    expected.sort_unstable();
    for role in [Role::Advertiser, Role::Partner] {
        let prepared = party.prepare(role, &file, false).unwrap();
        assert_eq!((prepared.rows, prepared.quality.usable), (3, 2));
        assert_eq!(prepared.quality.dropped["no_identifier"], 1);
        let (columns, tokens) = sent(&party);
        assert_eq!(columns, ["email", "phone"]);
        assert_eq!(tokens, expected);
    }
}

#[test]
fn whoever_never_consented_can_be_removed_and_nothing_else_of_a_row_is_read() {
    let mut party = Party::new();
    party.mode = UploadMode::Remove;
    for (role, name, there) in [
        (Role::Advertiser, "crm.csv", ["loyalty", "consent_basis"]),
        (Role::Partner, "graph.csv", ["cookie_dsp_a", "consent_at"]),
    ] {
        let prepared = party.prepare(role, &example(name), false).unwrap();
        let quality = prepared.quality;
        assert!(quality.segments.is_empty() && quality.cookies.is_empty());
        for column in there {
            assert!(
                quality.ignored_columns.iter().any(|one| one == column),
                "{column}"
            );
        }
        let reasons: Vec<&str> = quality.dropped.keys().copied().collect();
        assert!(
            reasons.iter().all(|reason| *reason == "no_identifier"),
            "{reasons:?}"
        );
        let (columns, tokens) = sent(&party);
        assert_eq!(columns, ["email", "phone"]);
        assert!(tokens.len() as u64 > quality.usable);
    }
}

#[test]
fn a_row_that_is_not_let_in_replaces_people_by_its_tokens_and_brings_nothing_else() {
    let mut party = Party::new();
    party.segments = vec!["loyalty".to_owned()];
    let text = format!(
        "email,consent_basis,consent_purposes,consent_at,loyalty\na@example.com,{CONSENT},gold\nb@example.com,,,,gold\n"
    );
    let file = party.file(&text);
    let mut both = ["a@example.com", "b@example.com"].map(|one| party.token_of_email(one));
    both.sort_unstable();
    for mode in [UploadMode::Add, UploadMode::Refresh] {
        party.mode = mode;
        let prepared = party.prepare(Role::Advertiser, &file, false).unwrap();
        assert_eq!((prepared.rows, prepared.quality.usable), (2, 1));
        let (columns, tokens) = sent(&party);
        assert!(columns.iter().any(|column| column == "segments"));
        match mode {
            UploadMode::Refresh => assert_eq!(tokens, both),
            _ => assert_eq!(tokens, [party.token_of_email("a@example.com")]),
        }
        assert_eq!(labelled(&party), 1);
    }
}

/// Rows in the spool that are in a segment.
fn labelled(party: &Party) -> usize {
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let mut decoder = StreamDecoder::new(file).unwrap();
    let (header, mut rows) = (decoder.header().clone(), 0);
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        rows += (0..reader.len())
            .filter(|row| !reader.segments(*row).is_empty())
            .count();
    }
    rows
}
