/** What a rollback restores. Pure. */
import type { StoredRollout } from '../store.ts';
import type { BeforeItem, StoredTarget } from '../targets/store.ts';

/** The applications that a rollback changes: those of this rollout whose state before it is known
 * and differs. `versionId` null: the application was not installed. */
export function itemsToRestore(
  rollout: Pick<StoredRollout, 'plan'>,
  target: Pick<StoredTarget, 'before'>,
): (BeforeItem & { now: string })[] {
  const before = new Map((target.before ?? []).map((item) => [item.applicationId, item]));
  return rollout.plan.applications.flatMap((planned) => {
    const item = before.get(planned.applicationId);
    const then = planned.want === 'present' ? planned.versionId : null;
    return item === undefined || item.versionId === then
      ? []
      : [{ ...item, now: planned.versionId }];
  });
}
