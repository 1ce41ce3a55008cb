// A chat endpoint as a competent developer writes it with Socket.IO: the peer that knows how to resume.
//
// Two events with acknowledgements, `session.open` and `message.send`; everybody else in the conversation hears
// `message.created`. Connection state recovery is on: who comes back within two minutes gets the rooms and the events
// missed from memory. Who is not recovered reads what is missing from the table, as the documentation of Socket.IO
// advises. One process, one pg pool of 20 connections, statements named, WebSocket alone.

'use strict';

const { randomUUID } = require('node:crypto');
const http = require('node:http');
const { Pool } = require('pg');
const { Server } = require('socket.io');

const TABLE = `
create schema if not exists peer_socketio;
create table if not exists peer_socketio.messages (
    conversation_id uuid not null,
    seq bigint not null,
    id uuid not null,
    client_id uuid not null,
    role text not null,
    agent_name text,
    content text not null,
    metadata jsonb not null,
    created_at timestamptz not null,
    primary key (conversation_id, seq),
    unique (conversation_id, client_id)
);
`;

const INSERT = `
insert into peer_socketio.messages
    (conversation_id, seq, id, client_id, role, agent_name, content, metadata, created_at)
values ($1, $2, $3, $4, 'user', null, $5, $6, $7)
`;

const AFTER = `
select seq::int, id, client_id, content from peer_socketio.messages
where conversation_id = $1 and seq > $2 order by seq limit 300
`;

const UNIQUE_VIOLATION = '23505';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, min: 20, max: 20 });

/** The last number given and the last one told, of each conversation. */
const conversations = new Map();

/** Statements that were needed to bring somebody up to date. */
let resumeStatements = 0;

function conversation(id) {
  let known = conversations.get(id);
  if (known === undefined) {
    known = { given: 0, told: 0 };
    conversations.set(id, known);
  }
  return known;
}

async function open(socket, { conversation_id, position }) {
  const id = conversation_id ?? randomUUID();
  const known = conversation(id);
  if (conversation_id === undefined) {
    await socket.join(id);
    // An event of its own, since recovery goes by the last event received.
    socket.emit('conversation.updated', { conversation: { conversation_id: id, status: 'waiting' } });
    return opened(id, known, false, []);
  }
  // The events missed have gone out before this, so all that was told is there.
  if (socket.recovered) return opened(id, known, true, []);

  let messages = [];
  let seen = position?.seq ?? 0;
  while (seen < known.told) {
    resumeStatements += 1;
    const { rows } = await pool.query({ name: 'after', text: AFTER, values: [id, seen] });
    // What is stored and not told yet comes as an event.
    const told = rows.filter(({ seq }) => seq <= known.told);
    if (told.length === 0) break;
    messages = messages.concat(told);
    seen = told.at(-1).seq;
  }
  // Nothing can be told between the look and the join.
  socket.join(id);
  socket.emit('conversation.updated', { conversation: { conversation_id: id, status: 'waiting' } });
  return opened(id, known, position !== undefined, messages);
}

function opened(conversation_id, known, recovered, messages) {
  return {
    result: {
      token: 'peer',
      resume: 'peer',
      conversation: { conversation_id, status: 'waiting' },
      position: { epoch: 'peer', seq: known.told },
      recovered,
      messages,
      has_more: false,
    },
  };
}

async function send(socket, { conversation_id, client_id, content, metadata = {} }) {
  if (!socket.rooms.has(conversation_id)) {
    return error(-32004, 'not_found', 'There is no such conversation.');
  }
  const known = conversation(conversation_id);
  // Numbered before the first await, so that two messages in flight never share a number.
  const seq = ++known.given;
  const id = randomUUID();
  const created_at = new Date().toISOString();
  try {
    await pool.query({
      name: 'insert-message',
      text: INSERT,
      values: [conversation_id, seq, id, client_id, content, JSON.stringify(metadata), created_at],
    });
  } catch (failure) {
    if (failure.code !== UNIQUE_VIOLATION) throw failure;
    return error(-32009, 'conflict', 'This client_id has been used.');
  }
  known.told = Math.max(known.told, seq);
  const message = { conversation_id, seq, id, client_id, role: 'user', content, metadata, created_at };
  socket.to(conversation_id).emit('message.created', { message });
  return { result: { id, seq, created_at, duplicate: false, durability: 'postgres' } };
}

function error(code, kind, message) {
  return { error: { code, message, data: { kind } } };
}

async function main() {
  await pool.query(TABLE);

  const server = http.createServer((request, response) => {
    if (request.url === '/metrics') {
      response.end(`peer_resume_statements_total ${resumeStatements}\n`);
      return;
    }
    response.statusCode = request.url === '/healthz' ? 200 : 404;
    response.end();
  });
  const io = new Server(server, {
    path: '/ws',
    transports: ['websocket'],
    serveClient: false,
    connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000, skipMiddlewares: true },
  });
  io.on('connection', (socket) => {
    const answer = (handle) => async (params, acknowledge) => {
      try {
        acknowledge(await handle(socket, params));
      } catch (failure) {
        console.error(failure);
        socket.disconnect(true);
      }
    };
    socket.on('session.open', answer(open));
    socket.on('message.send', answer(send));
  });
  server.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 2048 });
}

main();
