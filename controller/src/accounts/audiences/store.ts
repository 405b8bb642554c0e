/** All SQL of searching people and groups by name, to select them in a rule. */
import type { Account, Group } from '@preau/contract/account.ts';
import { withoutAccents } from '@preau/contract/fold.ts';
import type { Rows } from '#src/platform/database.ts';
import { accountsWithSite, toAccount } from '../store.ts';

/** `siteIds`: people and groups of these schools only; null: of the whole city. */
export async function searchAudiences(
  rows: Rows,
  search: string,
  siteIds: readonly string[] | null = null,
): Promise<{ people: Account[]; groups: Group[] }> {
  // Each word must occur in the name; for people also in the login, compared without accents; for
  // groups also in the name of the school.
  const words = search
    .toLowerCase()
    .replace(/[\\%_]/g, '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 6);
  const like = (word: string) => `%${word}%`;
  const folded = (word: string) => like(withoutAccents(word));
  const people =
    words.length === 0
      ? []
      : await accountsWithSite(rows)
          .where((where) =>
            where.and(
              words.map((word) =>
                where.or([
                  where(where.fn<string>('lower', ['accounts.display_name']), 'like', like(word)),
                  where('accounts.login', 'like', folded(word)),
                ]),
              ),
            ),
          )
          .where('accounts.erased_at', 'is', null)
          .$if(siteIds !== null, (query) =>
            query.where('accounts.site_id', 'in', [...(siteIds ?? [])]),
          )
          .orderBy('accounts.display_name')
          .limit(20)
          .execute();
  const groups =
    words.length === 0
      ? []
      : await rows
          .selectFrom('groups')
          .leftJoin('sites', 'sites.id', 'groups.site_id')
          .select([
            'groups.id',
            'groups.kind',
            'groups.name',
            'groups.site_id',
            'sites.name as site_name',
          ])
          .where((where) =>
            where.and(
              words.map((word) =>
                where.or([
                  where(where.fn<string>('lower', ['groups.name']), 'like', like(word)),
                  where(where.fn<string>('lower', ['sites.name']), 'like', like(word)),
                ]),
              ),
            ),
          )
          .$if(siteIds !== null, (query) =>
            query.where('groups.site_id', 'in', [...(siteIds ?? [])]),
          )
          .orderBy('groups.name')
          .limit(20)
          .execute();
  return {
    people: people.map(toAccount),
    groups: groups.map((row) => ({
      id: row.id,
      kind: row.kind as Group['kind'],
      name: row.site_name === null ? row.name : `${row.name}, ${row.site_name}`,
      siteId: row.site_id,
    })),
  };
}
