//! A synthetic population for `demo --rows`: an advertiser's CRM and an onboarder's graph of the same
//! size, with the columns of the example files, about 40 % overlap and a realistic mix of gaps, spellings,
//! segments, consent and cookies. The same seed and size give the same bytes. Everybody is invented.
//!
//! Platinum customers are active, save a handful: the audience `platinum-inactive` stays below any
//! minimum. Under about 5,000 rows other audiences may fall below it too. Memory: one line of each file;
//! the two files are written at the same time.

mod names;
mod people;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use people::{Dice, Person};

/// The day that consent dates count back from; judge the files on it.
pub const AS_OF: Date = date(2026, 11, 22);

/// Days back that are ever needed.
const DAYS: usize = 1_000;

/// People of the graph that are in the CRM too, in percent of the rows.
const OVERLAP: u64 = 40;
/// Second rows of such people, in percent of the rows.
const SECOND_ROWS: u64 = 4;

/// Platinum customers that are inactive, at most.
const PLATINUM_INACTIVE: u64 = 40;

const CRM_HEADER: &str = "customer_id,email,phone,given_name,surname,street_number,address_1,address_2,suburb,postcode,state,date_of_birth,loyalty,status,last_purchase,consent_basis,consent_purposes,consent_at,notice_version,consent_source,opposed";
const GRAPH_HEADER: &str = "graph_id,email,phone,given_name,surname,street_number,address_1,address_2,suburb,postcode,state,date_of_birth,cookie_dsp_a,cookie_dmp_b,consent_purposes,consent_at,last_seen";

const CONTACTS_HEADER: &str = "email,phone,consent_basis,consent_purposes,consent_at";

/// Writes `crm.csv` and `graph.csv` of `rows` rows each into `dir`, which must exist.
pub fn write(dir: &Path, rows: u64, seed: u64) -> io::Result<()> {
    let population = Population::new(rows, seed);
    std::thread::scope(|scope| {
        let crm = scope.spawn(|| population.write_crm(&dir.join("crm.csv")));
        let graph = population.write_graph(&dir.join("graph.csv"));
        let stopped = |_| Err(io::Error::other("the writing thread stopped"));
        crm.join().unwrap_or_else(stopped).and(graph)
    })
}

/// Writes `rows` customers who all gave e-mail, phone and valid consent, in five columns
/// (`email,phone,consent_basis,consent_purposes,consent_at`) and the spellings of the CRM: what the
/// preparation of files is measured on.
pub fn write_contacts(path: &Path, rows: u64, seed: u64) -> io::Result<()> {
    let population = Population::new(rows, seed);
    population.lines(path, CONTACTS_HEADER, |row, line| {
        population.contact(population.permuted(row, 0), line);
    })
}

struct Population {
    rows: u64,
    seed: u64,
    /// Dates by days before [`AS_OF`].
    dates: Vec<String>,
    /// Factor and shift of each shuffle.
    shuffles: [(u128, u128); 3],
}

impl Population {
    fn new(rows: u64, seed: u64) -> Population {
        let back = |days: usize| AS_OF.saturating_sub((days as i64).days()).to_string();
        let dates = (0..DAYS).map(back).collect();
        let shuffle = |table: usize| {
            let mut dice = Dice::of(seed, 10 + table as u64, 0);
            let modulus = u128::from(rows.max(1));
            let mut factor = u128::from(dice.next()) % modulus;
            while gcd(factor, modulus) != 1 {
                factor += 1;
            }
            (factor, u128::from(dice.next()))
        };
        Population {
            rows,
            seed,
            dates,
            shuffles: std::array::from_fn(shuffle),
        }
    }

    fn write_crm(&self, path: &Path) -> io::Result<()> {
        self.lines(path, CRM_HEADER, |row, line| {
            self.customer(self.permuted(row, 0), line);
        })
    }

    fn write_graph(&self, path: &Path) -> io::Result<()> {
        let known = self.rows * OVERLAP / 100;
        let second = self.rows * SECOND_ROWS / 100;
        self.lines(path, GRAPH_HEADER, |row, line| {
            let row = self.permuted(row, 1);
            let person = match row {
                row if row < known => self.permuted(row, 2),
                row if row < known + second => self.permuted(row - known, 2),
                row => self.rows + row,
            };
            self.browser(row, person, line);
        })
    }

    fn lines(&self, path: &Path, header: &str, write: impl Fn(u64, &mut String)) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        writeln!(out, "{header}")?;
        let mut line = String::with_capacity(512);
        for row in 0..self.rows {
            line.clear();
            write(row, &mut line);
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        out.flush()
    }

    /// A customer's line. Writing to a String never fails.
    fn customer(&self, number: u64, out: &mut String) {
        let person = Person::new(self.seed, number);
        let mut dice = Dice::of(self.seed, 2, number);
        let _ = write!(out, "C{number:07},");
        match dice.below(100) {
            0..92 => person.write_email(&mut dice, out),
            92..94 => out.push_str("not-an-email"),
            94..96 => out.push_str("n/a"),
            96..97 => out.push_str("foo@@bar"),
            _ => {}
        }
        out.push(',');
        match dice.below(100) {
            0..70 => person.write_phone(&mut dice, out),
            70..75 => out.push_str("0000"),
            75..80 => out.push_str("12"),
            _ => {}
        }
        out.push(',');
        person.write_address(&mut dice, out);
        let loyalty = match dice.below(100) {
            0..62 => "bronze",
            62..85 => "silver",
            85..98 => "gold",
            _ => "platinum",
        };
        let inactive = dice.chance(34) && (loyalty != "platinum" || number < PLATINUM_INACTIVE);
        let status = if inactive { "inactive" } else { "active" };
        let _ = write!(out, ",{loyalty},{status},{},", self.date(dice.below(900)));
        let (basis, purposes) = match dice.below(100) {
            0..78 => ("consent", PURPOSES),
            78..91 => ("legitimate_interest", PURPOSES),
            _ => ("", &[""; 5]),
        };
        if basis.is_empty() {
            out.push_str(",,,,");
        } else {
            let (days, hour) = (dice.below(800), dice.below(24));
            let notice = if days < 250 { "v4.0" } else { "v3.2" };
            let source = dice.pick(&["app", "store", "newsletter", "checkout"]);
            let purposes = dice.pick(purposes);
            let date = self.date(days + 1);
            let _ = write!(
                out,
                "{basis},{purposes},{date}T{hour:02}:00:00Z,{notice},{source}"
            );
        }
        out.push_str(if dice.chance(3) { ",1" } else { "," });
    }

    /// A contact's line.
    fn contact(&self, number: u64, out: &mut String) {
        let person = Person::new(self.seed, number);
        let mut dice = Dice::of(self.seed, 4, number);
        person.write_email(&mut dice, out);
        out.push(',');
        person.write_phone(&mut dice, out);
        let (days, hour) = (dice.below(700), dice.below(24));
        let _ = write!(
            out,
            ",consent,1 3 4,{}T{hour:02}:00:00Z",
            self.date(days + 1)
        );
    }

    /// A graph row's line.
    fn browser(&self, row: u64, number: u64, out: &mut String) {
        let person = Person::new(self.seed, number);
        let mut dice = Dice::of(self.seed, 3, row);
        let _ = write!(out, "G{row:08},");
        let by_phone = dice.chance(32);
        let by_email = !by_phone || dice.chance(65);
        if by_email {
            person.write_email(&mut dice, out);
        }
        out.push(',');
        if by_phone {
            person.write_phone(&mut dice, out);
        }
        out.push(',');
        if dice.chance(57) {
            person.write_address(&mut dice, out);
        } else {
            out.push_str(",,,,,,,,");
        }
        out.push(',');
        if dice.chance(83) {
            let (high, low) = (dice.next(), dice.next());
            let _ = write!(
                out,
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xffff,
                low >> 48,
                low & 0xffff_ffff_ffff
            );
        }
        out.push(',');
        if dice.chance(40) {
            let _ = write!(out, "{:019}", dice.next() % 10_000_000_000_000_000_000);
        }
        let (days, seen) = (dice.below(430), dice.below(180));
        match dice.below(100) {
            0..60 => out.push_str(",1 3 4,"),
            60..88 => out.push_str(",1 2 3 4 7,"),
            88..95 => out.push_str(",1 2 7,"),
            _ => {
                let _ = write!(out, ",,,{}", self.date(seen));
                return;
            }
        }
        let _ = write!(out, "{}T12:00:00Z,{}", self.date(days + 1), self.date(seen));
    }

    fn date(&self, days: u64) -> &str {
        self.dates.get(days as usize).map_or("", String::as_str)
    }

    /// A fixed shuffle of `0..rows` for each `table`, 0 to 2: an affine map modulo the number of rows.
    fn permuted(&self, row: u64, table: usize) -> u64 {
        let (factor, shift) = self.shuffles[table];
        let rows = u128::from(self.rows.max(1));
        ((u128::from(row) * factor + shift) % rows) as u64
    }
}

/// Purposes of customers' consent; the last two do not cover advertising.
const PURPOSES: &[&str; 5] = &["1 3 4", "1 2 3 4 7", "1 3 4 9", "2 7", "1 7"];

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
