-- What 0.1.0 created.
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	object TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	previous_sha256 BLOB NOT NULL, 
	sha256 BLOB NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE customers (
	customer_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (customer_id), 
	UNIQUE (name)
);
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
CREATE TABLE users (
	user_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	customer_ids TEXT, 
	created_at BIGINT NOT NULL, 
	disabled_at BIGINT, 
	PRIMARY KEY (user_id), 
	UNIQUE (name)
);
CREATE TABLE cases (
	case_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	description TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	closed_at BIGINT, 
	PRIMARY KEY (case_id), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id)
);
CREATE INDEX cases_of_customer ON cases (customer_id, case_id);
CREATE TABLE tokens (
	token_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	secret_sha256 BLOB NOT NULL, 
	user_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	customer_ids TEXT, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	revoked_at BIGINT, 
	PRIMARY KEY (token_id), 
	UNIQUE (secret_sha256), 
	FOREIGN KEY(user_id) REFERENCES users (user_id)
);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);
CREATE TABLE agents (
	agent_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	label TEXT NOT NULL, 
	system TEXT NOT NULL, 
	version TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	enrolled_at BIGINT NOT NULL, 
	certificate_expires_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	last_seen_at BIGINT, 
	case_id TEXT, 
	policy TEXT NOT NULL, 
	capabilities TEXT NOT NULL, 
	PRIMARY KEY (agent_id), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id), 
	FOREIGN KEY(case_id) REFERENCES cases (case_id)
);
CREATE INDEX agents_of_customer ON agents (customer_id, kind);
CREATE TABLE join_codes (
	join_code_id TEXT NOT NULL, 
	secret_sha256 BLOB NOT NULL, 
	purpose BIGINT NOT NULL, 
	customer_id TEXT NOT NULL, 
	case_id TEXT, 
	uses_left INTEGER NOT NULL CHECK (uses_left >= 0), 
	expires_at BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	PRIMARY KEY (join_code_id), 
	UNIQUE (secret_sha256), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id), 
	FOREIGN KEY(case_id) REFERENCES cases (case_id)
);
CREATE TABLE gaps (
	number INTEGER NOT NULL, 
	agent_id TEXT NOT NULL, 
	spool_id TEXT NOT NULL, 
	first BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (agent_id, spool_id, first, last), 
	FOREIGN KEY(agent_id) REFERENCES agents (agent_id)
);
CREATE TABLE schedules (
	schedule_id TEXT NOT NULL, 
	agent_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	schedule BLOB NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	removed_at BIGINT, 
	PRIMARY KEY (schedule_id), 
	FOREIGN KEY(agent_id) REFERENCES agents (agent_id), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id)
);
CREATE INDEX ix_schedules_agent_id ON schedules (agent_id);
CREATE TABLE sessions (
	session_id TEXT NOT NULL, 
	case_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	agent_id TEXT NOT NULL, 
	request BLOB NOT NULL, 
	action TEXT NOT NULL, 
	requested_by TEXT NOT NULL, 
	requested_at BIGINT NOT NULL, 
	deadline_seconds DOUBLE NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	snapshot_id TEXT NOT NULL, 
	ended_at BIGINT, 
	PRIMARY KEY (session_id), 
	FOREIGN KEY(case_id) REFERENCES cases (case_id), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id), 
	FOREIGN KEY(agent_id) REFERENCES agents (agent_id)
);
CREATE INDEX ix_sessions_case_id ON sessions (case_id);
CREATE INDEX sessions_open ON sessions (agent_id) WHERE ended_at IS NULL;
CREATE TABLE snapshots (
	number INTEGER NOT NULL, 
	snapshot_id TEXT NOT NULL, 
	agent_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	case_id TEXT, 
	flow BIGINT NOT NULL, 
	session_id TEXT NOT NULL, 
	schedule_id TEXT NOT NULL, 
	profile TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	sequence BIGINT NOT NULL, 
	worst BIGINT NOT NULL, 
	finding_total BIGINT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 BLOB NOT NULL, 
	objects TEXT NOT NULL, 
	notice TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (snapshot_id), 
	FOREIGN KEY(agent_id) REFERENCES agents (agent_id), 
	FOREIGN KEY(customer_id) REFERENCES customers (customer_id), 
	FOREIGN KEY(case_id) REFERENCES cases (case_id)
);
CREATE INDEX snapshots_of_agent ON snapshots (agent_id, profile, number);
CREATE INDEX snapshots_of_case ON snapshots (case_id, agent_id, profile, number);
CREATE TABLE spool_positions (
	agent_id TEXT NOT NULL, 
	spool_id TEXT NOT NULL, 
	sequence BIGINT NOT NULL, 
	PRIMARY KEY (agent_id, spool_id), 
	FOREIGN KEY(agent_id) REFERENCES agents (agent_id)
);
CREATE TABLE findings (
	number INTEGER NOT NULL, 
	snapshot_id TEXT NOT NULL, 
	check_id TEXT NOT NULL, 
	object TEXT NOT NULL, 
	state BIGINT NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(snapshot_id) REFERENCES snapshots (snapshot_id)
);
CREATE INDEX findings_of_check ON findings (check_id, state);
CREATE INDEX ix_findings_snapshot_id ON findings (snapshot_id);
CREATE TABLE snapshot_bodies (
	snapshot_id TEXT NOT NULL, 
	body BLOB, 
	object TEXT, 
	PRIMARY KEY (snapshot_id), 
	FOREIGN KEY(snapshot_id) REFERENCES snapshots (snapshot_id)
);
INSERT INTO schema_version VALUES (1);
