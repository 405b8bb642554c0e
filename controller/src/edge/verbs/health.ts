import type { EdgeDeps, Verbs } from './verb.ts';

const ready: Verbs['ready'] = async ({ health }, _actor, _input, answer) => {
  const told = await health.answer();
  if (told.status === 'down') answer.setStatus(503);
  return told;
};

export const healthVerbs = {
  live: async () => ({ status: 'ok' }),
  ready,
  health: ready,
  readHealth: async ({ health, version }: EdgeDeps) => ({ version, ...(await health.report()) }),
} satisfies Partial<Verbs>;
