//! What does not come over: named to whoever runs the import, and listed until a later run brings it.

use anyhow::Context as _;
use switchboard_protocol::ids::WorkspaceId;

use super::super::output::Output;
use super::patiently;
use crate::domain::clock::{self, Timestamp};
use crate::domain::failure::{Failure, Kind};
use crate::store::administration::Administration;
use crate::store::failures::Failures;

pub(super) struct Faults {
    output: Output,
    failures: Failures,
    workspace: WorkspaceId,
    dry_run: bool,
    begun: Timestamp,
    /// Not listed yet.
    waiting: Vec<Failure>,
    count: u64,
}

/// Failures that are listed at once.
const TOGETHER: usize = 100;

impl Faults {
    pub(super) fn new(desk: &Administration, workspace: WorkspaceId, dry_run: bool, output: &Output) -> Self {
        Self {
            output: output.clone(),
            failures: desk.failures(),
            workspace,
            dry_run,
            begun: clock::now(),
            waiting: Vec::new(),
            count: 0,
        }
    }

    pub(super) async fn name(&mut self, place: &str, why: &str) -> anyhow::Result<()> {
        self.count += 1;
        self.output.note(format!("{place}: {why}")).await?;
        self.waiting.push(Failure::new(place, why));
        if self.waiting.len() >= TOGETHER { self.list().await } else { Ok(()) }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Nothing more fails. Where all of a source was gone through, what failed in it before, and has not failed again, is
    /// mended.
    pub(super) async fn end(&mut self, source: Option<&str>) -> anyhow::Result<()> {
        self.list().await?;
        let Some(source) = source.filter(|_| !self.dry_run) else { return Ok(()) };
        let all_of_it = source.trim_end_matches('/').to_owned();
        let mended =
            patiently(|| self.failures.mend_beneath(self.workspace, all_of_it.clone(), self.begun)).await;
        mended.context("what was mended could not be noted")
    }

    async fn list(&mut self) -> anyhow::Result<()> {
        let failed = std::mem::take(&mut self.waiting);
        if self.dry_run {
            return Ok(());
        }
        let listed = patiently(|| self.failures.record(self.workspace, Kind::Import, failed.clone())).await;
        listed.context("what failed could not be listed")
    }
}
