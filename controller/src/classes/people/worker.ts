/** Runs in a thread of its own: reads a file of people, plans, and packs what the serving thread
 * needs. */
import type { ImportChoices } from '@preau/contract/people-import.ts';
import { type Outside, serve } from '#src/platform/heavy/serve.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { planImport } from './plan.ts';
import {
  emptyPlan,
  type FactsQuestion,
  type ImportRow,
  inParts,
  type KnownPerson,
  ofPart,
  type PackedFacts,
  type PackedPlan,
  type Plan,
  type PlanInput,
  type PlanOutput,
  planning,
} from './plan-shapes.ts';
import { readRows } from './rows.ts';
import { previewOf } from './show.ts';

const factsFor = (rows: readonly ImportRow[]): FactsQuestion => ({
  uais: [...new Set(rows.map(({ uai }) => uai.trim().toUpperCase()))],
  externalIds: [
    ...new Set(rows.flatMap(({ externalId }) => (externalId === null ? [] : [externalId]))),
  ],
});

const leaversOf = (plan: Plan) =>
  plan.missing
    .filter(({ leaves }) => leaves)
    .map(({ person }) => ({ id: person.id, name: person.name, siteId: person.siteId }));

/** Identifies a plan: another file, other choices or changed accounts give another hash. */
function hashOf(plan: Plan, choices: ImportChoices): string {
  let hash = sha256(
    JSON.stringify([plan.counts, plan.newSites, plan.newClasses, choices.createSites]),
  );
  for (const items of [plan.additions, plan.updates, leaversOf(plan)])
    for (const part of inParts(items)) hash = sha256(hash + part);
  return hash;
}

function perSite(plan: Plan): PackedPlan['perSite'] {
  const sites = new Map<string, PackedPlan['perSite'][number]>();
  const count = (site: string, name: string, what: 'added' | 'changed' | 'disabled') => {
    const known = sites.get(site) ?? { site, name, added: 0, changed: 0, disabled: 0 };
    known[what] += 1;
    sites.set(site, known);
  };
  for (const { site, siteName } of plan.additions) count(site, siteName, 'added');
  for (const { site, siteName } of plan.updates) count(site, siteName, 'changed');
  for (const { person, siteName, leaves } of plan.missing)
    if (leaves) count(person.siteId, siteName, 'disabled');
  return [...sites.values()];
}

const packed = (plan: Plan): PackedPlan => ({
  counts: plan.counts,
  newSites: plan.newSites,
  newClasses: plan.newClasses,
  additions: inParts(plan.additions),
  updates: inParts(plan.updates),
  leavers: inParts(leaversOf(plan)),
  perSite: perSite(plan),
});

async function work(
  input: PlanInput,
  { ask }: Outside<PlanOutput, FactsQuestion, PackedFacts>,
): Promise<PlanOutput> {
  const { choices, siteId, salt } = input;
  const { table, rows } = readRows(input.bytes, choices, siteId, salt);
  if (table.absent.length > 0) return { preview: previewOf(table, emptyPlan(0), null), plan: null };
  const facts = await ask(factsFor(rows));
  const people = facts.people.flatMap((part) => ofPart<KnownPerson>(part));
  const plan = planImport(rows, { ...facts, people }, choices);
  return {
    preview: previewOf(table, plan, hashOf(plan, choices)),
    plan: input.packed ? packed(plan) : null,
  };
}

await serve(planning, work);
