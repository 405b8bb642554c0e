/** Who did what to what, and when. Append-only; each effect has one event. */
import { type Static, Type } from 'typebox';
import { Nullable, OneOf, Strict } from './schema.ts';

export const auditActions = [
  'account.signed_in', 'account.sign_in_refused', 'account.signed_out', 'token.created', 'token.revoked',
  'account.second_factor_refused', 'account.added', 'account.changed', 'account.disabled', 'account.enabled', 'account.role_changed', 'account.totp_added', 'account.totp_removed', 'account.passkey_added', 'account.passkey_removed', 'account.second_factor_reset',
  'directory.synchronised', 'directory.sync_failed', 'directory.braked', 'directory.confirmed',
  'badge.issued', 'badge.renewed', 'badge.voided', 'badge.refused', 'badge.printed', 'pictures.set', 'pictures.removed', 'pictures.refused', 'class.created', 'class.renamed', 'class.pupil_moved', 'class.pupil_removed', 'people.imported',
  'site.created', 'site_group.created', 'site_group.changed', 'site_group.deleted',
  'server.code_created', 'server.enrolled', 'server.retired', 'server.state_refused', 'server.changed', 'server.drained', 'server.undrained', 'server.silent', 'server.back', 'server.quarantined',
  'server.addition_started', 'server.addition_done', 'server.addition_failed', 'server.addition_cancelled',
  'application.created', 'application.changed', 'application.withdrawn', 'application.restored', 'application.wanted', 'application.unwanted', 'application.installed', 'application.removed', 'application.failed',
  'catalogue.imported', 'icon.changed', 'package.uploaded', 'package.deleted', 'script.proposed', 'script.reviewed',
  'rule.created', 'rule.changed', 'rule.deleted', 'rule.restored', 'site.settings_changed',
  'rollout.planned', 'rollout.changed', 'rollout.approved', 'rollout.started', 'rollout.paused', 'rollout.resumed', 'rollout.cancelling', 'rollout.cancelled', 'rollout.retried', 'rollout.rolling_back', 'rollout.rolled_back',
  'rollout.completed', 'rollout.failed', 'rollout.finished', 'rollout.superseded', 'rollout.removed', 'rollout.wave_opened', 'rollout.wave_passed', 'rollout.wave_tripped', 'rollout.settings_changed',
  'schedule.created', 'schedule.changed', 'schedule.deleted', 'schedule.ran', 'schedule.refused', 'brake.set', 'brake.released',
  'session.launched', 'session.ready', 'session.opened', 'session.attached', 'session.left', 'session.ended', 'session.failed', 'session.refused', 'session.recorded', 'recording.broken', 'recording.watched', 'recording.deleted', 'recordings.pruned', 'file.brought', 'file.taken', 'file.failed', 'pages.printed',
  'request.asked', 'request.answered', 'request.linked', 'request.passed_on', 'request.approved', 'request.refused', 'request.withdrawn', 'request.installing', 'request.ready',
  'account.exported', 'account.erased', 'account.language_set', 'audit.exported', 'audit.pruned', 'sessions.pruned', 'privacy.settings_changed',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const AuditEvent = Strict({
  id: Type.String({ maxLength: 40, pattern: '^[0-9A-Za-z_-]+$' }),
  at: Type.Integer(),
  action: OneOf(auditActions),
  actorKind: OneOf(['account', 'agent', 'job', 'nobody']),
  actorId: Nullable(Type.String()),
  actorName: Type.String(),
  subjectId: Nullable(Type.String()),
  subjectName: Type.String(),
  siteId: Nullable(Type.String()),
  /** Small facts about the effect, never a secret. */
  details: Type.Record(Type.String(), Type.Unknown()),
});
export type AuditEvent = Static<typeof AuditEvent>;
