//! A database that is read from and never written: its tables, and their rows as JSON, whatever their types are.
//!
//! Invariant: everything is read in one transaction that can only read, so that all of it is of the moment when it began,
//! and a page at a time, so that little of it is in memory.

mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::Client;
use tokio_postgres::types::Type;

pub use lines::{Line, Lines};

use super::source::{Database, Options, SourceError};
use super::statement;

pub struct Foreign {
    client: Arc<Client>,
    schema: String,
    name: String,
    cursors: AtomicU32,
}

#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    #[error(transparent)]
    Unreachable(#[from] SourceError),
    #[error("the database that is read from refused it: {0}")]
    Refused(String),
    #[error("the connection to the database that is read from was lost: {0}")]
    Lost(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The columns that tell its rows apart.
    pub key: Vec<String>,
    pub references: Vec<Reference>,
    /// Whether the user who reads may.
    pub readable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub sort: Sort,
}

/// What rows can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Time,
    Whole,
    Other,
}

/// A column that points to another table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub column: String,
    pub table: String,
    pub other: String,
}

/// A table that is walked through, perhaps together with others.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    pub table: &'a Table,
    /// What its rows are gathered by, compared as text.
    pub gather: Option<&'a str>,
    /// Where that column is not yet what they are gathered by, but leads to it.
    pub through: Option<Through<'a>>,
    /// Their places in what they are gathered to, by number, and by time.
    pub place: Option<&'a str>,
    pub at: Option<&'a str>,
}

/// The rows of another table that have it in one column, and what is wanted in another; of several the first.
#[derive(Clone, Copy, Debug)]
pub struct Through<'a> {
    pub table: &'a Table,
    pub column: &'a str,
    pub wanted: &'a str,
}

impl Foreign {
    /// Begins to read. `variables` are `PGPASSWORD` and its like, for what the address leaves open.
    pub async fn open(
        address: &str,
        variables: Vec<(String, String)>,
        schema: &str,
    ) -> Result<Self, ForeignError> {
        let application_name = "switchboard import".to_owned();
        let options = Options { pg_env: variables, application_name, ..Options::default() };
        let client = Database::elsewhere(address, &options)?.connect().await?;
        // With row_security off a policy that would hide rows is an error, rather than rows that are missed.
        client
            .batch_execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL timezone = 'UTC'; SET LOCAL row_security = off; \
                 SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL jit = off",
            )
            .await?;
        let row = client.query_typed("SELECT current_database()::text AS name", &[]).await?;
        let name = row.first().map_or(Ok(String::new()), |row| row.try_get("name"))?;
        Ok(Self { client: Arc::new(client), schema: schema.to_owned(), name, cursors: AtomicU32::new(0) })
    }

    /// What the database is called where it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn tables(&self) -> Result<Vec<Table>, ForeignError> {
        let mut tables: Vec<Table> = Vec::new();
        for row in self.catalogue(statement::FOREIGN_COLUMNS.sql).await? {
            let (name, column): (String, String) = (row.try_get("table_name")?, row.try_get("column_name")?);
            let sort = match row.try_get("type_name")? {
                "timestamptz" | "timestamp" | "date" => Sort::Time,
                "int2" | "int4" | "int8" => Sort::Whole,
                _ => Sort::Other,
            };
            if tables.last().is_none_or(|last| last.name != name) {
                tables.push(Table { name, readable: row.try_get("readable")?, ..Table::default() });
            }
            if let Some(table) = tables.last_mut() {
                table.columns.push(Column { name: column, sort });
            }
        }
        for row in self.catalogue(statement::FOREIGN_KEYS.sql).await? {
            let name: String = row.try_get("table_name")?;
            let Some(table) = tables.iter_mut().find(|table| table.name == name) else { continue };
            let column: String = row.try_get("column_name")?;
            if row.try_get::<_, &str>("kind")? == "p" {
                table.key.push(column);
            } else {
                let (other, points_to) = (row.try_get("other_column")?, row.try_get("other_table")?);
                table.references.push(Reference { column, table: points_to, other });
            }
        }
        Ok(tables)
    }

    pub async fn count(&self, table: &Table) -> Result<u64, ForeignError> {
        let sql = format!("SELECT count(*) AS rows FROM {}", self.place(table));
        let rows = self.client.query_typed(&sql, &[]).await?;
        let rows: i64 = rows.first().map_or(Ok(0), |row| row.try_get("rows"))?;
        Ok(rows.unsigned_abs())
    }

    /// Some columns of a table as text, each row a list, in no order.
    pub fn columns(&self, table: &Table, columns: &[&str]) -> Lines {
        let values: Vec<_> = columns.iter().map(|column| format!("t.{}::text", quoted(column))).collect();
        let sql = format!(
            "SELECT 0 AS part, NULL::text AS gathered, json_build_array({})::text AS line FROM {} AS t",
            values.join(", "),
            self.place(table)
        );
        self.lines(&sql)
    }

    /// The rows of some tables as one list: gathered, and within that in the order of their places, times and keys.
    pub fn walk(&self, walks: &[Walk<'_>]) -> Lines {
        let parts: Vec<String> = (0..).zip(walks).map(|(part, walk)| self.select(part, walk)).collect();
        self.lines(&format!(
            "SELECT part, gathered, line FROM ({}) AS walked ORDER BY gathered, place, at, number, tie",
            parts.join(" UNION ALL ")
        ))
    }

    fn lines(&self, select: &str) -> Lines {
        let cursor = format!("walk_{}", self.cursors.fetch_add(1, Ordering::Relaxed));
        let declare = format!("DECLARE {cursor} NO SCROLL CURSOR FOR {select}");
        Lines::new(self.client.clone(), declare, cursor)
    }

    fn select(&self, part: i32, walk: &Walk<'_>) -> String {
        let Walk { table, gather, through, place, at } = *walk;
        let text = |column: &str| format!("t.{}::text", quoted(column));
        let of_sort = |column: Option<&str>, sort: Sort, kind: &str| {
            let fit = column.filter(|column| table.sort(column) == Some(sort));
            let value = fit.map_or_else(|| "NULL".to_owned(), |column| format!("t.{}", quoted(column)));
            format!("{value}::{kind}")
        };
        let number = table.key.iter().map(String::as_str).find(|key| table.sort(key) == Some(Sort::Whole));
        let ties: Vec<_> = table.key.iter().map(|column| format!(", {}", text(column))).collect();
        let (gathered, join) = match (gather, through) {
            (None, _) => ("NULL::text".to_owned(), String::new()),
            (Some(column), None) => (text(column), String::new()),
            (Some(column), Some(through)) => {
                let (key, wanted) = (quoted(through.column), quoted(through.wanted));
                let other = self.place(through.table);
                let join = format!(
                    " LEFT JOIN (SELECT DISTINCT ON (o.{key}::text) o.{key}::text AS key, o.{wanted}::text AS wanted \
                     FROM {other} AS o ORDER BY 1, 2) AS j ON j.key = {}",
                    text(column)
                );
                ("j.wanted".to_owned(), join)
            }
        };
        format!(
            "SELECT {part} AS part, {gathered} COLLATE \"C\" AS gathered, {} AS place, {} AS at, {} AS number, \
             concat_ws(' ', ''{}) COLLATE \"C\" AS tie, row_to_json(t)::text AS line FROM {} AS t{join}",
            of_sort(place, Sort::Whole, "bigint"),
            of_sort(at, Sort::Time, "timestamptz"),
            of_sort(number, Sort::Whole, "bigint"),
            ties.concat(),
            self.place(table)
        )
    }

    async fn catalogue(&self, sql: &str) -> Result<Vec<tokio_postgres::Row>, ForeignError> {
        Ok(self.client.query_typed(sql, &[(&self.schema, Type::TEXT)]).await?)
    }

    fn place(&self, table: &Table) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&table.name))
    }
}

impl Table {
    /// By its own spelling.
    pub fn column(&self, name: &str) -> Option<&str> {
        let found = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        found.map(|column| column.name.as_str())
    }

    fn sort(&self, name: &str) -> Option<Sort> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.sort)
    }
}

impl From<tokio_postgres::Error> for ForeignError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Self::Refused(refusal.message().to_owned()),
            None => Self::Lost(error.to_string()),
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(quoted("users"), "\"users\"");
        assert_eq!(quoted("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
    }
}
