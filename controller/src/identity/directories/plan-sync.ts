/** What a synchronisation with a directory would change. Pure. */
import type { KnownPerson } from '../admission/store.ts';
import type { Vouched } from '../admission/vouch.ts';

export interface SyncPlan {
  /** People to admit: new ones, and known ones, who may have changed. */
  present: Vouched[];
  /** Active accounts to disable: gone from the directory, barred there, or without a role. */
  vanished: KnownPerson[];
  added: number;
  returned: number;
  /** Fraction of the active accounts that would be disabled, from 0 to 1. */
  share: number;
  /** Too many would vanish: a technician must confirm first. */
  braked: boolean;
}

/** Brakes when more than one in ten would vanish, but not for a handful, or a small directory
 * could not lose anybody. */
const brakeShare = 0.1;
const handful = 3;

export function planSync(
  known: readonly KnownPerson[],
  found: readonly { vouched: Vouched; barred: boolean }[],
): SyncPlan {
  const present = new Map<string, Vouched>();
  for (const { vouched, barred } of found) if (!barred) present.set(vouched.externalId, vouched);
  const before = new Map(known.map((person) => [person.externalId, person]));
  const active = known.filter((person) => !person.disabled);
  const vanished = active.filter((person) => !present.has(person.externalId));
  const share = active.length === 0 ? 0 : vanished.length / active.length;
  return {
    present: [...present.values()],
    vanished,
    share,
    added: [...present.keys()].filter((id) => !before.has(id)).length,
    returned: [...present.keys()].filter((id) => before.get(id)?.disabled === true).length,
    // A directory that lost everybody is assumed faulty, however small it is.
    braked:
      (share > brakeShare && vanished.length > handful) ||
      (active.length > 0 && vanished.length === active.length),
  };
}
