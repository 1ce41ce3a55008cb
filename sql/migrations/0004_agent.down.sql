DROP TABLE outbox, interactions, turn_steps, agent_states, workflow_states;
