/** Row types, as the migrations make them. Instants are epoch milliseconds; booleans are 0 or 1; JSON is text. */
import type { ColumnType } from 'kysely';

type Generated<T> = ColumnType<T, T | undefined, T>;

export interface Tables {
  sites: { id: string; uai: string; name: string; city: string; time_zone: string; holiday_zone: string; created_at: number };
  servers: {
    id: string; site_id: string; name: string; roles: string; public_key: string; generation: number; applied_generation: number;
    epoch: string | null; seq: number; last_seen_at: number | null; health: string | null; inventory: string | null; failed_steps: string;
    max_sessions: number; created_at: number; retired_at: number | null;
  };
  enrolment_codes: { hash: string; site_id: string; server_name: string; created_by: string; created_at: number; expires_at: number; used_at: number | null; server_id: string | null };
  desired_states: { server_id: string; generation: number; document: string; signature: string };
  applications: { id: string; slug: string; name_fr: string; name_en: string; description_fr: string; description_en: string; category: string; icon_hash: string | null; created_at: number };
  application_versions: { id: string; application_id: string; version: string; recipes: string; created_at: number };
  icons: { hash: string; png: Buffer };
  server_applications: {
    server_id: string; application_id: string; version_id: string; wanted: number; state: string; version: string | null; error: string | null; asked_at: number; updated_at: number;
  };
  accounts: { id: string; login: string; display_name: string; role: string; site_id: string | null; password_hash: string | null; created_at: number };
  groups: { id: string; kind: string; name: string; site_id: string | null };
  group_members: { group_id: string; account_id: string };
  sign_ins: { token_hash: string; account_id: string; created_at: number; expires_at: number };
  publication_rules: {
    id: string; effect: string; application_id: string | null; category: string | null; audience_kind: string; audience_id: string | null; site_id: string | null; created_by: string | null; created_at: number;
  };
  sessions: {
    id: string; account_id: string; application_id: string; server_id: string; site_id: string; state: string; language: string;
    attach_serial: Generated<number>; attachment_serial: Generated<number>; attachment: string | null; tunnel_seen_at: number | null;
    started_at: number; deadline_at: number | null; ready_at: number | null; opened_at: number | null; grace_until: number | null;
    ended_at: number | null; end_reason: string | null; failure_code: string | null;
  };
  tickets: { hash: string; session_id: string; account_id: string; serial: number; expires_at: number; used_at: number | null };
  audit_events: {
    id: string; at: number; action: string; actor_kind: string; actor_id: string | null; actor_name: string; subject_id: string | null; subject_name: string; site_id: string | null; details: string;
  };
}
