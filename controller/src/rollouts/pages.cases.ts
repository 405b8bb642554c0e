/** Lists of rollouts and of their servers beyond one page and one rollout, for every database. */
import { describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { application } from '#src/builders.fixture.ts';
import { createRollout } from './plan/create.ts';
import { listPlanEntries, listRollouts } from './read.ts';
import type { RolloutFixture } from './rollouts.fixture.ts';
import { listTargets, type TargetQuery } from './targets/pages/list.ts';

const rest = { size: { rest: true as const }, gate: 'auto' as const, soakMinutes: 0 };

/** All pages; `read` gets the place after which the next begins. */
async function pagesOf<T>(
  read: (after: string | undefined) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[][]> {
  const pages: T[][] = [];
  let after: string | undefined;
  for (let left = 20; left > 0; left -= 1) {
    const { items, next } = await read(after);
    pages.push(items);
    if (next === null) return pages;
    after = next;
  }
  throw new Error('pages without end');
}

export function pageCases(at: RolloutFixture): void {
  const { draft, begin, obey } = at;
  const targets = async (id: string, query: TargetQuery) =>
    pagesOf((after) =>
      listTargets(at.city.platform, at.city.technician, id, {
        ...query,
        ...(after === undefined ? {} : { after }),
      }),
    );

  describe('pages', () => {
    test('of servers: each once, by the names of the schools, and only this rollout’s', async () => {
      const id = await begin({
        waves: [{ size: { sites: 2 }, gate: 'manual', soakMinutes: 0 }, rest],
      });
      const chess = await createApplication(
        at.city.platform,
        at.city.technician,
        application('chess'),
      );
      await begin({ items: [{ applicationId: chess.id, want: 'present' }], waves: [rest] });
      await obey(id, 'succeeded');
      for (const limit of [1, 2, 3, 4, 6, 7]) {
        const pages = await targets(id, { limit });
        expect(pages.flat().map(({ siteName }) => siteName)).toEqual(
          [0, 1, 2, 3, 4, 5].map((n) => `École ${n}`),
        );
        expect(pages[0]).toHaveLength(Math.min(limit, 6));
      }
      const names = async (query: Partial<TargetQuery>) =>
        (await targets(id, { limit: 1, ...query }))
          .flat()
          .map(({ siteName }) => siteName.slice(-1));
      expect(await names({ state: 'succeeded' })).toEqual(['0', '1']);
      expect(await names({ state: 'queued,succeeded' })).toHaveLength(6);
      expect(await names({ state: 'nonsense' })).toEqual([]);
      expect(await names({ wave: '2' })).toEqual(['2', '3', '4', '5']);
      expect(await names({ wave: '2', search: 'cole 3' })).toEqual(['3']);
      expect(await names({ search: '%' })).toHaveLength(6);
    });

    test('of rollouts: the newest first, each once, also those of one moment', async () => {
      const made: string[] = [];
      for (let n = 0; n < 7; n += 1) {
        made.push(
          await createRollout(at.city.platform, at.city.technician, draft({ name: `R${n}` })),
        );
        // Two share each moment.
        if (n % 2 === 1) at.city.time.at += 1000;
      }
      const running = await begin({ name: 'running' });
      for (const limit of [1, 2, 3, 8, 9]) {
        const found = await pagesOf((after) =>
          listRollouts(at.city.platform, at.city.technician, {
            limit,
            active: null,
            ...(after === undefined ? {} : { after }),
          }),
        );
        const ids = found.flat().map(({ id }) => id);
        expect(new Set(ids)).toEqual(new Set([...made, running]));
        expect(ids).toHaveLength(8);
        const times = found.flat().map(({ createdAt }) => createdAt);
        expect(times).toEqual([...times].sort((a, b) => b - a));
      }
      const active = await listRollouts(at.city.platform, at.city.technician, {
        limit: 10,
        active: true,
      });
      expect(active.items.map(({ name }) => name)).toEqual(['running']);
    });

    test('of rollouts, for who looks after some schools: those that stay within them', async () => {
      const [first, second] = at.fleet.map(({ siteId }) => siteId);
      const own = (siteIds: (string | undefined)[], name: string) =>
        createRollout(
          at.city.platform,
          at.city.technician,
          draft({ name, where: { ...draft().where, siteIds: siteIds.map((id) => id ?? '') } }),
        );
      await own([first], 'first');
      await own([first, second], 'both');
      await createRollout(
        at.city.platform,
        at.city.technician,
        draft({ name: 'all', where: { ...draft().where, all: true, siteIds: [] } }),
      );
      const seen = async (siteIds: string[] | null) =>
        (
          await listRollouts(
            at.city.platform,
            { ...at.city.technician, siteIds },
            { limit: 10, active: null },
          )
        ).items
          .map(({ name }) => name)
          .sort();
      expect(await seen([first ?? ''])).toEqual(['first']);
      expect(await seen([first ?? '', second ?? ''])).toEqual(['both', 'first']);
      expect(await seen([second ?? ''])).toEqual([]);
      expect(await seen(null)).toEqual(['all', 'both', 'first']);
    });

    test('of a plan', async () => {
      const id = await createRollout(at.city.platform, at.city.technician, draft());
      for (const limit of [1, 2, 5, 6, 7]) {
        const pages = await pagesOf((after) =>
          listPlanEntries(at.city.platform, at.city.technician, id, {
            from: Number(after ?? 0),
            limit,
          }),
        );
        expect(pages).toHaveLength(Math.ceil(6 / limit));
        expect(new Set(pages.flat().map(({ serverId }) => serverId)).size).toBe(6);
      }
    });
  });
}
