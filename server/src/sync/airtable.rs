//! Airtable: contacts as rows of one table, found again by the column of their id.
//!
//! Invariant: whatever is sent may be sent again. Airtable looks for a row with the contact's id itself (`performUpsert`) and
//! changes it, so that a request whose answer was lost is simply repeated, and makes no second row.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Response, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fields::Fields;
use super::settings;
use super::sink::{Fault, Parcel, Put, Sink};
use crate::notify::{self, SenderError};

pub struct Airtable {
    http: reqwest::Client,
    table: Url,
    authorization: HeaderValue,
    fields: Fields,
}

#[derive(Debug, thiserror::Error)]
pub enum AirtableError {
    #[error(transparent)]
    Client(#[from] SenderError),
    #[error("airtable_url is no address such as https://api.airtable.com")]
    Address,
    #[error("the token of Airtable holds characters that no token has: was it copied whole?")]
    Token,
}

/// A request of ten rows takes some seconds on a bad day.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// An answer repeats the rows, and six fields of ten may have 64 KiB each, written as JSON within JSON.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Said of any fault on the way.
const UNREACHED: &str = "Airtable cannot be reached";
const SCOPES: &str = "make one at https://airtable.com/create/tokens with the scopes data.records:read and \
                      data.records:write and with access to the base";

impl Airtable {
    pub fn new(settings: &settings::Airtable, allow_private: bool) -> Result<Self, AirtableError> {
        let mut table: Url = settings.url.parse().map_err(|_| AirtableError::Address)?;
        // Whatever is in a name, it is one segment of the path.
        table.path_segments_mut().map_err(|()| AirtableError::Address)?.pop_if_empty().extend([
            "v0",
            &settings.base,
            &settings.table,
        ]);
        let bearer = format!("Bearer {}", settings.token.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer).map_err(|_| AirtableError::Token)?;
        authorization.set_sensitive(true);
        let http = notify::client(allow_private, ANSWER_WITHIN)?;
        Ok(Self { http, table, authorization, fields: settings.fields.clone() })
    }

    async fn upsert(&self, parcel: Parcel<'_>) -> Result<Put, Fault> {
        let rows: Vec<_> =
            parcel.insights.iter().map(|insight| json!({ "fields": self.fields.cells(insight) })).collect();
        let body = json!({
            "performUpsert": { "fieldsToMergeOn": [self.fields.id()] },
            "records": rows,
            "typecast": true,
        });
        let request =
            self.http.patch(self.table.clone()).header(AUTHORIZATION, &self.authorization).json(&body);
        let answer = request.send().await.map_err(|error| unreached(&error))?;
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let upserted: Upserted = serde_json::from_slice(&read(answer).await?)
            .map_err(|_| Fault::Away("Airtable answered with what is not understood".to_owned()))?;
        let there = upserted.records.len();
        if there != rows.len() {
            return Err(Fault::Away(format!("Airtable answered for {there} of {} rows", rows.len())));
        }
        let created = upserted.created_records.len().min(there);
        let count = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
        Ok(Put { created: count(created), updated: count(there - created) })
    }
}

impl Sink for Airtable {
    fn put<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<Put, Fault>> {
        Box::pin(self.upsert(parcel))
    }
}

/// What an upsert is answered; which rows are not new follows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upserted {
    records: Vec<Value>,
    #[serde(default)]
    created_records: Vec<String>,
}

/// An error has a type and a message, or is a type alone.
#[derive(Deserialize)]
struct Refusal {
    error: Complaint,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Complaint {
    Whole {
        r#type: String,
        #[serde(default)]
        message: String,
    },
    Type(String),
}

async fn refusal(answer: Response) -> Fault {
    let status = answer.status().as_u16();
    let by_status = Fault::of("Airtable", &answer);
    // One that breaks off says nothing more than its status.
    let body = read(answer).await.unwrap_or_default();
    match status {
        401 => Fault::Shut(format!(
            "Airtable does not know the token: {SCOPES}, and set SWITCHBOARD_AIRTABLE_TOKEN"
        )),
        403 => Fault::Shut(format!(
            "Airtable lets the token not write to this table, or there is no such table: look at airtable_base and \
             airtable_table; for a token, {SCOPES}"
        )),
        404 => Fault::Shut(
            "Airtable finds no such base or table: look at airtable_base and airtable_table".to_owned(),
        ),
        // Of a month, in the plan of whoever pays: waiting for some seconds does not help.
        429 if String::from_utf8_lossy(&body).contains("BILLING_LIMIT") => Fault::Shut(
            "Airtable's limit of requests in a month is used up: wait for the next month, or take a larger plan"
                .to_owned(),
        ),
        400 | 413 | 422 => match serde_json::from_slice(&body) {
            Ok(Refusal { error }) => complaint(error),
            Err(_) => by_status,
        },
        _ => by_status,
    }
}

/// What is wrong with the table is wrong for every row; what is wrong with a row, for one.
fn complaint(complaint: Complaint) -> Fault {
    let (kind, message) = match complaint {
        Complaint::Whole { r#type, message } => (r#type, message),
        Complaint::Type(kind) => (kind, String::new()),
    };
    let said = if message.is_empty() { kind.clone() } else { message };
    match kind.as_str() {
        "UNKNOWN_FIELD_NAME" => Fault::Shut(format!(
            "Airtable says \"{said}\": make that column in the table, or name another in airtable_fields"
        )),
        _ => Fault::Refused(format!("Airtable refuses it: {said}")),
    }
}

/// A body, as long as it is one that can be expected.
async fn read(mut answer: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreached(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Err(Fault::Away("Airtable answered at no end".to_owned()));
        }
    }
    Ok(body)
}

fn unreached(error: &reqwest::Error) -> Fault {
    match notify::fault(error) {
        // Nobody can mend this by waiting.
        notify::Fault::Address(error) => Fault::Shut(format!("airtable_url: {error}")),
        notify::Fault::Late => {
            Fault::Away(format!("Airtable did not answer within {} s", ANSWER_WITHIN.as_secs()))
        }
        notify::Fault::Unreachable => Fault::Away(UNREACHED.to_owned()),
        _ => Fault::Away("the connection to Airtable broke".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> Fault {
        complaint(serde_json::from_str::<Refusal>(body).unwrap().error)
    }

    #[test]
    fn what_is_wrong_with_a_row_is_told_from_what_is_wrong_with_the_table() {
        let row =
            r#"{"error":{"type":"INVALID_VALUE_FOR_COLUMN","message":"Field \"Since\" cannot accept it"}}"#;
        let said = "Airtable refuses it: Field \"Since\" cannot accept it";
        assert_eq!(fault(row), Fault::Refused(said.to_owned()));
        assert_eq!(
            fault(r#"{"error":"INVALID_REQUEST"}"#),
            Fault::Refused("Airtable refuses it: INVALID_REQUEST".into())
        );
        let table = r#"{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field name: \"Notes\""}}"#;
        let Fault::Shut(said) = fault(table) else { panic!("the job stops") };
        assert!(said.contains("Unknown field name: \"Notes\"") && said.contains("airtable_fields"), "{said}");
    }

    #[test]
    fn a_name_is_one_segment_of_the_path_and_the_token_is_not_shown() {
        let settings = settings::Airtable {
            url: "https://api.airtable.com".to_owned(),
            token: "patSECRET".into(),
            base: "app1".to_owned(),
            table: "Our people/../x?y".to_owned(),
            fields: Fields::default(),
            pause: Duration::ZERO,
        };
        let airtable = Airtable::new(&settings, false).unwrap();
        assert_eq!(airtable.table.as_str(), "https://api.airtable.com/v0/app1/Our%20people%2F..%2Fx%3Fy");
        assert!(!format!("{settings:?}{:?}", airtable.authorization).contains("SECRET"));
    }
}
