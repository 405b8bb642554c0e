/** Asks the schools' servers what a plan would do, and puts what they answer into the plan. */
import type { Answer } from '@preau/contract/asking.ts';
import { AppError } from '@preau/contract/errors.ts';
import { type AskingProgress, askingMs, type SchoolAnswer } from '@preau/contract/rollout-plan.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor, AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { publishDesiredState, publishDesiredStates } from '#src/servers/desired/desired-state.ts';
import { nextGeneration, nextGenerations } from '#src/servers/store.ts';
import { changeRollout, selectPlanEntries, selectRollout } from '../../store.ts';
import { type FullPlan, isInstalling, planText } from '../plan.ts';
import { type Installed, refusalsOf, withRefusals } from '../refusals.ts';
import type { Question } from './questions.ts';
import {
  deleteOldQuestions,
  hasUnconsidered,
  markConsidered,
  replaceQuestions,
  type StoredQuestion,
  saveAnswers,
  selectKnownAnswers,
  selectQuestions,
  selectUnconsidered,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

const dayMs = 86_400_000;
/** How long an answer stands for the same question of another plan. */
export const freshMs = 3_600_000;
/** States in which a plan is still read by somebody. */
const readStates: readonly string[] = ['planned', 'awaiting_approval', 'approved'];

/** Asks these servers, in the transaction that stored the plan. Returns the topics to wake. */
export async function askServers(
  deps: Deps,
  rows: Rows,
  rolloutId: string,
  questions: readonly Question[],
): Promise<Topic[]> {
  const now = deps.clock.now();
  const known = await selectKnownAnswers(rows, questions, now - freshMs);
  await replaceQuestions(rows, rolloutId, questions, known, now);
  const open = questions.filter(({ serverId, key }) => !known.has(`${serverId} ${key}`));
  const generations = await nextGenerations(
    rows,
    open.map(({ serverId }) => serverId),
  );
  return publishDesiredStates(deps, rows, generations);
}

/** Keeps the answers of a report, in its transaction. Returns the topics to wake, and the generation
 * of the desired state without the answered questions, or null. */
export async function settleAnswers(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  answers: readonly Answer[],
): Promise<{ topics: Topic[]; generation: number | null }> {
  if (answers.length === 0) return { topics: [], generation: null };
  const rolloutIds = await saveAnswers(rows, actor.id, answers, deps.clock.now());
  if (rolloutIds.length === 0) return { topics: [], generation: null };
  const generation = await nextGeneration(rows, actor.id);
  await publishDesiredState(deps, rows, actor.id, generation);
  return { topics: ['rollouts', ...rolloutIds.map((id): Topic => `rollout:${id}`)], generation };
}

/** Puts new answers into the plan of a rollout that has not begun. Only a refusal changes who gets
 * what, and so the plan's hash: then an approval is void. */
export async function considerAnswers(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  rolloutId: string,
): Promise<void> {
  if (!(await hasUnconsidered(deps.database, rolloutId))) return;
  const actor: Actor = { kind: 'job', id: 'answers', name: 'answers' };
  const changed = await deps.database.transaction().execute(async (rows) => {
    if (!(await markConsidered(rows, rolloutId))) return false;
    const rollout = await selectRollout(rows, rolloutId);
    if (rollout === undefined || !readStates.includes(rollout.state)) return false;
    const { plan: before, draft } = rollout;
    const catalogue = await selectApplications(rows);
    const refusals = refusalsOf(
      foresightsOf(await selectQuestions(rows, rolloutId)),
      before.applications.flatMap((planned): Installed[] => {
        const requires = catalogue.find(({ id }) => id === planned.applicationId)?.requires ?? [];
        return planned.want === 'absent' ? [] : [{ ...planned, requires }];
      }),
      new Map(catalogue.map(({ slug, name }) => [slug, name])),
    );
    const estimates = new Map(
      catalogue.flatMap(({ id, estimate }) => (estimate === null ? [] : [[id, estimate]])),
    );
    const entries = await selectPlanEntries(rows, rolloutId);
    const parts = withRefusals(draft, { ...before, entries }, refusals, estimates);
    const plan: FullPlan = {
      ...before,
      ...parts,
      refusals,
      hash: sha256(planText(draft, { applications: before.applications, entries: parts.entries })),
    };
    if (plan.hash === before.hash) return false;
    const done = await changeRollout(rows, rolloutId, rollout.version, {
      plan,
      state: plan.needsApproval ? 'awaiting_approval' : 'planned',
      approvedById: null,
      approvedByName: null,
    });
    // Changed meanwhile: nothing of this transaction is kept, and the next sweep considers again.
    if (!done) throw new AppError('BUSY');
    await recordEffect(deps, rows, actor, {
      action: 'rollout.changed',
      subjectId: rolloutId,
      subjectName: rollout.name,
      details: { refusals: refusals.length, plan: plan.hash },
    });
    return true;
  });
  if (changed) deps.wakeups.wake(['rollouts', 'audit']);
}

const foresightsOf = (questions: readonly StoredQuestion[]) =>
  questions.flatMap(({ siteId, siteName, serverName, foreseen }) =>
    foreseen === null ? [] : [{ siteId, siteName, serverName, foreseen }],
  );

/** What wake-ups have missed, and evidence that is too old. */
export async function sweepAnswers(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups' | 'log'>,
): Promise<void> {
  for (const id of await selectUnconsidered(deps.database))
    await considerAnswers(deps, id).catch((error: unknown) =>
      deps.log.error({ err: error, rollout: id }, 'answers not considered'),
    );
  await deleteOldQuestions(deps.database, deps.clock.now() - dayMs);
}

/** What is known of each school, sorted by name, and when the last one was asked (-Infinity: none). */
async function readSchools(
  rows: Rows,
  rolloutId: string,
  now: number,
): Promise<{ schools: SchoolAnswer[]; lastAskedAt: number }> {
  const questions = await selectQuestions(rows, rolloutId);
  const asked = new Set(questions.map(({ siteId }) => siteId));
  const others = new Map(
    (await selectPlanEntries(rows, rolloutId))
      .filter((entry) => !asked.has(entry.siteId) && entry.items.some(isInstalling))
      .map(({ siteId, siteName }) => [siteId, siteName]),
  );
  const schools = [
    ...questions.map(
      ({ siteId, siteName, serverName, askedAt, foreseen }): SchoolAnswer => ({
        siteId,
        siteName,
        serverName,
        state: foreseen !== null ? 'answered' : now < askedAt + askingMs ? 'asking' : 'silent',
        foreseen: foreseen ?? [],
      }),
    ),
    ...[...others].map(
      ([siteId, siteName]): SchoolAnswer => ({
        siteId,
        siteName,
        serverName: null,
        state: 'at_start',
        foreseen: [],
      }),
    ),
  ].sort((a, b) => a.siteName.localeCompare(b.siteName) || (a.siteId < b.siteId ? -1 : 1));
  return { schools, lastAskedAt: Math.max(...questions.map(({ askedAt }) => askedAt)) };
}

/** Null when the rollout has begun, or nothing is to be asked. */
export async function readAsking(
  rows: Rows,
  rollout: { id: string; state: string },
  now: number,
): Promise<AskingProgress | null> {
  if (!readStates.includes(rollout.state)) return null;
  const { schools, lastAskedAt } = await readSchools(rows, rollout.id, now);
  if (schools.length === 0) return null;
  const count = (state: SchoolAnswer['state']) =>
    schools.filter((school) => school.state === state).length;
  const asking = count('asking');
  return {
    asking,
    answered: count('answered'),
    silent: count('silent'),
    atStart: count('at_start'),
    until: asking === 0 ? null : lastAskedAt + askingMs,
  };
}

/** Refuses with PLAN_ASKING while servers have time to answer. */
export async function mustHaveAsked(
  rows: Rows,
  rollout: { id: string; state: string },
  now: number,
): Promise<void> {
  const progress = await readAsking(rows, rollout, now);
  if (progress === null || progress.until === null) return;
  const { asking, answered, until } = progress;
  throw new AppError('PLAN_ASKING', { asking, answered, until });
}

export async function listSchoolAnswers(
  rows: Rows,
  rolloutId: string,
  query: { from: number; limit: number },
  now: number,
): Promise<{ items: SchoolAnswer[]; next: string | null }> {
  const { schools } = await readSchools(rows, rolloutId, now);
  const end = query.from + query.limit;
  return {
    items: schools.slice(query.from, end),
    next: end < schools.length ? String(end) : null,
  };
}
