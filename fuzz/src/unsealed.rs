//! The decoders below the encryption: content that somebody with the key made up. Any answer will do;
//! none may panic, hang, or take memory without bound.

use std::fs;

use serde_json::Value;
use tamis::sets::members::{MemberFile, changes};
use tamis::sets::read_tokens;
use tamis_protocols::wire::batch::UploadKind::{self, Crm, Graph};

use crate::resealed;
use crate::rows::key;
use crate::stored::{LIST, MEMBERS, with_world};

const HEADER: &str = "header";

fn context(kind: UploadKind, file: &str) -> String {
    format!("tamis/v1/set/{}/{file}", kind.as_str())
}

/// Which file of a set, then what is in it.
fn set_files(kind: UploadKind) -> Vec<Vec<u8>> {
    with_world(|world| {
        let files = world.files(kind).iter().enumerate();
        files
            .map(|(at, (name, file))| {
                let clear = resealed::clear(file, &key(kind.as_str()), &context(kind, name));
                [&[at as u8], &clear[..]].concat()
            })
            .collect()
    })
}

/// One file of a set has other content, and the header of the set agrees with it.
fn set(kind: UploadKind, data: &[u8]) -> bool {
    let Some((at, clear)) = data.split_first() else {
        return false;
    };
    with_world(|world| {
        let files = world.files(kind);
        let (name, file) = files
            .iter()
            .nth(usize::from(*at) % files.len())
            .expect("a file");
        let key = key(kind.as_str());
        let made = resealed::sealed(file, clear, &key, &context(kind, name));
        if name == HEADER {
            return world.replaced(kind, &[(name, &made)], |world| world.survives());
        }
        let (header, context) = (&files[HEADER], context(kind, HEADER));
        let json = resealed::clear(header, &key, &context);
        let mut json: Value = serde_json::from_slice(&json).expect("a header");
        json["files"][name]["bytes"] = resealed::length(file, clear, &made).into();
        let json = serde_json::to_vec(&json).expect("a header");
        let header = resealed::sealed(header, &json, &key, &context);
        let files = [(name.as_str(), &made[..]), (HEADER, &header[..])];
        world.replaced(kind, &files, |world| world.survives())
    })
}

pub(crate) fn crm_files() -> Vec<Vec<u8>> {
    set_files(Crm)
}

pub(crate) fn graph_files() -> Vec<Vec<u8>> {
    set_files(Graph)
}

pub(crate) fn crm(data: &[u8]) -> bool {
    set(Crm, data)
}

pub(crate) fn graph(data: &[u8]) -> bool {
    set(Graph, data)
}

fn of_one_file(name: &str, context: &str) -> Vec<Vec<u8>> {
    with_world(|world| {
        let file = fs::read(world.path(name)).expect("content");
        vec![resealed::clear(&file, &key(name), context)]
    })
}

/// Puts a file with this content in place; its path.
fn put(name: &str, context: &str, clear: &[u8]) -> std::path::PathBuf {
    with_world(|world| {
        let (path, file) = (
            world.path("changed"),
            fs::read(world.path(name)).expect("content"),
        );
        let made = resealed::sealed(&file, clear, &key(name), context);
        fs::write(&path, made).expect("written");
        path
    })
}

pub(crate) fn lists() -> Vec<Vec<u8>> {
    of_one_file(LIST, "tamis/v1/tokens/people")
}

pub(crate) fn list(data: &[u8]) -> bool {
    let path = put(LIST, "tamis/v1/tokens/people", data);
    read_tokens(&path, &key(LIST), LIST).is_ok()
}

pub(crate) fn member_files() -> Vec<Vec<u8>> {
    of_one_file(MEMBERS, "tamis/v1/members/audience")
}

/// Compared with nothing, with itself, and with the file that is whole.
pub(crate) fn members(data: &[u8]) -> bool {
    let path = put(MEMBERS, "tamis/v1/members/audience", data);
    let Ok(file) = MemberFile::open(&path, &key(MEMBERS), MEMBERS) else {
        return false;
    };
    let whole = with_world(|world| {
        let path = world.path(MEMBERS);
        MemberFile::open(&path, &key(MEMBERS), MEMBERS).expect("a member file")
    });
    let read = changes(None, &file).all(|change| change.is_ok());
    changes(Some(&file), &file).for_each(drop);
    changes(Some(&whole), &file).for_each(drop);
    changes(Some(&file), &whole).for_each(drop);
    read
}
