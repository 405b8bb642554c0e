/** Links that open rules, people or explanations with the form filled in. Pure. */
import type { Application } from '@preau/contract/application.ts';
import type { RuleDraft } from '@preau/contract/rule.ts';
import type { SiteSummary } from '@preau/contract/site.ts';
import { paths, withQuery } from '../shell/paths.ts';
import { emptyWriting, type Writing } from './draft.ts';

const idOf = (search: URLSearchParams, key: string, prefix: string): string | null => {
  const value = search.get(key);
  return value !== null && new RegExp(`^${prefix}_[A-Za-z0-9_-]{22}$`).test(value) ? value : null;
};

/** A new rule filled in from a link; unknown applications or schools in the link are ignored. */
export function prefilled(
  search: string,
  applications: readonly Application[],
  sites: readonly SiteSummary[],
): Writing {
  const query = new URLSearchParams(search);
  const writing = emptyWriting();
  const application = applications.find(({ id }) => id === query.get('application'));
  const site = sites.find(({ id }) => id === query.get('site'));
  const person = idOf(query, 'person', 'acc');
  return {
    ...writing,
    effect: query.get('effect') === 'deny' ? 'deny' : 'allow',
    ...(application === undefined
      ? {}
      : {
          target: { kind: 'application', applicationId: application.id },
          targetName: application.name.fr,
        }),
    ...(person === null
      ? {}
      : {
          audience: { kind: 'person', accountId: person },
          audienceName: (query.get('name') ?? '').slice(0, 120) || '?',
        }),
    ...(site === undefined
      ? {}
      : { place: { kind: 'site', siteId: site.id }, placeName: site.name }),
  };
}

/** A link to the editor filled in with what an explanation proposes. `name`: the person's, for the
 * sentence. */
export function newRuleLink(
  { effect, target, audience, place }: Pick<RuleDraft, 'effect' | 'target' | 'audience' | 'place'>,
  name: string,
): string {
  const query = new URLSearchParams({ effect });
  if (target.kind === 'application') query.set('application', target.applicationId);
  if (audience.kind === 'person') {
    query.set('person', audience.accountId);
    query.set('name', name);
  }
  if (place.kind === 'site') query.set('site', place.siteId);
  return withQuery(paths.newRule(), query);
}

/** The query of an explanation: person, application, place and time. `at` null: now. */
export interface Asking {
  person: string | null;
  application: string | null;
  address: string;
  at: number | null;
}
export function askingOf(search: string): Asking {
  const query = new URLSearchParams(search);
  const at = Number(query.get('at') ?? Number.NaN);
  return {
    person: idOf(query, 'person', 'acc'),
    application: idOf(query, 'application', 'app'),
    address: (query.get('address') ?? '').slice(0, 45),
    at: Number.isSafeInteger(at) && at > 0 ? at : null,
  };
}
export function accessLink({
  person,
  application = null,
  address = '',
  at = null,
}: Partial<Asking>): string {
  const query = new URLSearchParams();
  if (person != null) query.set('person', person);
  if (application !== null) query.set('application', application);
  if (address !== '') query.set('address', address);
  if (at !== null) query.set('at', String(at));
  return withQuery(paths.access(), query);
}
