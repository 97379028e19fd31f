//! What the decoder refuses, and in which words.

use super::*;

#[test]
fn a_stream_cut_anywhere_is_cut_short() {
    let bytes = stream(&graph_header(), &graph_batch());
    for end in 0..bytes.len() {
        assert!(
            matches!(read_all(&bytes[..end]), Err(WireError::CutShort)),
            "{end}"
        );
    }
    let longer = [bytes, vec![0]].concat();
    assert!(error(&longer).contains("after the end marker"));
}

#[test]
fn a_source_that_fails_is_not_blamed_on_the_content() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk"))
        }
    }
    assert!(matches!(StreamDecoder::new(Broken), Err(WireError::Io(_))));
}

#[test]
fn every_wrong_value_is_refused_by_row_and_column() {
    let (header, batch) = (crm_header(), crm_batch());
    let basis: ArrayRef = Arc::new(UInt8Array::from(vec![1, 7, 1]));
    assert!(
        error(&with_column(&header, &batch, "basis", basis)).starts_with("row 1, column `basis`")
    );
    let purposes: ArrayRef = Arc::new(UInt32Array::from(vec![1, 1, 1 << 24]));
    assert!(error(&with_column(&header, &batch, "purposes", purposes)).starts_with("row 2"));
    let long = "x".repeat(257);
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some(long.as_str()), None, None]));
    assert!(error(&with_column(&header, &batch, "source", text)).starts_with("row 0"));
    let graph = graph_batch();
    let cookies: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![None, Some(b"c"), None]));
    let unpaired = with_column(&graph_header(), &graph, "cookie:dmp-b", cookies);
    assert!(error(&unpaired).contains("tag and cookie must both be there"));
    let mut twice = crm_header();
    twice.segments[1] = twice.segments[0].clone();
    assert!(twice.to_schema().is_err());
}

#[test]
fn segments_that_do_not_exist_or_repeat_are_refused() {
    use arrow_array::builder::{ListBuilder, UInt16Builder};
    for list in [vec![2], vec![1, 0], vec![0, 0]] {
        let item = Arc::new(Field::new("item", DataType::UInt16, false));
        let mut builder = ListBuilder::new(UInt16Builder::new()).with_field(item);
        for row in [&list[..], &[], &[]] {
            builder.values().append_slice(row);
            builder.append(true);
        }
        let column: ArrayRef = Arc::new(builder.finish());
        let bytes = with_column(&crm_header(), &crm_batch(), "segments", column);
        assert!(error(&bytes).starts_with("row 0, column `segments`"));
    }
}

#[test]
fn other_columns_or_metadata_are_refused() {
    for header in [crm_header(), bridge_header()] {
        refuses_what_is_not_said_of(&header);
    }
}

fn refuses_what_is_not_said_of(header: &WireHeader) {
    let schema = header.to_schema().unwrap();
    for key in schema.metadata().keys() {
        let mut metadata = schema.metadata().clone();
        metadata.remove(key);
        let changed = Schema::new_with_metadata(schema.fields().clone(), metadata);
        assert!(WireHeader::from_schema(&changed).is_err(), "{key}");
    }
    for position in 0..schema.fields().len() {
        let mut fields = schema.fields().to_vec();
        let field = fields[position].as_ref().clone();
        fields[position] = Arc::new(field.clone().with_nullable(!field.is_nullable()));
        let changed = Schema::new_with_metadata(fields.clone(), schema.metadata().clone());
        assert!(WireHeader::from_schema(&changed).is_err(), "{field}");
        fields[position] = Arc::new(field.with_data_type(DataType::Float32));
        let changed = Schema::new_with_metadata(fields, schema.metadata().clone());
        assert!(WireHeader::from_schema(&changed).is_err());
    }
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new("email_plain", DataType::Utf8, true)));
    let extra = Schema::new_with_metadata(fields, schema.metadata().clone());
    assert!(matches!(
        WireHeader::from_schema(&extra),
        Err(WireError::Columns { .. })
    ));
}

#[test]
fn a_claimed_size_costs_no_memory_and_is_refused() {
    let mut bytes = vec![0xff; 4];
    bytes.extend(u32::MAX.to_le_bytes());
    assert!(error(&bytes).contains("too large"));
    let mut bytes = vec![0xff; 4];
    bytes.extend((1u32 << 20).to_le_bytes());
    assert!(matches!(read_all(&bytes), Err(WireError::CutShort)));
}

#[test]
fn an_older_framing_and_an_empty_stream_are_refused() {
    let batch = crm_batch();
    let options = IpcWriteOptions::try_new(8, true, arrow_ipc::MetadataVersion::V4).unwrap();
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    assert!(error(&writer.into_inner().unwrap()).contains("continuation marker"));
    assert!(matches!(read_all(&[]), Err(WireError::CutShort)));
    assert!(error(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).contains("no schema"));
}

#[test]
fn an_open_cookie_that_is_no_cookie_is_refused_by_reader_and_builder() {
    let longest = "z".repeat(64);
    for bad in [&b"a\nb"[..], b"\x1b[2J", b"c\xff", b"", longest.as_bytes()] {
        let cookies: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(bad), None, None]));
        let bytes = with_column(&graph_header(), &graph_batch(), "cookie:dmp-b", cookies);
        assert!(error(&bytes).starts_with("row 0, column `cookie:dmp-b`: must be"));
        let cell = CookieCell {
            tag: [1; 16],
            cookie: bad,
        };
        let row = Row {
            tokens: [None; 3],
            consent: &consent(),
            segments: &[],
            cookies: &[Some(cell), None],
        };
        let mut builder = BatchBuilder::new(&graph_header()).unwrap();
        assert!(builder.push_row(&row).is_err());
        assert!(builder.is_empty());
    }
}

#[test]
fn no_flipped_bit_makes_the_decoder_panic() {
    for bytes in [
        stream(&crm_header(), &crm_batch()),
        stream(&graph_header(), &graph_batch()),
        stream(&removal_header(), &removal_batch()),
        stream(&bridge_header(), &bridge_batch()),
    ] {
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = read_all(&bytes);
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = read_all(&bytes);
        let framed = [&[0xff; 4][..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat();
        let _ = read_all(&framed);
    }

    #[test]
    fn damaged_streams_never_panic(
        graph in any::<bool>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = match graph {
            true => stream(&graph_header(), &graph_batch()),
            false => stream(&crm_header(), &crm_batch()),
        };
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read_all(&bytes);
    }
}
