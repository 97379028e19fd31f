//! An Arrow value as the text that the same value has in a CSV file.

use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowDictionaryKeyType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use jiff::{Timestamp, ToSpan as _};

/// Whether [`write`] knows the type.
pub(super) fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        DataType::Date32 | DataType::Timestamp(..) | DataType::Null => true,
        DataType::List(item) => is_readable(item.data_type()),
        DataType::Dictionary(key, value) => {
            matches!(**key, DataType::Int8 | DataType::Int16 | DataType::Int32)
                && is_readable(value)
        }
        kind => kind.is_integer(),
    }
}

/// Appends the valid value at `row`: numbers in decimal, times in RFC 3339, list items between spaces.
pub(super) fn write(column: &ArrayRef, row: usize, out: &mut String) {
    let mut integer = |value: i128| {
        // Writing to a String never fails.
        let _ = write!(out, "{value}");
    };
    match column.data_type() {
        DataType::Utf8 => out.push_str(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(column.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(column.as_string_view().value(row)),
        DataType::Boolean => out.push(if column.as_boolean().value(row) {
            '1'
        } else {
            '0'
        }),
        DataType::Int8 => integer(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => integer(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => integer(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => integer(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt8 => integer(column.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => integer(column.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => integer(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => integer(column.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Date32 => date(column.as_primitive::<Date32Type>().value(row), out),
        DataType::Timestamp(unit, _) => time(timestamp(column, *unit, row), out),
        DataType::List(_) => list(&column.as_list::<i32>().value(row), out),
        DataType::Dictionary(..) => dictionary(column, row, out),
        _ => {}
    }
}

fn list(items: &ArrayRef, out: &mut String) {
    for item in (0..items.len()).filter(|item| items.is_valid(*item)) {
        if !out.is_empty() {
            out.push(' ');
        }
        write(items, item, out);
    }
}

fn dictionary(column: &ArrayRef, row: usize, out: &mut String) {
    fn entry<K: ArrowDictionaryKeyType>(
        column: &ArrayRef,
        row: usize,
    ) -> Option<(&ArrayRef, usize)> {
        let column = column.as_dictionary_opt::<K>()?;
        Some((column.values(), column.key(row)?))
    }
    let entry = entry::<Int32Type>(column, row)
        .or_else(|| entry::<Int16Type>(column, row))
        .or_else(|| entry::<Int8Type>(column, row));
    if let Some((values, place)) = entry.filter(|(values, place)| values.is_valid(*place)) {
        write(values, place, out);
    }
}

/// Days since 1970 as a date; out of range, nothing.
fn date(days: i32, out: &mut String) {
    let start = jiff::civil::date(1970, 1, 1);
    let date = 0
        .days()
        .try_days(days)
        .and_then(|span| start.checked_add(span));
    if let Ok(date) = date {
        let _ = write!(out, "{date}");
    }
}

/// The instant, in nanoseconds since 1970; without a time zone it is taken as UTC.
fn timestamp(column: &ArrayRef, unit: TimeUnit, row: usize) -> i128 {
    let (value, scale) = match unit {
        TimeUnit::Second => (
            column.as_primitive::<TimestampSecondType>().value(row),
            1_000_000_000,
        ),
        TimeUnit::Millisecond => (
            column.as_primitive::<TimestampMillisecondType>().value(row),
            1_000_000,
        ),
        TimeUnit::Microsecond => (
            column.as_primitive::<TimestampMicrosecondType>().value(row),
            1_000,
        ),
        TimeUnit::Nanosecond => (
            column.as_primitive::<TimestampNanosecondType>().value(row),
            1,
        ),
    };
    i128::from(value) * scale
}

/// The instant in RFC 3339; out of range, nothing.
fn time(nanoseconds: i128, out: &mut String) {
    if let Ok(at) = Timestamp::from_nanosecond(nanoseconds) {
        let _ = write!(out, "{at}");
    }
}
