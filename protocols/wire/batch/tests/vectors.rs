//! The committed vectors, and the failures they name.

use super::*;
use crate::golden;

/// A stream, and a part of the error it must cause.
type Failure = (&'static str, Vec<u8>, &'static str);

fn failures() -> Vec<Failure> {
    let (crm, graph) = (crm_batch(), graph_batch());
    let whole = stream(&crm_header(), &crm);
    let graph = |column: &str, cells| with_column(&graph_header(), &graph, column, cells);
    let basis: ArrayRef = Arc::new(UInt8Array::from(vec![1, 7, 1]));
    let untagged: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![None, Some(b"c"), None]));
    let two_lines: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(b"c\n"), None, None]));
    let mut loud = removal_header().to_schema().unwrap();
    (loud.metadata).insert("tamis.segments".to_owned(), "[]".to_owned());
    let mut odd = crm_header().to_schema().unwrap();
    odd.metadata
        .insert("tamis.mode".to_owned(), "replace".to_owned());
    let mut alone = graph_header().to_schema().unwrap();
    let other = bridge_header().bridge.unwrap();
    (alone.metadata).insert("tamis.bridge".to_owned(), other.clone());
    let mut added = bridge_header().to_schema().unwrap();
    (added.metadata).insert("tamis.mode".to_owned(), "add".to_owned());
    let mut own = bridge_header().to_schema().unwrap();
    let itself = bridge_header().collaboration;
    (own.metadata).insert("tamis.bridge".to_owned(), itself);
    let mut crm_bridge = crm_header().to_schema().unwrap();
    (crm_bridge.metadata).insert("tamis.bridge".to_owned(), other);
    let mut unsaid = bridge_header().to_schema().unwrap();
    unsaid.metadata.remove("tamis.bridge");
    let empty = |schema| raw(&RecordBatch::new_empty(Arc::new(schema)));
    let consenting = Schema::new_with_metadata(
        crm_header().to_schema().unwrap().fields().clone(),
        removal_header().to_schema().unwrap().metadata().clone(),
    );
    let other = Schema::new(vec![Field::new("email", DataType::Utf8, true)]);
    vec![
        (
            "end marker missing",
            whole[..whole.len() - 8].to_vec(),
            "ends in the middle",
        ),
        (
            "bytes after the end",
            [whole.clone(), vec![0]].concat(),
            "after the end marker",
        ),
        (
            "basis 7",
            with_column(&crm_header(), &crm, "basis", basis),
            "column `basis`",
        ),
        (
            "cookie without tag",
            graph("cookie:dmp-b", untagged),
            "tag and cookie must both be there",
        ),
        (
            "control character in an open cookie",
            graph("cookie:dmp-b", two_lines),
            "text without control characters",
        ),
        ("no metadata", empty(other), "is missing"),
        (
            "segments in a removal",
            empty(loud),
            "does not belong to this kind and mode",
        ),
        (
            "consent in a removal",
            empty(consenting),
            "no further column",
        ),
        (
            "no such mode",
            empty(odd),
            "must be `full`, `add`, `remove` or `refresh`",
        ),
        (
            "bridge without its columns",
            empty(alone),
            "expected `bridge:email`",
        ),
        (
            "columns of a bridge that is not named",
            empty(unsaid),
            "expected `basis`",
        ),
        (
            "bridge in rows that are added",
            empty(added),
            "belongs to a full graph",
        ),
        (
            "bridge in a crm",
            empty(crm_bridge),
            "belongs to a full graph",
        ),
        (
            "bridge to itself",
            empty(own),
            "must name another collaboration",
        ),
        (
            "continuation marker missing",
            whole[4..].to_vec(),
            "continuation marker",
        ),
    ]
}

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let (crm, graph) = (
        stream(&crm_header(), &crm_batch()),
        stream(&graph_header(), &graph_batch()),
    );
    let added = WireHeader {
        mode: UploadMode::Add,
        ..crm_header()
    };
    let added = stream(&added, &crm_batch());
    let refresh = WireHeader {
        mode: UploadMode::Refresh,
        ..graph_header()
    };
    let refresh = stream(&refresh, &graph_batch());
    let removal = stream(&removal_header(), &removal_batch());
    let bridge = stream(&bridge_header(), &bridge_batch());
    let detailed = stream(&details::header(), &details::batch());
    let mut vectors = vec![
        json!({"name": "crm", "stream": STANDARD.encode(&crm), "rows": read_all(&crm).unwrap()}),
        json!({"name": "graph", "stream": STANDARD.encode(&graph), "rows": read_all(&graph).unwrap()}),
        json!({"name": "add", "stream": STANDARD.encode(&added), "rows": read_all(&added).unwrap()}),
        json!({"name": "remove", "stream": STANDARD.encode(&removal), "rows": read_all(&removal).unwrap()}),
        json!({"name": "refresh", "stream": STANDARD.encode(&refresh), "rows": read_all(&refresh).unwrap()}),
        json!({"name": "bridge", "stream": STANDARD.encode(&bridge), "rows": read_all(&bridge).unwrap()}),
        json!({"name": "consent", "stream": STANDARD.encode(&detailed), "rows": read_all(&detailed).unwrap()}),
    ];
    for (name, bytes, failure) in (failures().into_iter()).chain(details::failures()) {
        assert!(error(&bytes).contains(failure), "{name}");
        vectors.push(json!({"name": name, "stream": STANDARD.encode(bytes), "failure": failure}));
    }
    golden::check("wire/vectors/batch.json", &Value::from(vectors));
}
