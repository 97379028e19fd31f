//! The report as tables for people.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use tamis_protocols::consent::DropReason;

use super::Quality;

/// Columns of the widest table: what the narrowest usual terminal shows.
const WIDTH: u16 = 79;
/// Segments that are listed; the others are in the JSON form.
const SEGMENTS_SHOWN: usize = 20;

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = percent(self.usable, self.rows);
        writeln!(
            f,
            "{}: {} rows, {} can take part ({share})",
            self.file,
            thousands(self.rows),
            thousands(self.usable)
        )?;
        self.write_identifiers(f)?;
        self.write_dropped(f)?;
        self.write_segments(f)?;
        self.write_cookies(f)?;
        for warning in &self.warnings {
            writeln!(f, "! {warning}")?;
        }
        Ok(())
    }
}

impl Quality {
    fn write_identifiers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = table([
            "column",
            "valid",
            "empty",
            "malformed",
            "duplicate",
            "hashed",
        ]);
        for column in &self.identifiers {
            let about = if column.duplicate_estimated {
                "≈"
            } else {
                ""
            };
            table.add_row([
                column.column.to_owned(),
                thousands(column.valid),
                thousands(column.empty),
                thousands(column.malformed),
                format!("{about}{}", thousands(column.duplicate)),
                thousands(column.already_hashed),
            ]);
        }
        write_table(f, table)?;
        let mut hints = Table::new();
        hints.load_style(TableStyle::new());
        for column in &self.identifiers {
            for hint in &column.hints {
                hints.add_row([format!("  {}", column.column), hint.clone()]);
            }
        }
        write_table(f, hints)
    }

    fn write_dropped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped.is_empty() {
            return Ok(());
        }
        let mut table = table(["left out by the terms", "rows", ""]);
        for (reason, rows) in &self.dropped {
            let hint = DropReason::parse(reason).map_or("", DropReason::hint);
            table.add_row([reason.replace('_', " "), thousands(*rows), hint.to_owned()]);
        }
        if let Some(hints) = table.column_mut(2) {
            hints.set_cell_alignment(CellAlignment::Left);
        }
        write_table(f, table)
    }

    fn write_segments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return Ok(());
        }
        let mut table = table(["segment", "rows"]);
        for (label, rows) in self.segments.iter().take(SEGMENTS_SHOWN) {
            table.add_row([label.clone(), thousands(*rows)]);
        }
        write_table(f, table)?;
        match self.segments.len().checked_sub(SEGMENTS_SHOWN) {
            Some(more @ 1..) => writeln!(f, "  and {more} more segments"),
            _ => Ok(()),
        }
    }

    fn write_cookies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cookies.is_empty() {
            return Ok(());
        }
        let mut table = table(["destination", "cookies", "rows without"]);
        for (name, cookies) in &self.cookies {
            table.add_row([
                name.clone(),
                thousands(cookies.present),
                thousands(cookies.empty),
            ]);
        }
        write_table(f, table)
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule));
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn write_table(f: &mut fmt::Formatter<'_>, mut table: Table) -> fmt::Result {
    if table.is_empty() {
        return Ok(());
    }
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    writeln!(f, "{}", table.trim_fmt())
}

/// `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(part: u64, whole: u64) -> String {
    match u128::from(part) * 100 / u128::from(whole.max(1)) {
        0 if part > 0 => "under 1 %".to_owned(),
        share => format!("{share} %"),
    }
}
