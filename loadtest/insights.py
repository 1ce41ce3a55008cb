"""What loadtest/insights measures: batches against single rows, then looking among all of them."""

import asyncio
import collections
import http.client
import itertools
import json
import random
import sys
import time

import asyncpg

ADDRESS, KEY, SOCKET, COUNT = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
BATCH = 1000
WORDS = 40_000
FIELDS = ("personal", "business", "deals")
STATES = ("completed",) * 7 + ("pending", "processing", "failed")

# The table that a team would write itself: the same columns and the same indexes for lists, none for words.
TABLE = """
create table peer_insights (
  contact_id text primary key, eni_id text not null, member_name text, eni_source_types text[] not null,
  eni_source_subtypes text[] not null, total_eni_ids bigint not null, record_count bigint not null,
  insights jsonb not null, processing_status text not null, generated_at timestamptz not null default now(),
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  version bigint not null default 1, metadata jsonb);
create index on peer_insights (updated_at, contact_id);
create index on peer_insights (created_at, contact_id);
create index on peer_insights (generated_at, contact_id);
create index on peer_insights (member_name, contact_id);
create index on peer_insights (processing_status, updated_at, contact_id);
"""
UPSERT = """
insert into peer_insights as p (contact_id, eni_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids,
                                record_count, insights, processing_status)
values ($1, 'COMBINED-' || $1 || '-ALL', $2, $3, $4, $5, $6, $7, $8)
on conflict (contact_id) do update set
  member_name = excluded.member_name,
  eni_source_types = p.eni_source_types || array(select unnest(excluded.eni_source_types) except select unnest(p.eni_source_types)),
  eni_source_subtypes =
    p.eni_source_subtypes || array(select unnest(excluded.eni_source_subtypes) except select unnest(p.eni_source_subtypes)),
  total_eni_ids = p.total_eni_ids + excluded.total_eni_ids,
  record_count = p.record_count + excluded.record_count,
  insights = p.insights || excluded.insights,
  processing_status = excluded.processing_status,
  updated_at = now(), version = p.version + 1
"""


def insight(plan, contact):
    """Three sentences of twelve words; a few words are in more than every third insight, most in very few."""
    words = ((f"word{int(plan.random() ** 3 * WORDS)}" for _ in range(12)) for _ in FIELDS)
    return {
        "contact_id": contact,
        "member_name": f"Member {contact}",
        "eni_source_types": [f"type{plan.randrange(5)}"],
        "eni_source_subtypes": [f"subtype{plan.randrange(20)}"],
        "total_eni_ids": 1,
        "record_count": plan.randrange(1, 9),
        "insights": {field: " ".join(some) for field, some in zip(FIELDS, words)},
        "processing_status": plan.choice(STATES),
    }


class Desk:
    """The server, over one connection that is kept."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(ADDRESS)

    def call(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return self.send(body)

    def send(self, body):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        self.connection.request("POST", "/rpc", body, headers)
        answer = json.load(self.connection.getresponse())
        if "error" in answer:
            raise SystemExit(answer["error"])
        return answer["result"]


def batches(drafts, name):
    """Groups of a thousand as requests, ready to be sent."""
    entries = ({"insight": draft, "group_key": f"{name} {n}"} for n, draft in enumerate(drafts))
    while some := list(itertools.islice(entries, BATCH)):
        yield json.dumps({"jsonrpc": "2.0", "id": 1, "method": "insight.batch_upsert", "params": {"insights": some}})


async def row_by_row(connection, drafts):
    began = time.perf_counter()
    for it in drafts:
        async with connection.transaction():
            await connection.execute(
                UPSERT, it["contact_id"], it["member_name"], it["eni_source_types"], it["eni_source_subtypes"],
                it["total_eni_ids"], it["record_count"], json.dumps(it["insights"]), it["processing_status"])
    return len(drafts) / (time.perf_counter() - began)


def by_batch(desk, bodies, count):
    began = time.perf_counter()
    for body in bodies:
        desk.send(body)
    return count / (time.perf_counter() - began)


async def folding(desk):
    """In turns, so that what else the machine does falls on both; half of the groups meet a contact that is there."""
    connection = await asyncpg.connect(host=SOCKET, user="switchboard", database="postgres")
    await connection.execute(TABLE)
    plan = random.Random(1)
    rounds, rows = 5, max(BATCH, min(10 * BATCH, COUNT // 20))
    ratios = []
    for number in range(rounds):
        def drafts(count):
            return [insight(plan, f"r{plan.randrange(count)}-{number}") for _ in range(count)]
        single = await row_by_row(connection, drafts(max(200, rows // 5)))
        bodies = list(batches(drafts(rows), f"round {number}"))
        batched = by_batch(desk, bodies, rows)
        ratios.append(batched / single)
        print(f"round {number + 1}: row by row {single:7.0f}/s   batches of {BATCH} {batched:7.0f}/s   {batched / single:5.1f} x")
    print(f"median {sorted(ratios)[rounds // 2]:.1f} x (the bar: 10 x)")
    await connection.execute("drop table peer_insights")
    await connection.close()


def fill(desk):
    """All through the same method. Gives how many insights each word is in."""
    plan, texts, began = random.Random(2), collections.Counter(), time.perf_counter()
    def drafts():
        for number in range(COUNT):
            draft = insight(plan, f"c{number:07}")
            texts.update(set(" ".join(draft["insights"].values()).split()))
            yield draft
    for number, body in enumerate(batches(drafts(), "fill")):
        desk.send(body)
        if number % 100 == 99:
            print(f"{(number + 1) * BATCH} insights in {time.perf_counter() - began:.0f} s", flush=True)
    return texts


def ask(desk, title, method, params):
    """Each once to warm up, then three times."""
    for one in params:
        desk.call(method, one)
    times = []
    for one in params * 3:
        began = time.perf_counter()
        desk.call(method, one)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    print(f"{title:<64} p50 {times[len(times) // 2]:7.1f} ms   p95 {p95:7.1f} ms   max {times[-1]:7.1f} ms")


async def looking(desk, texts):
    connection = await asyncpg.connect(host=SOCKET, user="switchboard", database="postgres")
    began = time.perf_counter()
    while await connection.fetchval("select exists (select from insight_unindexed)"):
        await asyncio.sleep(0.1)
    print(f"indexed {time.perf_counter() - began:.1f} s after the last was folded in", flush=True)
    # The server has hung up on a connection that was quiet for so long.
    desk.connection.close()
    await connection.execute("vacuum analyze structured_insights, insight_words, insight_counts")
    await connection.close()
    share = {word: count / COUNT for word, count in texts.items()}
    def within(least, most):
        found = sorted(word for word, part in share.items() if least <= part <= most)
        return random.Random(3).sample(found, min(40, len(found)))
    rare, one = within(0, 0.001), within(0.005, 0.01)
    common = sorted(share, key=share.get)[-10:]
    search = lambda words, **more: [{"query": word, "limit": 20, **more} for word in words]
    ask(desk, "search, a word in at most 0.1%", "insight.search", search(rare))
    ask(desk, "search, a word in 0.5% to 1%", "insight.search", search(one))
    ask(desk, "search, the same in one field", "insight.search", search(one, fields=["deals"]))
    ask(desk, "search, two words in 0.5% to 1%", "insight.search", search(f"{a} {b}" for a, b in zip(one, one[1:])))
    ask(desk, f"search, the commonest (in {share[common[0]]:.0%} and more)", "insight.search", search(common))
    ask(desk, "search, four of the commonest", "insight.search", search([" ".join(common[:4])]))
    orders = ["updated_at", "created_at", "generated_at", "contact_id", "member_name"]
    for order in orders:
        both = [{"order_by": order, "order": direction} for direction in ("asc", "desc")]
        ask(desk, f"list by {order}, with its total", "insight.list", both)
    states = [{"processing_status": state} for state in set(STATES)]
    ask(desk, "list of a status", "insight.list", states)
    ask(desk, "list of a source type", "insight.list", [{"source_type": f"type{n}"} for n in range(5)])
    ask(desk, "list, offset 10,000", "insight.list", [{"offset": min(10_000, COUNT // 2)}])
    ask(desk, "list, 500 rows", "insight.list", [{"limit": 500}])
    ask(desk, "count", "insight.count", [{}, *states])
    ask(desk, "get", "insight.get", [{"contact_id": f"c{n:07}"} for n in range(0, COUNT, COUNT // 20)])
    ask(desk, "stats", "insight.stats", [{}])


async def main():
    desk = Desk()
    await folding(desk)
    await looking(desk, fill(desk))
    print(desk.call("insight.stats", {})["total"], "insights in the end")


asyncio.run(main())
