//! What can be wrong with evidence: the first thing, and where.

use std::io;

use crate::transparency;

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// With the log itself.
    #[error(transparent)]
    Log(#[from] transparency::Violation),
    /// With a file beside it.
    #[error("{}: {problem}", place(path, *line))]
    File {
        /// Which.
        path: String,
        /// The line, from 1; 0 if it is the whole file.
        line: u64,
        /// What.
        problem: Problem,
    },
    /// With the document behind a leaf, or with the leaf under that document.
    #[error("leaf {index}: {problem}")]
    Leaf {
        /// Its number.
        index: u64,
        /// What.
        problem: Problem,
    },
    /// What should be an earlier checkpoint is none of this log's key.
    #[error("an earlier checkpoint is not a signed checkpoint of this key")]
    NoCheckpoint,
    /// An earlier checkpoint is not of a beginning of this log.
    #[error("an earlier checkpoint over {size} leaves is not of a beginning of this log")]
    Earlier {
        /// Its size.
        size: u64,
    },
    /// With a sample.
    #[error("sample {sample}: {problem}")]
    Sample {
        /// Its id.
        sample: String,
        /// What.
        problem: Problem,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {kind}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        kind: io::ErrorKind,
    },
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file is not there.
    #[error("it is missing")]
    Missing,
    /// A file that no pack has.
    #[error("it is no part of a pack")]
    Unexpected,
    /// Not in its one spelling.
    #[error("it is not in its one spelling, or too long")]
    Spelling,
    /// Lines that are not in their order.
    #[error("its lines are not in their order, each once")]
    Order,
    /// Not what the manifest says.
    #[error("it is not the file that the manifest lists")]
    Digest,
    /// The manifest is of another log.
    #[error("it is not of this log")]
    OtherLog,
    /// The key in the pack is not the one that is verified with.
    #[error("it is not the key that this is verified with")]
    OtherKey,
    /// The summary does not say what the evidence says.
    #[error("it does not say what the evidence says")]
    Summary,
    /// The document of a leaf is not there, or another one stands in its place.
    #[error("the document behind it is missing, or not in its place")]
    NoDocument,
    /// More documents than leaves have.
    #[error("no leaf has such a document")]
    TooMany,
    /// The document is not the one whose digest the leaf has.
    #[error("the document is not the one that the leaf has the digest of")]
    NotTheDocument,
    /// A signature does not hold under the key that the party enrolled.
    #[error("the signature is not of the key that the party enrolled with")]
    Signature,
    /// What was signed is not what the leaf says.
    #[error("what was signed is not what the leaf says")]
    NotWhatWasSigned,
    /// The terms name a destination with another key than it enrolled.
    #[error("the terms name a destination that has not enrolled so")]
    DestinationKey,
    /// The destination is not in the terms.
    #[error("the destination is none of those in the terms")]
    NotInTerms,
    /// The policy is looser than what was signed.
    #[error("the policy is looser than what the parties had signed")]
    Looser,
    /// The policy is of rules that this verifier does not know.
    #[error("the policy is of a version that this verifier does not know")]
    PolicyVersion,
    /// The charge is not what the policy says that it costs.
    #[error("the charge is not what the policy says that it costs")]
    Charge,
    /// An answer without a charge that was not given before.
    #[error("an answer was given without a charge, and not before with one")]
    NoEarlierAnswer,
    /// The pair's budget.
    #[error("the privacy budget of the advertiser with the partner is overspent")]
    PairOverspent,
    /// The partner's budget.
    #[error("the privacy budget of the partner with all advertisers is overspent")]
    PartnerOverspent,
    /// A sample's id, size or nonce is none, or was there before.
    #[error("it is no sample, or was there before")]
    NoSample,
    /// A substantiation of no or another sample.
    #[error("a substantiation stands where its sample does not")]
    OtherSample,
    /// A record that was not drawn, or one that was substantiated before.
    #[error("a record was substantiated that was not drawn, or twice")]
    NotDrawn,
    /// A record of the other side.
    #[error("a party substantiated a record that is not its own")]
    NotItsOwn,
    /// The proof does not lead to what the leaf of the upload binds.
    #[error("a record is not included in its upload")]
    NotIncluded,
    /// A record shown as erased where its side asked for no erasure.
    #[error("a record is shown as erased where its side never asked for an erasure")]
    NotErased,
    /// A drawn record that nobody substantiated.
    #[error("a record that was drawn was not substantiated")]
    Unsubstantiated,
    /// The uploads say more records than there can be.
    #[error("there cannot be so many records")]
    Rows,
}

impl Violation {
    /// A file that evidence must have is not there.
    pub fn absent(path: &str) -> Violation {
        Violation::file(path, Problem::Missing)
    }

    pub(super) fn file(path: &str, problem: Problem) -> Violation {
        Violation::File {
            path: path.to_owned(),
            line: 0,
            problem,
        }
    }

    pub(super) fn unreadable(path: &str, error: &io::Error) -> Violation {
        Violation::Unreadable {
            path: path.to_owned(),
            kind: error.kind(),
        }
    }
}

fn place(path: &str, line: u64) -> String {
    match line {
        0 => path.to_owned(),
        line => format!("{path}, line {line}"),
    }
}
