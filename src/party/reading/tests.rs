#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int64Array, RecordBatch,
    StringArray, StringViewArray, TimestampMicrosecondArray, TimestampSecondArray,
};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Every row of every column, or the first error.
fn rows(bytes: &[u8]) -> Result<(Vec<Vec<String>>, u64), SourceError> {
    let file = file(bytes);
    let source = Source::open(file.path())?;
    let chosen: Vec<usize> = (0..source.columns.len()).collect();
    let (mut rows, mut ragged) = (Vec::new(), 0);
    for block in source.blocks(&chosen)? {
        let block = block?;
        ragged += block.ragged;
        let row = |row| {
            chosen
                .iter()
                .map(|column| block.cell(row, *column).to_owned())
                .collect()
        };
        rows.extend((0..block.rows()).map(row).collect::<Vec<Vec<String>>>());
    }
    Ok((rows, ragged))
}

#[test]
fn quotes_line_ends_and_the_byte_order_mark_are_read_as_rfc_4180_says() {
    let text = "\u{feff}email,name\r\n\"a@b.fr\",\"O\"\"Neil, \nAnn\"\r\nc@d.fr,é";
    let (rows, ragged) = rows(text.as_bytes()).unwrap();
    assert_eq!(rows, [["a@b.fr", "O\"Neil, \nAnn"], ["c@d.fr", "é"]]);
    assert_eq!(ragged, 0);
    let source = Source::open(file(text.as_bytes()).path()).unwrap();
    assert_eq!(source.columns, ["email", "name"]);
}

#[test]
fn rows_with_another_number_of_cells_are_left_out_and_named() {
    let file = file(b"a,b\n1,2\n3\n4,5,6\n\n7,8\n");
    let source = Source::open(file.path()).unwrap();
    let blocks: Vec<Block> = source.blocks(&[1]).unwrap().map(Result::unwrap).collect();
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].rows(), 2);
    assert_eq!((blocks[0].cell(0, 0), blocks[0].cell(1, 0)), ("2", "8"));
    assert_eq!(
        (blocks[0].ragged, &blocks[0].ragged_lines[..]),
        (2, &[3, 4][..])
    );
    assert_eq!(blocks[0].cell(9, 9), "");
}

#[test]
fn broken_utf8_is_refused_with_its_line_and_column() {
    let error = rows(b"email,name\na@b.fr,x\nb@c.fr,\xe9t\xe9\n").unwrap_err();
    let SourceError::NotUtf8 { line: 3, column } = error else {
        panic!("{error}");
    };
    assert_eq!(column, "name");
    assert!(matches!(
        rows(b"em\xffail\n"),
        Err(SourceError::NotUtf8 { line: 1, .. })
    ));
    // Lines that end in CR LF are counted alike, quoted line ends included.
    assert!(matches!(
        rows(b"email,name\r\na@b.fr,\"x\r\ny\"\r\nb@c.fr,z\r\nc@d.fr,\xe9\r\n"),
        Err(SourceError::NotUtf8 { line: 5, .. })
    ));
    // Half a character at the end of one cell does not make a whole one with the next cell.
    assert!(rows(b"a,b\n\xc3,\xa9\n").is_err());
}

#[test]
fn a_line_of_ten_megabytes_is_refused_with_its_number() {
    let mut text = b"email,name\na@b.fr,x\nb@c.fr,".to_vec();
    text.extend(std::iter::repeat_n(b'x', 10 << 20));
    text.extend(b"\nc@d.fr,y\n");
    assert!(matches!(rows(&text), Err(SourceError::TooLong { line: 3 })));
    let header = vec![b'x'; 10 << 20];
    assert!(matches!(
        rows(&header),
        Err(SourceError::TooLong { line: 1 })
    ));
}

#[test]
fn an_open_quote_does_not_swallow_the_rest_of_the_file() {
    let mut text = b"email,name\na@b.fr,\"x\n".to_vec();
    (0..200_000).for_each(|_| text.extend(b"c@d.fr,y\n"));
    assert!(matches!(rows(&text), Err(SourceError::TooLong { line: 2 })));
}

#[test]
fn a_record_just_under_the_limit_passes() {
    let mut text = b"a\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', MAX_RECORD_BYTES));
    text.extend(b"\n");
    assert_eq!(rows(&text).unwrap().0.len(), 1);
}

#[test]
fn files_that_are_no_csv_are_refused_with_what_to_do() {
    let refused = |bytes: &[u8]| Source::open(file(bytes).path()).err().unwrap().to_string();
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"\xff\xfea\0").contains("UTF-16"));
    assert!(refused(b"PK\x03\x04....").contains("spreadsheet"));
    assert!(refused(&[0x1f, 0x8b, 8, 0]).contains("gunzip"));
    assert!(refused(b"PAR1 but not really").contains("Parquet"));
    assert!(Source::open(Path::new("/nonexistent")).is_err());
}

#[test]
fn large_files_come_in_blocks_of_bounded_size() {
    let mut text = String::from("a,b\n");
    (0..10_000).for_each(|row| text.push_str(&format!("{row},x\n")));
    let file = file(text.as_bytes());
    let source = Source::open(file.path()).unwrap();
    let blocks: Vec<Block> = source.blocks(&[0]).unwrap().map(Result::unwrap).collect();
    assert!(blocks.iter().all(|block| block.rows() <= BLOCK_ROWS));
    let counts: Vec<usize> = blocks.iter().map(Block::rows).collect();
    assert_eq!(counts.iter().sum::<usize>(), 10_000);
    assert_eq!(blocks[1].cell(0, 0), "4096");
    assert_eq!(blocks.last().unwrap().position, text.len() as u64);
}

fn parquet_file(columns: Vec<(&str, ArrayRef)>) -> NamedTempFile {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = NamedTempFile::new().unwrap();
    let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

#[test]
fn parquet_values_read_as_the_same_values_in_csv() {
    let mut purposes = ListBuilder::new(Int64Builder::new());
    purposes.append_value([Some(1), Some(3), Some(4)]);
    purposes.append_null();
    let dictionary: DictionaryArray<Int32Type> = vec![Some("gold"), None].into_iter().collect();
    let columns: Vec<(&str, ArrayRef, [&str; 2])> = vec![
        (
            "text",
            Arc::new(StringArray::from(vec![Some("é"), None])),
            ["é", ""],
        ),
        (
            "view",
            Arc::new(StringViewArray::from(vec!["a", "b"])),
            ["a", "b"],
        ),
        (
            "number",
            Arc::new(Int64Array::from(vec![Some(-7), None])),
            ["-7", ""],
        ),
        (
            "yes",
            Arc::new(BooleanArray::from(vec![true, false])),
            ["1", "0"],
        ),
        (
            "day",
            Arc::new(Date32Array::from(vec![20_779, -1])),
            ["2026-11-22", "1969-12-31"],
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC")),
            ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000001Z"],
        ),
        (
            "seconds",
            Arc::new(TimestampSecondArray::from(vec![1_777_957_200, i64::MAX])),
            ["2026-05-05T05:00:00Z", ""],
        ),
        ("list", Arc::new(purposes.finish()), ["1 3 4", ""]),
        ("dictionary", Arc::new(dictionary), ["gold", ""]),
    ];
    let file = parquet_file(
        columns
            .iter()
            .map(|(name, array, _)| (*name, array.clone()))
            .collect(),
    );
    let source = Source::open(file.path()).unwrap();
    assert_eq!(source.columns.len(), columns.len());
    // Backwards, and one column twice: cells follow what was chosen, not the file.
    let mut chosen: Vec<usize> = (0..columns.len()).rev().collect();
    chosen.push(0);
    let blocks: Vec<Block> = source
        .blocks(&chosen)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        (blocks.len(), blocks[0].rows(), blocks[0].position),
        (1, 2, source.length)
    );
    for (place, column) in chosen.iter().enumerate() {
        for row in 0..2 {
            let (name, _, expected) = &columns[*column];
            assert_eq!(blocks[0].cell(row, place), expected[row], "{name}");
        }
    }
}

#[test]
fn a_parquet_column_without_plain_text_is_refused_by_name() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![2765.0]));
    let file = parquet_file(vec![("postcode", floats)]);
    let source = Source::open(file.path()).unwrap();
    let error = source.blocks(&[0]).err().unwrap();
    assert!(matches!(error, SourceError::ColumnType { column, .. } if column == "postcode"));
    assert!(source.blocks(&[]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), parquet in any::<bool>()) {
        let mut all = if parquet { b"PAR1".to_vec() } else { Vec::new() };
        all.extend(bytes);
        if parquet {
            all.extend(b"PAR1");
        }
        let _ = rows(&all);
    }

    #[test]
    fn cells_written_with_quotes_come_back(cells in proptest::collection::vec("\\PC{0,12}|[\",\n\r ]{0,5}", 3..30)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in cells.chunks_exact(3) {
            writer.write_record(row).unwrap();
        }
        let (found, ragged) = rows(&writer.into_inner().unwrap()).unwrap();
        let wrote: Vec<Vec<String>> = cells.chunks_exact(3).map(<[String]>::to_vec).collect();
        prop_assert_eq!(found, wrote);
        prop_assert_eq!(ragged, 0);
    }
}
