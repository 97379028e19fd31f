//! What the builder takes, and that it is read as it was written.

use super::*;

#[test]
fn what_is_written_is_read() {
    let rows = read_all(&stream(&crm_header(), &crm_batch())).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["segments"], json!([0, 1]));
    assert_eq!(
        rows[2]["tokens"],
        json!(["03".repeat(16), "04".repeat(16), null])
    );
    let rows = read_all(&stream(&graph_header(), &graph_batch())).unwrap();
    assert_eq!(
        rows[0]["cookies"][0],
        json!(["05".repeat(16), hex::encode("c-1")])
    );
    assert_eq!(rows[1]["cookies"][0], Value::Null);
    assert_eq!(rows[1]["consent_at"], json!(1_780_000_000));
}

#[test]
fn the_header_survives_its_schema() {
    for header in [crm_header(), graph_header()] {
        for mode in [UploadMode::Full, UploadMode::Add, UploadMode::Refresh] {
            let header = WireHeader {
                mode,
                ..header.clone()
            };
            let schema = header.to_schema().unwrap();
            assert_eq!(WireHeader::from_schema(&schema).unwrap(), header);
        }
    }
    let schema = bridge_header().to_schema().unwrap();
    assert_eq!(WireHeader::from_schema(&schema).unwrap(), bridge_header());
    for kind in [UploadKind::Crm, UploadKind::Graph] {
        let header = WireHeader {
            kind,
            ..removal_header()
        };
        let schema = header.to_schema().unwrap();
        assert_eq!(WireHeader::from_schema(&schema).unwrap(), header);
    }
}

#[test]
fn a_mode_that_is_not_said_is_full_and_may_be_said() {
    let mut schema = crm_header().to_schema().unwrap();
    assert!(!schema.metadata().contains_key("tamis.mode"));
    (schema.metadata).insert("tamis.mode".to_owned(), "full".to_owned());
    assert_eq!(WireHeader::from_schema(&schema).unwrap(), crm_header());
}

#[test]
fn a_removal_brings_tokens_and_nothing_else() {
    let schema = removal_header().to_schema().unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["email", "phone"]);
    let rows = read_all(&stream(&removal_header(), &removal_batch())).unwrap();
    let tokens = |row: usize| rows[row]["tokens"].clone();
    assert_eq!(tokens(0), json!(["01".repeat(16), null, null]));
    assert_eq!(tokens(1), json!([null, null, null]));
    assert_eq!(rows[2]["basis"], 0);
    assert_eq!(rows[2]["purposes"], 0);
    let with = WireHeader {
        segments: crm_header().segments,
        ..removal_header()
    };
    assert!(with.to_schema().is_err());
    let with = WireHeader {
        labels: graph_header().labels,
        ..removal_header()
    };
    assert!(with.to_schema().is_err());
}

#[test]
fn a_bridging_row_has_tokens_of_both_collaborations_side_by_side() {
    let schema = bridge_header().to_schema().unwrap();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let bridged = ["bridge:email", "bridge:phone", "bridge:postal", "basis"];
    assert_eq!(names[..3], ["email", "phone", "postal"]);
    assert_eq!(names[3..7], bridged);
    let rows = read_all(&stream(&bridge_header(), &bridge_batch())).unwrap();
    let of = |row: usize| rows[row]["bridged"].clone();
    assert_eq!(of(0), json!(["81".repeat(16), null, "82".repeat(16)]));
    assert_eq!(of(1), json!([null, "83".repeat(16), null]));
    assert_eq!(of(2), json!([null, null, null]));
    let own = json!(["01".repeat(16), null, "02".repeat(16)]);
    assert!(rows.iter().all(|row| row["tokens"] == own));
}

#[test]
fn only_a_full_graph_bridges_to_another_collaboration() {
    let with = |header: WireHeader| {
        let problem = header.to_schema().unwrap_err().to_string();
        assert!(problem.starts_with("schema metadata `tamis.bridge`"));
        problem
    };
    let bridge = bridge_header().bridge;
    for mode in [UploadMode::Add, UploadMode::Refresh] {
        let said = with(WireHeader {
            mode,
            ..bridge_header()
        });
        assert!(said.contains("belongs to a full graph"));
    }
    for header in [crm_header(), removal_header()] {
        let said = with(WireHeader {
            bridge: bridge.clone(),
            ..header
        });
        assert!(said.contains("belongs to a full graph"));
    }
    let own = crm_header().collaboration;
    for (id, part) in [
        (own.as_str(), "another collaboration"),
        ("", "32 lowercase"),
        ("FFEEDDCCBBAA99887766554433221100", "32 lowercase"),
        ("ffeeddccbbaa9988776655443322110", "32 lowercase"),
    ] {
        let said = with(WireHeader {
            bridge: Some(id.to_owned()),
            ..graph_header()
        });
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_full_batch_always_fits_in_a_message() {
    for mut header in [graph_header(), bridge_header()] {
        fills_one_message(&mut header);
    }
}

fn fills_one_message(header: &mut WireHeader) {
    header.labels = (0..MAX_DESTINATIONS)
        .map(|n| (format!("d{n}"), Some([1; 32])))
        .collect();
    let mut builder = BatchBuilder::new(header).unwrap();
    let label = [9; SEALED_COOKIE_BYTES];
    let cell = CookieCell {
        tag: [6; 16],
        cookie: &label,
    };
    let mut record = consent();
    record.source = Some("x".repeat(MAX_TEXT_BYTES));
    let cookies = vec![Some(cell); MAX_DESTINATIONS];
    let row = Row {
        tokens: [Some(Token([1; 16])); 3],
        consent: &record,
        segments: &[],
        cookies: &cookies,
    };
    let bridged = header.bridge.as_ref().map(|_| Token([3; 16]));
    while !builder.is_full() {
        builder.push_bridged(&row, [bridged; 3]).unwrap();
    }
    assert!(builder.push_row(&row).is_err());
    let rows = builder.len();
    assert_eq!(
        read_all(&stream(header, &builder.finish().unwrap()))
            .unwrap()
            .len(),
        rows
    );
}

#[test]
fn the_builder_refuses_what_the_service_would_refuse() {
    let mut builder = BatchBuilder::new(&crm_header()).unwrap();
    let record = consent();
    let row = Row {
        tokens: [None; 3],
        consent: &record,
        segments: &[2],
        cookies: &[],
    };
    assert!(builder.push_row(&row).is_err());
    let row = Row {
        tokens: [None, None, Some(Token([0; 16]))],
        segments: &[],
        ..row
    };
    assert!(builder.push_row(&row).is_err());
    assert!(builder.is_empty());
    // A bridged token where nothing is bridged, or of a type without a column.
    let row = Row {
        tokens: [None; 3],
        ..row
    };
    let token = Some(Token([0; 16]));
    let said = builder.push_bridged(&row, [token, None, None]);
    assert!(said.unwrap_err().to_string().contains("`bridge:email`"));
    let header = WireHeader {
        identifiers: vec![Email, Phone],
        labels: BTreeMap::new(),
        ..bridge_header()
    };
    let mut builder = BatchBuilder::new(&header).unwrap();
    assert!(builder.push_bridged(&row, [None, None, token]).is_err());
    assert!(builder.is_empty());
    builder.push_bridged(&row, [token, None, None]).unwrap();
}

proptest! {
    #[test]
    fn any_rows_survive(
        rows in proptest::collection::vec(
            (any::<[Option<[u8; 16]>; 3]>(), 0u32..1 << 24, any::<Option<i32>>(), ".{0,20}", any::<bool>(),
             proptest::option::of("[^\\p{Cc}]{1,15}")),
            0..40,
        ),
    ) {
        let mut builder = BatchBuilder::new(&graph_header()).unwrap();
        for (tokens, purposes, at, text, opposed, cookie) in &rows {
            let record = ConsentRecord {
                basis: opposed.then_some(Basis::PublicTask),
                purposes: Purposes(*purposes),
                given_at: at.map(|at| jiff::Timestamp::from_second(at.into()).unwrap()),
                notice_version: None,
                source: Some(text.clone()),
                opposed: *opposed,
                more: None,
            };
            let cell = cookie.as_ref().map(|cookie| CookieCell { tag: [1; 16], cookie: cookie.as_bytes() });
            let row = Row {
                tokens: tokens.map(|token| token.map(Token)),
                consent: &record,
                segments: &[],
                cookies: &[cell, None],
            };
            builder.push_row(&row).unwrap();
        }
        let batch = builder.finish().unwrap();
        let read = read_all(&stream(&graph_header(), &batch)).unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (found, (tokens, purposes, at, text, opposed, cookie)) in read.iter().zip(&rows) {
            let tokens = tokens.map(|token| token.map(hex::encode));
            prop_assert_eq!(&found["tokens"], &json!(tokens));
            prop_assert_eq!(&found["purposes"], &json!(purposes));
            prop_assert_eq!(&found["consent_at"], &json!(at));
            prop_assert_eq!(&found["source"], &json!(text));
            prop_assert_eq!(&found["opposed"], &json!(opposed));
            prop_assert_eq!(&found["cookies"][0][1], &json!(cookie.as_ref().map(hex::encode)));
        }
    }
}
