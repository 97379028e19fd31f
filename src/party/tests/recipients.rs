//! What a file says beyond basis, purposes and time, from its cells to the spool.

use super::*;

/// Per row of the spool: its record, and which destinations it has a cookie at, by name.
fn spooled(party: &Party) -> Vec<(ConsentRecord, [bool; 2])> {
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let mut decoder = StreamDecoder::new(file).unwrap();
    let header = decoder.header().clone();
    let mut rows = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            let mut record = ConsentRecord::default();
            reader.consent_into(row, &mut record);
            rows.push((record, [0, 1].map(|at| reader.cookie(row, at).is_some())));
        }
    }
    rows
}

fn named(record: &ConsentRecord) -> Option<Vec<&str>> {
    let names = record.details().recipients.as_ref()?;
    Some(names.iter().map(String::as_str).collect())
}

#[test]
fn a_cookie_does_not_leave_for_a_destination_that_the_row_does_not_name() {
    let party = Party::new();
    let row = |n: u8, names: &str| format!("p{n}@example.com,1 3 4,2026-05-05,a{n},b{n},{names}\n");
    let file = party.file(
        &[
            "email,consent_purposes,consent_at,cookie_dsp_a,cookie_dmp_b,consent_recipients\n"
                .to_owned(),
            row(1, ""),
            row(2, "dsp-a"),
            row(3, "dmp-b;dsp-a"),
            row(4, "somebody-else"),
            row(5, "Everybody!"),
        ]
        .concat(),
    );
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.quality.usable, 3);
    assert_eq!(prepared.quality.dropped["recipient_missing"], 2);
    assert_eq!(prepared.quality.unreadable["consent_recipients"], 1);
    let rows = spooled(&party);
    // By name: dmp-b is 0, dsp-a is 1.
    let found = |names: Option<&[&str]>| -> Vec<[bool; 2]> {
        let same = |(record, _): &&(ConsentRecord, [bool; 2])| named(record).as_deref() == names;
        rows.iter().filter(same).map(|(_, at)| *at).collect()
    };
    assert_eq!(found(None), [[true, true]]);
    assert_eq!(found(Some(&["dsp-a"])), [[false, true]]);
    assert_eq!(found(Some(&["dmp-b", "dsp-a"])), [[true, true]]);
    assert_eq!(found(Some(&["somebody-else"])), [[false, false]]);
    assert_eq!(found(Some(&[])), [[false, false]]);
}

#[test]
fn a_file_without_the_new_columns_is_sent_as_before() {
    let party = Party::new();
    party
        .prepare(Role::Partner, &example("graph.csv"), false)
        .unwrap();
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let decoder = StreamDecoder::new(file).unwrap();
    assert!(decoder.header().consent.is_empty());
}

#[test]
fn a_history_that_ended_leaves_the_row_out_under_its_reason() {
    let party = Party::new();
    let file = party.file(
        "email,consent_purposes,consent_at,cookie_dsp_a,consent_history,consent_valid_until\n\
         a@example.com,1 3 4,2026-05-05,a,given 2026-05-05; withdrawn 2026-06-01,\n\
         b@example.com,1 3 4,2026-05-05,b,given 2026-05-05; opposed 2026-06-01,\n\
         c@example.com,1 3 4,2026-05-05,c,given 2026-05-05; narrowed 2026-06-01,2026-11-22\n\
         d@example.com,1 3 4,2026-05-05,d,,2026-11-21\n\
         e@example.com,1 3 4,2026-05-05,e,,whenever\n",
    );
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    let dropped = &prepared.quality.dropped;
    assert_eq!(prepared.quality.usable, 1);
    for reason in ["withdrawn", "opposed", "expired", "no_date"] {
        assert_eq!(dropped[reason], 1, "{reason}");
    }
}
