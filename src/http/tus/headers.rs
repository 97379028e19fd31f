//! The request headers of tus, read strictly.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::super::problem::Problem;
use super::{UPLOAD_CHECKSUM, UPLOAD_METADATA};

/// Keys of `Upload-Metadata` at most.
const MAX_KEYS: usize = 16;

fn bad(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_header",
        "A header of the request cannot be read.",
    )
    .because(detail)
}

/// The one value of a header, if it is there; twice is an error.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(bad("An upload header is repeated, or is not plain text.")),
    }
}

/// A count of bytes: decimal digits and nothing else.
pub fn bytes(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(text) = single(headers, name)? else {
        return Ok(None);
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad("Upload-Offset and Upload-Length are decimal numbers."));
    }
    text.parse()
        .map(Some)
        .map_err(|_| bad("Upload-Offset and Upload-Length are decimal numbers below 2^64."))
}

/// `Upload-Metadata`: `key base64, key base64 …`; keys are unique, a value may be absent.
pub fn metadata(headers: &HeaderMap) -> Result<BTreeMap<String, Vec<u8>>, Problem> {
    let mut pairs = BTreeMap::new();
    let Some(text) = single(headers, &UPLOAD_METADATA)? else {
        return Ok(pairs);
    };
    if text.trim().is_empty() {
        return Ok(pairs);
    }
    for pair in text.split(',') {
        let mut words = pair.trim().split(' ');
        let key = words.next().unwrap_or_default();
        let value = words.next().unwrap_or_default();
        if key.is_empty() || words.next().is_some() {
            return Err(bad("Upload-Metadata is a list of `key base64-value`."));
        }
        let Ok(value) = STANDARD.decode(value) else {
            return Err(bad("A value of Upload-Metadata is not base64."));
        };
        if pairs.len() == MAX_KEYS || pairs.insert(key.to_owned(), value).is_some() {
            return Err(bad("Upload-Metadata has a key twice, or too many keys."));
        }
    }
    Ok(pairs)
}

/// A checksum that a request's bytes must have.
pub struct Checksum {
    expected: Vec<u8>,
    state: State,
}

enum State {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Reads `Upload-Checksum`: `sha1 base64` or `sha256 base64`.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(text) = single(headers, &UPLOAD_CHECKSUM)? else {
            return Ok(None);
        };
        let Some((algorithm, value)) = text.split_once(' ') else {
            return Err(bad("Upload-Checksum is `algorithm base64-value`."));
        };
        let (state, length) = match algorithm {
            "sha1" => (State::Sha1(Sha1::new()), 20),
            "sha256" => (State::Sha256(Sha256::new()), 32),
            _ => return Err(bad("The checksum algorithms are sha1 and sha256.")),
        };
        match STANDARD.decode(value) {
            Ok(expected) if expected.len() == length => Ok(Some(Checksum { expected, state })),
            _ => Err(bad("The checksum's value is not base64 of its length.")),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha1(hash) => hash.update(bytes),
            State::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Whether the bytes so far are the expected ones.
    pub fn holds(self) -> bool {
        let found = match self.state {
            State::Sha1(hash) => hash.finalize().to_vec(),
            State::Sha256(hash) => hash.finalize().to_vec(),
        };
        bool::from(found.ct_eq(&self.expected))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::super::UPLOAD_LENGTH;
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn metadata_is_read_as_tuspy_and_tus_js_client_write_it() {
        // tuspy joins with ",", tus-js-client too; both send a file name of their own.
        let headers = with(
            UPLOAD_METADATA,
            "collaboration YWJj,filename Y3JtLmNzdg==, is_confidential",
        );
        let pairs = metadata(&headers).unwrap();
        assert_eq!(pairs["collaboration"], b"abc");
        assert_eq!(pairs["filename"], b"crm.csv");
        assert_eq!(pairs["is_confidential"], b"");
    }

    #[test]
    fn an_empty_metadata_header_is_no_metadata() {
        assert!(metadata(&with(UPLOAD_METADATA, "")).unwrap().is_empty());
        assert!(metadata(&HeaderMap::new()).unwrap().is_empty());
    }

    #[test]
    fn ambiguous_metadata_is_refused() {
        for text in [
            "a YQ==,a Yg==",
            "a !!",
            "a YQ== more",
            ",",
            "a YQ==,,b Yg==",
        ] {
            assert!(metadata(&with(UPLOAD_METADATA, text)).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_plain_decimal_numbers() {
        let read = |text| bytes(&with(UPLOAD_LENGTH, text), &UPLOAD_LENGTH);
        assert_eq!(read("12").unwrap(), Some(12));
        for text in ["", "-1", "+1", "1e3", "0x10", "18446744073709551616"] {
            assert!(read(text).is_err(), "{text}");
        }
        let mut twice = with(UPLOAD_LENGTH, "1");
        twice.append(UPLOAD_LENGTH, HeaderValue::from_static("2"));
        assert!(bytes(&twice, &UPLOAD_LENGTH).is_err());
    }

    #[test]
    fn a_checksum_holds_for_its_bytes_and_for_no_others() {
        // SHA-1 and SHA-256 of "abc": FIPS 180-4 examples.
        for text in [
            "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
            "sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ] {
            let read = || {
                Checksum::read(&with(UPLOAD_CHECKSUM, text))
                    .unwrap()
                    .unwrap()
            };
            let mut good = read();
            good.update(b"a");
            good.update(b"bc");
            assert!(good.holds());
            let mut bad = read();
            bad.update(b"abd");
            assert!(!bad.holds());
        }
    }

    #[test]
    fn unknown_algorithms_and_odd_lengths_are_refused() {
        for text in [
            "md5 1B2M2Y8AsgTpgAmY7PhCfg==",
            "sha1 YWJj",
            "sha256",
            "sha1",
        ] {
            assert!(
                Checksum::read(&with(UPLOAD_CHECKSUM, text)).is_err(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn random_headers_never_panic(raw in proptest::collection::vec(0x20u8..0x7f, 0..120)) {
            let value = HeaderValue::from_bytes(&raw).unwrap();
            let one = |name: HeaderName| HeaderMap::from_iter([(name, value.clone())]);
            let _ = metadata(&one(UPLOAD_METADATA));
            let _ = bytes(&one(UPLOAD_LENGTH), &UPLOAD_LENGTH);
            let _ = Checksum::read(&one(UPLOAD_CHECKSUM));
        }
    }
}
