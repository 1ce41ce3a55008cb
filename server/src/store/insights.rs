//! What is known of people: groups folded in, insights looked up, listed, found and counted.
//!
//! Invariant: a batch is one statement, which takes its locks in one order, so that any number of them at once end like
//! one after the other. What is at hand in memory is what was last committed here: every write, whatever becomes of it,
//! takes it away.

mod cache;
mod distilling;
mod indexing;

use std::collections::{HashMap, HashSet};

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use self::cache::Cache;
pub use self::cache::CacheStatus;
pub use self::distilling::Waiting;
use self::indexing::Marks;
pub use self::indexing::{Unindexed, Words};
use super::StoreError;
use super::pool::{Pools, Step, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::insight::{Behind, Group, Insight, Key, Order, Status};
use crate::domain::mint;

/// Cheap to clone; the clones share what is at hand.
#[derive(Clone)]
pub struct Insights {
    pools: Pools,
    cache: Cache,
    marks: Marks,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub created: usize,
    pub updated: usize,
    pub duplicates: usize,
}

/// What became of a group alone: the insight that it left, if it was not taken in before.
#[derive(Clone, Debug, PartialEq)]
pub struct Upserted {
    pub insight: Insight,
    pub created: bool,
    pub duplicate: bool,
}

/// What a list or a count is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub source_type: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub enum From {
    Behind(Behind),
    After(i64),
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    pub order: Order,
    pub descending: bool,
    pub from: From,
    pub limit: i64,
}

/// The words that are looked for; see `switchboard_find_insights`.
#[derive(Clone, Debug)]
pub struct Asked {
    pub words: Vec<i64>,
    /// Numbers that each word has in `words`.
    pub places: i32,
    pub behind: Option<Found>,
    pub limit: i64,
}

/// A contact that was found: its place in the order, and the weights of the words that put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub contact: String,
    pub score: i64,
    pub updated_at: Timestamp,
    pub weights: Vec<i32>,
}

/// How many contacts there are of a state and, where one is named, of a source type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub source_type: Option<String>,
    pub status: Status,
    pub contacts: i64,
}

/// Rows that are looked at for one word: a word in more is common, and which rows of it are looked at is left open.
const MOST_OF_A_WORD: i64 = 20_000;
/// The limit of a page of whole insights.
pub const PAGE: usize = 500;

impl Insights {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools, cache: Cache::default(), marks: Marks::default() }
    }

    /// Folds groups into their contacts, those of one contact in the order given.
    pub async fn fold(&self, workspace: WorkspaceId, groups: Vec<Group>) -> Result<Folded, StoreError> {
        let all = groups.len();
        if all == 0 {
            return Ok(Folded::default());
        }
        let row = self.write(workspace, groups, false).await?;
        let (fresh, created) = (count(&row, "fresh")?, count(&row, "created")?);
        Ok(Folded { created, updated: fresh - created, duplicates: all - fresh })
    }

    /// Folds one group in, and says what is known then.
    pub async fn upsert(&self, workspace: WorkspaceId, group: Group) -> Result<Upserted, StoreError> {
        let contact = group.contact.clone();
        let row = self.write(workspace, vec![group], true).await?;
        if count(&row, "fresh")? > 0 {
            let created = count(&row, "created")? > 0;
            return Ok(Upserted { insight: insight(&row)?, created, duplicate: false });
        }
        // Gone again within this moment: whoever repeats it brings it anew.
        let insight = self.get(workspace, contact).await?.ok_or(StoreError::Stale)?;
        Ok(Upserted { insight, created: false, duplicate: true })
    }

    pub async fn get(&self, workspace: WorkspaceId, contact: String) -> Result<Option<Insight>, StoreError> {
        let (known, ticket) = self.cache.get(workspace, &contact);
        if known.is_some() {
            return Ok(known);
        }
        let read = self.read(workspace, vec![contact]).await?.pop();
        if let Some(insight) = &read {
            self.cache.put(workspace, insight, ticket);
        }
        Ok(read)
    }

    /// At most a page of contacts, in the order asked for; those that are not there are left out.
    pub async fn some(
        &self,
        workspace: WorkspaceId,
        contacts: Vec<String>,
    ) -> Result<Vec<Insight>, StoreError> {
        let mut found = self.read(workspace, contacts.clone()).await?;
        found.sort_by_key(|insight| contacts.iter().position(|contact| *contact == insight.contact));
        Ok(found)
    }

    pub async fn list(
        &self,
        workspace: WorkspaceId,
        filter: &Filter,
        page: Page,
    ) -> Result<Vec<Insight>, StoreError> {
        let direction = if page.descending { "desc" } else { "asc" };
        let (behind, offset) = match page.from {
            From::Behind(behind) => (Some(behind), 0),
            From::After(rows) => (None, rows),
        };
        let key = behind.as_ref().map(|behind| &behind.key);
        let step = step!(
            statement::INSIGHTS_LIST,
            workspace.uuid(),
            format!("{} {direction}", page.order.name()),
            filter.status.map(Status::name),
            filter.source_type.clone(),
            match key {
                Some(Key::Time(micros)) => Timestamp::from_timestamp_micros(*micros),
                _ => None,
            },
            match key {
                Some(Key::Name(name)) => Some(name.clone()),
                _ => None,
            },
            behind.as_ref().map(|behind| behind.contact.clone()),
            page.limit,
            offset
        );
        self.pools.read(&[workspace], step).await?.iter().map(insight).collect()
    }

    /// How many a list has on all of its pages.
    pub async fn count(&self, workspace: WorkspaceId, filter: &Filter) -> Result<i64, StoreError> {
        let step = step!(
            statement::INSIGHTS_COUNT,
            workspace.uuid(),
            filter.source_type.clone(),
            filter.status.map(Status::name)
        );
        contacts(&self.pools.read(&[workspace], step).await?)
    }

    /// All counts, those of all contacts among them.
    pub async fn counts(&self, workspace: WorkspaceId) -> Result<Vec<Count>, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::INSIGHTS_COUNTS, workspace.uuid())).await?;
        let count = |row: &Row| {
            let source_type: String = rows::get(row, "source_type")?;
            Ok(Count {
                source_type: Some(source_type).filter(|name| !name.is_empty()),
                status: rows::named(row, "processing_status", Status::from_name)?,
                contacts: rows::get(row, "contacts")?,
            })
        };
        rows.iter().map(count).collect()
    }

    pub async fn updated_since(&self, workspace: WorkspaceId, since: Timestamp) -> Result<i64, StoreError> {
        let step = step!(statement::INSIGHTS_COUNT_UPDATED, workspace.uuid(), since);
        contacts(&self.pools.read(&[workspace], step).await?)
    }

    /// The contacts that hold any of the words, the best first.
    pub async fn find(&self, workspace: WorkspaceId, asked: Asked) -> Result<Vec<Found>, StoreError> {
        let (score, at, contact, weights) = match asked.behind {
            Some(Found { contact, score, updated_at, weights }) => {
                (Some(score), Some(updated_at), Some(contact), Some(weights))
            }
            None => (None, None, None, None),
        };
        let step = step!(
            statement::INSIGHTS_FIND,
            workspace.uuid(),
            asked.words,
            asked.places,
            weights,
            MOST_OF_A_WORD,
            score,
            at,
            contact,
            asked.limit
        );
        let found = |row: &Row| {
            Ok(Found {
                contact: rows::get(row, "contact_id")?,
                score: rows::get(row, "score")?,
                updated_at: rows::get(row, "updated_at")?,
                weights: rows::get(row, "weights")?,
            })
        };
        self.pools.read(&[workspace], step).await?.iter().map(found).collect()
    }

    /// Forgets a contact, with a note of who did; false where there was none.
    pub async fn delete(
        &self,
        workspace: WorkspaceId,
        contact: String,
        actor: String,
    ) -> Result<bool, StoreError> {
        let steps = vec![
            step!(statement::INSIGHTS_HOLD, workspace.uuid(), contact.clone()),
            step!(statement::INSIGHTS_DELETE, workspace.uuid(), contact.clone(), mint::id::<Uuid>(), actor),
        ];
        Ok(!self.change(workspace, vec![contact], steps).await?.is_empty())
    }

    /// Which of these groups, each the key of a contact, were taken in before; at most a thousand are asked for.
    pub async fn taken(
        &self,
        workspace: WorkspaceId,
        groups: Vec<(String, String)>,
    ) -> Result<HashSet<(String, String)>, StoreError> {
        let (contacts, keys): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        let step = step!(statement::INSIGHTS_TAKEN, workspace.uuid(), contacts, keys);
        let rows = self.pools.read(&[workspace], step).await?;
        rows.iter().map(|row| Ok((rows::get(row, "contact_id")?, rows::get(row, "group_key")?))).collect()
    }

    pub fn cache(&self) -> CacheStatus {
        self.cache.status()
    }

    async fn read(&self, workspace: WorkspaceId, contacts: Vec<String>) -> Result<Vec<Insight>, StoreError> {
        let step = step!(statement::INSIGHTS_GET, workspace.uuid(), contacts);
        self.pools.read(&[workspace], step).await?.iter().map(insight).collect()
    }

    async fn write(
        &self,
        workspace: WorkspaceId,
        groups: Vec<Group>,
        whole: bool,
    ) -> Result<Row, StoreError> {
        let contacts = groups.iter().map(|group| group.contact.clone()).collect();
        let rows = self.change(workspace, contacts, vec![upsert(workspace, groups, whole)]).await?;
        rows.into_iter().next().ok_or(StoreError::Stale)
    }

    /// The rows of the last step.
    #[expect(clippy::disallowed_methods, reason = "the cache hears of a commit whose caller has gone, too")]
    async fn change(
        &self,
        workspace: WorkspaceId,
        contacts: Vec<String>,
        steps: Vec<Step<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        let Self { pools, cache, marks } = self.clone();
        let work = tokio::spawn(async move {
            let _write = cache.write(workspace, contacts);
            let outcome = pools.write_all(&[workspace], steps).await;
            marks.folded();
            outcome
        });
        work.await.unwrap_or_else(|crash| Err(StoreError::Unavailable(format!("a write ended: {crash}"))))
    }
}

/// A group that comes twice is sent once.
fn upsert(workspace: WorkspaceId, mut groups: Vec<Group>, whole: bool) -> Step<'static> {
    let mut keys = HashSet::new();
    groups.retain(|group| match &group.key {
        Some(key) => keys.insert((group.contact.clone(), key.clone())),
        None => true,
    });
    let mut groups_of: HashMap<String, usize> = HashMap::new();
    for group in &groups {
        *groups_of.entry(group.contact.clone()).or_default() += 1;
    }
    let mut columns = Columns::default();
    for group in groups {
        columns.alone.push(groups_of[&group.contact] == 1);
        columns.contacts.push(group.contact);
        columns.keys.push(group.key);
        columns.names.push(group.member_name);
        columns.types.push(array(&group.source_types));
        columns.subtypes.push(array(&group.source_subtypes));
        columns.totals.push(group.total_eni_ids);
        columns.records.push(group.record_count);
        columns.insights.push(group.fields.into());
        columns.statuses.push(group.status.name());
        columns.generated.push(group.generated_at);
        columns.metadata.push(group.metadata);
    }
    step!(
        statement::INSIGHTS_UPSERT,
        workspace.uuid(),
        columns.contacts,
        columns.keys,
        columns.names,
        columns.types,
        columns.subtypes,
        columns.totals,
        columns.records,
        columns.insights,
        columns.statuses,
        columns.generated,
        columns.metadata,
        columns.alone,
        whole
    )
}

#[derive(Default)]
struct Columns {
    contacts: Vec<String>,
    keys: Vec<Option<String>>,
    names: Vec<Option<String>>,
    types: Vec<String>,
    subtypes: Vec<String>,
    totals: Vec<i64>,
    records: Vec<i64>,
    insights: Vec<serde_json::Value>,
    statuses: Vec<&'static str>,
    generated: Vec<Option<Timestamp>>,
    metadata: Vec<Option<serde_json::Value>>,
    alone: Vec<bool>,
}

/// A list as the text of a Postgres array, since lists of different lengths make no array of arrays.
fn array(values: &[String]) -> String {
    let quoted = |value: &String| format!(r#""{}""#, value.replace('\\', r"\\").replace('"', r#"\""#));
    format!("{{{}}}", values.iter().map(quoted).collect::<Vec<_>>().join(","))
}

fn count(row: &Row, column: &str) -> Result<usize, StoreError> {
    Ok(usize::try_from(rows::get::<i64>(row, column)?).unwrap_or_default())
}

fn contacts(rows: &[Row]) -> Result<i64, StoreError> {
    rows::get(rows.first().ok_or(StoreError::Stale)?, "contacts")
}

fn insight(row: &Row) -> Result<Insight, StoreError> {
    let fields: serde_json::Value = rows::get(row, "insights")?;
    Ok(Insight {
        contact: rows::get(row, "contact_id")?,
        eni_id: rows::get(row, "eni_id")?,
        member_name: rows::get(row, "member_name")?,
        source_types: rows::get(row, "eni_source_types")?,
        source_subtypes: rows::get(row, "eni_source_subtypes")?,
        total_eni_ids: rows::get(row, "total_eni_ids")?,
        record_count: rows::get(row, "record_count")?,
        fields: fields.as_object().cloned().unwrap_or_default(),
        status: rows::named(row, "processing_status", Status::from_name)?,
        generated_at: rows::get(row, "generated_at")?,
        created_at: rows::get(row, "created_at")?,
        updated_at: rows::get(row, "updated_at")?,
        version: rows::get(row, "version")?,
        metadata: rows::get(row, "metadata")?,
    })
}
