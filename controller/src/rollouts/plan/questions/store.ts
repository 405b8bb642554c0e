/** SQL of the questions of plans, and of their answers: evidence, kept for a day at most. */
import type { Answer, Foreseen } from '@preau/contract/asking.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Question } from './questions.ts';

export interface StoredQuestion {
  serverId: string;
  serverName: string;
  siteId: string;
  siteName: string;
  askedAt: number;
  answeredAt: number | null;
  foreseen: Foreseen[] | null;
}

const foreseenOf = (answer: string | null) =>
  answer === null ? null : (JSON.parse(answer) as Foreseen[]);

/** Replaces the questions of a rollout. `known`: answers that are there already, by server and
 * key. */
export async function replaceQuestions(
  rows: Rows,
  rolloutId: string,
  questions: readonly Question[],
  known: ReadonlyMap<string, Foreseen[]>,
  now: number,
): Promise<void> {
  await deleteQuestions(rows, rolloutId);
  for (let at = 0; at < questions.length; at += 100)
    await rows
      .insertInto('rollout_questions')
      .values(
        questions.slice(at, at + 100).map(({ serverId, key, asked }) => {
          const answer = known.get(`${serverId} ${key}`);
          return {
            rollout_id: rolloutId,
            server_id: serverId,
            key,
            asked: JSON.stringify(asked),
            asked_at: now,
            answer: answer === undefined ? null : JSON.stringify(answer),
            answered_at: answer === undefined ? null : now,
            considered: answer === undefined ? 0 : 1,
          };
        }),
      )
      .execute();
}

/** Answers to the same questions that were given since `since`, by server and key. */
export async function selectKnownAnswers(
  rows: Rows,
  questions: readonly Pick<Question, 'serverId' | 'key'>[],
  since: number,
): Promise<Map<string, Foreseen[]>> {
  const known = new Map<string, Foreseen[]>();
  const keys = [...new Set(questions.map(({ key }) => key))];
  for (let at = 0; at < keys.length; at += 200)
    for (const row of await rows
      .selectFrom('rollout_questions')
      .select(['server_id', 'key', 'answer'])
      .where('key', 'in', keys.slice(at, at + 200))
      .where('answered_at', '>', since)
      .execute()) {
      const foreseen = foreseenOf(row.answer);
      if (foreseen !== null) known.set(`${row.server_id} ${row.key}`, foreseen);
    }
  return known;
}

export async function selectQuestions(rows: Rows, rolloutId: string): Promise<StoredQuestion[]> {
  const found = await rows
    .selectFrom('rollout_questions as q')
    .innerJoin('servers as v', 'v.id', 'q.server_id')
    .innerJoin('sites as s', 's.id', 'v.site_id')
    .select(['q.server_id', 'q.asked_at', 'q.answer', 'q.answered_at'])
    .select(['v.name as server_name', 'v.site_id', 's.name as site_name'])
    .where('q.rollout_id', '=', rolloutId)
    .orderBy('s.name')
    .orderBy('v.site_id')
    .execute();
  return found.map((row) => ({
    serverId: row.server_id,
    serverName: row.server_name,
    siteId: row.site_id,
    siteName: row.site_name,
    askedAt: row.asked_at,
    answeredAt: row.answered_at,
    foreseen: foreseenOf(row.answer),
  }));
}

/** Keeps the answers that this server was asked for and has not given yet. Returns the rollouts that
 * asked. */
export async function saveAnswers(
  rows: Rows,
  serverId: string,
  answers: readonly Answer[],
  now: number,
): Promise<string[]> {
  const rolloutIds: string[] = [];
  for (const { key, foreseen } of answers) {
    const found = await rows
      .updateTable('rollout_questions')
      .set({ answer: JSON.stringify(foreseen), answered_at: now })
      .where('server_id', '=', serverId)
      .where('key', '=', key)
      .where('answered_at', 'is', null)
      .returning('rollout_id')
      .execute();
    rolloutIds.push(...found.map((row) => row.rollout_id));
  }
  return [...new Set(rolloutIds)];
}

/** Rollouts with answers that their plans do not know yet. */
export async function selectUnconsidered(rows: Rows): Promise<string[]> {
  const found = await rows
    .selectFrom('rollout_questions')
    .select('rollout_id')
    .distinct()
    .where('answered_at', 'is not', null)
    .where('considered', '=', 0)
    .execute();
  return found.map((row) => row.rollout_id);
}

export async function hasUnconsidered(rows: Rows, rolloutId: string): Promise<boolean> {
  const found = await rows
    .selectFrom('rollout_questions')
    .select('server_id')
    .where('rollout_id', '=', rolloutId)
    .where('answered_at', 'is not', null)
    .where('considered', '=', 0)
    .executeTakeFirst();
  return found !== undefined;
}

/** False when there was none: somebody else has considered them. */
export async function markConsidered(rows: Rows, rolloutId: string): Promise<boolean> {
  const done = await rows
    .updateTable('rollout_questions')
    .set({ considered: 1 })
    .where('rollout_id', '=', rolloutId)
    .where('answered_at', 'is not', null)
    .where('considered', '=', 0)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) > 0;
}

export async function deleteQuestions(rows: Rows, rolloutId: string): Promise<void> {
  await rows.deleteFrom('rollout_questions').where('rollout_id', '=', rolloutId).execute();
}

/** Questions that nobody has answered are not asked any more; answers stay as evidence. */
export async function stopAsking(rows: Rows, rolloutId: string): Promise<void> {
  await rows
    .deleteFrom('rollout_questions')
    .where('rollout_id', '=', rolloutId)
    .where('answered_at', 'is', null)
    .execute();
}

export async function deleteOldQuestions(rows: Rows, before: number): Promise<void> {
  await rows.deleteFrom('rollout_questions').where('asked_at', '<', before).execute();
}

/** The versions that each of these servers is to have now. */
export async function selectWantedVersions(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, { applicationId: string; versionId: string }[]>> {
  const wanted = new Map<string, { applicationId: string; versionId: string }[]>();
  for (let at = 0; at < serverIds.length; at += 500)
    for (const row of await rows
      .selectFrom('server_applications')
      .select(['server_id', 'application_id', 'version_id'])
      .where('server_id', 'in', serverIds.slice(at, at + 500))
      .where('wanted', '=', 1)
      .execute())
      wanted.set(row.server_id, [
        ...(wanted.get(row.server_id) ?? []),
        { applicationId: row.application_id, versionId: row.version_id },
      ]);
  return wanted;
}
