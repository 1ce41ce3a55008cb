//! Who may do what: every method, tried by every role, on what is their own, on another visitor's and in another
//! workspace.
//!
//! Invariant: nothing is left out. The methods, their parameters and the roles that may call them come from the server's
//! published schema, which is made from the table that the server goes by and does not compile without a row for
//! each method.

use std::collections::BTreeSet;

use switchboard_tests::prelude::*;

use crate::auth::{add_user, log_in};
use crate::commands::{add_key, add_workspace};
use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] =
    tests![every_method_is_tried_by_every_role_here_and_elsewhere, nobody_may_call_anything_but_an_open,];

const ROLES: [&str; 6] = ["visitor", "member", "service", "staff", "supervisor", "admin"];
/// Those who see their own conversations alone.
const OWN: [&str; 2] = ["visitor", "member"];
/// Where something that is not theirs is answered by saying that there was none.
const SAYS_NONE: [&str; 2] = ["canned.delete", "knowledge.delete"];
/// Where what an earlier try has deleted is not found any more.
const TAKES_AWAY: [&str; 2] = ["insight.delete", "memory.delete_trace"];

/// What a method may be pointed at.
#[derive(Debug)]
struct Target {
    conversation: String,
    message: String,
    escalation: String,
    document: String,
    canned: String,
    contact: String,
    trace: String,
    sync: String,
}

/// A method as the server publishes it.
struct Method {
    name: String,
    roles: BTreeSet<String>,
    http: bool,
    params: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    AnotherVisitors,
    AnotherWorkspaces,
}

async fn every_method_is_tried_by_every_role_here_and_elsewhere(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let (methods, definitions) = published(&world).await?;
    let theirs = visitors_target(&world, "default").await?;
    let foreign = visitors_target(&world, "shop").await?;
    let (theirs_before, foreign_before) = (state(&world, &theirs).await?, state(&world, &foreign).await?);
    let (own, all): (Vec<_>, Vec<_>) = ROLES.into_iter().partition(|role| OWN.contains(role));
    for roles in [own, all] {
        let mut people = Vec::new();
        for role in &roles {
            people.push((*role, somebody(&world, role).await?));
        }
        for method in &methods {
            for (role, (credential, own)) in &people {
                let own = own.as_ref().unwrap_or(&theirs);
                for (whose, target) in [
                    (Whose::Own, own),
                    (Whose::AnotherVisitors, &theirs),
                    (Whose::AnotherWorkspaces, &foreign),
                ] {
                    let (params, aimed) = sample(method, &definitions, target, credential)?;
                    let cell = Cell { role, method, whose, aimed };
                    let (mut socket, _) = opened(&world, json!({"token": credential})).await?;
                    let asked = socket.request(&method.name, params.clone()).await?;
                    cell.check(&socket.answer(asked).await?)?;
                    if method.http {
                        cell.check(&over_http(&world, credential, method, params).await?)
                            .context("over HTTP")?;
                    }
                }
            }
        }
        if roles.iter().all(|role| OWN.contains(role)) {
            ensure!(state(&world, &theirs).await? == theirs_before, "{roles:?} changed another's");
        }
    }
    ensure!(state(&world, &foreign).await? == foreign_before, "something changed in another workspace");
    Ok(())
}

async fn nobody_may_call_anything_but_an_open(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let (methods, definitions) = published(&world).await?;
    let target = visitors_target(&world, "default").await?;
    for method in methods.iter().filter(|method| method.name != "session.open") {
        let (params, _) = sample(method, &definitions, &target, "nobody's")?;
        let refusal = world.socket().await?.call_refused(&method.name, params.clone()).await?;
        ensure!(refusal.kind == "unauthenticated", "{}: {refusal}", method.name);
        if method.http {
            let refusal = crate::http::refused(&world, None, &method.name, params).await?;
            ensure!(refusal.kind == "unauthenticated", "{} over HTTP: {refusal}", method.name);
        }
    }
    Ok(())
}

async fn over_http(
    world: &World,
    credential: &str,
    method: &Method,
    params: Value,
) -> Result<Result<Value, RpcError>> {
    match world.rpc(Some(credential), &method.name, params).await {
        Ok(result) => Ok(Ok(result)),
        Err(error) => Ok(Err(error.downcast::<RpcError>()?)),
    }
}

/// One try of the matrix.
struct Cell<'a> {
    role: &'a str,
    method: &'a Method,
    whose: Whose,
    /// Whether the parameters name something that belongs to somebody.
    aimed: bool,
}

impl Cell<'_> {
    fn check(&self, outcome: &Result<Value, RpcError>) -> Result<()> {
        let Self { role, method, whose, aimed } = self;
        let cell = format!("{} by a {role}, {whose:?}", method.name);
        let kind = outcome.as_ref().err().map(|error| error.kind.as_str());
        if !method.roles.contains(*role) {
            ensure!(kind == Some("forbidden"), "{cell}: {outcome:?}");
            return Ok(());
        }
        let is_theirs = match whose {
            Whose::Own => true,
            Whose::AnotherVisitors => !OWN.contains(role),
            Whose::AnotherWorkspaces => false,
        };
        if *aimed && !is_theirs && !SAYS_NONE.contains(&method.name.as_str()) {
            ensure!(kind == Some("not_found"), "{cell}: {outcome:?}");
            let only = outcome.as_ref().err().map(|error| &error.data);
            ensure!(
                only == Some(&json!({"kind": "not_found"})),
                "existence is not revealed: {cell}: {only:?}"
            );
            return Ok(());
        }
        if kind == Some("not_found") && TAKES_AWAY.contains(&method.name.as_str()) {
            return Ok(());
        }
        // A conversation that an earlier try has closed, or a row that stands otherwise by now.
        ensure!(matches!(kind, None | Some("conflict" | "position_lost")), "{cell}: {outcome:?}");
        let hidden = match whose {
            Whose::Own => &[][..],
            Whose::AnotherVisitors if is_theirs => &[][..],
            Whose::AnotherVisitors => &["hello from default"][..],
            Whose::AnotherWorkspaces => &["hello from shop", "page of shop"][..],
        };
        let told = format!("{outcome:?}");
        ensure!(hidden.iter().all(|secret| !told.contains(secret)), "{cell} tells {told}");
        Ok(())
    }
}

/// The methods of the running server, and what their schemas refer to. Deletions come last: what they delete has been
/// used by then.
async fn published(world: &World) -> Result<(Vec<Method>, Value)> {
    let document: Value = world.get("/protocol.json").await?.json().await?;
    let methods = document["methods"].as_object().context("the document lists the methods")?;
    let mut all = Vec::new();
    for (name, method) in methods {
        let roles: BTreeSet<_> = strings(&method["roles"]).map(str::to_owned).collect();
        ensure!(!roles.is_empty(), "nobody may call {name}");
        ensure!(roles.iter().all(|role| ROLES.contains(&role.as_str())), "{name} is for {roles:?}");
        let params = method["params"].clone();
        all.push(Method { name: name.clone(), roles, http: method["http"] == true, params });
    }
    ensure!(all.len() >= 17, "only {} methods: is the document whole?", all.len());
    all.sort_by_key(|method| method.name.contains(".delete"));
    Ok((all, document["$defs"].clone()))
}

/// Somebody of this role in the workspace `default`, with a conversation of their own if they have any.
async fn somebody(world: &World, role: &str) -> Result<(String, Option<Target>)> {
    let email = format!("{role}@shop.example");
    let credential = match role {
        "visitor" => world.visitor().await?.token,
        "service" => add_key(world, "crm", role, "default").await?,
        _ => {
            add_user(world, &email, role, "default").await?;
            let session = log_in(world, &email, None).await?;
            session["access_token"].as_str().context("a token")?.to_owned()
        }
    };
    let own = if OWN.contains(&role) {
        let (mut socket, first) = opened(world, json!({"token": credential})).await?;
        Some(target(world, &mut socket, conversation(&first), "default").await?)
    } else {
        None
    };
    Ok((credential, own))
}

async fn visitors_target(world: &World, workspace: &str) -> Result<Target> {
    let (mut socket, first) = opened(world, json!({"workspace": workspace})).await?;
    target(world, &mut socket, conversation(&first), workspace).await
}

/// Something of each kind, in this conversation and its workspace.
async fn target(world: &World, socket: &mut Socket, conversation: &str, workspace: &str) -> Result<Target> {
    let id = |value: &Value| value.as_str().map(str::to_owned).context("an id");
    let said = crate::messages::text(conversation, &format!("hello from {workspace}"));
    let message = id(&socket.call("message.send", said).await?["id"])?;
    let asked = json!({"conversation_id": conversation});
    let escalation = id(&socket.call("escalation.request", asked).await?["escalation"]["id"])?;
    let key = add_key(world, &format!("keeper-{}", Uuid::new_v4()), "service", workspace).await?;
    let page =
        json!({"documents": [{"title": format!("A page of {workspace}"), "content": "What it says."}]});
    let added = world.rpc(Some(&key), "knowledge.add", page).await?;
    let document = id(&added["documents"][0]["id"])?;
    let key = add_key(world, &format!("clerk-{}", Uuid::new_v4()), "staff", workspace).await?;
    let text =
        json!({"name": format!("c{}", Uuid::new_v4().simple()), "content": format!("A page of {workspace}")});
    let canned = id(&world.rpc(Some(&key), "canned.save", text).await?["canned"]["id"])?;
    let contact = Uuid::new_v4().to_string();
    let known = json!({"contact_id": contact, "insights": {"personal": format!("A page of {workspace}")}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": known})).await?;
    let trace = json!({"task": format!("A page of {workspace}"), "outcome": "success", "memory_items": [
        {"title": format!("A page of {workspace}"), "content": "What was learned."},
    ]});
    let trace = id(&world.rpc(Some(&key), "memory.add_trace", json!({"trace": trace})).await?["trace_id"])?;
    let sync = Uuid::new_v4().to_string();
    world
        .execute(&format!(
            "insert into sync_jobs (workspace_id, id, sink, scope, dry_run, state, asked_at, worked_at, ended_at) \
             select id, '{sync}', 'airtable', 'all', false, 'done', now(), now(), now() from workspaces \
             where slug = '{workspace}'"
        ))
        .await?;
    Ok(Target {
        conversation: conversation.to_owned(),
        message,
        escalation,
        document,
        canned,
        contact,
        trace,
        sync,
    })
}

/// What stands of a target, as far as anybody could have changed it.
async fn state(world: &World, target: &Target) -> Result<Vec<Value>> {
    let Target { conversation, escalation, document, canned, contact, trace, .. } = target;
    let sql = format!(
        "select c.status, c.owner, c.rating, c.assignee_id, c.user_read_seq, c.staff_read_seq, \
         (select count(*) from messages m where m.conversation_id = c.id) as messages, \
         (select count(*) from message_feedback f where f.conversation_id = c.id) as feedback, \
         (select e.assignee_id || coalesce(e.resolution, '') from escalations e where e.id = '{escalation}') as held, \
         (select count(*) from knowledge_documents k where k.id = '{document}') as documents, \
         (select count(*) from memory_items i where i.trace_id = '{trace}') as memories, \
         (select count(*) from canned_responses r where r.id = '{canned}') as canned, \
         (select max(i.version) from structured_insights i where i.contact_id = '{contact}') as insights \
         from conversations c where c.id = '{conversation}'"
    );
    world.rows(&sql).await
}

/// Parameters that fit the method's schema, pointed at the target; and whether there is anything to point.
fn sample(method: &Method, definitions: &Value, target: &Target, credential: &str) -> Result<(Value, bool)> {
    let schema = resolve(&method.params, definitions)?;
    let mut params = generate(schema, definitions)?;
    let fields = params.as_object_mut().context("parameters are an object")?;
    let named = |name: &str| schema["properties"].get(name).is_some();
    let required: BTreeSet<_> = strings(&schema["required"]).collect();
    let subject = method.name.split('.').next().unwrap_or_default();
    let mut aimed = false;
    let mut aim = |name: &str, at: &str| {
        fields.insert(name.to_owned(), json!(at));
        aimed = true;
    };
    if named("conversation_id") {
        aim("conversation_id", &target.conversation);
    }
    if named("message_id") {
        aim("message_id", &target.message);
    }
    if named("contact_id") {
        aim("contact_id", &target.contact);
    }
    if named("job_id") {
        aim("job_id", &target.sync);
    }
    match subject {
        "escalation" if named("id") => aim("id", &target.escalation),
        "memory" if named("id") => aim("id", &target.trace),
        "knowledge" if named("id") => aim("id", &target.document),
        "canned" if required.contains("id") => aim("id", &target.canned),
        _ if required.contains("id") => bail!("what does the id of {} name? Say it here", method.name),
        _ => {}
    }
    if method.name == "insight.upsert" {
        // That one of the fields is there, the schema says in words alone.
        fields["insight"]["insights"]["personal"] = json!("x");
    }
    if named("token") {
        fields.insert("token".to_owned(), json!(credential));
    }
    Ok((params, aimed))
}

/// The least that a schema takes.
fn generate(schema: &Value, definitions: &Value) -> Result<Value> {
    let schema = resolve(schema, definitions)?;
    if let Some(choice) = schema["enum"].get(0) {
        return Ok(choice.clone());
    }
    if let Some(choice) = schema["anyOf"].get(0).or(schema["oneOf"].get(0)) {
        return generate(choice, definitions);
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str());
    Ok(match kind {
        Some("object") => {
            let mut fields = serde_json::Map::new();
            for name in strings(&schema["required"]) {
                fields.insert(name.to_owned(), generate(&schema["properties"][name], definitions)?);
            }
            Value::Object(fields)
        }
        Some("array") if schema["minItems"].as_u64().unwrap_or(0) > 0 => {
            json!([generate(&schema["items"], definitions)?])
        }
        Some("array") => json!([]),
        Some("string") if schema["format"] == "uuid" => json!(Uuid::new_v4()),
        Some("string") => {
            let least = schema["minLength"].as_u64().unwrap_or(0).max(1);
            json!("x".repeat(usize::try_from(least)?))
        }
        Some("integer" | "number") => match &schema["minimum"] {
            Value::Null => json!(1),
            least => least.clone(),
        },
        Some("boolean") => json!(true),
        None if schema.is_boolean()
            || schema.as_object().is_some_and(|rules| rules.get("type").is_none()) =>
        {
            json!({})
        }
        _ => bail!("nothing is known to fit {schema}"),
    })
}

fn resolve<'a>(schema: &'a Value, definitions: &'a Value) -> Result<&'a Value> {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap_or_default();
            definitions.get(name).with_context(|| format!("{reference} leads nowhere"))
        }
        None => Ok(schema),
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
