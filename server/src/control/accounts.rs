//! Workspaces, accounts and keys by command. Passwords, keys and identity secrets are shown once, when they are made.

use anyhow::{bail, ensure};
use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits;

use super::admin::{ACTOR, Context, Outcome};
use super::command::Password;
use super::output::{Output, columns};
use crate::access::passwords::Passwords;
use crate::domain::account::{is_email, is_password};
use crate::domain::mint;
use crate::domain::visitor::{Role, Workspace};
use crate::store::Store;
use crate::store::accounts::{Key, WorkspaceEdit};
use crate::store::administration::Administration;
use crate::store::source::Kind;

/// The administrator of a database that is ours alone.
pub const ADMINISTRATOR: &str = "admin@localhost";

/// On an empty database, makes the first workspace and, where the database is this server's own, an administrator,
/// whose password is returned to be shown once.
pub async fn first_start(store: &Store, kind: Kind, passwords: &Passwords) -> anyhow::Result<Option<String>> {
    let accounts = store.accounts();
    if !accounts.workspaces().await?.is_empty() {
        return Ok(None);
    }
    let workspace = fresh_workspace(Workspace::DEFAULT, Vec::new(), false);
    let password = match kind {
        Kind::Embedded | Kind::Local => Some(mint::password()),
        Kind::Url => None,
    };
    let hash = match &password {
        Some(password) => Some(passwords.hash(password.clone()).await?),
        None => None,
    };
    let administrator = hash.as_deref().map(|hash| (ADMINISTRATOR, hash));
    let is_new = accounts.found(&workspace, administrator, "first start").await?;
    Ok(password.filter(|_| is_new))
}

pub async fn add_workspace(
    context: &Context,
    name: &str,
    origins: Vec<String>,
    verification_required: bool,
    output: &Output,
) -> anyhow::Result<Outcome> {
    ensure!(
        is_slug(name),
        "`{name}` cannot name a workspace: a name has 1 to 63 of the characters a-z, 0-9 and -, and begins with a \
         letter or a digit"
    );
    let workspace = fresh_workspace(name, checked_origins(origins)?, verification_required);
    if !context.administration.accounts().add_workspace(&workspace, ACTOR).await? {
        bail!("there is a workspace {name} already: change it with `switchboard workspace set {name}`");
    }
    (context.changed)();
    output
        .note(format!("The workspace {name} is made. This secret signs the ids of its verified visitors:"))
        .await?;
    output.line(workspace.identity_secret).await?;
    Ok(Outcome::Well)
}

pub async fn list_workspaces(desk: &Administration, output: &Output) -> anyhow::Result<Outcome> {
    let rows: Vec<_> = desk
        .accounts()
        .workspaces()
        .await?
        .into_iter()
        .map(|workspace| {
            let verified =
                if workspace.verification_required { "verified visitors only" } else { "all visitors" };
            let registration =
                if workspace.registration_open { "registration open" } else { "registration closed" };
            let learning = if workspace.learns { "learns from staff" } else { "does not learn from staff" };
            [
                workspace.slug,
                verified.to_owned(),
                registration.to_owned(),
                learning.to_owned(),
                workspace.allowed_origins.join(" "),
            ]
        })
        .collect();
    print(rows, output).await
}

/// What is absent stays.
pub struct Edit {
    pub origins: Option<Vec<String>>,
    pub require_verification: Option<bool>,
    pub registration_open: Option<bool>,
    pub learns: Option<bool>,
    pub new_secret: bool,
}

pub async fn set_workspace(
    context: &Context,
    name: &str,
    edit: Edit,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let secret = edit.new_secret.then(mint::secret);
    let edit = WorkspaceEdit {
        verification_required: edit.require_verification,
        allowed_origins: edit.origins.map(checked_origins).transpose()?,
        identity_secret: secret.clone(),
        registration_open: edit.registration_open,
        learns: edit.learns,
    };
    if !context.administration.accounts().set_workspace(name, edit, ACTOR).await? {
        bail!("{}", no_workspace(name));
    }
    (context.changed)();
    match secret {
        Some(secret) => {
            output
                .note(format!(
                    "The workspace {name} is changed. What its former secret signed no longer holds; this one does:"
                ))
                .await?;
            output.line(secret).await?;
        }
        None => output.note(format!("The workspace {name} is changed.")).await?,
    }
    Ok(Outcome::Well)
}

pub async fn add_user(
    context: &Context,
    email: &str,
    role: &str,
    workspace: &str,
    given: Option<Password>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    ensure!(is_email(email), "`{email}` is no e-mail address");
    let role = named(role, &[Role::Member, Role::Staff, Role::Supervisor, Role::Admin])?;
    let accounts = context.administration.accounts();
    let workspace_id = find(&context.administration, workspace).await?;
    let is_given = given.is_some();
    let password = match given {
        Some(Password(password)) => checked_password(password)?,
        None => mint::password(),
    };
    let hash = context.passwords.hash(password.clone()).await?;
    let (account, is_new) = accounts.add_account(email, &hash, ACTOR).await?;
    let works_now = is_new || accounts.set_password(email, &hash, is_given, ACTOR).await?;
    accounts.grant(workspace_id, account, role, ACTOR).await?;
    (context.changed)();
    let may = format!("{email} is {} in the workspace {workspace}", role.name());
    match (is_given, works_now) {
        (true, _) => output.note(format!("{may}, with the password that was given.")).await?,
        (false, true) => {
            output.note(format!("{may}. This is the password, shown this once:")).await?;
            output.line(password).await?;
        }
        (false, false) => {
            output.note(format!("{may}. The account was there already and keeps its password.")).await?;
        }
    }
    Ok(Outcome::Well)
}

pub async fn list_users(desk: &Administration, output: &Output) -> anyhow::Result<Outcome> {
    let rows: Vec<_> = desk
        .accounts()
        .accounts()
        .await?
        .into_iter()
        .map(|account| {
            let state = if account.works { "" } else { "revoked" };
            [
                account.email,
                account.workspace.unwrap_or_default(),
                account.role.unwrap_or_default(),
                state.to_owned(),
            ]
        })
        .collect();
    print(rows, output).await
}

pub async fn revoke_user(context: &Context, email: &str, output: &Output) -> anyhow::Result<Outcome> {
    if !context.administration.accounts().revoke_account(email, ACTOR).await? {
        bail!("there is no account {email}; `switchboard user list` shows all");
    }
    (context.changed)();
    output
        .note(format!(
            "{email} can no longer log in, and is logged out everywhere. What the account wrote stays under its name."
        ))
        .await?;
    Ok(Outcome::Well)
}

pub async fn add_key(
    context: &Context,
    name: &str,
    role: &str,
    workspace: Option<&str>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    ensure!(!name.trim().is_empty() && name.len() <= 100, "the name of a key has 1 to 100 characters");
    let role = named(role, &[Role::Service, Role::Staff, Role::Supervisor, Role::Admin])?;
    let workspace_id = match workspace {
        Some(workspace) => Some(find(&context.administration, workspace).await?),
        None => None,
    };
    let secret = format!("sb_{}", mint::secret());
    let key = Key { id: mint::id(), workspace: workspace_id, name: name.to_owned(), role };
    if !context.administration.accounts().add_key(&key, &secret, ACTOR).await? {
        bail!("there is a key {name} already: choose another name, or `switchboard key revoke {name}` first");
    }
    (context.changed)();
    let place = workspace
        .map_or_else(|| "all workspaces".to_owned(), |workspace| format!("the workspace {workspace}"));
    output.note(format!("The key {name} is {} in {place}. It is shown this once:", role.name())).await?;
    output.line(secret).await?;
    Ok(Outcome::Well)
}

pub async fn list_keys(desk: &Administration, output: &Output) -> anyhow::Result<Outcome> {
    let rows: Vec<_> = desk
        .accounts()
        .keys()
        .await?
        .into_iter()
        .map(|key| {
            let made = key.created_at.format("%Y-%m-%d %H:%M UTC").to_string();
            [key.name, key.workspace.unwrap_or_else(|| "*".to_owned()), key.role, made]
        })
        .collect();
    print(rows, output).await
}

/// Without a workspace the name has to be that of one key only.
pub async fn revoke_key(
    context: &Context,
    name: &str,
    workspace: Option<&str>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let accounts = context.administration.accounts();
    let everywhere = || "*".to_owned();
    let mut keys: Vec<(_, String)> = accounts
        .keys_named(name)
        .await?
        .into_iter()
        .map(|(id, slug)| (id, slug.unwrap_or_else(everywhere)))
        .filter(|(_, place)| workspace.is_none_or(|workspace| workspace == place))
        .collect();
    if keys.len() > 1 {
        let places: Vec<String> = keys.into_iter().map(|(_, place)| place).collect();
        bail!("there are several keys {name}: say which with `--workspace`, one of {}", places.join(", "));
    }
    let revoked = match keys.pop() {
        Some((id, _)) => accounts.revoke_key(id, name, ACTOR).await?,
        None => false,
    };
    if !revoked {
        let place = workspace.map_or_else(String::new, |workspace| format!(" in the workspace {workspace}"));
        bail!("there is no key {name}{place}; `switchboard key list` shows all");
    }
    (context.changed)();
    output.note(format!("The key {name} no longer works.")).await?;
    Ok(Outcome::Well)
}

pub async fn restored(desk: &Administration, output: &Output) -> anyhow::Result<Outcome> {
    desk.accounts().restored().await?;
    output
        .note(
            "The log has a new epoch: clients will load their conversations anew. A server that is running still \
             speaks of the old one: restart it now.",
        )
        .await?;
    Ok(Outcome::Well)
}

/// The id of a workspace, or a sentence that says how to make it.
pub async fn find(desk: &Administration, name: &str) -> anyhow::Result<WorkspaceId> {
    let all = desk.accounts().workspaces().await?;
    let found = all.into_iter().find(|workspace| workspace.slug == name);
    found.map(|workspace| workspace.id).ok_or_else(|| anyhow::Error::msg(no_workspace(name)))
}

fn no_workspace(name: &str) -> String {
    format!(
        "there is no workspace {name}; `switchboard workspace list` shows all, `switchboard workspace add {name}` \
         makes it"
    )
}

fn fresh_workspace(slug: &str, allowed_origins: Vec<String>, verification_required: bool) -> Workspace {
    Workspace {
        id: mint::id(),
        slug: slug.to_owned(),
        identity_secret: mint::secret(),
        verification_required,
        allowed_origins,
        registration_open: false,
        learns: false,
    }
}

/// As the schema has it.
fn is_slug(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 63
        && name.bytes().next().is_some_and(fits)
        && name.bytes().all(|byte| fits(byte) || byte == b'-')
}

fn named(role: &str, allowed: &[Role]) -> anyhow::Result<Role> {
    let found = Role::from_name(role).filter(|role| allowed.contains(role));
    let names = || allowed.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| anyhow::anyhow!("`{role}` cannot be given; there are {}", names()))
}

/// As browsers send them: scheme, host and port, without a path. `*` is every page on the web.
fn checked_origins(origins: Vec<String>) -> anyhow::Result<Vec<String>> {
    let checked = |origin: String| {
        let bare = origin.trim().trim_end_matches('/').to_ascii_lowercase();
        let authority = bare.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme));
        let fits = authority.is_some_and(|(_, host)| {
            !host.is_empty()
                && !host.contains(|letter: char| "/?#@*".contains(letter) || letter.is_whitespace())
        });
        ensure!(
            bare == "*" || fits,
            "`{origin}` is no origin: write it like https://shop.example, or `*` for every page"
        );
        Ok(bare)
    };
    origins.into_iter().map(checked).collect()
}

fn checked_password(password: String) -> anyhow::Result<String> {
    ensure!(
        is_password(&password),
        "a password has {} to {} characters",
        limits::PASSWORD_LEAST,
        limits::PASSWORD
    );
    Ok(password)
}

async fn print<const N: usize>(rows: Vec<[String; N]>, output: &Output) -> anyhow::Result<Outcome> {
    for line in columns(&rows) {
        output.line(line).await?;
    }
    Ok(Outcome::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_the_schema_takes() {
        for (name, fits) in [
            ("default", true),
            ("a", true),
            ("7-up", true),
            ("", false),
            ("-a", false),
            ("Shop", false),
            ("a_b", false),
        ] {
            assert_eq!(is_slug(name), fits, "{name}");
        }
        assert!(is_slug(&"a".repeat(63)) && !is_slug(&"a".repeat(64)));
    }

    #[test]
    fn origins_are_what_browsers_send() {
        let read =
            |origin: &str| checked_origins(vec![origin.to_owned()]).map(|mut origins| origins.remove(0));
        assert_eq!(read("https://Shop.example/").unwrap(), "https://shop.example");
        assert_eq!(read("http://localhost:3000").unwrap(), "http://localhost:3000");
        assert_eq!(read("*").unwrap(), "*");
        for wrong in [
            "shop.example",
            "https://",
            "https://shop.example/chat",
            "ftp://shop.example",
            "https://*.example",
            "",
        ] {
            assert!(read(wrong).unwrap_err().to_string().contains("https://shop.example"), "{wrong}");
        }
    }

    #[test]
    fn roles_are_given_where_they_make_sense() {
        assert_eq!(named("staff", &[Role::Staff]).unwrap(), Role::Staff);
        for wrong in ["visitor", "owner", ""] {
            let sentence = named(wrong, &[Role::Staff, Role::Admin]).unwrap_err().to_string();
            assert!(sentence.contains("staff, admin"), "{sentence}");
        }
    }
}
