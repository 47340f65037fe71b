CREATE FUNCTION public.audit_only_grows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$;
CREATE TABLE public.alerts (
    id bigint NOT NULL,
    rule text NOT NULL,
    subject_key text NOT NULL,
    severity text NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    raised_ms bigint NOT NULL,
    ended_ms bigint,
    acknowledged_ms bigint,
    acknowledged_by text,
    times bigint NOT NULL,
    is_open bigint NOT NULL,
    revision bigint NOT NULL
);
ALTER TABLE public.alerts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.audit (
    seq bigint NOT NULL,
    time_ms bigint NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    door text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    outcome text NOT NULL,
    details text NOT NULL,
    began bigint,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.audited_gateways (
    gateway text NOT NULL,
    decrypted bigint NOT NULL,
    equal bigint NOT NULL,
    unequal bigint NOT NULL,
    missing bigint NOT NULL,
    missing_row bigint NOT NULL,
    last_equal_ms bigint,
    counted_from_ms bigint NOT NULL
);
CREATE TABLE public.camera_names (
    camera text NOT NULL,
    display_name text,
    group_names text NOT NULL
);
CREATE TABLE public.cameras (
    camera text NOT NULL,
    gateway text NOT NULL,
    claimed_ms bigint NOT NULL,
    retired_ms bigint,
    withheld bigint DEFAULT 0 NOT NULL,
    recent text
);
CREATE TABLE public.certificates (
    serial text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    issued_ms bigint NOT NULL,
    ends_ms bigint NOT NULL,
    revoked_ms bigint
);
CREATE TABLE public.challenges (
    id bigint NOT NULL,
    gateway text NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL,
    digest text NOT NULL,
    camera text NOT NULL,
    regions text,
    frame_time text NOT NULL,
    bundle text NOT NULL,
    received_ms bigint NOT NULL,
    due_ms bigint NOT NULL,
    decrypted bigint NOT NULL,
    message text,
    asked_ms bigint,
    opening bytea,
    undone bigint NOT NULL,
    verdict text,
    settled_ms bigint,
    others text
);
ALTER TABLE public.challenges ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.challenges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.channels (
    name text NOT NULL,
    kind text NOT NULL,
    leads_to text NOT NULL,
    created_ms bigint NOT NULL
);
CREATE TABLE public.commands (
    id text NOT NULL,
    gateway text NOT NULL,
    type text NOT NULL,
    arguments text NOT NULL,
    author text NOT NULL,
    wire bytea NOT NULL,
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    status text NOT NULL,
    settled_ms bigint,
    code text,
    message text,
    media_type text,
    content bytea,
    content_bytes bigint
);
CREATE TABLE public.configurations (
    gateway text NOT NULL,
    version bigint NOT NULL,
    author text NOT NULL,
    wire bytea NOT NULL,
    status text NOT NULL,
    error_code text,
    error_message text,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL
);
CREATE TABLE public.counter_hours (
    hour bigint NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE public.counters (
    name text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    delivery_key text NOT NULL,
    channel text NOT NULL,
    alert text NOT NULL,
    created_ms bigint NOT NULL,
    due_ms bigint NOT NULL,
    attempts bigint NOT NULL,
    error text,
    settled_ms bigint,
    outcome text
);
ALTER TABLE public.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.deployments (
    digest text NOT NULL,
    gateway text NOT NULL,
    model text NOT NULL,
    version bigint NOT NULL,
    counter bigint NOT NULL,
    manifest bytea NOT NULL,
    status text NOT NULL,
    detail text,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    protection bigint DEFAULT 1 NOT NULL,
    active_ms bigint,
    refused_from_ms bigint,
    beside bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.event_hours (
    camera text NOT NULL,
    hour_ms bigint NOT NULL,
    kept bigint NOT NULL,
    omitted bigint NOT NULL
);
CREATE TABLE public.events (
    id bigint NOT NULL,
    camera text NOT NULL,
    region text NOT NULL,
    zone text NOT NULL,
    label text NOT NULL,
    model text NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint,
    peak double precision,
    answers bigint NOT NULL,
    reviewed_by text,
    reviewed_ms bigint
);
ALTER TABLE public.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.feed (
    id bigint NOT NULL,
    gateway text NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL
);
ALTER TABLE public.feed ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feed_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.floors (
    gateway text NOT NULL,
    from_session bigint NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL
);
CREATE TABLE public.gateways (
    name text NOT NULL,
    signing_key text NOT NULL,
    certificate_serial text NOT NULL,
    enrolled_ms bigint NOT NULL,
    counter bigint NOT NULL,
    last_session bigint NOT NULL,
    last_sequence bigint NOT NULL,
    quarantined_ms bigint,
    quarantine_reason text,
    removed_ms bigint,
    born_session bigint DEFAULT 0 NOT NULL,
    born_time text,
    certificate_end_ms bigint DEFAULT 0 NOT NULL,
    sealing_key text,
    configuration bigint DEFAULT 0 NOT NULL,
    configuration_running bigint,
    configuration_drift bigint DEFAULT 0 NOT NULL,
    group_names text DEFAULT ''::text NOT NULL,
    software_counter bigint DEFAULT 0 NOT NULL,
    software_version text,
    software_platform text,
    trust text,
    former_signing_key text,
    sealed_after bigint DEFAULT 0 NOT NULL,
    several bigint
);
CREATE TABLE public.heard (
    gateway text NOT NULL,
    received_ms bigint NOT NULL
);
CREATE TABLE public.held (
    id bigint NOT NULL,
    gateway text NOT NULL,
    digest text NOT NULL,
    camera text NOT NULL,
    received_ms bigint NOT NULL,
    attempts bigint NOT NULL,
    envelope bytea NOT NULL
);
ALTER TABLE public.held ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.held_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.held_usage (
    gateway text NOT NULL,
    items bigint NOT NULL,
    bytes bigint NOT NULL,
    dropped bigint NOT NULL
);
CREATE TABLE public.inbox (
    id bigint NOT NULL,
    gateway text NOT NULL,
    digest text NOT NULL,
    camera text NOT NULL,
    received_ms bigint NOT NULL,
    attempts bigint NOT NULL,
    envelope bytea NOT NULL,
    late bigint DEFAULT 0 NOT NULL,
    shard bigint
);
ALTER TABLE public.inbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.inbox_usage (
    gateway text NOT NULL,
    items bigint NOT NULL,
    bytes bigint NOT NULL,
    shard bigint
);
CREATE TABLE public.invitations (
    secret_digest text NOT NULL,
    gateway text NOT NULL,
    replaces bigint NOT NULL,
    created_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    used_ms bigint,
    request_digest text,
    answer text
);
CREATE TABLE public.journal (
    id bigint NOT NULL,
    time_ms bigint NOT NULL,
    level text NOT NULL,
    code text NOT NULL,
    subject text NOT NULL,
    message text NOT NULL,
    source text,
    share text
);
ALTER TABLE public.journal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.leak_accounts (
    gateway text NOT NULL,
    model text NOT NULL,
    version bigint NOT NULL,
    number bigint NOT NULL,
    state text NOT NULL,
    bits double precision NOT NULL,
    key_bits double precision NOT NULL,
    per_day double precision,
    day_ms bigint NOT NULL,
    day_bits double precision NOT NULL,
    silent_before bigint NOT NULL,
    ordered_ms bigint
);
CREATE TABLE public.leak_sums (
    gateway text NOT NULL,
    model text NOT NULL,
    version bigint NOT NULL,
    number bigint NOT NULL,
    share double precision NOT NULL,
    answers bigint NOT NULL,
    telling bigint NOT NULL,
    bits double precision NOT NULL,
    most double precision NOT NULL
);
CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    until_ms bigint NOT NULL
);
CREATE TABLE public.models (
    name text NOT NULL,
    version bigint NOT NULL,
    created_ms bigint NOT NULL,
    description text NOT NULL,
    retired_ms bigint,
    refused_from_ms bigint,
    output text
);
CREATE TABLE public.open_roll_ups (
    slot integer NOT NULL,
    line integer NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.people (
    name text NOT NULL,
    role text NOT NULL,
    password text NOT NULL,
    generation bigint NOT NULL,
    created_ms bigint NOT NULL,
    disabled_ms bigint
);
CREATE TABLE public.protections (
    model text NOT NULL,
    version bigint NOT NULL,
    number bigint NOT NULL,
    created_ms bigint NOT NULL,
    gateway text,
    shared bigint DEFAULT 0 NOT NULL,
    material text,
    retired_ms bigint,
    refused_from_ms bigint,
    reason text,
    cleared_ms bigint
);
CREATE TABLE public.publications (
    id bigint NOT NULL,
    gateway text NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL
);
ALTER TABLE public.publications ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.publications_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.region_results (
    gateway text NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL,
    region text NOT NULL,
    camera text NOT NULL,
    frame_ms bigint NOT NULL,
    stored_ms bigint NOT NULL,
    result text NOT NULL
);
CREATE TABLE public.results (
    gateway text NOT NULL,
    session bigint NOT NULL,
    sequence bigint NOT NULL,
    digest text NOT NULL,
    camera text NOT NULL,
    model text NOT NULL,
    version bigint NOT NULL,
    frame_ms bigint NOT NULL,
    stored_ms bigint NOT NULL,
    withheld text,
    result text
);
CREATE TABLE public.roll_up_lines (
    id bigint NOT NULL,
    camera text NOT NULL,
    region text NOT NULL,
    model text NOT NULL,
    task text NOT NULL,
    output text,
    labels text NOT NULL,
    newest_day bigint NOT NULL
);
ALTER TABLE public.roll_up_lines ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.roll_up_lines_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.roll_ups (
    slot integer NOT NULL,
    line integer NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.rollout_gateways (
    rollout bigint NOT NULL,
    gateway text NOT NULL,
    place bigint NOT NULL,
    wave bigint NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    earlier_name text,
    earlier_version text,
    signing_key text NOT NULL,
    base_digest text,
    digest text,
    held bigint NOT NULL,
    state text NOT NULL,
    error_code text,
    error_message text,
    released_ms bigint,
    deadline_ms bigint,
    ended_ms bigint,
    beside bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.rollouts (
    id bigint NOT NULL,
    kind text NOT NULL,
    name text,
    version text,
    author text NOT NULL,
    undoes bigint,
    waves bigint NOT NULL,
    wave bigint NOT NULL,
    limit_ms bigint NOT NULL,
    max_failures bigint NOT NULL,
    state text NOT NULL,
    error_code text,
    error_message text,
    created_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    paused_ms bigint,
    ended_ms bigint,
    keys text
);
ALTER TABLE public.rollouts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rollouts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rule_progress (
    rule text NOT NULL,
    revision bigint NOT NULL,
    subject text NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.rules (
    name text NOT NULL,
    rule text NOT NULL,
    changed_ms bigint NOT NULL,
    author text NOT NULL,
    revision bigint NOT NULL
);
CREATE TABLE public.schema_version (
    version bigint NOT NULL
);
CREATE TABLE public.secrets (
    identity text NOT NULL,
    sealed bytea NOT NULL,
    created_ms bigint NOT NULL
);
CREATE TABLE public.sessions (
    hash text NOT NULL,
    person text NOT NULL,
    generation bigint NOT NULL,
    site_token text,
    created_ms bigint NOT NULL,
    used_ms bigint NOT NULL
);
CREATE TABLE public.settings (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.situations (
    camera text NOT NULL,
    region text NOT NULL,
    zone text NOT NULL,
    label text NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.software (
    version text NOT NULL,
    platform text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    contents text NOT NULL,
    added_ms bigint NOT NULL
);
CREATE TABLE public.software_releases (
    digest text NOT NULL,
    gateway text NOT NULL,
    version text NOT NULL,
    platform text NOT NULL,
    counter bigint NOT NULL,
    manifest bytea NOT NULL,
    status text NOT NULL,
    detail text,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL
);
CREATE TABLE public.tokens (
    name text NOT NULL,
    hash text NOT NULL,
    role text NOT NULL,
    created_ms bigint NOT NULL,
    end_ms bigint,
    revoked_ms bigint
);
CREATE TABLE public.zones (
    camera text NOT NULL,
    name text NOT NULL,
    corners text NOT NULL
);
INSERT INTO public.cameras VALUES ('door-gate', 'gate', 1790812800000, NULL, 0, NULL);
INSERT INTO public.cameras VALUES ('door-dock', 'dock', 1790812800000, NULL, 0, NULL);
INSERT INTO public.certificates VALUES ('04', 'gateway', 'gate', 1790812800000, 9, NULL);
INSERT INTO public.counters VALUES ('accepted', 6);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (1, 'dock', 7, 1);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (2, 'gate', 7, 2);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (3, 'dock', 7, 3);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (4, 'gate', 7, 4);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (5, 'dock', 7, 5);
INSERT INTO public.feed OVERRIDING SYSTEM VALUE VALUES (6, 'gate', 7, 6);
INSERT INTO public.floors VALUES ('gate', 6, 6, 9);
INSERT INTO public.gateways VALUES ('dock', 'key of dock', '04', 1790812800000, 0, 7, 5, NULL, NULL, NULL, 0, NULL, 9, NULL, 0, NULL, 0, '', 0, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO public.gateways VALUES ('gate', 'key of gate', '04', 1790812800000, 0, 7, 6, NULL, NULL, NULL, 0, NULL, 9, NULL, 0, NULL, 0, '', 0, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO public.inbox OVERRIDING SYSTEM VALUE VALUES (1, 'gate', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 'door-gate', 1790812800000, 0, '\x', 0, 18);
INSERT INTO public.inbox_usage VALUES ('gate', 1, 0, 18);
INSERT INTO public.journal OVERRIDING SYSTEM VALUE VALUES (1, 1790812800000, 'info', 'SITE_RESTORED', 'yard', 'so', NULL, NULL);
INSERT INTO public.publications OVERRIDING SYSTEM VALUE VALUES (1, 'gate', 7, 4);
INSERT INTO public.publications OVERRIDING SYSTEM VALUE VALUES (2, 'dock', 7, 5);
INSERT INTO public.publications OVERRIDING SYSTEM VALUE VALUES (3, 'gate', 7, 6);
INSERT INTO public.region_results VALUES ('dock', 7, 5, 'left', 'door-dock', 1790956799950, 1790956800000, '{"camera":"door-dock","model":"counter","label":"empty","probability":0.9,"sequence":5,"region":"left"}');
INSERT INTO public.region_results VALUES ('dock', 7, 5, 'right', 'door-dock', 1790956799950, 1790956800000, '{"camera":"door-dock","model":"counter","label":"empty","probability":0.9,"sequence":5,"region":"right"}');
INSERT INTO public.region_results VALUES ('gate', 7, 6, 'left', 'door-gate', 1790985599950, 1790985600000, '{"camera":"door-gate","model":"counter","label":"empty","probability":0.9,"sequence":6,"region":"left"}');
INSERT INTO public.region_results VALUES ('gate', 7, 6, 'right', 'door-gate', 1790985599950, 1790985600000, '{"camera":"door-gate","model":"counter","label":"empty","probability":0.9,"sequence":6,"region":"right"}');
INSERT INTO public.results VALUES ('dock', 7, 1, '1111111111111111111111111111111111111111111111111111111111111111', 'door-dock', 'counter', 1, 1790841599950, 1790841600000, NULL, '{"camera":"door-dock","model":"counter","label":"empty","probability":0.9,"sequence":1}');
INSERT INTO public.results VALUES ('gate', 7, 2, '2222222222222222222222222222222222222222222222222222222222222222', 'door-gate', 'counter', 1, 1790870399950, 1790870400000, NULL, '{"camera":"door-gate","model":"counter","label":"empty","probability":0.9,"sequence":2}');
INSERT INTO public.results VALUES ('dock', 7, 3, '3333333333333333333333333333333333333333333333333333333333333333', 'door-dock', 'counter', 1, 1790899199950, 1790899200000, 'range', NULL);
INSERT INTO public.results VALUES ('gate', 7, 4, '4444444444444444444444444444444444444444444444444444444444444444', 'door-gate', 'counter', 1, 1790927999950, 1790928000000, NULL, '{"camera":"door-gate","model":"counter","label":"empty","probability":0.9,"sequence":4}');
INSERT INTO public.results VALUES ('dock', 7, 5, '5555555555555555555555555555555555555555555555555555555555555555', 'door-dock', 'counter', 1, 1790956799950, 1790956800000, NULL, NULL);
INSERT INTO public.results VALUES ('gate', 7, 6, '6666666666666666666666666666666666666666666666666666666666666666', 'door-gate', 'counter', 1, 1790985599950, 1790985600000, NULL, NULL);
INSERT INTO public.schema_version VALUES (35);
INSERT INTO public.settings VALUES ('site', 'yard');
SELECT pg_catalog.setval('public.alerts_id_seq', 1, false);
SELECT pg_catalog.setval('public.challenges_id_seq', 1, false);
SELECT pg_catalog.setval('public.deliveries_id_seq', 1, false);
SELECT pg_catalog.setval('public.events_id_seq', 1, false);
SELECT pg_catalog.setval('public.feed_id_seq', 6, true);
SELECT pg_catalog.setval('public.held_id_seq', 1, false);
SELECT pg_catalog.setval('public.inbox_id_seq', 1, true);
SELECT pg_catalog.setval('public.journal_id_seq', 1, true);
SELECT pg_catalog.setval('public.publications_id_seq', 3, true);
SELECT pg_catalog.setval('public.roll_up_lines_id_seq', 1, false);
SELECT pg_catalog.setval('public.rollouts_id_seq', 1, false);
ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.audited_gateways
    ADD CONSTRAINT audited_gateways_pkey PRIMARY KEY (gateway);
ALTER TABLE ONLY public.camera_names
    ADD CONSTRAINT camera_names_pkey PRIMARY KEY (camera);
ALTER TABLE ONLY public.cameras
    ADD CONSTRAINT cameras_pkey PRIMARY KEY (camera);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT certificates_pkey PRIMARY KEY (serial);
ALTER TABLE ONLY public.challenges
    ADD CONSTRAINT challenges_gateway_session_sequence_digest_key UNIQUE (gateway, session, sequence, digest);
ALTER TABLE ONLY public.challenges
    ADD CONSTRAINT challenges_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.channels
    ADD CONSTRAINT channels_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.commands
    ADD CONSTRAINT commands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.configurations
    ADD CONSTRAINT configurations_pkey PRIMARY KEY (gateway, version);
ALTER TABLE ONLY public.counter_hours
    ADD CONSTRAINT counter_hours_pkey PRIMARY KEY (hour, name);
ALTER TABLE ONLY public.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_delivery_key_key UNIQUE (delivery_key);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_gateway_counter_key UNIQUE (gateway, counter);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.event_hours
    ADD CONSTRAINT event_hours_pkey PRIMARY KEY (camera);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.feed
    ADD CONSTRAINT feed_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.floors
    ADD CONSTRAINT floors_pkey PRIMARY KEY (gateway, session);
ALTER TABLE ONLY public.gateways
    ADD CONSTRAINT gateways_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.heard
    ADD CONSTRAINT heard_pkey PRIMARY KEY (gateway);
ALTER TABLE ONLY public.held
    ADD CONSTRAINT held_gateway_digest_key UNIQUE (gateway, digest);
ALTER TABLE ONLY public.held
    ADD CONSTRAINT held_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.held_usage
    ADD CONSTRAINT held_usage_pkey PRIMARY KEY (gateway);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_gateway_digest_key UNIQUE (gateway, digest);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.inbox_usage
    ADD CONSTRAINT inbox_usage_pkey PRIMARY KEY (gateway);
ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (secret_digest);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.leak_accounts
    ADD CONSTRAINT leak_accounts_pkey PRIMARY KEY (gateway, model, version, number);
ALTER TABLE ONLY public.leak_sums
    ADD CONSTRAINT leak_sums_pkey PRIMARY KEY (gateway, model, version, number, share);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (name, version);
ALTER TABLE ONLY public.open_roll_ups
    ADD CONSTRAINT open_roll_ups_pkey PRIMARY KEY (slot, line);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.protections
    ADD CONSTRAINT protections_pkey PRIMARY KEY (model, version, number);
ALTER TABLE ONLY public.publications
    ADD CONSTRAINT publications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.region_results
    ADD CONSTRAINT region_results_pkey PRIMARY KEY (gateway, session, sequence, region);
ALTER TABLE ONLY public.results
    ADD CONSTRAINT results_pkey PRIMARY KEY (gateway, session, sequence);
ALTER TABLE ONLY public.roll_up_lines
    ADD CONSTRAINT roll_up_lines_camera_region_model_task_key UNIQUE (camera, region, model, task);
ALTER TABLE ONLY public.roll_up_lines
    ADD CONSTRAINT roll_up_lines_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.roll_ups
    ADD CONSTRAINT roll_ups_pkey PRIMARY KEY (slot, line);
ALTER TABLE ONLY public.rollout_gateways
    ADD CONSTRAINT rollout_gateways_pkey PRIMARY KEY (rollout, gateway);
ALTER TABLE ONLY public.rollouts
    ADD CONSTRAINT rollouts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rule_progress
    ADD CONSTRAINT rule_progress_pkey PRIMARY KEY (revision, subject);
ALTER TABLE ONLY public.rules
    ADD CONSTRAINT rules_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (identity);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.situations
    ADD CONSTRAINT situations_pkey PRIMARY KEY (camera, region, zone, label);
ALTER TABLE ONLY public.software
    ADD CONSTRAINT software_pkey PRIMARY KEY (version, platform);
ALTER TABLE ONLY public.software_releases
    ADD CONSTRAINT software_releases_gateway_counter_key UNIQUE (gateway, counter);
ALTER TABLE ONLY public.software_releases
    ADD CONSTRAINT software_releases_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.zones
    ADD CONSTRAINT zones_pkey PRIMARY KEY (camera, name);
CREATE UNIQUE INDEX alerts_open ON public.alerts USING btree (rule, subject_key) WHERE (is_open = 1);
CREATE INDEX alerts_raised ON public.alerts USING btree (raised_ms);
CREATE UNIQUE INDEX audit_began ON public.audit USING btree (began) WHERE (began IS NOT NULL);
CREATE INDEX certificates_name ON public.certificates USING btree (kind, name, issued_ms);
CREATE INDEX challenges_message ON public.challenges USING btree (gateway, message);
CREATE INDEX challenges_settled ON public.challenges USING btree (settled_ms) WHERE (verdict IS NOT NULL);
CREATE INDEX challenges_waiting ON public.challenges USING btree (gateway, id) WHERE (verdict IS NULL);
CREATE INDEX commands_gateway ON public.commands USING btree (gateway, created_ms);
CREATE INDEX commands_pending ON public.commands USING btree (created_ms) WHERE (status = 'pending'::text);
CREATE INDEX deliveries_waiting ON public.deliveries USING btree (channel, id) WHERE (settled_ms IS NULL);
CREATE INDEX events_camera ON public.events USING btree (camera, start_ms, id);
CREATE INDEX events_end ON public.events USING btree (end_ms);
CREATE INDEX events_start ON public.events USING btree (start_ms, id);
CREATE INDEX held_gateway ON public.held USING btree (gateway, id);
CREATE INDEX inbox_gateway ON public.inbox USING btree (gateway, late, id);
CREATE INDEX journal_share ON public.journal USING btree (share, id);
CREATE UNIQUE INDEX protections_gateway ON public.protections USING btree (model, version, gateway) WHERE (retired_ms IS NULL);
CREATE INDEX region_results_camera ON public.region_results USING btree (camera, frame_ms);
CREATE INDEX region_results_stored ON public.region_results USING btree (stored_ms);
CREATE INDEX results_camera ON public.results USING btree (camera, frame_ms);
CREATE INDEX results_stored ON public.results USING btree (stored_ms);
CREATE INDEX results_withheld ON public.results USING btree (camera, frame_ms) WHERE (withheld IS NOT NULL);
CREATE UNIQUE INDEX rollout_gateways_held ON public.rollout_gateways USING btree (gateway) WHERE (held = 1);
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.audit_only_grows();
CREATE TRIGGER audit_no_update BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.audit_only_grows();
ALTER TABLE ONLY public.cameras
    ADD CONSTRAINT cameras_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateways(name);
ALTER TABLE ONLY public.commands
    ADD CONSTRAINT commands_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateways(name);
ALTER TABLE ONLY public.configurations
    ADD CONSTRAINT configurations_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateways(name);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateways(name);
ALTER TABLE ONLY public.deployments
    ADD CONSTRAINT deployments_model_version_fkey FOREIGN KEY (model, version) REFERENCES public.models(name, version);
ALTER TABLE ONLY public.rollout_gateways
    ADD CONSTRAINT rollout_gateways_rollout_fkey FOREIGN KEY (rollout) REFERENCES public.rollouts(id);
ALTER TABLE ONLY public.software_releases
    ADD CONSTRAINT software_releases_gateway_fkey FOREIGN KEY (gateway) REFERENCES public.gateways(name);
