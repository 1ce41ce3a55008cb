-- A member support desk as SQLAlchemy makes one: UUIDs, times without zones, foreign keys.
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('3f2a');

CREATE TABLE users (
  id uuid PRIMARY KEY, email varchar(255) UNIQUE, name varchar(255), hashed_password varchar(255), role varchar(50),
  is_active boolean DEFAULT true, created_at timestamp DEFAULT now(), "metadata" json);
INSERT INTO users VALUES
  ('aaaaaaaa-0000-4000-8000-000000000001', 'ann@shop.example', 'Ann Lee', '$2b$12$abcdefghijklmnopqrstuv', 'member', true,
   '2023-01-02 03:04:05', '{"plan": "gold"}'),
  ('aaaaaaaa-0000-4000-8000-000000000002', 'bob@shop.example', 'Bob', '$2b$12$abcdefghijklmnopqrstuv', 'agent', true,
   '2023-01-03 03:04:05', NULL),
  ('aaaaaaaa-0000-4000-8000-000000000003', 'no address', 'Carl', NULL, 'member', true, '2023-01-04 03:04:05', NULL),
  ('aaaaaaaa-0000-4000-8000-000000000004', NULL, 'Dora', NULL, 'member', true, '2023-01-05 03:04:05', NULL);

CREATE TABLE conversations (
  id uuid PRIMARY KEY, user_id uuid REFERENCES users (id), session_id varchar(255), title varchar(255), status varchar(20),
  created_at timestamp, updated_at timestamp, "metadata" jsonb);
INSERT INTO conversations VALUES
  ('cccccccc-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001', 's-1', 'My order', 'active',
   '2024-05-06 07:00:00', '2024-05-06 07:05:00', '{"page": "/orders"}'),
  ('cccccccc-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000001', 's-2', NULL, 'escalated',
   '2024-05-07 07:00:00', '2024-05-07 07:05:00', NULL),
  ('cccccccc-0000-4000-8000-000000000003', NULL, 's-3', NULL, 'closed', '2024-05-08 07:00:00', NULL, NULL);

CREATE TABLE messages (
  id uuid PRIMARY KEY, conversation_id uuid, role varchar(20), agent_name varchar(100), content text, tokens integer,
  created_at timestamp, "metadata" jsonb);
INSERT INTO messages VALUES
  ('dddddddd-0000-4000-8000-000000000002', 'cccccccc-0000-4000-8000-000000000001', 'assistant', 'navigator', 'On its way.', 12,
   '2024-05-06 07:00:02', '{"model": "m"}'),
  ('dddddddd-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000001', 'user', NULL,
   'Where is it? My password is hunter2', NULL, '2024-05-06 07:00:01', NULL),
  ('dddddddd-0000-4000-8000-000000000003', 'cccccccc-0000-4000-8000-000000000001', 'oracle', NULL, 'Who am I?', NULL,
   '2024-05-06 07:00:03', NULL),
  ('dddddddd-0000-4000-8000-000000000004', 'cccccccc-0000-4000-8000-000000000001', 'user', NULL, 'Thanks.', NULL,
   '2024-05-06 07:00:04', NULL),
  ('dddddddd-0000-4000-8000-000000000005', 'cccccccc-0000-4000-8000-000000000002', 'user', NULL, 'A person, please.', NULL,
   '2024-05-07 07:00:01', NULL),
  ('dddddddd-0000-4000-8000-000000000006', 'cccccccc-0000-4000-8000-00000000000f', 'user', NULL, 'Anybody?', NULL,
   '2024-05-07 07:00:01', NULL),
  ('dddddddd-0000-4000-8000-000000000007', NULL, 'user', NULL, 'Nobody.', NULL, '2024-05-07 07:00:01', NULL),
  ('dddddddd-0000-4000-8000-000000000008', 'cccccccc-0000-4000-8000-000000000002', 'assistant', NULL, '  ', NULL,
   '2024-05-07 07:00:02', NULL);

CREATE TABLE agent_states (
  id serial PRIMARY KEY, conversation_id uuid, agent_name varchar(50), state_data jsonb, updated_at timestamp);
INSERT INTO agent_states (conversation_id, agent_name, state_data, updated_at) VALUES
  ('cccccccc-0000-4000-8000-000000000001', 'navigator', '{"asked": 1}', '2024-05-06 07:00:01'),
  ('cccccccc-0000-4000-8000-000000000001', 'navigator', '{"asked": 2}', '2024-05-06 07:00:02'),
  ('cccccccc-0000-4000-8000-000000000001', 'strategist', '{"plan": ["x"]}', '2024-05-06 07:00:02'),
  ('cccccccc-0000-4000-8000-00000000000f', 'navigator', '{}', '2024-05-06 07:00:02');

CREATE TABLE workflow_states (
  id serial PRIMARY KEY, conversation_id uuid, workflow_type varchar(50), current_step varchar(50), state jsonb,
  updated_at timestamp);
INSERT INTO workflow_states (conversation_id, workflow_type, current_step, state, updated_at) VALUES
  ('cccccccc-0000-4000-8000-000000000001', 'member_support', 'respond', '{"n": 1}', '2024-05-06 07:00:02');

CREATE TABLE interactions (
  id uuid PRIMARY KEY, conversation_id uuid, user_message text, agent_response text, intent varchar(100), confidence float,
  was_escalated boolean, processing_time float, created_at timestamp);
INSERT INTO interactions VALUES
  ('eeeeeeee-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000001', 'Where is it?', 'On its way.', 'order_status',
   0.91, false, 1.25, '2024-05-06 07:00:02'),
  ('eeeeeeee-0000-4000-8000-000000000002', 'cccccccc-0000-4000-8000-000000000002', 'A person, please.', NULL, 'human', 0.5,
   true, 0.5, '2024-05-07 07:00:02'),
  ('eeeeeeee-0000-4000-8000-000000000003', 'cccccccc-0000-4000-8000-00000000000f', 'x', 'y', NULL, NULL, false, NULL,
   '2024-05-07 07:00:02');

CREATE TABLE escalations (
  id uuid PRIMARY KEY, conversation_id uuid, interaction_id uuid, trigger_type varchar(50), reason text, status varchar(20),
  contact_info jsonb, conversation_context jsonb, created_at timestamp, resolved_at timestamp, shift varchar(20));
INSERT INTO escalations VALUES
  ('ffffffff-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-000000000002', 'eeeeeeee-0000-4000-8000-000000000002',
   'user_request', 'asked for a person', 'pending', '{"name": "Ann", "email": "ann@shop.example"}', '{"last": ["x"]}',
   '2024-05-07 07:00:03', NULL, 'late'),
  ('ffffffff-0000-4000-8000-000000000002', 'cccccccc-0000-4000-8000-000000000001', NULL, 'low_confidence', 'unsure', 'resolved',
   NULL, NULL, '2024-05-06 07:00:03', '2024-05-06 08:00:03', NULL);

CREATE TABLE knowledge_documents (
  id uuid PRIMARY KEY, title text, content text, source_url text, content_type varchar(20), topic_collection varchar(50),
  embedding float[], reviewed_by varchar(50), created_at timestamp);
INSERT INTO knowledge_documents VALUES
  ('99999999-0000-4000-8000-000000000001', 'Returns', 'Send it back within thirty days.', 'https://shop.example/returns', 'public',
   NULL, '{0.1}', 'Bob', '2024-01-01'),
  ('99999999-0000-4000-8000-000000000002', 'Empty', '', NULL, 'public', NULL, NULL, NULL, '2024-01-01');

-- From before the sets: one row a source type.
CREATE TABLE member_facts_2023 (
  id serial PRIMARY KEY, contact_id varchar(50), member_name text, eni_source_type varchar(50), eni_source_subtype varchar(50),
  personal text, business text, total_eni_ids integer, record_count integer, created_at timestamp, owner text);
INSERT INTO member_facts_2023 (contact_id, member_name, eni_source_type, eni_source_subtype, personal, business, total_eni_ids,
                               record_count, created_at, owner) VALUES
  ('C-1', 'Ann Lee', 'crm', 'call', 'Sails.', NULL, 1, 2, '2023-01-01', 'Bob'),
  ('C-1', 'Ann Lee', 'crm', 'note', NULL, 'Runs a bakery.', 2, 3, '2023-01-02', NULL),
  ('C-1', NULL, 'mail', 'note', 'Sails and rows.', NULL, 1, 1, '2023-01-03', NULL),
  ('C-2', 'Dora', 'crm', NULL, NULL, NULL, 1, 1, '2023-01-03', NULL),
  (NULL, 'Nobody', 'crm', NULL, 'x', NULL, 1, 1, '2023-01-03', NULL);

CREATE TABLE reasoning_traces (
  id uuid PRIMARY KEY, task text, trajectory jsonb, outcome varchar(20), created_at timestamp, "metadata" jsonb);
INSERT INTO reasoning_traces VALUES
  ('77777777-0000-4000-8000-000000000001', 'Where is my order?', '[{"step": "look"}]', 'success', '2024-05-06', '{"n": 1}');
CREATE TABLE memory_items (
  id uuid PRIMARY KEY, trace_id uuid, title text, description text, content text, error_context jsonb, pattern_tags text[],
  domain_category text, embedding float[], usage_count integer);
INSERT INTO memory_items VALUES
  ('88888888-0000-4000-8000-000000000001', '77777777-0000-4000-8000-000000000001', 'Orders', 'When asked', 'Look into the carrier.',
   NULL, '{orders,carrier}', 'orders', '{0.1}', 4),
  ('88888888-0000-4000-8000-000000000002', NULL, 'Alone', '', 'A memory of no trace.', NULL, NULL, NULL, NULL, NULL),
  ('88888888-0000-4000-8000-000000000003', '77777777-0000-4000-8000-000000000001', 'Nothing', '', '', NULL, NULL, NULL, NULL, NULL);
