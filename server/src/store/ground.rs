//! A database of its own for each test of what is kept or searched.

use switchboard_protocol::ids::WorkspaceId;

use super::administration::Administration;
use super::{Database, Options, Source, migrate};
use crate::domain::mint;
use crate::domain::vector::Vector;
use crate::domain::visitor::Workspace;

pub struct Ground {
    pub database: Database,
    pub administration: Administration,
    _folder: tempfile::TempDir,
}

impl Ground {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { fsync: false, ..Options::default() };
        let database = Database::start(&Source::Embedded, folder.path(), &options).await.unwrap();
        migrate::up(&mut database.connect().await.unwrap()).await.unwrap();
        let administration = Administration::open(&database).unwrap();
        Self { database, administration, _folder: folder }
    }

    pub async fn add_workspace(&self, slug: &str) -> WorkspaceId {
        let workspace = Workspace {
            id: mint::id(),
            slug: slug.to_owned(),
            identity_secret: "secret".to_owned(),
            verification_required: false,
            allowed_origins: Vec::new(),
            registration_open: false,
            learns: false,
        };
        assert!(self.administration.accounts().add_workspace(&workspace, "test").await.unwrap());
        workspace.id
    }

    pub async fn close(self) {
        self.administration.close();
        self.database.stop().await.unwrap();
    }
}

/// Not random, and all over the place.
pub fn vector(seed: usize) -> Vector {
    let mut state = seed as u64 * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 65_536.0 - 0.5
    };
    Vector::from((0..384).map(|_| next()).collect::<Vec<_>>())
}
