//! Any query, as the owner of the database and past row-level security: what the end-to-end tests look through.
//! It is in no release: only the feature `test-hooks` compiles it.

use serde_json::{Map, Value};
use tokio_postgres::SimpleQueryMessage;

use super::super::source::Database;
use super::health::HealthError;
use crate::store::StoreError;

/// Each row as an object of texts.
pub async fn query(database: &Database, sql: &str) -> Result<Vec<Map<String, Value>>, HealthError> {
    let client = database.connect().await?;
    let answer = client.simple_query(sql).await.map_err(StoreError::from)?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let object = |row: &tokio_postgres::SimpleQueryRow| {
        let columns = row.columns().iter().enumerate();
        columns.map(|(at, column)| (column.name().to_owned(), Value::from(row.get(at)))).collect()
    };
    Ok(rows.map(object).collect())
}
