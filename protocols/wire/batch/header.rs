//! The header of an upload: Arrow schema metadata, and the columns that follow from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};

use super::metadata::{
    BRIDGE, COLLABORATION, CONSENT, EPOCH, KIND, LABELS, MODE, NO_FIELDS, NO_ID, SEGMENTS, VERSION,
    is_id, is_party_name, labels_to_json, metadata_error, parse_consent, parse_labels,
};
use super::{
    ConsentField, MAX_DESTINATIONS, MAX_SEGMENT_BYTES, MAX_SEGMENTS, UploadMode, WireError,
};
use crate::identifier::IdentifierType;
use crate::intersection::RESERVED;

/// Which side an upload comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadKind {
    /// An advertiser's rows with segments.
    Crm,
    /// A partner's rows with cookies.
    Graph,
}

impl UploadKind {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            UploadKind::Crm => "crm",
            UploadKind::Graph => "graph",
        }
    }

    /// The inverse of [`UploadKind::as_str`].
    pub fn parse(word: &str) -> Option<UploadKind> {
        match word {
            "crm" => Some(UploadKind::Crm),
            "graph" => Some(UploadKind::Graph),
            _ => None,
        }
    }
}

/// What an upload says about itself before its first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireHeader {
    /// Which side it comes from.
    pub kind: UploadKind,
    /// The collaboration's id, 32 lowercase hexadecimal digits.
    pub collaboration: String,
    /// The epoch of the pair key that made the tokens, from 1.
    pub epoch: u32,
    /// What its rows do to the set of its side.
    pub mode: UploadMode,
    /// Graph: another collaboration of the same two parties, whose tokens the rows carry as well; for
    /// a full upload only.
    pub bridge: Option<String>,
    /// Identifier types with a column, ascending, at least one.
    pub identifiers: Vec<IdentifierType>,
    /// Optional columns of consent, ascending, each once. Empty for a removal.
    pub consent: Vec<ConsentField>,
    /// CRM: labels `name=value`; a row names them by position. Empty for a graph and for a removal.
    pub segments: Vec<String>,
    /// Graph: destinations with a column; the HPKE encapsulated key if the cookies are sealed to
    /// the destination. Empty for a CRM and for a removal.
    pub labels: BTreeMap<String, Option<[u8; 32]>>,
}

impl WireHeader {
    /// The Arrow schema that says the same.
    ///
    /// # Errors
    /// A field outside its range ([`WireError::Metadata`]).
    pub fn to_schema(&self) -> Result<Schema, WireError> {
        self.check()?;
        let mut metadata = HashMap::from([
            (VERSION.to_owned(), "1".to_owned()),
            (KIND.to_owned(), self.kind.as_str().to_owned()),
            (COLLABORATION.to_owned(), self.collaboration.clone()),
            (EPOCH.to_owned(), self.epoch.to_string()),
        ]);
        if self.mode != UploadMode::Full {
            metadata.insert(MODE.to_owned(), self.mode.as_str().to_owned());
        }
        if let Some(bridge) = &self.bridge {
            metadata.insert(BRIDGE.to_owned(), bridge.clone());
        }
        if !self.consent.is_empty() {
            let json = serde_json::to_string(&self.consent);
            let json = json.map_err(|_| metadata_error(CONSENT, "cannot be written"))?;
            metadata.insert(CONSENT.to_owned(), json);
        }
        if self.mode.brings_rows() {
            let (key, json) = self.own_json();
            let json = json.map_err(|_| metadata_error(key, "cannot be written"))?;
            metadata.insert(key.to_owned(), json);
        }
        Ok(Schema::new_with_metadata(self.fields(), metadata))
    }

    /// What the rows of this kind refer to: the key, and its value as JSON.
    fn own_json(&self) -> (&'static str, serde_json::Result<String>) {
        match self.kind {
            UploadKind::Crm => (SEGMENTS, serde_json::to_string(&self.segments)),
            UploadKind::Graph => (LABELS, labels_to_json(&self.labels)),
        }
    }

    /// Reads and checks a schema: metadata, and every column's name, type and nullability.
    ///
    /// # Errors
    /// [`WireError::Metadata`] or [`WireError::Columns`].
    pub fn from_schema(schema: &Schema) -> Result<WireHeader, WireError> {
        let take = |key: &'static str| {
            let value = schema.metadata().get(key).map(String::as_str);
            value.ok_or_else(|| metadata_error(key, "is missing"))
        };
        if take(VERSION)? != "1" {
            return Err(metadata_error(VERSION, "only version 1 is understood"));
        }
        let kind = UploadKind::parse(take(KIND)?)
            .ok_or_else(|| metadata_error(KIND, "must be `crm` or `graph`"))?;
        let epoch = take(EPOCH)?;
        let epoch = match epoch.parse::<u32>() {
            Ok(number) if number.to_string() == epoch => number,
            _ => return Err(metadata_error(EPOCH, "must be a decimal number")),
        };
        let word = schema.metadata().get(MODE).map(String::as_str);
        let mode = UploadMode::parse(word.unwrap_or("full"))
            .ok_or_else(|| metadata_error(MODE, "must be `full`, `add`, `remove` or `refresh`"))?;
        let own = match (mode.brings_rows(), kind) {
            (false, _) => None,
            (true, UploadKind::Crm) => Some(SEGMENTS),
            (true, UploadKind::Graph) => Some(LABELS),
        };
        for key in [SEGMENTS, LABELS] {
            if own != Some(key) && schema.metadata().contains_key(key) {
                let problem = "does not belong to this kind and mode";
                return Err(metadata_error(key, problem));
            }
        }
        let bridge = schema.metadata().get(BRIDGE);
        let consent = schema.metadata().get(CONSENT);
        let optional = [
            word.is_some(),
            own.is_some(),
            bridge.is_some(),
            consent.is_some(),
        ];
        let known = 4 + optional.into_iter().map(usize::from).sum::<usize>();
        if schema.metadata().len() > known {
            return Err(metadata_error(VERSION, "there are unknown keys beside it"));
        }
        let mut header = WireHeader {
            kind,
            collaboration: take(COLLABORATION)?.to_owned(),
            epoch,
            mode,
            bridge: bridge.cloned(),
            identifiers: identifiers_of(schema),
            consent: consent.map_or(Ok(Vec::new()), |json| parse_consent(json))?,
            segments: Vec::new(),
            labels: BTreeMap::new(),
        };
        match own {
            Some(SEGMENTS) => {
                header.segments = serde_json::from_str(take(SEGMENTS)?)
                    .map_err(|_| metadata_error(SEGMENTS, "must be a JSON array of strings"))?;
            }
            Some(_) => header.labels = parse_labels(take(LABELS)?)?,
            None => {}
        }
        header.check()?;
        header.check_fields(schema)?;
        Ok(header)
    }

    /// Whether the columns of `schema` are exactly those of this header.
    pub(super) fn check_fields(&self, schema: &Schema) -> Result<(), WireError> {
        let expected = self.fields();
        let same = |a: &Field, b: &Field| {
            a.name() == b.name()
                && a.is_nullable() == b.is_nullable()
                && same_type(a.data_type(), b.data_type())
        };
        for (position, field) in expected.iter().enumerate() {
            let found = schema.fields().get(position);
            if !found.is_some_and(|found| same(found, field)) {
                let nullable = if field.is_nullable() {
                    ", nullable"
                } else {
                    ""
                };
                let expected = format!("`{}` {}{nullable}", field.name(), field.data_type());
                return Err(WireError::Columns { position, expected });
            }
        }
        if schema.fields().len() > expected.len() {
            return Err(WireError::Columns {
                position: expected.len(),
                expected: "no further column".to_owned(),
            });
        }
        Ok(())
    }

    /// The columns, in their order.
    pub(super) fn fields(&self) -> Vec<Field> {
        let token = DataType::FixedSizeBinary(16);
        let mut fields: Vec<Field> = self
            .identifiers
            .iter()
            .map(|kind| Field::new(kind.as_str(), token.clone(), true))
            .collect();
        if self.bridge.is_some() {
            let column = |kind: &IdentifierType| format!("bridge:{}", kind.as_str());
            let bridged = self.identifiers.iter().map(column);
            fields.extend(bridged.map(|name| Field::new(name, token.clone(), true)));
        }
        if !self.mode.brings_rows() {
            return fields;
        }
        fields.extend([
            Field::new("basis", DataType::UInt8, false),
            Field::new("purposes", DataType::UInt32, false),
            Field::new("consent_at", DataType::Int64, true),
            Field::new("notice_version", DataType::Utf8, true),
            Field::new("source", DataType::Utf8, true),
            Field::new("opposed", DataType::Boolean, false),
        ]);
        fields.extend(self.consent.iter().map(|field| field.field()));
        match self.kind {
            UploadKind::Crm => {
                let item = Arc::new(Field::new("item", DataType::UInt16, false));
                fields.push(Field::new("segments", DataType::List(item), false));
            }
            UploadKind::Graph => {
                for name in self.labels.keys() {
                    fields.push(Field::new(format!("tag:{name}"), token.clone(), true));
                    fields.push(Field::new(format!("cookie:{name}"), DataType::Binary, true));
                }
            }
        }
        fields
    }

    fn check_bridge(&self) -> Result<(), WireError> {
        let wrong = |problem| Err(metadata_error(BRIDGE, problem));
        match &self.bridge {
            Some(_) if self.kind != UploadKind::Graph || self.mode != UploadMode::Full => {
                wrong("belongs to a full graph")
            }
            Some(bridge) if !is_id(bridge) => wrong(NO_ID),
            Some(bridge) if *bridge == self.collaboration => {
                wrong("must name another collaboration than the upload's own")
            }
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), WireError> {
        if !is_id(&self.collaboration) {
            return Err(metadata_error(COLLABORATION, NO_ID));
        }
        self.check_bridge()?;
        if self.epoch == 0 {
            return Err(metadata_error(EPOCH, "starts at 1"));
        }
        if self.identifiers.is_empty() || !self.identifiers.is_sorted_by(|a, b| a < b) {
            return Err(WireError::Columns {
                position: 0,
                expected: "`email`, `phone` or `postal`, in this order, at least one".to_owned(),
            });
        }
        if !self.consent.is_sorted_by(|a, b| a < b) {
            return Err(metadata_error(CONSENT, NO_FIELDS));
        }
        if self.segments.len() > MAX_SEGMENTS {
            return Err(metadata_error(SEGMENTS, "has more than 10,000 labels"));
        }
        let well_formed = |label: &&String| {
            let name = label.split_once('=').map(|(name, _)| name);
            label.len() <= MAX_SEGMENT_BYTES && name.is_some_and(|name| !name.is_empty())
        };
        if !self.segments.iter().all(|label| well_formed(&label)) {
            return Err(metadata_error(
                SEGMENTS,
                "a label is not `name=value` of at most 256 bytes",
            ));
        }
        if (self.segments.iter()).any(|label| label.starts_with(RESERVED)) {
            return Err(metadata_error(
                SEGMENTS,
                "names that begin with `tamis:` are not for labels",
            ));
        }
        let distinct: std::collections::BTreeSet<&String> = self.segments.iter().collect();
        if distinct.len() != self.segments.len() {
            return Err(metadata_error(SEGMENTS, "a label is there twice"));
        }
        if self.labels.len() > MAX_DESTINATIONS {
            return Err(metadata_error(LABELS, "has more than 64 destinations"));
        }
        if !self.labels.keys().all(|name| is_party_name(name)) {
            return Err(metadata_error(LABELS, "a key is not a party's name"));
        }
        let rows = self.mode.brings_rows();
        let (crm, graph) = match self.kind {
            UploadKind::Crm => (rows, false),
            UploadKind::Graph => (false, rows),
        };
        if !rows && !self.consent.is_empty() {
            return Err(metadata_error(CONSENT, "does not belong to a removal"));
        }
        if (!crm && !self.segments.is_empty()) || (!graph && !self.labels.is_empty()) {
            return Err(metadata_error(
                KIND,
                "segments belong to a crm, labels to a graph, neither to a removal",
            ));
        }
        Ok(())
    }
}

/// The identifier columns at the start of the schema, in the order found.
fn identifiers_of(schema: &Schema) -> Vec<IdentifierType> {
    let known = [
        IdentifierType::Email,
        IdentifierType::Phone,
        IdentifierType::Postal,
    ];
    let named = |name: &str| known.into_iter().find(|kind| kind.as_str() == name);
    let names = schema.fields().iter().take(known.len());
    names.map_while(|field| named(field.name())).collect()
}

/// List items may be named as the writer likes; they may be called nullable, but never be null.
fn same_type(found: &DataType, expected: &DataType) -> bool {
    match (found, expected) {
        (DataType::List(found), DataType::List(expected)) => {
            found.data_type() == expected.data_type()
        }
        _ => found == expected,
    }
}
