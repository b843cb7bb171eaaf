DROP INDEX messages_by_client_id;
CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_seq, client_id) WHERE client_id IS NOT NULL;
ALTER TABLE messages DROP COLUMN channel;
ALTER TABLE api_keys DROP COLUMN created_by;
ALTER TABLE invitations DROP COLUMN invited_by;
DROP TABLE devices;
ALTER TABLE sessions DROP COLUMN network;
ALTER TABLE sessions DROP COLUMN device;
