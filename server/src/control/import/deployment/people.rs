//! The people of an older desk: accounts where they have an address, and visitors where they have none.
//!
//! Invariant: an account arrives without a password, whatever it had, and one that is here keeps what it has.

use serde_json::{Value, json};
use switchboard_protocol::ids::AccountId;
use switchboard_protocol::limits;
use uuid::Uuid;

use super::super::patiently;
use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::{self, Row};
use super::shape::Kind;
use super::{PART, Run, Waiting};
use crate::domain::account::{is_email, name_of};
use crate::domain::clock;
use crate::domain::mint;
use crate::store::StoreError;
use crate::store::administration::bulk::Brought;

/// An account on its way, and what is known of the person beside it.
struct Person {
    key: String,
    place: String,
    phone: Option<String>,
    account: Value,
}

/// What an account may do here, by what it was called.
const ROLES: [(&str, &[&str]); 3] = [
    ("admin", &["admin", "administrator", "superuser", "owner"]),
    ("supervisor", &["supervisor", "manager", "team_lead", "lead"]),
    (
        "staff",
        &[
            "staff",
            "agent",
            "support",
            "banker",
            "operator",
            "employee",
            "advisor",
            "navigator",
            "human_agent",
        ],
    ),
];

impl Run {
    pub(super) async fn people(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let mut made = 0;
        for found in plan.of(Kind::Users) {
            let page = self.begin(found).await?;
            let mut lines = self.foreign.walk(&[found.by_time()]);
            let (mut accounts, mut visitors) = (Vec::new(), Waiting::default());
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                match self.person(found, row, place.clone()) {
                    Ok(Some(Who::Account(person))) => accounts.push(person),
                    Ok(Some(Who::Visitor(visitor))) => {
                        self.wait(Brought::Visitors, &mut visitors, visitor, page, place).await?;
                    }
                    Ok(None) => self.ledger.refuse(page, &place, "it has no id").await?,
                    Err(why) => self.ledger.refuse(page, &place, &why).await?,
                }
                if accounts.len() >= PART {
                    made += self.accounts(page, std::mem::take(&mut accounts)).await?;
                }
            }
            made += self.accounts(page, accounts).await?;
            self.bring(Brought::Visitors, &mut visitors).await?;
        }
        if made == 0 {
            return Ok(());
        }
        let would = if self.rehearsal { "would have" } else { "have" };
        self.ledger
            .note(format!(
                "{made} accounts {would} no password, since the old ones cannot be taken over: give each its own with \
                 `switchboard user add --email E --role R --password-stdin`"
            ))
            .await
    }

    fn person(&mut self, found: &Found, mut row: Row, place: String) -> Result<Option<Who>, String> {
        let Some(key) = row.text("id") else { return Ok(None) };
        let email = row.text("email");
        let name = row.short("name", limits::NAME);
        let phone = row.short("phone", limits::PHONE);
        let role = row.text("role");
        let is_admin = row.truth("admin").unwrap_or(false);
        let is_staff = row.truth("staff").unwrap_or(false);
        let at = row.time("at")?.unwrap_or_else(clock::now);
        let mut metadata = row.rest();
        metadata.insert("import_id".to_owned(), json!(key));
        let Some(email) = email else {
            let id = self.made_id("visitor", "user", &key);
            self.book.meet(&key, id);
            return Ok(Some(Who::Visitor(json!({
                "id": id, "external_id": key.chars().take(limits::EXTERNAL_ID).collect::<String>(), "verified": false,
                "name": name, "phone": phone, "metadata": metadata, "created_at": at,
            }))));
        };
        if !is_email(&email) {
            return Err("its e-mail is no address".to_owned());
        }
        let role = if is_admin { "admin" } else { role_of(role.as_deref(), is_staff) };
        let account = json!({
            "id": self.id("account", found.name(), &key), "email": email, "role": role,
            "name": name.unwrap_or_else(|| name_of(&email).to_owned()),
            "metadata": row::or_null(metadata), "created_at": at,
        });
        Ok(Some(Who::Account(Person { key, place, phone, account })))
    }

    /// Brings accounts with the visitors that they are in this workspace; how many are new.
    async fn accounts(&mut self, page: Page, people: Vec<Person>) -> anyhow::Result<u64> {
        let rows: Vec<Value> = people.iter().map(|person| person.account.clone()).collect();
        if rows.is_empty() {
            return Ok(0);
        }
        if self.rehearsal {
            for person in &people {
                let id = person.account["id"].as_str().and_then(row::uuid).unwrap_or_default();
                self.book.meet(&person.key, self.member(id));
            }
            self.ledger.new_rows(page, people.len() as u64);
            return Ok(people.len() as u64);
        }
        let brought = match patiently(|| self.desk.bring_accounts(self.workspace, rows.clone())).await {
            Ok(brought) => brought,
            Err(error @ StoreError::Refused { .. }) => {
                let why = error.to_string();
                let [one] = people.as_slice() else { return self.one_by_one(page, people).await };
                self.ledger.refuse(page, &one.place, &why).await?;
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        };
        let (mut made, mut members) = (0, Waiting::default());
        for (person, brought) in people.into_iter().zip(brought) {
            let Some((account, is_new)) = brought else {
                let why = "its id is that of somebody else here";
                self.ledger.refuse(page, &person.place, why).await?;
                continue;
            };
            let member = self.member(account);
            self.book.meet(&person.key, member);
            made += u64::from(is_new);
            if is_new {
                self.ledger.new_rows(page, 1);
            } else {
                self.ledger.known_rows(page, 1);
            }
            let Value::Object(account) = person.account else { continue };
            members.rows.push(json!({
                "id": member, "verified": true, "email": account["email"], "name": account["name"], "phone": person.phone,
                "created_at": account["created_at"],
            }));
        }
        // They are counted as accounts.
        let rows = members.rows;
        patiently(|| self.desk.bring(self.workspace, Brought::Visitors, rows.clone())).await?;
        Ok(made)
    }

    async fn one_by_one(&mut self, page: Page, people: Vec<Person>) -> anyhow::Result<u64> {
        let mut made = 0;
        for person in people {
            made += Box::pin(self.accounts(page, vec![person])).await?;
        }
        Ok(made)
    }

    fn member(&self, account: Uuid) -> Uuid {
        mint::member(self.workspace, AccountId::from(account)).uuid()
    }
}

enum Who {
    Account(Person),
    Visitor(Value),
}

fn role_of(name: Option<&str>, is_staff: bool) -> &'static str {
    let name = name.unwrap_or_default().to_lowercase();
    let found = ROLES.iter().find(|(_, names)| names.contains(&name.as_str()));
    found.map_or(if is_staff { "staff" } else { "member" }, |(role, _)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_taken_from_its_older_name() {
        for (name, is_staff, role) in [
            (Some("Admin"), false, "admin"),
            (Some("banker"), false, "staff"),
            (Some("manager"), true, "supervisor"),
            (Some("customer"), false, "member"),
            (None, true, "staff"),
            (None, false, "member"),
        ] {
            assert_eq!(role_of(name, is_staff), role, "{name:?}");
        }
    }
}
