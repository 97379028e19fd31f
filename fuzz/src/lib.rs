//! Fuzz targets for every decoder that reads stored or received bytes.
//!
//! A target is a plain function of bytes: `fuzz_targets/guided.rs` hands it to libFuzzer, `main.rs` runs all of
//! them briefly on mutations of real encodings. What must hold of any input is checked by the target
//! itself, with a panic: a decoder answers or refuses; what is authenticated answers as before or not
//! at all; what it accepts, it writes again the same.

mod audit;
mod consent;
mod deletion;
mod log;
pub mod mutate;
mod received;
mod records;
mod resealed;
#[path = "../../tests/support/rows.rs"]
mod rows;
mod stored;
mod strings;
mod unsealed;

/// A decoder under test.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Feeds it; whether the bytes were accepted. Panics if something is wrong with the decoder.
    pub run: fn(&[u8]) -> bool,
    /// Real encodings to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How much longer an input takes than one of the cheapest targets: it gets fewer.
    pub cost: u32,
}

/// Every target.
pub const TARGETS: [Target; 31] = [
    target("record", consent::record, consent::records, 1),
    target("wire", received::wire, received::uploads, 1),
    target("ingest", received::ingest, received::uploads, 4),
    target("expression", received::expression, received::expressions, 1),
    target("terms", received::terms, received::all_terms, 1),
    target("delivery", received::delivery, received::messages, 1),
    target("envelope", received::envelope, received::envelopes, 1),
    target("deletion", deletion::request, deletion::requests, 2),
    target("discovery", deletion::resource, deletion::resources, 1),
    target("emitted", received::emitted, received::all_emitted, 1),
    target("tc_string", strings::tc_string, strings::tc_strings, 1),
    target("gpp_string", strings::gpp_string, strings::gpp_strings, 1),
    target("leaf", log::leaf, log::leaves, 1),
    target("proof", log::proof, log::proofs, 1),
    target("log", log::log, log::files, 10),
    target("archive", audit::archive, audit::archives, 1),
    target("pack", audit::pack, audit::files, 10),
    target("request", log::request, log::requests, 2),
    target("cosigned", log::cosignatures, log::cosigned, 2),
    target("spool", stored::spool, stored::spools, 2),
    target("list", stored::list, stored::lists, 1),
    target("members", stored::members, stored::member_files, 1),
    target("crm", stored::crm, stored::crm_files, 4),
    target("graph", stored::graph, stored::graph_files, 4),
    target("record_proof", records::proof, records::proofs, 1),
    target("ledger", records::ledger, records::ledger_files, 4),
    target("list_clear", unsealed::list, unsealed::lists, 1),
    target(
        "members_clear",
        unsealed::members,
        unsealed::member_files,
        1,
    ),
    target("crm_clear", unsealed::crm, unsealed::crm_files, 4),
    target("ledger_clear", records::clear, records::clear_files, 4),
    target("graph_clear", unsealed::graph, unsealed::graph_files, 4),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]) -> bool,
    seeds: fn() -> Vec<Vec<u8>>,
    cost: u32,
) -> Target {
    Target {
        name,
        run,
        seeds,
        cost,
    }
}

/// Runs the target of that name on `data`: what libFuzzer does.
///
/// # Panics
/// When the decoder did what it must not, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target").run)(data);
}

/// Where scratch files are: in memory if that is possible.
pub fn place() -> std::path::PathBuf {
    let shared = std::path::PathBuf::from("/dev/shm");
    match shared.is_dir() {
        true => shared,
        false => std::env::temp_dir(),
    }
}
