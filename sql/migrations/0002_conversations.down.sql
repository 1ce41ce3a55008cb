DROP TABLE escalations, message_feedback, messages, conversations;
