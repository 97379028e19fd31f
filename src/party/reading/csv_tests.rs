#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;

use proptest::prelude::*;

use super::*;

/// What a block says: its cells, ragged rows and their lines.
type Said = (Vec<Vec<String>>, u64, Vec<u64>);

fn said(block: Result<Block, SourceError>) -> Result<Said, String> {
    let block = block.map_err(|error| error.to_string())?;
    let row = |row| {
        (0..block.width)
            .map(|column| block.cell(row, column).to_owned())
            .collect()
    };
    let rows = (0..block.rows()).map(row).collect();
    Ok((rows, block.ragged, block.ragged_lines))
}

fn wanted() -> Arc<Wanted> {
    Arc::new(Wanted {
        columns: vec!["a".to_owned(), "b".to_owned()],
        chosen: vec![1, 0],
    })
}

fn piece(text: &[u8]) -> Piece {
    Piece {
        text: text.to_vec(),
        line: 1,
        position: text.len() as u64,
    }
}

fn records(text: &[u8]) -> Vec<ByteRecord> {
    let mut records = Vec::new();
    each_record(&piece(text), |_, record| {
        records.push(record.clone());
        Ok(())
    })
    .unwrap();
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn pieces_hold_the_records_and_the_bytes_of_the_whole_file(
        text in "[a\\\\,,\"\"\r\n\n é\u{feff}]{0,60}",
        rows in 1..4_usize,
        bytes in 1..30_usize,
        portion in 3..12_usize,
    ) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes();
        let mut cutter = Cutter::reading(file.path(), portion).unwrap();
        let (mut bytes_seen, mut records_seen) = (Vec::new(), Vec::new());
        while let Some(piece) = cutter.piece(rows, bytes).unwrap() {
            prop_assert_eq!(piece.line, 1 + line_ends(&bytes_seen));
            let of_piece = records(&piece.text);
            prop_assert!(of_piece.len() <= rows);
            records_seen.extend(of_piece);
            bytes_seen.extend(piece.text);
        }
        prop_assert_eq!(&bytes_seen, text);
        prop_assert_eq!(records_seen, records(text));
    }

    #[test]
    fn cells_that_are_found_are_those_that_would_be_copied(text in "[a,é \n]{0,40}|([a,\n]{0,4}\r\n){0,9}[a,]{0,3}") {
        prop_assert!(is_plain(text.as_bytes()));
        let copied = said(wanted().copied(&piece(text.as_bytes())));
        prop_assert_eq!(said(wanted().found(text, 1, 0)), copied);
    }

    #[test]
    fn broken_text_is_read_as_the_copying_reader_says(text in proptest::collection::vec(
        prop_oneof![Just(b'a'), Just(b','), Just(b'\n'), Just(0xc3), Just(0xa9), Just(b'"'), Just(b'\r')], 0..40,
    )) {
        let copied = said(wanted().copied(&piece(&text)));
        let block = CsvPiece { piece: piece(&text), wanted: wanted() }.block();
        prop_assert_eq!(said(block), copied);
    }
}
