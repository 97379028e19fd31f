//! Objects with a file of their own: what each must hold, and what to do when it does not.

use std::io::Read;
use std::path::{Path, PathBuf};

use tamis_keys::Secret;
use tamis_keys::purpose::Data;

use super::{Finding, files};
use crate::domain::id::Id;
use crate::domain::state::{self, State};
use crate::service::Service;
use crate::service::files::{Kind, Object as Keyed, remove};
use crate::service::work::open::Layers;
use crate::sets::members::{self, MemberFile};
use crate::sets::{self, Layer, SealedSet, SetError, Spool};
use crate::store::inventory::Table;
use crate::store::uploads::Upload;
use crate::store::{StoreError, emissions, members as stored, withdrawals};

/// A row, and which kinds of file may stand for it; the first one is what it is counted as.
pub(super) struct Object {
    row: Row,
    pub(super) kinds: Vec<Kind>,
}

enum Row {
    Upload(Box<Upload>, Layers),
    Withdrawal(withdrawals::Withdrawal),
    Members(stored::MemberFile),
    Emission(emissions::EmissionFile),
}

/// What is wrong with one file, in a sentence.
type Problem = String;

impl Object {
    /// An upload, the layers of its set, and whether these are one by now, or will be.
    pub(super) fn upload(upload: Upload, layers: Layers, compacted: bool) -> Object {
        let mut kinds = match upload.state {
            state::Upload::Sealed => vec![Kind::Sets],
            state::Upload::Sealing => vec![Kind::Spools, Kind::Sets],
            _ => vec![Kind::Spools],
        };
        if compacted {
            kinds.push(Kind::Compacted);
        }
        let row = Row::Upload(Box::new(upload), layers);
        Object { row, kinds }
    }

    pub(super) fn withdrawal(withdrawal: withdrawals::Withdrawal) -> Object {
        Object {
            row: Row::Withdrawal(withdrawal),
            kinds: vec![Kind::Withdrawals],
        }
    }

    pub(super) fn member_file(file: stored::MemberFile) -> Object {
        Object {
            row: Row::Members(file),
            kinds: vec![Kind::Members],
        }
    }

    pub(super) fn emission(file: emissions::EmissionFile) -> Object {
        Object {
            row: Row::Emission(file),
            kinds: vec![Kind::Emissions],
        }
    }

    /// Reads all of it. The bytes on the disk, and what is wrong.
    pub(super) fn check(self, service: &Service) -> (u64, Vec<Finding>) {
        let all = service.files();
        match &self.row {
            Row::Upload(upload, layers) => {
                let id = upload.id;
                let places = [all.spool(id), all.set(id), all.compacted(id)];
                let bytes = places.iter().map(|path| size(path)).sum();
                (bytes, check_upload(service, upload, layers, &places))
            }
            Row::Withdrawal(found) => {
                let path = all.withdrawal(found.id);
                let problem = check_withdrawal(service, found, &path).err();
                let finding = problem.map(|problem| Finding {
                    object: format!("withdrawal {}", found.id),
                    problem,
                    next: format!(
                        "Restore withdrawals/{} from a backup: until then nothing of its \
                         collaboration is matched or delivered.",
                        found.id
                    ),
                });
                (size(&path), finding.into_iter().collect())
            }
            Row::Members(found) => {
                let path = all.members(found.id);
                let problem = check_members(service, found, &path).err();
                let finding = problem.map(|problem| Finding {
                    object: format!("member file {}", found.id),
                    problem,
                    next: format!(
                        "Restore members/{} from a backup: until then `{}` cannot be told who \
                         joins and leaves this audience.",
                        found.id, found.destination
                    ),
                });
                (size(&path), finding.into_iter().collect())
            }
            Row::Emission(found) => {
                let path = all.emission(found.id);
                let problem = check_emission(service, found, &path).err();
                let finding = problem.map(|problem| Finding {
                    object: format!("emission file {}", found.id),
                    problem,
                    next: format!(
                        "Restore emissions/{} from a backup: until then no audience of its \
                         advertiser and partner is decided at its destination.",
                        found.id
                    ),
                });
                (size(&path), finding.into_iter().collect())
            }
        }
    }
}

/// `places` are those of the spool, of the layer, and of the one layer that its set was compacted to.
fn check_upload(
    service: &Service,
    upload: &Upload,
    layers: &Layers,
    [spool, set, compacted]: &[PathBuf; 3],
) -> Vec<Finding> {
    let finding = |problem: Problem, next: String| Finding {
        object: format!(
            "upload {} ({} of `{}`, {})",
            upload.id,
            upload.kind.as_str(),
            upload.owner,
            upload.state.as_str()
        ),
        problem,
        next,
    };
    let again = |dir: &str| {
        format!(
            "Restore {dir}/{} from a backup, or ask `{}` to send the file again.",
            upload.id, upload.owner
        )
    };
    let object = Keyed::Upload(upload.id);
    let key = match service.key(object, &upload.wrapped_key) {
        Ok(key) => key,
        Err(error) => return vec![finding(error.to_string(), again_with_key())],
    };
    let mut findings = Vec::new();
    if upload.state == state::Upload::Sealed {
        let checked = check_layer(upload, set, &key);
        findings.extend(checked.err().map(|problem| finding(problem, again("sets"))));
        if layers.are_compacted() {
            let checked = SealedSet::compacted(compacted, &key, &upload.id.to_string());
            let problem = checked.and_then(|set| set.verify()).err();
            findings.extend(problem.map(|error| finding(words(error), again("compacted"))));
        }
        if findings.is_empty() {
            let opened = service.open_set(layers).err();
            let next = "Look at the findings about the uploads that it was added to.".to_owned();
            findings.extend(opened.map(|error| finding(error.to_string(), next)));
        }
        return findings;
    }
    let checked = check_spool(upload, spool, &key, &object.context());
    findings.extend(
        checked
            .err()
            .map(|problem| finding(problem, again("uploads"))),
    );
    if set.exists() {
        let checked = Layer::open(set, &key, &upload.id.to_string());
        if let Err(error) = checked.and_then(|layer| layer.verify()) {
            findings.push(finding(
                format!("a set is visible that is not whole: {error}"),
                "Nothing is lost: the next start seals the upload anew. Please report this."
                    .to_owned(),
            ));
        }
    }
    findings
}

/// The words for a key that does not open.
fn again_with_key() -> String {
    "Check that the key-encryption key is the one that this database was made with.".to_owned()
}

fn check_layer(upload: &Upload, path: &Path, key: &Secret<Data>) -> Result<(), Problem> {
    let layer = Layer::open(path, key, &upload.id.to_string()).map_err(words)?;
    layer.verify().map_err(words)?;
    let report = upload.report.as_deref().map(serde_json::from_str);
    match report {
        Some(Ok(report)) if *layer.report() == report => Ok(()),
        _ => Err("the set is not the one that was reported to its owner".to_owned()),
    }
}

/// A spool may end in the middle of a frame that nobody was told is kept; then what the next append
/// would find is looked at on a copy.
fn check_spool(
    upload: &Upload,
    path: &Path,
    key: &Secret<Data>,
    context: &str,
) -> Result<(), Problem> {
    let receiving = upload.state == state::Upload::Receiving;
    if receiving && upload.received == 0 && !path.exists() {
        return Ok(());
    }
    let held = match held(path, key, context) {
        Err(SetError::Damaged { .. }) if receiving => {
            let copy = Copied::of(path)?;
            Spool::open(&copy.0, key, context)
                .map(drop)
                .map_err(words)?;
            held(&copy.0, key, context).map_err(words)?
        }
        other => other.map_err(words)?,
    };
    let acknowledged = match receiving {
        true => upload.received,
        false => upload.length,
    };
    match held >= acknowledged && held <= upload.length {
        true => Ok(()),
        false => Err(format!(
            "the spool holds {held} bytes; {acknowledged} were acknowledged"
        )),
    }
}

/// Decrypts a whole spool; the bytes of the upload in it.
fn held(path: &Path, key: &Secret<Data>, context: &str) -> Result<u64, SetError> {
    let mut reader = Spool::reader(path, key, context)?;
    let (mut chunk, mut held) = (vec![0; 64 << 10], 0);
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(held),
            Ok(read) => held += read as u64,
            Err(error) => return Err(error.downcast::<SetError>().unwrap_or_else(unknown)),
        }
    }
}

/// A copy beside the original, which the next start would sweep.
struct Copied(PathBuf);

impl Copied {
    fn of(path: &Path) -> Result<Copied, Problem> {
        let copied = Copied(path.with_extension("check"));
        std::fs::copy(path, &copied.0)
            .map_err(|error| format!("cannot be copied to be looked at: {error}"))?;
        Ok(copied)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = remove(&self.0);
    }
}

fn check_withdrawal(
    service: &Service,
    found: &withdrawals::Withdrawal,
    path: &Path,
) -> Result<(), Problem> {
    let object = Keyed::Withdrawal(found.id);
    let key = service.key(object, &found.wrapped_key);
    let key = key.map_err(|error| error.to_string())?;
    let tokens = sets::read_tokens(path, &key, &object.context()).map_err(words)?;
    match tokens.len() as u64 == found.tokens {
        true => Ok(()),
        false => Err("the list has another number of tokens than was acknowledged".to_owned()),
    }
}

fn check_members(
    service: &Service,
    found: &stored::MemberFile,
    path: &Path,
) -> Result<(), Problem> {
    let object = Keyed::Members(found.id);
    let key = service.key(object, &found.wrapped_key);
    let key = key.map_err(|error| error.to_string())?;
    let file = MemberFile::open(path, &key, &object.context()).map_err(words)?;
    for change in members::changes(None, &file) {
        change.map_err(words)?;
    }
    Ok(())
}

fn check_emission(
    service: &Service,
    found: &emissions::EmissionFile,
    path: &Path,
) -> Result<(), Problem> {
    let object = Keyed::Emission(found.id);
    let key = service.key(object, &found.wrapped_key);
    let key = key.map_err(|error| error.to_string())?;
    sets::read_emission(path, &key, &object.context())
        .map(drop)
        .map_err(words)
}

/// A row that this program cannot have written.
pub(super) fn unreadable_row(table: Table, id: Id, error: &StoreError) -> Finding {
    let what = match table {
        Table::Uploads => "upload",
        Table::Withdrawals => "withdrawal",
        Table::MemberFiles => "member file",
        Table::Emissions => "emission file",
    };
    Finding {
        object: format!("{what} {id}"),
        problem: error.to_string(),
        next: "Restore the database from a backup of the same moment as the data directory."
            .to_owned(),
    }
}

/// What may stand for a row that cannot be read.
pub(super) fn all_kinds(table: Table) -> Vec<Kind> {
    match table {
        Table::Uploads => vec![Kind::Spools, Kind::Sets, Kind::Compacted],
        Table::Withdrawals => vec![Kind::Withdrawals],
        Table::MemberFiles => vec![Kind::Members],
        Table::Emissions => vec![Kind::Emissions],
    }
}

fn words(error: SetError) -> Problem {
    error.to_string()
}

fn unknown(source: std::io::Error) -> SetError {
    let file = "spool".to_owned();
    SetError::Io { file, source }
}

fn size(path: &Path) -> u64 {
    files::size(path).unwrap_or_default()
}
