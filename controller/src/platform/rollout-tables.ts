/** The row types of rollouts: see `Tables`. */
import type { Generated } from 'kysely';

export interface RolloutTables {
  rollouts: {
    id: string;
    name: string;
    state: string;
    version: Generated<number>;
    fence: Generated<number>;
    pause_reason: string | null;
    paused_at: number | null;
    note_fr: string | null;
    note_en: string | null;
    draft: string;
    plan: string;
    plan_entries: string;
    plan_hash: string;
    sites: number;
    created_by: string | null;
    created_by_name: string;
    created_at: number;
    approved_by: string | null;
    approved_by_name: string | null;
    forced: Generated<number>;
    start_at: number | null;
    started_at: number | null;
    ended_at: number | null;
    look_at: number | null;
    cancel_kind: string | null;
    rollback_wave: number | null;
    schedule_id: string | null;
    superseded_by: string | null;
  };
  rollout_waves: {
    rollout_id: string;
    number: number;
    state: string;
    spec: string;
    size: number;
    opened_at: number | null;
    soak_until: number | null;
    closed_at: number | null;
  };
  rollout_targets: {
    rollout_id: string;
    server_id: string;
    site_id: string;
    wave: number;
    state: string;
    version: Generated<number>;
    action: string;
    attempt: Generated<number>;
    order_id: string | null;
    order_body: string | null;
    last_seq: Generated<number>;
    lease_until: number | null;
    deadline_at: number;
    not_before: number | null;
    opens_at: number | null;
    reason: string | null;
    code: string | null;
    message: string | null;
    badge: string | null;
    items: Generated<string>;
    before_set: string | null;
    bytes_done: Generated<number>;
    bytes_total: number | null;
    offered_at: number | null;
    finished_at: number | null;
    updated_at: number;
  };
  rollout_counts: { rollout_id: string; wave: number; state: string; n: number };
  rollout_logs: { rollout_id: string; server_id: string; log: string };
  rollout_questions: {
    rollout_id: string;
    server_id: string;
    key: string;
    asked: string;
    asked_at: number;
    answer: string | null;
    answered_at: number | null;
    considered: Generated<number>;
  };
  rollout_evidence: { id: string; rollout_id: string; server_id: string; at: number; text: string };
  rollout_schedules: {
    id: string;
    body: string;
    paused: Generated<number>;
    next_at: number | null;
    last_rollout_id: string | null;
    last_problem: string | null;
    created_by: string | null;
    created_at: number;
  };
  install_history: {
    id: string;
    application_id: string;
    version_id: string;
    server_id: string;
    bytes: number | null;
    ms: number;
    at: number;
  };
}
