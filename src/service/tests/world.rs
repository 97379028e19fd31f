//! The world of the tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::purpose::Signing;
use tamis_keys::signing::SigningKey;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::transparency::{Event, Leaf};
use tamis_protocols::wire::api::*;
use tamis_protocols::wire::batch::UploadKind;

use super::Destinations;
use super::bystanders::Bystanders;
use super::instance::{Parts, csr};
use crate::delivery::backoff::Backoff;
use crate::domain::id::Id;
use crate::service::work::{Held, JobError, Outbound};
use crate::service::{Announced, Caller, Limits, Service, ServiceError, UploadWriter};
use crate::store::jobs::{Job, JobKind};
use crate::store::{snapshot, transact};

pub(super) const ALL: [JobKind; 8] = [
    JobKind::Seal,
    JobKind::Match,
    JobKind::Decide,
    JobKind::Deliver,
    JobKind::Publish,
    JobKind::Compact,
    JobKind::Erase,
    JobKind::Expire,
];

pub(super) struct World {
    pub service: Service,
    pub destinations: Arc<Destinations>,
    pub witnesses: Arc<Bystanders>,
    pub keys: BTreeMap<String, SigningKey>,
    pub parts: Parts,
    dir: tempfile::TempDir,
}

impl World {
    /// Nobody is enrolled.
    pub(super) async fn empty() -> World {
        let dir = tempfile::tempdir().unwrap();
        let parts = Parts::new(dir.path(), Limits::default()).await;
        World {
            service: parts.open(dir.path()).await,
            destinations: Arc::default(),
            witnesses: Arc::default(),
            keys: BTreeMap::new(),
            parts,
            dir,
        }
    }

    /// `shop` and `graphs` have a collaboration in force for `dsp-a` (sealed) and `dmp-b` (open).
    pub(super) async fn agreed() -> (World, String) {
        let mut world = World::empty().await;
        for (name, role) in [
            ("shop", Role::Advertiser),
            ("graphs", Role::Partner),
            ("dsp-a", Role::Destination),
            ("dmp-b", Role::Destination),
        ] {
            world.enrol(name, role).await;
        }
        let terms = world.terms();
        let collaboration = world.agree(&terms).await;
        (world, collaboration)
    }

    /// What a new process finds: the same database and files, nothing of the old one's memory.
    pub(super) async fn restart(&mut self) {
        self.service = self.parts.open(self.path()).await;
    }

    /// Another instance on the same database and files.
    pub(super) async fn second_instance(&self) -> Service {
        let path = self.path().join("instance");
        let own = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let other = self.parts.open(self.path()).await;
        std::fs::write(&path, own).unwrap();
        other
    }

    pub(super) fn pass(&self, time: Duration) {
        self.parts.clock.advance(time);
    }

    pub(super) fn draws(&self) -> usize {
        self.parts.draws.load(Ordering::SeqCst)
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn outbound(&self) -> Outbound {
        Outbound {
            courier: self.destinations.clone(),
            backoff: Backoff::default(),
            witnesses: self.witnesses.clone(),
        }
    }

    pub(super) fn request(&mut self, name: &str, role: Role, token: String) -> EnrolmentRequest {
        let mut seed = [0; 32];
        self.parts.entropy.fill(&mut seed);
        let key = SigningKey::from_secret(&Secret::<Signing>::from_bytes(seed));
        let signing_key = BASE64_STANDARD.encode(key.public());
        self.keys.insert(name.to_owned(), key);
        EnrolmentRequest {
            token,
            csr_pem: csr(),
            signing_key,
            sealing_key: (name != "dmp-b").then(|| BASE64_STANDARD.encode([9; 32])),
            endpoint: (role == Role::Destination).then(|| Endpoint {
                url: format!("https://{name}.example/tamis"),
                ca_pem: None,
                member_ttl_days: (name == "dsp-a").then_some(30),
            }),
        }
    }

    pub(super) async fn invite(&self, name: &str, role: Role) -> String {
        self.service.invite(name, role).await.unwrap()
    }

    pub(super) async fn enrol(&mut self, name: &str, role: Role) -> EnrolmentReply {
        let token = self.invite(name, role).await;
        let request = self.request(name, role, token);
        self.service.enrol(request).await.unwrap()
    }

    pub(super) fn caller(&self, name: &str) -> Caller {
        let role = match name {
            "shop" | "rival" => Role::Advertiser,
            "graphs" | "stranger" => Role::Partner,
            "eye" => Role::Auditor,
            _ => Role::Destination,
        };
        Caller {
            name: name.to_owned(),
            role,
        }
    }

    /// The advertiser's upload of so many bytes, none of them there.
    pub(super) async fn create(&self, collaboration: &str, length: u64) -> UploadView {
        let shop = self.caller("shop");
        let created = self
            .service
            .create_upload(&shop, collaboration, Default::default(), length);
        created.await.unwrap()
    }

    /// The one writer of the advertiser's upload.
    pub(super) async fn append_at(&self, upload: &str, offset: u64) -> UploadWriter {
        let shop = self.caller("shop");
        let begun = self.service.begin_append(&shop, upload, offset);
        begun.await.unwrap()
    }

    /// Cuts the connection of an upload's writer, and waits until what it got is stored, in the background
    /// and however long that takes. Without it a restart may find the bytes there or not.
    pub(super) async fn cut(&self, upload: &str, writer: UploadWriter) {
        drop(writer);
        let id = Id::parse(upload).unwrap();
        while self.service.0.appenders.turn(id).await.is_err() {}
    }

    /// Sends an upload; its job waits.
    pub(super) async fn send(&self, owner: &str, collaboration: &str, bytes: &[u8]) -> String {
        let mode = UploadMode::Full;
        self.send_as(owner, collaboration, mode, bytes).await
    }

    /// Sends rows that are added to a side's set, or tokens that leave it; its job waits.
    pub(super) async fn change(
        &self,
        owner: &str,
        collaboration: &str,
        mode: UploadMode,
        persons: &[super::Person],
    ) -> String {
        let kind = match owner {
            "shop" => UploadKind::Crm,
            _ => UploadKind::Graph,
        };
        let bytes = super::delta(kind, mode, collaboration, persons);
        self.send_as(owner, collaboration, mode, &bytes).await
    }

    /// Sends an upload that was announced in some way, whatever its bytes say.
    pub(super) async fn send_as(
        &self,
        owner: &str,
        collaboration: &str,
        announced: impl Into<Announced>,
        bytes: &[u8],
    ) -> String {
        let caller = self.caller(owner);
        let length = bytes.len() as u64;
        let upload = self
            .service
            .create_upload(&caller, collaboration, announced.into(), length)
            .await
            .unwrap();
        let mut writer = self
            .service
            .begin_append(&caller, &upload.id, 0)
            .await
            .unwrap();
        writer.append(bytes).await.unwrap();
        assert_eq!(writer.commit().await.unwrap(), length);
        upload.id
    }

    /// Leases the next job of a kind, whoever the instance.
    pub(super) async fn lease(&self, service: &Service, kind: JobKind) -> Option<Held> {
        let now = service.now();
        let until = now.checked_add(Duration::from_secs(60)).unwrap();
        let leased: Result<Option<Job>, JobError> = transact!(service.store(), "lease", |tx| {
            let lease = Id::random(service.entropy());
            let owner = service.instance();
            Ok(tx.lease_job([kind; 3], lease, owner, now, until).await?)
        });
        leased.unwrap().map(|job| service.begin(job, None))
    }

    /// Carries out jobs of some kinds until none is due.
    pub(super) async fn work(&self, kinds: &[JobKind]) {
        loop {
            let mut idle = true;
            for kind in kinds {
                while let Some(held) = self.lease(&self.service, *kind).await {
                    idle = false;
                    self.service.run(&held, &self.outbound()).await.unwrap();
                }
            }
            if idle {
                return;
            }
        }
    }

    /// One of a party's uploads as it sees it.
    pub(super) async fn view(&self, owner: &str, id: &str) -> UploadView {
        let caller = self.caller(owner);
        self.service.upload(&caller, id).await.unwrap()
    }

    /// Both sides upload the persons; sealed.
    pub(super) async fn upload_both(&self, collaboration: &str, persons: &[super::Person]) {
        let rows = super::crm(collaboration, persons);
        self.send("shop", collaboration, &rows).await;
        let rows = super::graph(collaboration, persons);
        self.send("graphs", collaboration, &rows).await;
        self.work(&ALL).await;
    }

    /// Asks for an audience at both destinations.
    pub(super) async fn put(
        &self,
        collaboration: &str,
        name: &str,
        expression: &str,
    ) -> Result<AudienceView, ServiceError> {
        let request = AudienceRequest {
            expression: expression.to_owned(),
            destinations: vec!["dsp-a".into(), "dmp-b".into()],
            purpose: AudienceUse::Target,
            holdout_percent: None,
        };
        let shop = self.caller("shop");
        self.service
            .put_audience(&shop, collaboration, name, request)
            .await
    }

    /// Asks for everyone at the destination that takes open cookies.
    pub(super) async fn put_open(&self, collaboration: &str, name: &str) {
        let request = AudienceRequest {
            expression: "all".into(),
            destinations: vec!["dmp-b".into()],
            purpose: AudienceUse::Target,
            holdout_percent: None,
        };
        let shop = self.caller("shop");
        let put = self
            .service
            .put_audience(&shop, collaboration, name, request);
        put.await.unwrap();
    }

    pub(super) async fn audience(&self, collaboration: &str, name: &str) -> AudienceView {
        let shop = self.caller("shop");
        self.service
            .audience(&shop, collaboration, name)
            .await
            .unwrap()
    }

    /// Every leaf, parsed as an auditor would.
    pub(super) async fn leaves(&self) -> Vec<Leaf> {
        let leaves: Result<Vec<String>, JobError> =
            snapshot!(self.service.store(), "leaves", |tx| {
                Ok(tx.leaves(0, 10_000).await?)
            });
        leaves
            .unwrap()
            .iter()
            .map(|leaf| Leaf::parse(leaf.as_bytes()).unwrap())
            .collect()
    }

    /// Takes the index that the next leaf would get.
    pub(super) async fn spoil_next_leaf(&self) {
        let spoilt: Result<(), JobError> = transact!(self.service.store(), "spoil", |tx| {
            let (next, _) = tx.log_sizes().await?;
            Ok(tx.spoil_leaf(next).await?)
        });
        spoilt.unwrap();
    }

    pub(super) async fn events(&self) -> Vec<Event> {
        self.leaves()
            .await
            .into_iter()
            .map(|leaf| leaf.event)
            .collect()
    }
}
