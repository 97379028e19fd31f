//! `Debug` for documents that carry a secret or tokens: what may stand in a log, and nothing else.

use std::fmt;

use super::api::{EnrolmentReply, EnrolmentRequest, SubjectRequest, WithdrawalRequest};

impl fmt::Debug for EnrolmentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolmentRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for EnrolmentReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolmentReply")
            .field("party", &self.party)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WithdrawalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithdrawalRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for SubjectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectRequest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::api::{PartyView, Role};

    #[test]
    fn printing_a_document_tells_no_token_and_no_secret() {
        let secret = "5ec7e7";
        let request = EnrolmentRequest {
            token: secret.to_owned(),
            csr_pem: secret.to_owned(),
            signing_key: String::new(),
            sealing_key: None,
            endpoint: None,
        };
        let reply = EnrolmentReply {
            party: PartyView {
                name: "dsp-a".to_owned(),
                role: Role::Destination,
                signing_key: String::new(),
                sealing_key: None,
            },
            certificate_pem: String::new(),
            log_key: String::new(),
            webhook_secret: Some(secret.to_owned()),
        };
        let tokens = WithdrawalRequest {
            tokens: vec![secret.to_owned(); 3],
            kind: Default::default(),
        };
        let person = SubjectRequest {
            tokens: vec![secret.to_owned(); 3],
        };
        let printed = format!("{request:?} {reply:?} {tokens:?} {person:?}");
        assert!(printed.contains("dsp-a"));
        assert!(!printed.contains(secret), "{printed}");
        assert!(!printed.contains('3'), "{printed}");
    }
}
