//! A console of the staff: a socket that may be away, and what it knows of every escalation from the feed alone.
//!
//! Invariant: of each escalation a console keeps the larger version, and it comes back with the cursor that it was told
//! last. All consoles of a run share one catalogue, so that a row that a thousand of them are told is kept once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use crate::client::wire::staff::{Escalation, EscalationsListed, Status, Subscribed, Updated};
use crate::client::wire::{Frame, Open};
use crate::client::{CallError, Gone, Socket};
use crate::view::{Fault, Faults};
use crate::visitor::Entrance;

/// The largest page of `escalation.list`.
const PAGE: u32 = 200;

/// An escalation in one of its versions.
pub struct Row {
    pub escalation: Escalation,
    whole: Value,
}

/// Every row that anybody was told, once.
#[derive(Clone, Default)]
pub struct Catalogue(Arc<Mutex<HashMap<u64, Arc<Row>>>>);

/// What one console knows, by the id of the escalation.
pub type Known = HashMap<Uuid, Arc<Row>>;

pub struct Console {
    pub faults: Faults,
    pub known: Known,
    /// Times that it was told everything anew rather than what it had missed.
    pub snapshots: u32,
    entrance: Entrance,
    nth: u32,
    key: String,
    catalogue: Catalogue,
    cursor: Option<String>,
    socket: Option<Socket>,
}

/// Opens a socket as somebody of the staff.
pub async fn sit_down(entrance: &Entrance, nth: u32, key: &str) -> Result<Socket, CallError> {
    let mut socket = Socket::connect(&entrance.address, nth, entrance.patience).await?;
    let open = Open { token: Some(key), workspace: entrance.workspace.as_deref(), ..Open::default() };
    socket.call::<IgnoredAny>("session.open", &open).await?;
    Ok(socket)
}

/// Every escalation as the table has it, page by page.
pub async fn list(socket: &mut Socket, catalogue: &Catalogue) -> Result<Known, CallError> {
    let mut known = Known::new();
    let mut cursor = None;
    loop {
        let page: EscalationsListed =
            socket.call("escalation.list", &json!({"limit": PAGE, "cursor": cursor})).await?;
        for text in &page.escalations {
            let row = catalogue.row(text.get())?;
            known.insert(row.escalation.id, row);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(known);
        }
    }
}

impl Catalogue {
    fn row(&self, text: &str) -> Result<Arc<Row>, Gone> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get(&hash) {
            return Ok(row.clone());
        }
        let nonsense = |error| Gone::Nonsense(format!("{error} in an escalation"));
        let escalation = serde_json::from_str(text).map_err(nonsense)?;
        let row = Arc::new(Row { escalation, whole: serde_json::from_str(text).map_err(nonsense)? });
        rows.insert(hash, row.clone());
        Ok(row)
    }
}

impl Console {
    /// Subscribed, with a snapshot of what there is.
    pub async fn open(
        entrance: &Entrance,
        nth: u32,
        key: &str,
        catalogue: &Catalogue,
    ) -> Result<Self, CallError> {
        let mut console = Self {
            faults: Faults::default(),
            known: Known::new(),
            snapshots: 0,
            entrance: entrance.clone(),
            nth,
            key: key.to_owned(),
            catalogue: catalogue.clone(),
            cursor: None,
            socket: None,
        };
        console.come_back().await?;
        console.snapshots = 0;
        Ok(console)
    }

    /// Back, with what it missed; how many rows that was.
    pub async fn come_back(&mut self) -> Result<u64, CallError> {
        let mut socket = sit_down(&self.entrance, self.nth, &self.key).await?;
        let since = self.cursor.as_ref().map_or_else(|| json!({}), |since| json!({"since": since}));
        let told: Subscribed = socket.call("escalation.subscribe", &since).await?;
        if told.snapshot {
            self.snapshots += 1;
            self.known.clear();
        } else if self.cursor.is_none() {
            self.faults.add(Fault::FalseRecovery, "what there is was told as what was missed");
        }
        for text in &told.escalations {
            self.take_in(text.get())?;
        }
        self.cursor = Some(told.cursor);
        self.socket = Some(socket);
        Ok(told.escalations.len() as u64)
    }

    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    pub async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, CallError> {
        self.socket()?.call(method, params).await
    }

    /// The connection is lost, without a word.
    pub fn lose(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.cut();
        }
    }

    pub async fn receive(&mut self) -> Result<Utf8Bytes, Gone> {
        self.socket()?.receive().await
    }

    fn socket(&mut self) -> Result<&mut Socket, Gone> {
        self.socket.as_mut().ok_or_else(|| Gone::Broken("it was cut".into()))
    }

    /// The row that a frame brings; None for a frame about anything else.
    pub fn take(&mut self, text: &str) -> Result<Option<Arc<Row>>, Gone> {
        let frame = Frame::parse(text)?;
        let (Some("escalation.updated"), Some(params)) = (frame.method, frame.params) else {
            return Ok(None);
        };
        let updated: Updated = serde_json::from_str(params.get())
            .map_err(|error| Gone::Nonsense(format!("{error} in escalation.updated")))?;
        let row = self.take_in(updated.escalation.get())?;
        // One string, overwritten: there are many consoles, and much is told.
        let cursor = self.cursor.get_or_insert_default();
        cursor.clear();
        cursor.push_str(updated.cursor);
        Ok(Some(row))
    }

    fn take_in(&mut self, text: &str) -> Result<Arc<Row>, Gone> {
        let row = self.catalogue.row(text)?;
        let Escalation { id, version, .. } = row.escalation;
        match self.known.get(&id) {
            Some(known) if known.escalation.version > version => {}
            Some(known) if known.escalation.version == version => {
                if !Arc::ptr_eq(known, &row) && known.whole != row.whole {
                    self.faults
                        .add(Fault::Altered, format!("version {version} of {id} was told in two ways"));
                }
            }
            _ => {
                self.known.insert(id, row.clone());
            }
        }
        Ok(row)
    }

    /// What differs from the table: nothing, in the end.
    pub fn differences(&self, table: &Known) -> Faults {
        let mut faults = Faults::default();
        for (id, row) in table {
            match self.known.get(id) {
                Some(known) if Arc::ptr_eq(known, row) || known.whole == row.whole => {}
                Some(known) => {
                    let (seen, is) = (known.escalation.version, row.escalation.version);
                    let fault = if seen < is { Fault::Missed } else { Fault::Altered };
                    faults.add(fault, format!("{id} is known in version {seen}, and its version is {is}"));
                }
                // A snapshot holds all that is open, and of the others the latest.
                None if self.snapshots > 0 && row.escalation.status == Some(Status::Resolved) => {}
                None => faults.add(Fault::Missed, format!("{id} is not known")),
            }
        }
        for (id, known) in &self.known {
            if !table.contains_key(id) && known.escalation.status.is_some() {
                faults.add(Fault::Altered, format!("{id} is known, and is in no table"));
            }
        }
        faults
    }
}
