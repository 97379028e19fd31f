//! What a kill cannot show, since the system keeps what was written: whether a power cut could take it.
//!
//! Walks the calls of a run without faults. A file or directory is renamed to its final name only when
//! all of it is synced; and when something is acknowledged, everything under a final name is synced,
//! and so are the names themselves.

use std::collections::BTreeSet;
use std::path::Path;

use super::strace::{parsed, paths};

/// Paths with content, and names, that a power cut could take.
#[derive(Default)]
struct Loose {
    content: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// Every place where something was relied on too early.
pub fn violations(lines: &[String], dir: &Path) -> Vec<String> {
    let (mut loose, mut found) = (Loose::default(), Vec::new());
    let dir = dir.to_str().unwrap();
    for line in lines {
        let Some((_, name, arguments)) = parsed(line) else {
            continue;
        };
        if arguments.contains(") = -1 ") {
            continue;
        }
        let acknowledges = name == "write" && arguments.starts_with("1<");
        if acknowledges {
            found.extend(
                loose
                    .visible()
                    .map(|path| format!("acknowledged before {path} was synced")),
            );
            continue;
        }
        // A file that has lost its name is nobody's.
        if arguments.contains(">(deleted)") {
            continue;
        }
        let paths = joined(arguments, dir);
        let Some(path) = paths.first() else { continue };
        match name {
            "write" | "pwrite64" | "writev" | "pwritev" | "ftruncate" | "fallocate"
            | "copy_file_range" => drop(loose.content.insert(path.clone())),
            "fsync" | "fdatasync" | "syncfs" => loose.sync(path),
            "openat" if arguments.contains("O_CREAT") => drop(loose.names.insert(path.clone())),
            "mkdir" | "mkdirat" => drop(loose.names.insert(path.clone())),
            "unlink" | "unlinkat" | "rmdir" => loose.remove(path),
            "rename" | "renameat" | "renameat2" => {
                let to = paths.get(1).unwrap_or(path);
                let inside = loose.below(path);
                found.extend(
                    inside.map(|inside| format!("renamed {to} before {inside} was synced")),
                );
                loose.remove(path);
                loose.names.insert(to.clone());
            }
            _ => {}
        }
    }
    found
}

impl Loose {
    fn sync(&mut self, path: &str) {
        self.content.remove(path);
        self.names
            .retain(|name| Path::new(name).parent() != Some(Path::new(path)));
    }

    fn remove(&mut self, path: &str) {
        let inside = format!("{path}/");
        for set in [&mut self.content, &mut self.names] {
            set.retain(|one| one != path && !one.starts_with(&inside));
        }
    }

    /// The content at a path, and everything below it.
    fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = String> + use<'a> {
        let (own, inside) = (path.to_owned(), format!("{path}/"));
        let content = self.content.iter();
        let content = content.filter(move |one| **one == own).cloned();
        let all = self.content.iter().chain(&self.names);
        let below = all.filter(move |one| one.starts_with(&inside)).cloned();
        content.chain(below)
    }

    /// What has its final name.
    fn visible(&self) -> impl Iterator<Item = &String> {
        let all = self.content.iter().chain(&self.names);
        all.filter(|path| !path.contains(".tmp"))
    }
}

/// The paths that a call is about: `unlinkat(3</dir>, "name", 0)` is about a name in a directory.
fn joined(arguments: &str, dir: &str) -> Vec<String> {
    let found: Vec<String> = paths(arguments, dir)
        .into_iter()
        .map(str::to_owned)
        .collect();
    if let [directory] = found.as_slice()
        && let Some((_, name)) = arguments.split_once(">, \"")
        && let Some((name, _)) = name.split_once('"')
        && !name.starts_with('/')
        && !name.is_empty()
    {
        return vec![format!("{directory}/{name}")];
    }
    found
}
