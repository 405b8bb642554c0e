/** The access decision for one person and one application, with facts read from the database. */

import type { Application } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { addressOf } from '@preau/contract/network.ts';
import {
  type Decision,
  decide,
  explain,
  type Policy,
  type PolicySite,
  type Question,
  reasonOf,
} from '@preau/contract/policy.ts';
import { selectPerson } from '#src/accounts/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { policyBook } from './policy-book.ts';

export interface Answer extends Decision {
  policy: Policy;
  question: Question;
}

export async function decideFor(
  database: Rows,
  actor: Pick<AccountActor, 'id' | 'role' | 'siteId'>,
  application: Pick<Application, 'id' | 'category' | 'labels'>,
  address: string | null,
  now: number,
): Promise<Answer> {
  const { policy, sites } = await policyBook(database);
  const site: PolicySite | null = actor.siteId === null ? null : (sites.get(actor.siteId) ?? null);
  const question: Question = {
    person: await selectPerson(database, actor),
    application,
    site,
    address,
    now,
  };
  return { ...decide(policy, question), policy, question };
}

/** The error code for a refusal, for which the person is shown a sentence. */
export function refusalOf({ policy, question }: Answer, slug: string): AppError {
  const { reason, at } = reasonOf(explain(policy, question));
  if (reason === 'out_of_hours')
    return new AppError('OUTSIDE_HOURS', { application: slug, opensAt: at });
  // When the device is unknown, advising another one would not help.
  if (reason === 'other_device' && addressOf(question.address) !== null)
    return new AppError('WRONG_DEVICE', { application: slug });
  return new AppError('APPLICATION_NOT_ALLOWED', { application: slug });
}
