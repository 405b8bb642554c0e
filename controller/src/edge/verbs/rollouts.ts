import type { AccountActor } from '#src/platform/actor.ts';
import {
  approveRollout,
  changeDraft,
  createRollout,
  removeRollout,
} from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import {
  listPlanEntries,
  listRollouts,
  listSchoolAnswers,
  readRollout,
} from '#src/rollouts/read.ts';
import {
  createSchedule,
  listSchedules,
  pauseSchedule,
  removeSchedule,
} from '#src/rollouts/schedules/schedules.ts';
import { changeSettings, readBrake, readSettings, setBrake } from '#src/rollouts/settings.ts';
import {
  cancelRollout,
  finishRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  rollBackRollout,
} from '#src/rollouts/steer.ts';
import { exportRollout } from '#src/rollouts/targets/pages/export.ts';
import { listTargets, readTarget } from '#src/rollouts/targets/pages/list.ts';
import { limitOf } from './limit.ts';
import type { EdgeDeps, Verbs } from './verb.ts';

const thenRead = async (deps: EdgeDeps, actor: AccountActor, id: string, done: Promise<void>) => {
  await done;
  return readRollout(deps, actor, id);
};

export const rolloutVerbs = {
  listRollouts: (deps, actor, { query }) =>
    listRollouts(deps, actor, {
      after: query.after,
      limit: limitOf(query),
      active: query.active === undefined ? null : query.active === 'yes',
    }),
  createRollout: async (deps, actor, { body }) =>
    readRollout(deps, actor, await createRollout(deps, actor, body)),
  readRollout: (deps, actor, { params }) => readRollout(deps, actor, params.id),
  changeRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, changeDraft(deps, actor, params.id, body)),
  planRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, changeDraft(deps, actor, params.id, null)),
  listPlanEntries: (deps, actor, { params, query }) =>
    listPlanEntries(deps, actor, params.id, {
      from: Number(query.from ?? 0),
      limit: limitOf(query),
    }),
  listSchoolAnswers: (deps, actor, { params, query }) =>
    listSchoolAnswers(deps, actor, params.id, {
      from: Number(query.from ?? 0),
      limit: limitOf(query),
    }),
  approveRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, approveRollout(deps, actor, params.id, body.planHash)),
  startRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, startRollout(deps, actor, params.id, body)),
  pauseRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, pauseRollout(deps, actor, params.id)),
  resumeRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, resumeRollout(deps, actor, params.id)),
  cancelRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, cancelRollout(deps, actor, params.id, body.kind)),
  retryRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, retryRollout(deps, actor, params.id)),
  rollBackRollout: (deps, actor, { params, body }) =>
    thenRead(deps, actor, params.id, rollBackRollout(deps, actor, params.id, body.wave)),
  finishRollout: (deps, actor, { params }) =>
    thenRead(deps, actor, params.id, finishRollout(deps, actor, params.id)),
  removeRollout: async (deps, actor, { params }) => {
    await removeRollout(deps, actor, params.id);
    return null;
  },
  listTargets: (deps, actor, { params, query }) =>
    listTargets(deps, actor, params.id, { ...query, limit: limitOf(query) }),
  readTarget: (deps, actor, { params }) => readTarget(deps, actor, params.id, params.serverId),
  exportRollout: (deps, actor, { params }) => exportRollout(deps, actor, params.id),
  readBrake: (deps) => readBrake(deps),
  setBrake: async (deps, actor, { body }) => {
    await setBrake(deps, actor, body.on);
    return readBrake(deps);
  },
  readRolloutSettings: (deps) => readSettings(deps.database),
  changeRolloutSettings: (deps, actor, { body }) => changeSettings(deps, actor, body),
  listSchedules: async (deps, actor) => ({ items: await listSchedules(deps, actor) }),
  createSchedule: (deps, actor, { body }) => createSchedule(deps, actor, body),
  pauseSchedule: (deps, actor, { params, body }) =>
    pauseSchedule(deps, actor, params.id, body.paused),
  deleteSchedule: async (deps, actor, { params }) => {
    await removeSchedule(deps, actor, params.id);
    return null;
  },
} satisfies Partial<Verbs>;
