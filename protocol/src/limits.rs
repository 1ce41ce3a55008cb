//! The numbers of the contract: sizes, times and lengths that a client may rely on.
//!
//! Lengths of text count characters (Unicode scalar values), sizes count bytes.

use std::time::Duration;

/// Messages of one batch array.
pub const BATCH: usize = 100;
/// A text frame of a visitor.
pub const VISITOR_FRAME: usize = 128 * 1024;
/// A text frame of a member of staff or of a service.
pub const MEMBER_FRAME: usize = 1024 * 1024;
/// Frames up to here are read and answered `too_large`; larger ones close the socket with 1009.
pub const READABLE_FRAME: usize = 1024 * 1024;
/// A body of `POST /rpc`.
pub const RPC_BODY: usize = 16 * 1024 * 1024;
/// Messages of one page or one resume.
pub const PAGE_MESSAGES: usize = 300;
/// Bytes of one page or one resume.
pub const PAGE_BYTES: usize = 512 * 1024;

/// How often the server pings.
pub const PING: Duration = Duration::from_secs(25);
/// How long the answer to a ping may take before the socket is closed with 4004.
pub const PONG: Duration = Duration::from_secs(8);
/// How long a socket may open nothing before it is closed with 4501.
pub const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// Deltas of one streamed message in a second.
pub const DELTAS_PER_SECOND: u32 = 20;

/// Characters of a message.
pub const CONTENT: usize = 10_000;
/// Documents attached to one message.
pub const ATTACHMENTS: usize = 10;
/// Bytes of a message's or a conversation's metadata, written as compact JSON.
pub const METADATA: usize = 16 * 1024;
/// Characters of a comment or a reason.
pub const COMMENT: usize = 2_000;
/// Characters of a client's own name for a conversation.
pub const SESSION_ID: usize = 255;
/// Characters of a person's id in the customer's own systems.
pub const EXTERNAL_ID: usize = 255;
/// Characters of a person's name.
pub const NAME: usize = 255;
/// Characters of an e-mail address (64 before the @, 255 after it).
pub const EMAIL: usize = 320;
/// Characters of a phone number, with the signs that people put in.
pub const PHONE: usize = 64;
/// Characters of a workspace's public slug.
pub const WORKSPACE: usize = 100;
/// Characters of the proof of a verified identity: 64 hex digits, and room to say that others are wrong.
pub const HASH: usize = 128;
/// Characters of an access token or an API key.
pub const TOKEN: usize = 8_192;
/// Characters of a password.
pub const PASSWORD: usize = 1_024;
/// Characters of a password at least, where one is chosen.
pub const PASSWORD_LEAST: usize = 8;
/// A body of `/api/auth/…`.
pub const AUTH_BODY: usize = 16 * 1024;
/// Characters of a resume secret.
pub const RESUME: usize = 255;
/// Characters of a position's epoch.
pub const EPOCH: usize = 128;
/// Characters of a cursor.
pub const CURSOR: usize = 512;
/// The best score of a rating; the worst is 1.
pub const SCORE: u8 = 5;
/// Statuses that a list may be narrowed to.
pub const STATUSES: usize = 8;
/// Characters of what the staff look conversations up by.
pub const LOOKUP: usize = 200;
/// Characters of a short text's name.
pub const CANNED_NAME: usize = 64;
/// Conversations that one person may want to have at once.
pub const CAPACITY: u32 = 1_000;
/// Rows of a list, unless the request says otherwise.
pub const LIST_DEFAULT: u32 = 50;
/// Rows of a list at most.
pub const LIST: u32 = 200;
/// Documents that one request adds to the knowledge.
pub const DOCUMENTS: usize = 100;
/// Characters of a document.
pub const DOCUMENT: usize = 500_000;
/// Characters of a document's title.
pub const TITLE: usize = 500;
/// Characters of a link.
pub const URL: usize = 2_000;
/// Characters of a topic collection's name.
pub const TOPIC: usize = 100;
/// Characters of an intent's name.
pub const INTENT: usize = 100;
/// Characters of what is searched for.
pub const QUERY: usize = 2_000;
/// Results of a search, unless the request says otherwise.
pub const CHUNKS_DEFAULT: u32 = 10;
/// Results of a search at most.
pub const CHUNKS: u32 = 100;
/// Characters of a contact's id.
pub const CONTACT_ID: usize = 255;
/// Characters of the key of a group of insights.
pub const GROUP_KEY: usize = 255;
/// Source types that one group brings, and as many subtypes.
pub const SOURCES: usize = 100;
/// Characters of a source type.
pub const SOURCE: usize = 255;
/// What one group counts at most.
pub const RECORDS: i64 = 1_000_000_000;
/// Bytes of one field of an insight, written as compact JSON.
pub const INSIGHT_FIELD: usize = 64 * 1024;
/// Insights of one batch.
pub const INSIGHTS: usize = 1_000;
/// Insights of one page.
pub const INSIGHT_LIST: u32 = 500;
/// Rows that a page may pass over.
pub const OFFSET: u32 = 100_000;
/// Characters of a cursor that holds a contact's id and name.
pub const INSIGHT_CURSOR: usize = 1_000;
/// Hours that a sync of insights looks back at most: ten years.
pub const SYNC_HOURS: u32 = 87_600;
/// Contacts that the standing of a sync names as failed.
pub const SYNC_FAILURES: usize = 100;
/// Characters of what a trace was about.
pub const TASK: usize = 10_000;
/// Steps of a trace.
pub const TRAJECTORY_STEPS: usize = 1_000;
/// Bytes of the steps of a trace, written as compact JSON.
pub const TRAJECTORY: usize = 256 * 1024;
/// Items of one trace.
pub const MEMORY_ITEMS: usize = 100;
/// Characters of an item's description.
pub const MEMORY_DESCRIPTION: usize = 2_000;
/// Characters of an item's content.
pub const MEMORY_CONTENT: usize = 20_000;
/// Tags of one item, or of one query.
pub const TAGS: usize = 32;
/// Characters of a tag, or of a domain.
pub const TAG: usize = 100;
/// Items that a query finds at most.
pub const MEMORIES: u32 = 100;
/// Milliseconds that a send over HTTP may wait for the reply.
pub const WAIT_REPLY_MS: u32 = 120_000;
