/** Applies an import in batches, one transaction each: other work is not delayed for long, and an
 * interrupted import is completed by importing the file again. */
import { setImmediate as breathe } from 'node:timers/promises';
import { AppError } from '@preau/contract/errors.ts';
import { foldName } from '@preau/contract/fold.ts';
import type { ImportChoices, ImportReport } from '@preau/contract/people-import.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { deleteSignInsOf } from '#src/accounts/sign-ins/store.ts';
import { insertAccounts } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import { toCsv } from '#src/platform/csv.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { createSite } from '#src/sites/sites.ts';
import { freeLogins } from '../logins.ts';
import { selectClasses, setClass } from '../store.ts';
import { type Addition, type Leaver, ofPart, type PackedPlan, type Update } from './plan-shapes.ts';
import { planFile } from './preview.ts';
import { disablePerson, insertClassesOf, insertMembers, updatePerson } from './store.ts';

type Deps = Pick<Platform, 'database' | 'secrets' | 'clock' | 'wakeups' | 'heavy'>;

/** Refuses with IMPORT_CHANGED when the confirmed preview no longer matches what would be done.
 * Importing the same file again changes nothing. */
export async function applyImport(
  deps: Deps,
  actor: Actor,
  siteId: string | null,
  bytes: Uint8Array,
  choices: ImportChoices,
): Promise<ImportReport> {
  const { plan, preview } = await planFile(deps, actor, { siteId, bytes, choices }, true);
  if (plan === null || preview.plan !== choices.plan) throw new AppError('IMPORT_CHANGED');
  const siteIds = await makeSites(deps, actor, plan, choices);
  const realSite = (site: string) => siteIds.get(site) ?? site;
  const classIds = await makeClasses(deps, plan, realSite);
  const classOf = (site: string, name: string | null) =>
    name === null ? null : (classIds.get(`${realSite(site)} ${foldName(name)}`) ?? null);

  await writeParts<Update>(deps, plan.updates, (rows, some) =>
    change(rows, some, realSite, classOf),
  );
  const added: { addition: Addition; login: string }[] = [];
  await writeParts<Addition>(deps, plan.additions, async (rows, some) => {
    const logins = await add(deps, rows, some, realSite, classOf);
    for (const [at, addition] of some.entries()) added.push({ addition, login: logins[at] ?? '' });
  });
  const topics: Topic[] = [];
  await writeParts<Leaver>(deps, plan.leavers, async (rows, some) => {
    for (const { id, name, siteId: site } of some) {
      if (!(await disablePerson(rows, id, deps.clock.now()))) continue;
      const ended = await deleteSignInsOf(rows, { accountIds: [id] });
      topics.push(`person:${id}`, ...ended.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`));
      await recordEffect(deps, rows, actor, {
        action: 'account.disabled',
        subjectId: id,
        subjectName: name,
        siteId: site,
        details: { by: 'import' },
      });
    }
  });
  await record(deps, actor, plan, realSite);
  deps.wakeups.wake(['classes', 'people', 'portal', 'sites', 'audit', ...topics]);
  return { counts: plan.counts, csv: await csvOf(added) };
}

async function writeParts<T>(
  deps: Deps,
  parts: readonly string[],
  work: (rows: Rows, some: readonly T[]) => Promise<void>,
): Promise<void> {
  for (const part of parts) {
    await deps.database.transaction().execute((rows) => work(rows, ofPart<T>(part)));
    await breathe();
  }
}

async function makeSites(
  deps: Deps,
  actor: Actor,
  plan: PackedPlan,
  choices: ImportChoices,
): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const { uai, name, city, created } of plan.newSites) {
    const chosen = choices.createSites.find((site) => site.uai === uai);
    if (!created || chosen === undefined) continue;
    made.set(
      `new:${uai}`,
      (
        await createSite(deps, actor, {
          uai,
          name,
          city,
          timeZone: chosen.timeZone,
          holidayZone: chosen.holidayZone,
        })
      ).id,
    );
  }
  return made;
}

/** Creates the missing classes and returns every class of the schools concerned, by school and
 * folded name. */
async function makeClasses(
  deps: Deps,
  plan: PackedPlan,
  realSite: (site: string) => string,
): Promise<Map<string, string>> {
  const wanted = plan.newClasses.map(({ site, name }) => ({ siteId: realSite(site), name }));
  await deps.database.transaction().execute((rows) => insertClassesOf(rows, wanted));
  const sites = plan.perSite.map(({ site }) => realSite(site));
  return new Map(
    (await selectClasses(deps.database, sites)).map(({ id, siteId, name }) => [
      `${siteId} ${foldName(name)}`,
      id,
    ]),
  );
}

type ClassOf = (site: string, name: string | null) => string | null;

async function change(
  rows: Rows,
  updates: readonly Update[],
  realSite: (site: string) => string,
  classOf: ClassOf,
): Promise<void> {
  for (const update of updates) {
    await updatePerson(rows, { ...update, siteId: realSite(update.site) });
    const groupId = classOf(update.site, update.className);
    if (update.role === 'teacher' && groupId !== null)
      await insertMembers(rows, [{ groupId, accountId: update.accountId }]);
    // A person who changes schools leaves the classes of the old one.
    else if (groupId !== null || update.changes.includes('site'))
      await setClass(rows, update.accountId, groupId);
  }
}

async function add(
  deps: Deps,
  rows: Rows,
  additions: readonly Addition[],
  realSite: (site: string) => string,
  classOf: ClassOf,
): Promise<string[]> {
  const logins = await freeLogins(rows, additions);
  const ids = await insertAccounts(
    rows,
    additions.map((one, at) => ({
      login: logins[at] ?? '',
      displayName: one.name,
      role: one.role,
      siteId: realSite(one.site),
      passwordHash: null,
      externalId: one.externalId,
      mail: one.mail,
      attributes: one.level === null ? {} : { level: [one.level] },
    })),
    deps.clock.now(),
  );
  await insertMembers(
    rows,
    additions.flatMap((one, at) => {
      const groupId = classOf(one.site, one.className);
      return groupId === null ? [] : [{ groupId, accountId: ids[at] ?? '' }];
    }),
  );
  return logins;
}

/** One audit event per school. */
async function record(
  deps: Deps,
  actor: Actor,
  plan: PackedPlan,
  realSite: (site: string) => string,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    for (const { site, name, ...details } of plan.perSite)
      await recordEffect(deps, rows, actor, {
        action: 'people.imported',
        subjectId: realSite(site),
        subjectName: name,
        siteId: realSite(site),
        details,
      });
  });
}

/** CSV of the added people, for whoever distributes the logins. */
const csvOf = (added: readonly { addition: Addition; login: string }[]): Promise<string> =>
  toCsv(
    ['École', 'Classe', 'Nom', 'Identifiant'],
    added.map(({ addition, login }) => [
      addition.siteName,
      addition.className ?? '',
      addition.name,
      login,
    ]),
    '\r\n',
  );
