// A live queue as a competent developer writes it with Node: the peer that `loadtest fanout --peers` measures.
//
// Escalations are rows in Postgres. Whoever subscribed is told of each change after its commit; the change is serialised
// once for all of them, and no 700 bytes are compressed (the default of ws).

'use strict';

const { randomUUID } = require('node:crypto');
const http = require('node:http');
const { Pool } = require('pg');
const { WebSocketServer } = require('ws');

const TABLE = `
create schema if not exists peer_node;
create table if not exists peer_node.escalations (
    id uuid primary key,
    version bigint not null,
    workspace_id uuid not null,
    conversation_id uuid not null,
    interaction_id uuid,
    issue_type text,
    trigger_type text not null,
    reason text,
    original_request text,
    status text not null,
    contact_info jsonb,
    conversation_context jsonb,
    summary text,
    priority smallint not null,
    assignee jsonb,
    resolution text,
    created_at timestamptz not null,
    notified_at timestamptz,
    claimed_at timestamptz,
    resolved_at timestamptz,
    updated_at timestamptz not null
);
`;

// As much of an escalation as Switchboard tells.
const COLUMNS = `id, version::int, workspace_id, conversation_id, interaction_id, issue_type, trigger_type, reason,
    original_request, status, contact_info, conversation_context, summary, priority, assignee, resolution, created_at,
    notified_at, claimed_at, resolved_at, updated_at`;

const INSERT = `
insert into peer_node.escalations
    (id, version, workspace_id, conversation_id, trigger_type, reason, status, priority, created_at, notified_at, updated_at)
values ($1, 1, gen_random_uuid(), $2, 'user_request', $3, 'notified', 0, now(), now(), now())
returning ${COLUMNS}
`;

const CLAIM = `
update peer_node.escalations
set status = 'in_progress', assignee = $2, claimed_at = now(), updated_at = now(), version = version + 1
where id = $1 and status <> 'resolved' and assignee is null
returning ${COLUMNS}
`;

const RELEASE = `
update peer_node.escalations
set status = 'notified', assignee = null, claimed_at = null, updated_at = now(), version = version + 1
where id = $1 and status <> 'resolved'
returning ${COLUMNS}
`;

const LIST = `select ${COLUMNS} from peer_node.escalations order by id desc`;

const PERSON = { id: randomUUID(), name: 'staff 1' };

const pool = new Pool({ connectionString: process.env.DATABASE_URL, min: 20, max: 20 });

/** The sockets that subscribed. */
const consoles = new Set();
let number = 0;

async function answer(socket, method, params) {
  switch (method) {
    case 'session.open':
      return {
        token: 'peer',
        conversation: { conversation_id: randomUUID(), status: 'waiting' },
        position: { epoch: 'peer', seq: 0 },
        recovered: false,
        messages: [],
        has_more: false,
      };
    case 'escalation.request':
      return changed('insert', INSERT, [randomUUID(), params.conversation_id, params.reason]);
    case 'escalation.claim':
      return changed('claim', CLAIM, [params.id, PERSON]);
    case 'escalation.release':
      return changed('release', RELEASE, [params.id]);
    case 'escalation.subscribe':
      consoles.add(socket);
      return { escalations: await listed(), cursor: `peer.${number}`, snapshot: true, staff: [] };
    case 'escalation.list':
      return { escalations: await listed(), next_cursor: null };
    default:
      throw new Refusal(-32601, 'method_not_found', `There is no method ${method}.`);
  }
}

async function listed() {
  return (await pool.query({ name: 'list', text: LIST })).rows;
}

/** One change: committed, told to everyone, answered. */
async function changed(name, text, values) {
  const { rows } = await pool.query({ name, text, values });
  if (rows.length === 0) throw new Refusal(-32009, 'conflict', 'Somebody else has this escalation.');
  const [escalation] = rows;
  number += 1;
  const params = { escalation, cursor: `peer.${number}` };
  const frame = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'escalation.updated', params }));
  for (const socket of consoles) socket.send(frame, { binary: false });
  return { escalation };
}

class Refusal extends Error {
  constructor(code, kind, message) {
    super(message);
    this.error = { code, message, data: { kind } };
  }
}

async function main() {
  await pool.query(TABLE);

  const server = http.createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? 200 : 404;
    response.end();
  });
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('close', () => consoles.delete(socket));
    socket.on('message', async (frame) => {
      const { id, method, params = {} } = JSON.parse(frame);
      let outcome;
      try {
        outcome = { result: await answer(socket, method, params) };
      } catch (failure) {
        if (!(failure instanceof Refusal)) {
          console.error(failure);
          socket.close(1011);
          return;
        }
        outcome = { error: failure.error };
      }
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
    });
  });
  server.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 2048 });
}

main();
