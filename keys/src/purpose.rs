//! What a secret is for, as a type: a key of one purpose cannot be passed where another is asked for.

/// A purpose of a [`crate::Secret`]; closed: only this module adds one.
pub trait Purpose: closed::Closed {
    /// The word in key files.
    const NAME: &'static str;
}

mod closed {
    pub trait Closed {}
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {$(
        $(#[$doc])*
        pub enum $name {}
        impl closed::Closed for $name {}
        impl Purpose for $name {
            const NAME: &'static str = $word;
        }
    )*};
}

purposes! {
    /// One party's half of the pair secret, random.
    PairShare = "pair-share";
    /// What two parties agreed on; the operator never has it.
    PairSecret = "pair-secret";
    /// The pair secret of one collaboration and epoch: makes tokens.
    PairKey = "pair-key";
    /// Wraps data keys.
    KeyEncryption = "key-encryption";
    /// Encrypts one stored object.
    Data = "data";
    /// A partner's key for pseudonyms of its cookies.
    CookieTag = "cookie-tag";
    /// X25519 private key: opens pair shares and labels.
    Sealing = "sealing";
    /// Ed25519 seed of a party.
    Signing = "signing";
    /// Ed25519 seed of the transparency log.
    LogSigning = "log-signing";
    /// Ed25519 seed of a witness of logs.
    WitnessSigning = "witness-signing";
    /// Key of the signatures on deliveries to one destination.
    Webhook = "webhook";
    /// Ed25519 seed of a party's deletion requests and of its answers to others'.
    DeletionRequests = "deletion-requests";
    /// Whom the release gate holds back, and whom it keeps for control.
    Choice = "choice";
}
