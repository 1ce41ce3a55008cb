//! A year of a busy desk, written straight into the tables: rows as the server itself would have left them.
//!
//! Every index stays while it is filled. Ids are of version 7 and of their row's time, and the messages of
//! conversations that overlapped lie between each other, as they would have come.

use std::time::Instant;

use anyhow::ensure;
use serde::Serialize;
use uuid::Uuid;

use super::opening::Host;
use crate::cli::GrowthArgs;
use crate::database::Database;
use crate::lab::progress;

/// Messages of one statement.
const CHUNK: u32 = 100_000;

/// Conversations that are opened before those that count, so that connections and caches are warm.
const WARM_UP: u32 = 40;

/// Messages of a short conversation, and of one that fills the first page.
const SHORT: u32 = 10;
const PAGE: u32 = 50;

const TEXTS: [&str; 8] = [
    "Good morning! I ordered two lamps last week and only one of them has arrived. When will the other be here?",
    "Thank you for writing. May I ask you for the number of the order? It begins with the letters SB and a year.",
    "It is the one from the fourteenth, paid with the card that ends in what you have on file for this account.",
    "I have found it. The second lamp left our warehouse yesterday and is on its way; it should be there tomorrow.",
    "That is good to hear. Could it be left with the neighbours on the ground floor, since nobody is in till six?",
    "I have told the carrier. You will get a message with the hour in the morning, and you can still change it.",
    "One more thing: the shade of the first lamp has a small scratch near the top. Is there anything to be done?",
    "Of course. Send it back to us with the label in the box, at no cost to you, and a new one leaves the same day.",
];

const PREPARE: &str = "
set synchronous_commit = off;
set work_mem = '64MB';
create function pg_temp.uuid_at(at timestamptz) returns uuid language sql as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
          || substr(gen_random_uuid()::text, 16))::uuid
$$";

/// Conversations from $1 to before $2 of $3, in which there are $4 messages in all, of workspace $5, texts $6.
const ORDINARY: &str = "
with opened as materialized (
  select n, at, pg_temp.uuid_at(at) as id, pg_temp.uuid_at(at) as visitor,
         $4::bigint * (n + 1) / $3::bigint - $4::bigint * n / $3::bigint as length
  from (
    select n, now() - interval '365 days' + interval '364 days' * (n::float8 / $3::bigint) as at
    from generate_series($1::bigint, $2::bigint - 1) n
  ) series
), people as (
  insert into users (id, workspace_id, resume_hash, resume_used_at, created_at)
  select visitor, $5::uuid, sha256(uuid_send(gen_random_uuid())), at, at from opened
), rows as (
  insert into conversations (id, workspace_id, user_id, status, owner, version, write_id, user_read_seq,
                             staff_read_seq, created_at, updated_at)
  select id, $5::uuid, visitor, case when n < $3::bigint / 20 * 19 then 'closed' else 'waiting' end, 'none', 1,
         pg_temp.uuid_at(at), length, length, at, at
  from opened
)
insert into messages (conversation_id, seq, id, client_id, workspace_id, role, author_id, author_name, content,
                      created_at)
select id, seq, pg_temp.uuid_at(said), gen_random_uuid(), $5::uuid, case when seq % 2 = 1 then 'user' else 'staff' end,
       case when seq % 2 = 1 then visitor end, case when seq % 2 = 0 then 'Mira' end,
       ($6::text[])[1 + (n + seq - 1) % cardinality($6::text[])], said
from opened, lateral (
  select seq, at + seq * interval '40 seconds' as said from generate_series(1, length) seq
) message
order by said";

/// $1 conversations of visitor $2 in workspace $3, each with $4 messages, spread over the year.
const OPENED: &str = "
insert into conversations (id, workspace_id, user_id, status, owner, version, write_id, user_read_seq,
                           staff_read_seq, created_at, updated_at)
select pg_temp.uuid_at(at), $3::uuid, $2::uuid, 'waiting', 'none', 0, pg_temp.uuid_at(at), $4::bigint, $4::bigint,
       at, at
from (
  select now() - interval '365 days' + interval '300 days' * (n::float8 / $1::bigint) as at
  from generate_series(0, $1::bigint - 1) n
) series
returning id";

/// Messages $2 to $3 of each of the conversations $1 of visitor $4 in workspace $5, texts $6.
const SAID: &str = "
insert into messages (conversation_id, seq, id, client_id, workspace_id, role, author_id, author_name, content,
                      created_at)
select c.id, seq, pg_temp.uuid_at(said), gen_random_uuid(), $5::uuid,
       case when seq % 2 = 1 then 'user' else 'staff' end, case when seq % 2 = 1 then $4::uuid end,
       case when seq % 2 = 0 then 'Mira' end, ($6::text[])[1 + (seq - 1) % cardinality($6::text[])], said
from unnest($1::uuid[]) known
join conversations c on c.id = known
cross join lateral (
  select seq, c.created_at + seq * interval '40 seconds' as said
  from generate_series($2::bigint, $3::bigint) seq
) message
order by seq, c.id";

const SIZES: &str = "
select (select count(*) from conversations), (select count(*) from messages),
       pg_database_size(current_database()), pg_relation_size('messages'), pg_indexes_size('messages')";

/// What goes in: conversations of which one length each is opened later, and the many others.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    conversations: u32,
    messages: u32,
    groups: Vec<(Shape, u32)>,
}

/// Conversations of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shape {
    pub name: &'static str,
    pub length: u32,
}

/// What is in the tables now.
#[derive(Serialize)]
pub struct Filled {
    pub conversations: u64,
    pub messages: u64,
    pub database_bytes: u64,
    pub messages_bytes: u64,
    pub messages_index_bytes: u64,
    pub seconds: f64,
    #[serde(skip)]
    pub warm_up: Vec<Uuid>,
    #[serde(skip)]
    pub groups: Vec<Group>,
    /// As many as were planned.
    pub whole: bool,
}

pub struct Group {
    pub shape: Shape,
    pub conversations: Vec<Uuid>,
}

impl Plan {
    pub fn new(args: &GrowthArgs) -> anyhow::Result<Self> {
        let shape = |name, length| Shape { name, length };
        let groups = vec![
            (shape("warm-up", PAGE), WARM_UP),
            (shape("short", SHORT), args.each),
            (shape("a page", PAGE), args.each),
            (shape("long", args.long), args.each),
        ];
        // Its host's own conversation has one message.
        let opened: u64 = 1 + groups.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
        let said: u64 =
            1 + groups.iter().map(|(shape, count)| u64::from(shape.length) * u64::from(*count)).sum::<u64>();
        let rest = |all: u32, taken: u64| {
            u64::from(all).checked_sub(taken).and_then(|rest| u32::try_from(rest).ok()).unwrap_or(0)
        };
        let (conversations, messages) = (rest(args.conversations, opened), rest(args.messages, said));
        ensure!(
            conversations > 0 && messages >= conversations,
            "{} conversations with {} messages are too few: {opened} with {said} are opened one by one, and each of \
             the others needs a message",
            args.conversations,
            args.messages
        );
        Ok(Self { conversations, messages, groups })
    }

    /// Conversations of one statement.
    fn step(&self) -> u32 {
        (CHUNK / self.messages.div_ceil(self.conversations)).max(1)
    }
}

pub async fn fill(database: &Database, plan: &Plan, host: &Host) -> anyhow::Result<Filled> {
    let start = Instant::now();
    let client = database.client();
    client.batch_execute(PREPARE).await?;
    let texts = TEXTS.as_slice();

    let mut groups = Vec::with_capacity(plan.groups.len());
    for &(shape, count) in &plan.groups {
        let length = i64::from(shape.length);
        let rows =
            client.query(OPENED, &[&i64::from(count), &host.visitor, &host.workspace, &length]).await?;
        let conversations: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let bar = progress(shape.length, &format!("filling, {}", shape.name));
        for (first, last) in chunks(shape.length, CHUNK / count) {
            let (from, to) = (i64::from(first) + 1, i64::from(last));
            client
                .execute(SAID, &[&conversations, &from, &to, &host.visitor, &host.workspace, &texts])
                .await?;
            bar.inc(u64::from(last - first));
        }
        bar.finish_and_clear();
        groups.push(Group { shape, conversations });
    }

    let bar = progress(plan.conversations, "filling, conversations");
    let ordinary = client.prepare(ORDINARY).await?;
    let (all, messages) = (i64::from(plan.conversations), i64::from(plan.messages));
    for (first, end) in chunks(plan.conversations, plan.step()) {
        let (from, to) = (i64::from(first), i64::from(end));
        client.execute(&ordinary, &[&from, &to, &all, &messages, &host.workspace, &texts]).await?;
        bar.inc(u64::from(end - first));
    }
    bar.finish_and_clear();

    // What autovacuum would do next, so that it does not do it in the middle of a round.
    client.batch_execute("reset all").await?;
    client.batch_execute("vacuum (analyze)").await?;
    client.batch_execute("checkpoint").await?;
    let row = client.query_one(SIZES, &[]).await?;
    let size = |nth: usize| u64::try_from(row.get::<_, i64>(nth));
    let planned = |counts: fn(&(Shape, u32)) -> u64, rest: u32| {
        plan.groups.iter().map(counts).sum::<u64>() + u64::from(rest) + 1
    };
    let whole = size(0)? == planned(|(_, count)| u64::from(*count), plan.conversations)
        && size(1)? == planned(|(shape, count)| u64::from(shape.length) * u64::from(*count), plan.messages);
    Ok(Filled {
        conversations: size(0)?,
        messages: size(1)?,
        database_bytes: size(2)?,
        messages_bytes: size(3)?,
        messages_index_bytes: size(4)?,
        seconds: start.elapsed().as_secs_f64(),
        warm_up: groups.remove(0).conversations,
        groups,
        whole,
    })
}

/// From 0 to `end` in steps, each as its first and the one after its last.
fn chunks(end: u32, step: u32) -> impl Iterator<Item = (u32, u32)> {
    let step = step.max(1);
    (0..end).step_by(step as usize).map(move |first| (first, end.min(first.saturating_add(step))))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{CHUNK, Plan, TEXTS, chunks};
    use crate::cli::{Cli, Command};

    fn plan(arguments: &str) -> anyhow::Result<Plan> {
        let arguments = ["loadtest", "growth"].into_iter().chain(arguments.split_whitespace());
        let Command::Growth(args) = Cli::parse_from(arguments).command else { unreachable!() };
        Plan::new(&args)
    }

    #[test]
    fn the_plan_adds_up_to_what_was_asked_for() {
        let plan = plan("").unwrap();
        assert_eq!(plan.conversations, 1_000_000 - 1 - 40 - 3 * 50);
        assert_eq!(plan.messages, 20_000_000 - 1 - 40 * 50 - 50 * (10 + 50 + 100_000));
        assert!(plan.step() * plan.messages.div_ceil(plan.conversations) <= CHUNK);
    }

    #[test]
    fn a_plan_without_room_is_refused() {
        let error = plan("--messages 5000000").unwrap_err().to_string();
        assert!(error.contains("too few"), "{error}");
        assert!(plan("--conversations 100").is_err());
    }

    #[test]
    fn chunks_cover_everything_once() {
        assert_eq!(chunks(7, 3).collect::<Vec<_>>(), [(0, 3), (3, 6), (6, 7)]);
        assert_eq!(chunks(2, 0).collect::<Vec<_>>(), [(0, 1), (1, 2)]);
        assert_eq!(chunks(0, 3).count(), 0);
    }

    #[test]
    fn texts_are_of_about_a_hundred_characters() {
        assert!(TEXTS.iter().all(|text| (95..=115).contains(&text.chars().count())));
    }
}
