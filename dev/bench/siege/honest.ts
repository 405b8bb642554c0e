/** Honest people at their devices, in a process of their own: each signs in over a connection of
 * their own, some open a program. They call again when, and only when, the console would. `startTalking`
 * starts it. */
import { pauseAfter } from '../../../console/src/lib/ask-again.ts';
import { type Answer, type Call, type Front, openWeb, type Web } from './web.ts';

/** What each person needs, in milliseconds, and what they were told instead. */
export interface Experience {
  ms: number[];
  errors: Record<string, number>;
  /** Refusals that the page hides. */
  hidden: number;
  /** Sessions that were ready within fifteen seconds; launches only. */
  ready: number;
}
export type HonestQuestion =
  | { do: 'arrive'; front: Front }
  /** Each signs in once, at even distances. */
  | { do: 'sign-in'; logins: readonly string[]; password: string; withinMs: number }
  /** Each signs in beforehand. */
  | { do: 'launch'; logins: readonly string[]; password: string; slug: string; withinMs: number };

/** A refusal that takes longer is no longer hidden. */
const hiddenMs = 2000;
const readyMs = 15_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const cookies = new Map<string, string>();
let web: Web | null = null;

const nothing = (): Experience => ({ ms: [], errors: {}, hidden: 0, ready: 0 });
const erred = (experience: Experience, why: string) => {
  experience.errors[why] = (experience.errors[why] ?? 0) + 1;
};

/** Calls as the console does; resolves to the answer, or to null when the person reads an error. */
async function asPage(experience: Experience, call: Call): Promise<Answer | null> {
  let waitedMs = 0;
  for (let tries = 1; ; tries += 1) {
    const answer = await (web as Web).call(call);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const ms = pauseAfter(answer.status === 0 ? 'lost' : answer, {
      method: call.method ?? 'POST',
      tries,
      waitedMs,
      chance: Math.random(),
    });
    if (ms === null || waitedMs + ms > hiddenMs) {
      erred(experience, `${call.path} ${answer.status} ${answer.code ?? ''}`.trim());
      return null;
    }
    experience.hidden += 1;
    waitedMs += ms;
    await pause(ms);
  }
}

/** Nobody waits for anybody: each is timed from when they should have begun. */
async function evenly(
  logins: readonly string[],
  withinMs: number,
  work: (login: string, done: () => void) => Promise<void>,
): Promise<number[]> {
  const began = performance.now();
  const ms: number[] = [];
  await Promise.all(
    logins.map(async (login, at) => {
      const due = (at * withinMs) / logins.length;
      await pause(Math.max(due - (performance.now() - began), 0));
      await work(login, () => ms.push(performance.now() - began - due));
    }),
  );
  return ms;
}

async function signIn(
  experience: Experience,
  login: string,
  password: string,
): Promise<string | null> {
  const body = { login, password };
  const answer = await asPage(experience, { path: '/api/sign-in', body });
  if (answer?.cookie) cookies.set(login, answer.cookie);
  return answer?.cookie ?? null;
}

async function launch(experience: Experience, slug: string, cookie: string, decided: () => void) {
  const body = { application: slug, language: 'fr' };
  const answer = await asPage(experience, { path: '/api/sessions', cookie, body });
  decided();
  const session = answer?.body['session'] as { id: string } | undefined;
  if (session === undefined) return;
  const path = `/api/sessions/${session.id}`;
  const until = performance.now() + readyMs;
  while (performance.now() < until) {
    const told = await (web as Web).call({ method: 'GET', path, cookie });
    if (told.body['state'] === 'failed') break;
    if (told.body['state'] === 'ready') {
      experience.ready += 1;
      break;
    }
    await pause(500);
  }
  await (web as Web).call({ path: `${path}/end`, cookie });
}

async function answer(question: HonestQuestion): Promise<Experience | null> {
  if (question.do === 'arrive') {
    web = openWeb(question.front);
    return null;
  }
  const experience = nothing();
  const { logins, password, withinMs } = question;
  if (question.do === 'sign-in') {
    experience.ms = await evenly(logins, withinMs, async (login, done) => {
      await signIn(experience, login, password);
      done();
    });
    return experience;
  }
  for (const login of logins) if (!cookies.has(login)) await signIn(experience, login, password);
  experience.ms = await evenly(logins, withinMs, async (login, done) => {
    const cookie = cookies.get(login);
    if (cookie !== undefined) await launch(experience, question.slug, cookie, done);
  });
  return experience;
}

process.on('message', ({ id, question }: { id: number; question: HonestQuestion }) => {
  answer(question).then(
    (reply) => process.send?.({ id, reply }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
