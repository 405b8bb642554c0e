/** Row types, as the migrations make them. Instants are epoch milliseconds; booleans are 0 or 1; JSON is text. */
import type { ColumnType } from 'kysely';

type Generated<T> = ColumnType<T, T | undefined, T>;

export interface Tables {
  sites: { id: string; uai: string; name: string; city: string; time_zone: string; holiday_zone: string; created_at: number; settings: Generated<string>; policy_hash: string | null };
  servers: {
    id: string; site_id: string; name: string; roles: string; public_key: string; generation: number; applied_generation: number;
    epoch: string | null; seq: number; last_seen_at: number | null; health: string | null; inventory: string | null; failed_steps: string;
    max_sessions: number; created_at: number; retired_at: number | null;
    labels: Generated<string>; draining_since: number | null; quarantined_at: number | null; past_epochs: Generated<string>; silent_told: Generated<number>;
    policy_generation: Generated<number>; policy_asked_at: number | null;
  };
  enrolment_codes: { hash: string; site_id: string; server_name: string; created_by: string; created_at: number; expires_at: number; used_at: number | null; server_id: string | null };
  desired_states: { server_id: string; generation: number; document: string; signature: string };
  applications: { id: string; slug: string; name_fr: string; name_en: string; description_fr: string; description_en: string; category: string; icon_hash: string | null; created_at: number; seats: number | null; labels: Generated<string> };
  application_versions: { id: string; application_id: string; version: string; recipes: string; created_at: number; requires: Generated<string>; estimate: string | null; withdrawn_at: number | null };
  icons: { hash: string; png: Buffer };
  server_applications: {
    server_id: string; application_id: string; version_id: string; wanted: number; state: string; version: string | null; error: string | null; asked_at: number; updated_at: number;
  };
  accounts: {
    id: string; login: string; display_name: string; role: string; site_id: string | null; password_hash: string | null; created_at: number;
    provider: Generated<string>; external_id: string | null; mail: string | null; attributes: Generated<string>; disabled_at: number | null; site_ids: string | null; role_by_hand: Generated<number>; language: Generated<string>; erased_at: number | null;
  };
  groups: { id: string; kind: string; name: string; site_id: string | null; provider: Generated<string>; external_id: string | null };
  group_members: { group_id: string; account_id: string };
  sign_ins: { token_hash: string; account_id: string; created_at: number; expires_at: number; provider: Generated<string>; provider_subject: string | null; provider_session: string | null; id_token: string | null };
  totp_secrets: { account_id: string; sealed: string; confirmed_at: number | null; last_period: Generated<number>; created_at: number };
  recovery_codes: { hash: string; account_id: string };
  passkeys: { id: string; credential_id: string; account_id: string; name: string; public_key: string; counter: number; transports: Generated<string>; created_at: number; last_used_at: number | null };
  sign_in_steps: { hash: string; kind: string; account_id: string | null; body: string; expires_at: number };
  badges: { account_id: string; serial: number; issued_at: number; issued_on: string; voided_at: number | null };
  picture_passwords: { account_id: string; hash: string; set_at: number };
  account_photos: { account_id: string; jpeg: Buffer };
  directories: {
    id: string; state: string; last_at: number | null; last_good_at: number | null; next_at: Generated<number>; running_until: Generated<number>; problem: string | null; differences: string; vanished_names: Generated<string>; plan_hash: string | null;
  };
  rule_versions: { rule_id: string; version: number; body: string; since: number; until: number | null; changed_by: string | null; changed_by_name: string };
  policies: { hash: string; document: string; used_until: number | null };
  seat_queue: { application_id: string; account_id: string; site_id: string; since: number; seen_at: number };
  sessions: {
    id: string; account_id: string; application_id: string; server_id: string; site_id: string; state: string; language: string;
    attach_serial: Generated<number>; attachment_serial: Generated<number>; attachment: string | null; tunnel_seen_at: number | null;
    started_at: number; deadline_at: number | null; ready_at: number | null; opened_at: number | null; grace_until: number | null;
    ended_at: number | null; end_reason: string | null; failure_code: string | null;
    address: string | null; ends_at: number | null; ends_because: string | null; touched_at: number | null; offered: Generated<string>;
  };
  recordings: { id: string; session_id: string; account_id: string; site_id: string; application_id: string; started_at: number; ended_at: number | null; bytes: number; whole: number };
  transfers: {
    id: string; session_id: string; account_id: string; server_id: string; direction: string; kind: string; name: string; bytes: number; sha256: string | null;
    state: string; failure_code: string | null; created_at: number; updated_at: number;
  };
  tickets: { hash: string; session_id: string; account_id: string; serial: number; expires_at: number; used_at: number | null; recording: Generated<number> };
  audit_events: {
    id: string; at: number; action: string; actor_kind: string; actor_id: string | null; actor_name: string; subject_id: string | null; subject_name: string; site_id: string | null; details: string;
    seq: number | null; hash: string | null; salts: string | null; marks: string | null;
  };
  audit_chain: { id: number; seq: number; hash: string; at: number; signature: string | null; removed_seq: number; removed_hash: string; removed_signature: string | null; open: string | null };
  requests: {
    id: string; site_id: string; account_id: string; application_id: string | null; name: string; purpose: string; link: string | null; wanted_by: string | null; wish: string; decision: string; decided_by: string | null; decided_at: number | null; reason: string | null;
    rule_id: string | null; rollout_id: string | null; problem: string | null; created_at: number; updated_at: number; ready_at: number | null; news_at: number | null;
  };
  request_messages: { id: string; request_id: string; account_id: string; at: number; text: string };
  mail_outbox: { id: string; account_id: string; kind: string; about: string; created_at: number; attempts: Generated<number>; next_at: number | null; sent_at: number | null; problem: string | null };
  usage_months: { month: string; site_id: string; application_id: string; sessions: number; people: number };
  rollouts: {
    id: string; name: string; state: string; version: Generated<number>; fence: Generated<number>; pause_reason: string | null; paused_at: number | null; note_fr: string | null; note_en: string | null;
    draft: string; plan: string; plan_entries: string; plan_hash: string; sites: number; created_by: string | null; created_by_name: string; created_at: number; approved_by: string | null; approved_by_name: string | null; forced: Generated<number>;
    start_at: number | null; started_at: number | null; ended_at: number | null; look_at: number | null; cancel_kind: string | null; rollback_wave: number | null; schedule_id: string | null; superseded_by: string | null;
  };
  rollout_waves: { rollout_id: string; number: number; state: string; spec: string; size: number; opened_at: number | null; soak_until: number | null; closed_at: number | null };
  rollout_targets: {
    rollout_id: string; server_id: string; site_id: string; wave: number; state: string; version: Generated<number>; action: string; attempt: Generated<number>; order_id: string | null; order_body: string | null; last_seq: Generated<number>;
    lease_until: number | null; deadline_at: number; not_before: number | null; opens_at: number | null; reason: string | null; code: string | null; message: string | null; badge: string | null;
    items: Generated<string>; before_set: string | null; bytes_done: Generated<number>; bytes_total: number | null; offered_at: number | null; finished_at: number | null; updated_at: number;
  };
  rollout_counts: { rollout_id: string; wave: number; state: string; n: number };
  rollout_logs: { rollout_id: string; server_id: string; log: string };
  rollout_evidence: { id: string; rollout_id: string; server_id: string; at: number; text: string };
  install_history: { id: string; application_id: string; version_id: string; server_id: string; bytes: number | null; ms: number; at: number };
  rollout_schedules: { id: string; body: string; paused: Generated<number>; next_at: number | null; last_rollout_id: string | null; last_problem: string | null; created_by: string | null; created_at: number };
  /** One row per city-wide thing: the brake, the settings of rollouts. */
  city: { name: string; body: string; updated_at: number };
  site_groups: { id: string; name: string; created_at: number };
  site_group_members: { group_id: string; site_id: string };
  server_additions: {
    id: string; site_id: string; server_name: string; host: string; port: number; login: string; host_key: string; state: string; log: string; code_hash: string | null; server_id: string | null; failure_code: string | null;
    alive_until: number | null; created_by: string | null; created_at: number; ended_at: number | null;
  };
  package_files: { sha256: string; name: string; size: number; created_by: string | null; created_at: number };
  scripts: {
    id: string; name: string; install: string; remove: string | null; created_by: string | null; created_by_name: string; created_at: number;
    reviewed_by: string | null; reviewed_by_name: string | null; reviewed_at: number | null; signature: string | null;
  };
  api_tokens: { id: string; token_hash: string; name: string; account_id: string; scope: string; site_ids: string | null; created_at: number; expires_at: number; last_used_at: number | null; revoked_at: number | null };
}
