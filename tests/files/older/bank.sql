-- A bank's desk as asyncpg made one: whole numbers, other names, no foreign keys, a schema of its own.
CREATE SCHEMA bank;
CREATE TABLE bank.customers (customer_no serial, user_id integer PRIMARY KEY, full_name text, email_address text, phone text,
                             password_hash text, is_admin boolean);
INSERT INTO bank.customers (user_id, full_name, email_address, phone, password_hash, is_admin) VALUES
  (1, 'Kim', 'kim@bank.example', '+49 1', 'x', false), (2, 'Root', 'root@bank.example', NULL, 'x', true);

CREATE TABLE bank.chat_sessions (session_id varchar PRIMARY KEY, customer_id integer, mode varchar, state varchar,
                                 started_at timestamptz, ended_at timestamptz);
INSERT INTO bank.chat_sessions VALUES
  ('s-10', 1, 'customer', 'ended', '2024-03-01T10:00:00+01', '2024-03-01T10:10:00+01'),
  ('s-9', 2, 'banker', 'open', '2024-03-02T10:00:00+01', NULL);

CREATE TABLE bank.conversation_messages (id serial PRIMARY KEY, session_id varchar, sender varchar, message text,
                                         turn_number integer, sent_at timestamptz, sentiment real);
INSERT INTO bank.conversation_messages (session_id, sender, message, turn_number, sent_at, sentiment) VALUES
  ('s-10', 'customer', 'first', 1, '2024-03-01T10:00:00+01', 0.5),
  ('s-10', 'bot', 'second', 1, '2024-03-01T10:00:00+01', NULL),
  ('s-10', 'customer', 'third', 2, '2024-03-01T10:00:00+01', NULL),
  ('s-9', 'customer', 'hello', 1, '2024-03-02T10:00:00+01', NULL),
  ('s-8', 'customer', 'lost', 1, '2024-03-02T10:00:00+01', NULL);

CREATE TABLE bank.escalation_requests (id serial PRIMARY KEY, session_id varchar, request_type varchar, description text,
                                       customer_name text, customer_email text, customer_phone text, urgency varchar,
                                       state varchar, requested_at timestamptz, branch text);
INSERT INTO bank.escalation_requests (session_id, request_type, description, customer_name, customer_email, customer_phone,
                                      urgency, state, requested_at, branch) VALUES
  ('s-9', 'card_lost', 'first try', 'Kim', 'kim@bank.example', '+49 1', 'low', 'open', '2024-03-02T10:01:00+01', 'North'),
  ('s-9', 'card_lost', 'lost card', 'Kim', 'kim@bank.example', '+49 1', 'urgent', 'open', '2024-03-02T10:02:00+01', 'North'),
  ('s-10', 'loan', 'asked for terms', NULL, NULL, NULL, NULL, 'completed', '2024-03-01T10:02:00+01', NULL);

CREATE TABLE bank.interaction_logs (id serial PRIMARY KEY, session_id varchar, query text, answer text, detected_intent varchar,
                                    confidence_score numeric(4, 3), latency_ms integer, created timestamptz);
INSERT INTO bank.interaction_logs (session_id, query, answer, detected_intent, confidence_score, latency_ms, created) VALUES
  ('s-9', 'hello', 'hi', 'greeting', 0.875, 120, '2024-03-02T10:00:00+01'),
  ('s-9', 'card', 'ok', 'card_lost', 0.5, 80, '2024-03-02T10:00:30+01');

CREATE TABLE bank.structured_insights (contact_id text PRIMARY KEY, eni_source_types text[], eni_source_type text, insights jsonb,
                                       total_eni_ids integer, record_count integer, generated_at timestamptz);
INSERT INTO bank.structured_insights VALUES
  ('C-9', '{crm}', 'crm', '{"personal": "Skis.", "3i": "Green funds."}', 4, 9, '2024-01-01T00:00:00Z');
