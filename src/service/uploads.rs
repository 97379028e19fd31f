//! Uploads: created, looked at, ended. Bytes come through [`super::append`].

use tamis_protocols::wire::api::{UploadMode, UploadReport, UploadState, UploadView};

use super::files::{Object, remove};
use super::{Caller, Service, ServiceError, bridge, scope, terms};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::store::jobs::JobKind;
use crate::store::layers::SetSize;
use crate::store::uploads::{Kind, Upload};
use crate::store::{snapshot, transact};

/// What the owner says of an upload before its first byte; the stream says the same.
#[derive(Clone, Debug, Default)]
pub struct Announced {
    /// What its rows do to the set of the owner's side.
    pub mode: UploadMode,
    /// The other collaboration whose tokens they carry as well.
    pub bridge: Option<String>,
}

impl From<UploadMode> for Announced {
    fn from(mode: UploadMode) -> Self {
        Announced { mode, bridge: None }
    }
}

impl Service {
    /// Creates an upload of `length` bytes in a collaboration that is in force: the advertiser's is a
    /// CRM file, the partner's a graph. Whether there is a set to change is only seen when it is sealed: a
    /// full one may be on its way.
    ///
    /// # Errors
    /// `not_active`, `expired`, `residency`, `empty_upload`, `upload_too_long`, `too_many_uploads`; of a bridge those of
    /// [`super::bridge`].
    pub async fn create_upload(
        &self,
        caller: &Caller,
        collaboration: &str,
        announced: Announced,
        length: u64,
    ) -> Result<UploadView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        let now = self.now();
        let id = self.id();
        let (_, wrapped_key) = self.new_key(Object::Upload(id));
        let mut new = Upload {
            id,
            collaboration,
            owner: caller.name.clone(),
            kind: Kind::Crm,
            mode: announced.mode,
            bridges: None,
            state: state::Upload::Receiving,
            length,
            received: 0,
            unverified_from: None,
            wrapped_key,
            rows_read: 0,
            report: None,
            refusal: None,
            parent: None,
            set_size: None,
            created_at: now,
            expires_at: self.after(now, self.limits().upload_life),
        };
        transact!(self.store(), "upload-create", |tx| {
            let found = scope::collaboration(tx, caller, collaboration).await?;
            self.must_be_in_force(&found)?;
            self.may_keep(&terms::stored(&found.terms)?)?;
            self.check_length(length)?;
            if tx.open_uploads(&caller.name).await? >= self.limits().open_uploads {
                return Err(ServiceError::conflict(
                    "too_many_uploads",
                    "You have as many incomplete uploads as allowed: complete or end one.",
                ));
            }
            if found.partner == caller.name {
                new.kind = Kind::Graph;
            }
            new.bridges = bridge::other(tx, caller, &found, &announced).await?;
            tx.add_upload(&new).await?;
            Ok(())
        })?;
        view(new, 0)
    }

    fn check_length(&self, length: u64) -> Result<(), ServiceError> {
        if length == 0 {
            return Err(ServiceError::invalid(
                "empty_upload",
                "An upload has at least one byte.",
            ));
        }
        if length > self.limits().upload_length {
            return Err(ServiceError::invalid(
                "upload_too_long",
                "The upload is longer than this service takes: split it, or ask the operator.",
            ));
        }
        Ok(())
    }

    /// One of the caller's uploads.
    pub async fn upload(&self, caller: &Caller, id: &str) -> Result<UploadView, ServiceError> {
        let id = scope::id(id)?;
        let mut found = self.upload_row(caller, id).await?;
        if found.state == state::Upload::Receiving {
            let offset = self.position(&found).await?;
            if offset < found.length {
                return view(found, offset);
            }
            // Complete, perhaps only now.
            found = self.upload_row(caller, id).await?;
        }
        let offset = found.received;
        let sealing = found.state == state::Upload::Sealing;
        let mut view = view(found, offset)?;
        if sealing {
            let now = self.now();
            (view.retrying, view.job) = snapshot!(self.store(), "upload-retries", |tx| {
                let retrying = tx.job_retries(JobKind::Seal, id).await?;
                let job = self.job_on(tx, caller, JobKind::Seal, id, now).await?;
                Ok::<_, ServiceError>((retrying, job))
            })?;
        }
        Ok(view)
    }

    pub(super) async fn upload_row(&self, caller: &Caller, id: Id) -> Result<Upload, ServiceError> {
        snapshot!(self.store(), "upload", |tx| {
            scope::upload(tx, caller, id).await
        })
    }

    /// The caller's uploads, newest first, at most 1,000. Offsets are those of the last completed
    /// append.
    pub async fn uploads(&self, caller: &Caller) -> Result<Vec<UploadView>, ServiceError> {
        let found = snapshot!(self.store(), "uploads", |tx| {
            Ok::<_, ServiceError>(tx.uploads(&caller.name).await?)
        })?;
        found
            .into_iter()
            .map(|upload| {
                let offset = upload.received;
                view(upload, offset)
            })
            .collect()
    }

    /// Ends an incomplete upload and removes its bytes. Ending it again changes nothing.
    ///
    /// # Errors
    /// `upload_locked`, `upload_complete`.
    pub async fn terminate_upload(&self, caller: &Caller, id: &str) -> Result<(), ServiceError> {
        let id = scope::id(id)?;
        self.upload_row(caller, id).await?;
        self.end_upload(id).await
    }

    /// Ends an incomplete upload while nobody appends to it; the caller has scoped it.
    pub(super) async fn end_upload(&self, id: Id) -> Result<(), ServiceError> {
        let _turn = self.0.appenders.turn(id).await?;
        transact!(self.store(), "upload-end", |tx| {
            let found = tx.upload(id).await?.ok_or(ServiceError::NotFound)?;
            if found.state == state::Upload::Terminated {
                return Ok(());
            }
            if found.state != state::Upload::Receiving {
                return Err(complete());
            }
            let step = Step::new(found.state, state::Upload::Terminated).map_err(|_| complete())?;
            Ok::<_, ServiceError>(tx.step_upload(id, step).await?)
        })?;
        self.0.appenders.forget(id);
        remove(&self.files().spool(id)).map_err(|error| ServiceError::internal("spool", error))
    }
}

pub(super) fn complete() -> ServiceError {
    ServiceError::conflict(
        "upload_complete",
        "Every byte of the upload is there: it can no longer be changed. While it is being sealed, its job can be cancelled.",
    )
}

/// The whole set of a sealed upload; of one sealed before there were deltas it is what its report says.
pub(super) fn set_size(upload: &Upload) -> SetSize {
    upload.set_size.unwrap_or_else(|| {
        let report = upload.report.as_deref();
        let report = report.and_then(|text| serde_json::from_str(text).ok());
        let report: UploadReport = report.unwrap_or_default();
        SetSize {
            rows: report.rows,
            accepted: report.accepted,
            persons: report.persons.unwrap_or(0),
        }
    })
}

fn view(upload: Upload, offset: u64) -> Result<UploadView, ServiceError> {
    let report: Option<UploadReport> = upload
        .report
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| ServiceError::internal("stored report", error))?;
    Ok(UploadView {
        id: upload.id.to_string(),
        collaboration: upload.collaboration.to_string(),
        mode: upload.mode,
        bridge: upload.bridges.map(|other| other.to_string()),
        state: match upload.state {
            state::Upload::Receiving => UploadState::Receiving,
            state::Upload::Sealing => UploadState::Sealing,
            state::Upload::Sealed => UploadState::Sealed,
            state::Upload::Refused => UploadState::Refused,
            state::Upload::Terminated => UploadState::Terminated,
        },
        length: upload.length,
        offset,
        created_at: upload.created_at.to_string(),
        rows_read: upload.rows_read,
        retrying: false,
        job: None,
        parent: upload.parent.map(|parent| parent.to_string()),
        report,
        refusal: upload.refusal,
    })
}
