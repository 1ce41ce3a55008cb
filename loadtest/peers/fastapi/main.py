"""A chat endpoint as a competent developer writes it with FastAPI: the peer that `loadtest send --peers` measures.

It speaks the two JSON-RPC calls that the measurement needs, `session.open` and `message.send`, and answers a message
after its one INSERT is committed. One process, one asyncpg pool of 20 connections with its defaults (statements are
prepared once and cached), uvloop and httptools underneath.
"""

import json
import os
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timezone

import asyncpg
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TABLE = """
create schema if not exists peer_fastapi;
create table if not exists peer_fastapi.messages (
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
"""

INSERT = """
insert into peer_fastapi.messages
    (conversation_id, seq, id, client_id, role, agent_name, content, metadata, created_at)
values ($1, $2, $3, $4, 'user', null, $5, $6, $7)
"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=20, max_size=20) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.websocket("/ws")
async def chat(websocket: WebSocket):
    await websocket.accept()
    visitor = Visitor(websocket.app.state.pool)
    try:
        while True:
            request = json.loads(await websocket.receive_text())
            answer = await visitor.answer(request["method"], request.get("params", {}))
            await websocket.send_text(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}))
    except WebSocketDisconnect:
        pass


class Visitor:
    """One socket: it opens a conversation and numbers its messages, which are handled one after the other."""

    def __init__(self, pool: asyncpg.Pool):
        self.pool = pool
        self.conversation_id = None
        self.seq = 0

    async def answer(self, method: str, params: dict) -> dict:
        if method == "message.send":
            return await self.send(params)
        if method == "session.open":
            return self.open()
        return error(-32601, "method_not_found", f"There is no method {method}.")

    def open(self) -> dict:
        self.conversation_id = uuid.uuid4()
        self.seq = 0
        conversation = {"conversation_id": str(self.conversation_id), "status": "waiting"}
        return {
            "result": {
                "token": "peer",
                "resume": "peer",
                "conversation": conversation,
                "position": {"epoch": "peer", "seq": 0},
                "recovered": False,
                "messages": [],
                "has_more": False,
            }
        }

    async def send(self, params: dict) -> dict:
        if self.conversation_id is None or params["conversation_id"] != str(self.conversation_id):
            return error(-32004, "not_found", "There is no such conversation.")
        message_id, created_at = uuid.uuid4(), datetime.now(timezone.utc)
        try:
            await self.pool.execute(
                INSERT,
                self.conversation_id,
                self.seq + 1,
                message_id,
                uuid.UUID(params["client_id"]),
                params["content"],
                json.dumps(params.get("metadata", {})),
                created_at,
            )
        except asyncpg.UniqueViolationError:
            return error(-32009, "conflict", "This client_id has been used.")
        self.seq += 1
        return {
            "result": {
                "id": str(message_id),
                "seq": self.seq,
                "created_at": created_at.isoformat(timespec="milliseconds"),
                "duplicate": False,
                "durability": "postgres",
            }
        }


def error(code: int, kind: str, message: str) -> dict:
    return {"error": {"code": code, "message": message, "data": {"kind": kind}}}
