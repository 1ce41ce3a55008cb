// A chat endpoint as a competent developer writes it with Node: the peer that `loadtest send --peers` measures.
//
// It speaks the two JSON-RPC calls that the measurement needs, `session.open` and `message.send`, and answers a
// message after its one INSERT is committed. One process, one pg pool of 20 connections, the statement named so that
// each connection prepares it once; no compression of 300 bytes (the default of ws).

'use strict';

const { randomUUID } = require('node:crypto');
const http = require('node:http');
const { Pool } = require('pg');
const { WebSocketServer } = require('ws');

const TABLE = `
create schema if not exists peer_node;
create table if not exists peer_node.messages (
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
insert into peer_node.messages
    (conversation_id, seq, id, client_id, role, agent_name, content, metadata, created_at)
values ($1, $2, $3, $4, 'user', null, $5, $6, $7)
`;

const UNIQUE_VIOLATION = '23505';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, min: 20, max: 20 });

/** One socket: it opens a conversation and numbers its messages. */
class Visitor {
  conversationId = null;
  seq = 0;

  async answer(method, params) {
    if (method === 'message.send') return this.send(params);
    if (method === 'session.open') return this.open();
    return error(-32601, 'method_not_found', `There is no method ${method}.`);
  }

  open() {
    this.conversationId = randomUUID();
    this.seq = 0;
    return {
      result: {
        token: 'peer',
        resume: 'peer',
        conversation: { conversation_id: this.conversationId, status: 'waiting' },
        position: { epoch: 'peer', seq: 0 },
        recovered: false,
        messages: [],
        has_more: false,
      },
    };
  }

  async send({ conversation_id, client_id, content, metadata = {} }) {
    if (this.conversationId === null || conversation_id !== this.conversationId) {
      return error(-32004, 'not_found', 'There is no such conversation.');
    }
    // Numbered before the first await, so that two messages in flight never share a number.
    const seq = ++this.seq;
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
    return { result: { id, seq, created_at, duplicate: false, durability: 'postgres' } };
  }
}

function error(code, kind, message) {
  return { error: { code, message, data: { kind } } };
}

async function main() {
  await pool.query(TABLE);

  const server = http.createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? 200 : 404;
    response.end();
  });
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => {
    const visitor = new Visitor();
    socket.on('error', () => socket.terminate());
    socket.on('message', async (frame) => {
      try {
        const request = JSON.parse(frame);
        const answer = await visitor.answer(request.method, request.params ?? {});
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...answer }));
      } catch (failure) {
        console.error(failure);
        socket.close(1011);
      }
    });
  });
  server.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 2048 });
}

main();
