import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { describe, expect, test } from 'vitest';
import { createMemoryDriver } from './drivers/memory.ts';
import {
  hashOf,
  id,
  opened,
  policyText,
  serverId,
  sessionOne,
  sign,
  site,
  tux,
  type World,
  world,
} from './world.fixture.ts';

const seen = (w: World) =>
  w.last().sessions.find((each) => each.sessionId === sessionOne.sessionId);
const app = (w: World) =>
  w.last().applications.find((each) => each.applicationId === tux.applicationId);

describe('installing', () => {
  test('looks before, installs, looks again, reports the version', async () => {
    const w = world();
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(app(w)).toMatchObject({ state: 'installed', version: '1.2', error: null }),
    );
    expect(w.driver.calls.filter((call) => /detect|install/.test(call))).toEqual([
      'detect tux',
      'install tux',
      'detect tux',
    ]);
    await w.soon(() => expect(w.last()).toMatchObject({ generation: 1, failedSteps: [] }));
  });

  test('what is there is not installed twice', async () => {
    const w = world({ driver: createMemoryDriver({ installed: ['tux'] }) });
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'installed' }));
    expect(w.driver.calls).not.toContain('install tux');
  });

  test('exit code 0 without detection is NOT_DETECTED, and is not retried', async () => {
    const w = world();
    w.driver.hollow.add('tux');
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(app(w)).toMatchObject({ state: 'failed', error: { code: 'NOT_DETECTED' } }),
    );
    expect(w.last().failedSteps).toEqual([
      expect.objectContaining({
        step: 'install_application',
        code: 'NOT_DETECTED',
        element: 'tux',
        attempt: 1,
        retryAt: null,
      }),
    ]);
    w.clock.at += 86_400_000;
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last().generation).toBe(2));
    expect(w.driver.calls.filter((call) => call === 'install tux')).toHaveLength(1);
  });

  test('a failure is told, retried after its delay, and forgotten once mended', async () => {
    const w = world();
    w.driver.fail('install', new AppError('INSTALL_FAILED', { why: 'apt-get ended with 100' }));
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(app(w)).toMatchObject({
        state: 'failed',
        error: { code: 'INSTALL_FAILED', message: 'apt-get ended with 100' },
      }),
    );
    expect(w.last().failedSteps[0]).toMatchObject({ attempt: 1, retryAt: w.clock.at + 30_000 });
    w.clock.at += 30_000;
    w.want({ applications: [tux] });
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'installed' }));
    expect(w.last().failedSteps).toEqual([]);
  });

  test('asking again clears what failed for good', async () => {
    const w = world();
    w.driver.fail('install', new AppError('PACKAGE_NOT_FOUND', { why: 'no package tux' }));
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(app(w)).toMatchObject({ state: 'failed', error: { code: 'PACKAGE_NOT_FOUND' } }),
    );
    w.want({ applications: [{ ...tux, askedAt: 2 }] });
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'installed' }));
    expect(w.last().failedSteps).toEqual([]);
  });

  test('removing, and a removal that leaves it there', async () => {
    const w = world({ driver: createMemoryDriver({ installed: ['tux'] }) });
    w.driver.hollow.add('tux');
    w.want({ removals: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(app(w)).toMatchObject({ state: 'failed', error: { code: 'REMOVE_FAILED' } }),
    );
    w.driver.hollow.delete('tux');
    w.want({ removals: [{ ...tux, askedAt: 2 }] });
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'removed', version: null }));
    expect(w.driver.installed.has('tux')).toBe(false);
  });

  test('the icon is sent when it is asked for; one that cannot be read stops nothing', async () => {
    const png = Buffer.from('picture');
    const w = world({ driver: createMemoryDriver({ icon: png }), iconsAsked: [tux.applicationId] });
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() =>
      expect(w.icons[0]).toEqual({ applicationId: tux.applicationId, png: png.toString('base64') }),
    );
    expect(app(w)).toMatchObject({ iconHash: createHash('sha256').update(png).digest('hex') });

    const other = world();
    other.driver.fail('readIcon', new AppError('ICON_REFUSED'));
    other.want({ applications: [tux] });
    await other.agent.start();
    await other.soon(() =>
      expect(app(other)).toMatchObject({ state: 'installed', iconHash: null }),
    );
    expect(other.last().failedSteps).toEqual([
      expect.objectContaining({ step: 'read_icon', code: 'ICON_REFUSED' }),
    ]);
  });
});

describe('while packages change', () => {
  const gimp = {
    ...tux,
    applicationId: id('app', 'g'),
    versionId: id('ver', 'g'),
    slug: 'gimp',
    recipes: {
      linux: {
        kind: 'apt' as const,
        packages: ['gimp'],
        detect: { kind: 'package' as const, package: 'gimp' },
      },
    },
  };
  test('the state is not said to be reached before it is', async () => {
    const w = world({ driver: createMemoryDriver({ installMs: 300 }) });
    w.want({});
    await w.agent.start();
    await w.soon(() => expect(w.last().generation).toBe(1));
    w.want({ applications: [tux] });
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'installing' }));
    await w.soon(() => expect(w.last()).toMatchObject({ generation: 2, failedSteps: [] }));
    // The agent reports while apt works, and once it is done.
    const said = w.reports.map(({ generation, applications }) => [
      generation,
      applications[0]?.state ?? 'unknown',
    ]);
    expect(said).toContainEqual([1, 'installing']);
    expect(said.filter(([generation]) => generation === 2)).toEqual([[2, 'installed']]);
  });
  test('what is wanted besides is kept: by who installs one, and by who takes one away', async () => {
    const w = world();
    w.want({ applications: [gimp] });
    await w.agent.start();
    await w.soon(() => expect(w.last()).toMatchObject({ generation: 1 }));
    w.want({ applications: [gimp, tux] });
    await w.soon(() => expect(w.last()).toMatchObject({ generation: 2 }));
    w.want({ applications: [tux], removals: [gimp] });
    await w.soon(() => expect(w.last()).toMatchObject({ generation: 3 }));
    expect(w.driver.kept).toEqual([
      'stage want-gimp: gimp',
      'apply want-gimp: gimp',
      'stage want-tux: gimp tux',
      'apply want-tux: gimp tux',
      'stage want-gimp: tux',
      'apply want-gimp: tux',
    ]);
  });
});

describe('what is there and what is not', () => {
  test('taken away by hand: told, and brought again once after its delay', async () => {
    const w = world();
    w.want({ applications: [tux] });
    await w.agent.start();
    await w.soon(() => expect(app(w)).toMatchObject({ state: 'installed' }));
    w.driver.byHand('tux', false);
    w.driver.hollow.add('tux');
    w.clock.at += 2000;
    w.want({ applications: [tux] });
    await w.soon(() =>
      expect(app(w)).toMatchObject({
        state: 'failed',
        error: { code: 'NOT_DETECTED', message: 'tux was there and is gone: changed by hand' },
      }),
    );
    expect(w.last().failedSteps).toEqual([
      expect.objectContaining({
        step: 'install_application',
        element: 'tux',
        retryAt: w.clock.at + 30_000,
      }),
    ]);
    w.clock.at += 30_000;
    w.want({ applications: [tux] });
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({ attempt: 2, retryAt: null }),
      ]),
    );
    w.clock.at += 86_400_000;
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last().generation).toBe(4));
    expect(w.driver.calls.filter((call) => call === 'install tux')).toHaveLength(2);
  });

  test(
    'another version with another recipe is brought, after a restart too; with the same ' +
      'recipe it is there',
    async () => {
      const first = world();
      first.want({ applications: [tux] });
      await first.agent.start();
      await first.soon(() => expect(app(first)).toMatchObject({ state: 'installed' }));
      const w = first.kill();
      const same = { ...tux, versionId: id('ver', 'u') };
      w.want({ applications: [same] });
      await w.agent.start();
      await w.soon(() => expect(app(w)).toMatchObject({ state: 'installed' }));
      expect(w.driver.calls).not.toContain('install tux');
      const more = {
        ...tux,
        versionId: id('ver', 'v'),
        recipes: {
          linux: {
            ...tux.recipes.linux,
            kind: 'apt' as const,
            packages: ['tux', 'tux-data'],
            detect: { kind: 'package' as const, package: 'tux' },
          },
        },
      };
      w.want({ applications: [more] });
      await w.soon(() =>
        expect(w.driver.calls.filter((call) => call === 'install tux')).toHaveLength(1),
      );
      await w.soon(() =>
        expect(w.last()).toMatchObject({ generation: 3, applications: [{ state: 'installed' }] }),
      );
    },
  );

  test('neighbours are named to the driver, once for each change', async () => {
    const w = world();
    const cache = { serverId: id('srv', 'c'), host: '10.0.0.1', port: 8080 };
    w.want({ cache });
    await w.agent.start();
    await w.soon(() => expect(w.last().generation).toBe(1));
    w.want({ cache });
    await w.soon(() => expect(w.last().generation).toBe(2));
    w.want({ cache: null });
    await w.soon(() => expect(w.last().generation).toBe(3));
    expect(w.driver.calls.filter((call) => call.startsWith('setNeighbours'))).toEqual([
      'setNeighbours 10.0.0.1 0',
      'setNeighbours - 0',
    ]);
  });
});

describe('sessions', () => {
  test('opened, attachable once, window seen, ended', async () => {
    const w = world();
    await opened(w);
    expect(seen(w)).toMatchObject({
      attachment: { serial: 1, username: 'preau-1', password: expect.stringMatching(/^.{32}$/) },
      openedAt: null,
    });
    w.clock.at += 700;
    w.driver.showWindow(sessionOne.sessionId);
    await w.soon(() => expect(seen(w)).toMatchObject({ openedAt: w.clock.at }));
    w.driver.useCredentials(sessionOne.sessionId);
    w.want({ applications: [tux], sessions: [sessionOne] });
    await w.soon(() => expect(seen(w)).toMatchObject({ attachment: null }));
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last()).toMatchObject({ sessions: [], generation: 3 }));
    expect(w.driver.running.size).toBe(0);
    expect(readdirSync(join(w.folder, 'sessions'))).toEqual([]);
  });

  test('a browser that asks anew gets a fresh password with the new serial', async () => {
    const w = world();
    await opened(w);
    const first = seen(w);
    w.want({ applications: [tux], sessions: [{ ...sessionOne, attachSerial: 2 }] });
    await w.soon(() => expect(seen(w)).toMatchObject({ attachment: { serial: 2 } }));
    expect(seen(w)).not.toEqual(first);
    expect(w.driver.calls.filter((call) => call.startsWith('openSession'))).toHaveLength(1);
  });

  test('the application closes by itself: told, and nothing of it stays', async () => {
    const w = world();
    await opened(w);
    w.driver.finish(sessionOne.sessionId, { state: 'ended', reason: 'application_closed' });
    await w.soon(() =>
      expect(seen(w)).toEqual({
        sessionId: sessionOne.sessionId,
        state: 'ended',
        reason: 'application_closed',
      }),
    );
    expect(w.driver.running.size).toBe(0);
    // Still told until the controller no longer wants it; not opened again meanwhile.
    expect(w.driver.calls.filter((call) => call.startsWith('openSession'))).toHaveLength(1);
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last().sessions).toEqual([]));
  });

  test('one that does not open carries its own failure', async () => {
    const w = world();
    w.driver.fail('openSession', new AppError('DISPLAY_FAILED', { why: 'no X server' }));
    w.want({ applications: [tux], sessions: [sessionOne] });
    await w.agent.start();
    await w.soon(() =>
      expect(seen(w)).toEqual({
        sessionId: sessionOne.sessionId,
        state: 'failed',
        code: 'DISPLAY_FAILED',
        message: 'no X server',
      }),
    );
    expect(w.driver.calls).toContain(`endSession ${sessionOne.sessionId}`);
    expect(w.last().failedSteps.filter((step) => step.step === 'open_session')).toEqual([]);
  });

  test('one whose application is not published here is refused', async () => {
    const w = world();
    w.want({ sessions: [sessionOne] });
    await w.agent.start();
    await w.soon(() =>
      expect(seen(w)).toMatchObject({ state: 'failed', code: 'NOT_PUBLISHED_HERE' }),
    );
    expect(w.driver.calls.some((call) => call.startsWith('openSession'))).toBe(false);
  });

  test('ending that fails is told and tried again after its delay, not at once', async () => {
    const w = world();
    await opened(w);
    w.driver.fail('endSession', new AppError('DISPLAY_FAILED', { why: 'still mounted' }), {
      always: true,
    });
    w.want({ applications: [tux] });
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({
          step: 'end_session',
          code: 'DISPLAY_FAILED',
          message: 'still mounted',
          retryAt: w.clock.at + 30_000,
        }),
      ]),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(w.driver.calls.filter((call) => call.startsWith('endSession'))).toHaveLength(1);
    w.driver.mend('endSession');
    w.clock.at += 30_000;
    w.want({ applications: [tux] });
    await w.soon(() =>
      expect(w.last()).toMatchObject({ sessions: [], failedSteps: [], generation: 3 }),
    );
    expect(w.driver.running.size).toBe(0);
  });

  test('an application that closed is told though tidying up behind it failed, and tidied up later', async () => {
    const w = world();
    await opened(w);
    w.driver.fail('endSession', new AppError('DISPLAY_FAILED', { why: 'still mounted' }));
    w.driver.finish(sessionOne.sessionId, { state: 'ended', reason: 'application_closed' });
    await w.soon(() =>
      expect(seen(w)).toEqual({
        sessionId: sessionOne.sessionId,
        state: 'ended',
        reason: 'application_closed',
      }),
    );
    w.clock.at += 30_000;
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last()).toMatchObject({ sessions: [], failedSteps: [] }));
    expect(w.driver.running.size).toBe(0);
  });

  test('what ends twice ended once, as it did first', async () => {
    const w = world();
    await opened(w);
    // Tidying up fails, so the machine still has it and may tell once more.
    w.driver.fail('endSession', new AppError('DISPLAY_FAILED', { why: 'still mounted' }));
    w.driver.finish(sessionOne.sessionId, { state: 'ended', reason: 'application_closed' });
    w.driver.finish(sessionOne.sessionId, {
      state: 'failed',
      code: 'DISPLAY_FAILED',
      message: 'exit code 139',
    });
    await w.soon(() => expect(seen(w)).toMatchObject({ state: 'ended' }));
    w.driver.finish(sessionOne.sessionId, { state: 'ended', reason: 'lost' });
    w.want({ applications: [tux], sessions: [sessionOne] });
    await w.soon(() => expect(w.last().generation).toBe(2));
    expect(seen(w)).toEqual({
      sessionId: sessionOne.sessionId,
      state: 'ended',
      reason: 'application_closed',
    });
    expect(w.driver.calls.filter((call) => call.startsWith('endSession'))).toHaveLength(1);
  });

  test('one that does not open is told though tidying up behind it failed', async () => {
    const w = world();
    w.driver.fail('openSession', new AppError('DISPLAY_FAILED', { why: 'no X server' }));
    w.driver.fail('endSession', new AppError('DISPLAY_FAILED', { why: 'still mounted' }));
    w.want({ applications: [tux], sessions: [sessionOne] });
    await w.agent.start();
    await w.soon(() =>
      expect(seen(w)).toMatchObject({
        state: 'failed',
        code: 'DISPLAY_FAILED',
        message: 'no X server',
      }),
    );
  });

  test('an access that cannot be granted is told', async () => {
    const w = world();
    await opened(w);
    w.driver.fail('issueCredentials', new AppError('DISPLAY_FAILED', { why: 'no such display' }));
    w.want({ applications: [tux], sessions: [{ ...sessionOne, attachSerial: 2 }] });
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({
          step: 'attach_session',
          code: 'DISPLAY_FAILED',
          element: sessionOne.sessionId,
        }),
      ]),
    );
    w.want({ applications: [tux], sessions: [{ ...sessionOne, attachSerial: 3 }] });
    await w.soon(() => expect(seen(w)).toMatchObject({ attachment: { serial: 3 } }));
    await w.soon(() => expect(w.last().failedSteps).toEqual([]));
  });

  test('displays stand by; one that fails waits for its retry', async () => {
    const w = world();
    w.driver.fail('prepareDisplay', new AppError('DISPLAY_FAILED', { why: 'no' }), {
      always: true,
    });
    w.want({ standbyDisplays: 1 });
    await w.agent.start();
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({ step: 'prepare_display', code: 'DISPLAY_FAILED' }),
      ]),
    );
    const tried = w.driver.calls.filter((call) => call === 'prepareDisplay').length;
    w.want({ standbyDisplays: 2 });
    await w.soon(() => expect(w.last().generation).toBeGreaterThan(0));
    expect(w.driver.calls.filter((call) => call === 'prepareDisplay')).toHaveLength(tried);
    w.driver.mend('prepareDisplay');
    w.clock.at += 30_000;
    w.want({ standbyDisplays: 2 });
    await w.soon(() =>
      expect(w.last()).toMatchObject({ health: { displaysReady: 2 }, failedSteps: [] }),
    );
  });
});

describe('the controller is away', () => {
  test('keeps serving from the state on disk, and reports when it is back', async () => {
    const first = world();
    await opened(first);
    const state = readFileSync(join(first.folder, 'desired.json'), 'utf8');
    const folder = mkdtempSync(join(tmpdir(), 'preau-agent-'));
    writeFileSync(join(folder, 'desired.json'), state);

    const w = world({ folder });
    w.away(true);
    await w.agent.start();
    await w.soon(() => expect(w.driver.running).toEqual(new Set([sessionOne.sessionId])));
    await w.soon(() => expect(w.driver.installed.has('tux')).toBe(true));
    w.driver.showWindow(sessionOne.sessionId);
    expect(w.reports).toEqual([]);
    w.want({ applications: [tux], sessions: [sessionOne] });
    w.away(false);
    await w.soon(() => expect(seen(w)).toMatchObject({ state: 'ready', openedAt: w.clock.at }));
    expect(w.driver.calls.filter((call) => call.startsWith('openSession'))).toHaveLength(1);
  });

  test('a state on disk that somebody changed is not obeyed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'preau-agent-'));
    const document = JSON.stringify({
      protocol: 1,
      serverId,
      generation: 5,
      issuedAt: 1,
      standbyDisplays: 0,
      momentMs: 300,
      site,
      policy: hashOf(policyText),
      applications: [tux],
      removals: [],
      sessions: [],
      transfers: [],
      orders: [],
      cache: null,
      peers: [],
    });
    writeFileSync(
      join(folder, 'desired.json'),
      JSON.stringify({ document, signature: sign(`${document} `) }),
    );
    const w = world({ folder });
    await w.agent.start();
    await w.soon(() => expect(w.last().generation).toBe(0));
    expect(w.driver.calls).not.toContain('install tux');
  });
});

describe('restart', () => {
  const journal = (folder: string, sessionId: string) => {
    mkdirSync(join(folder, 'sessions'), { recursive: true });
    writeFileSync(join(folder, 'sessions', sessionId), '{}');
  };
  test('what the journal knows and the machine does not is reported as lost; what still runs is taken up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'preau-agent-'));
    const lost = id('ses', '2');
    journal(folder, sessionOne.sessionId);
    journal(folder, lost);
    const w = world({
      folder,
      driver: createMemoryDriver({ installed: ['tux'], running: [sessionOne.sessionId] }),
    });
    w.want({ applications: [tux], sessions: [sessionOne, { ...sessionOne, sessionId: lost }] });
    await w.agent.start();
    await w.soon(() =>
      expect(w.last().sessions).toContainEqual({ sessionId: lost, state: 'ended', reason: 'lost' }),
    );
    expect(seen(w)).toMatchObject({ state: 'ready' });
    expect(w.driver.calls).toContain(`adoptSession ${sessionOne.sessionId}`);
    expect(w.driver.calls.some((call) => call.startsWith('openSession'))).toBe(false);
    w.driver.finish(sessionOne.sessionId, { state: 'ended', reason: 'application_closed' });
    await w.soon(() =>
      expect(seen(w)).toMatchObject({ state: 'ended', reason: 'application_closed' }),
    );
  });

  test('stopping ends sessions and says so', async () => {
    const w = world();
    await opened(w);
    await w.agent.stop();
    expect(seen(w)).toMatchObject({ state: 'ended', reason: 'agent_stopped' });
    expect(w.driver.running.size).toBe(0);
  });
});

describe('states that are refused', () => {
  const valid = (more: object) =>
    JSON.stringify({
      protocol: 1,
      serverId,
      generation: 9,
      issuedAt: 1,
      standbyDisplays: 0,
      momentMs: 300,
      site,
      policy: hashOf(policyText),
      applications: [tux],
      removals: [],
      sessions: [],
      transfers: [],
      orders: [],
      cache: null,
      peers: [],
      ...more,
    });
  // biome-ignore format: a table
  const cases: [name: string, code: string, signed: SignedState][] = [
    ['forged', 'STATE_SIGNATURE_INVALID', { document: valid({}), signature: 'x', policy: policyText }],
    ['another server’s', 'STATE_FOR_ANOTHER_SERVER', { document: valid({ serverId: id('srv', 'b') }), signature: sign(valid({ serverId: id('srv', 'b') })), policy: policyText }],
    ['unknown field', 'STATE_MALFORMED', { document: valid({ more: 1 }), signature: sign(valid({ more: 1 })), policy: policyText }],
    ['older', 'STATE_OLDER', { document: valid({ generation: 1 }), signature: sign(valid({ generation: 1 })), policy: policyText }],
  ];
  test.each(cases)(
    '%s: reported as %s, not obeyed, and forgotten after a good one',
    async (_name, code, bad) => {
      const w = world();
      w.want({});
      w.want({});
      await w.agent.start();
      await w.soon(() => expect(w.last().generation).toBe(2));
      w.answer(bad);
      await w.soon(() =>
        expect(w.last().failedSteps).toEqual([
          expect.objectContaining({
            step: 'refuse_state',
            code,
            element: 'generation after 2',
            retryAt: null,
          }),
        ]),
      );
      expect(w.last()).toMatchObject({ generation: 2, applications: [] });
      expect(w.driver.calls).not.toContain('install tux');
      w.want({});
      await w.soon(() => expect(w.last()).toMatchObject({ generation: 3, failedSteps: [] }));
    },
  );
});

test('another state of the same number is obeyed if it is later: a restored city may have used it again', async () => {
  const w = world();
  w.want({});
  await w.agent.start();
  await w.soon(() => expect(w.last().generation).toBe(1));
  const other = (issuedAt: number) => w.want({ generation: 1, issuedAt, applications: [tux] });
  other(w.clock.at - 1);
  await w.soon(() => expect(w.fetched.length).toBeGreaterThan(1));
  expect(w.driver.calls).not.toContain('install tux');
  other(w.clock.at + 1);
  await w.soon(() => expect(w.driver.calls).toContain('install tux'));
});

test(
  'a state that stays refused is not fetched again and again: the next try comes with ' +
    'the next regular report',
  async () => {
    const w = world();
    w.want({});
    await w.agent.start();
    await w.soon(() => expect(w.last().generation).toBe(1));
    const { fetched } = w;
    const before = fetched.length;
    w.want({}, 'forged');
    await w.soon(() =>
      expect(w.last().failedSteps).toEqual([
        expect.objectContaining({ step: 'refuse_state', code: 'STATE_SIGNATURE_INVALID' }),
      ]),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fetched.length - before).toBe(1);
    w.clock.at += 20_000;
    await w.soon(() => expect(fetched.length - before).toBe(2));
  },
);

test('each report has the next number of one epoch', async () => {
  const w = world();
  await opened(w);
  expect(w.reports.map((report) => report.seq)).toEqual(w.reports.map((_, at) => at + 1));
  expect(new Set(w.reports.map((report) => report.epoch)).size).toBe(1);
});

describe('what the city asks', () => {
  const key = 'a'.repeat(64);
  const asking = (...keys: string[]) => ({
    questions: {
      asked: [tux],
      questions: keys.map((each) => ({ key: each, applicationIds: [tux.applicationId] })),
    },
  });
  test('is answered once, kept while it is asked, and never beside an installation', async () => {
    const w = world({ driver: createMemoryDriver({ installMs: 400 }) });
    w.driver.foreseen.set('tux', { code: 'PACKAGE_CONFLICT', message: 'both names' });
    w.want({ applications: [tux], ...asking(key) });
    await w.agent.start();
    await w.soon(() => expect(w.last().answers).toMatchObject([{ key }]));
    expect(w.last().answers?.[0]?.foreseen).toMatchObject([
      { applicationId: tux.applicationId, installs: 0, refusal: { code: 'PACKAGE_CONFLICT' } },
    ]);
    const calls = w.driver.calls.filter((call) => /^(install|foresee) /.test(call));
    expect(calls).toEqual(['install tux', 'foresee tux']);
    const other = 'b'.repeat(64);
    w.want({ applications: [tux], ...asking(other) });
    await w.soon(() => expect(w.last().answers?.map((each) => each.key)).toEqual([other]));
    w.want({ applications: [tux] });
    await w.soon(() => expect(w.last().answers).toEqual([]));
    expect(w.driver.calls.filter((call) => call === 'foresee tux')).toHaveLength(2);
  });
  test('a package manager that cannot be asked is an answer too', async () => {
    const w = world();
    w.driver.fail('foresee', new AppError('PACKAGES_LOCKED', { why: 'apt-daily holds the lists' }));
    w.want(asking(key));
    await w.agent.start();
    await w.soon(() =>
      expect(w.last().answers?.[0]?.foreseen[0]?.refusal).toEqual({
        code: 'PACKAGES_LOCKED',
        message: 'apt-daily holds the lists',
      }),
    );
  });
  test('a restart: once, at its time, of this boot only, and not while packages change', async () => {
    const w = world({ driver: createMemoryDriver({ installMs: 300 }) });
    await w.agent.start();
    w.want({});
    await w.soon(() => expect(w.last().boot?.bootId).toMatch(/^[0-9a-f-]{36}$/));
    const bootId = w.last().boot?.bootId ?? '';
    const restarts = () => w.driver.calls.filter((call) => call === 'restartMachine').length;
    const at = w.clock.at + 60_000;
    w.want({ restart: { bootId, at } });
    await w.soon(() => expect(w.last().generation).toBe(2));
    expect(restarts()).toBe(0);
    w.clock.at += 60_001;
    w.want({ applications: [tux], restart: { bootId, at } });
    await w.soon(() => expect(restarts()).toBe(1));
    expect(w.driver.calls.indexOf('restartMachine')).toBeGreaterThan(
      w.driver.calls.indexOf('install tux'),
    );
    w.want({
      applications: [tux],
      restart: { bootId: bootId.replace(/^./, (first) => (first === '0' ? '1' : '0')), at },
    });
    w.want({ applications: [tux], restart: { bootId, at } });
    await w.soon(() => expect(w.last().generation).toBe(5));
    expect(restarts()).toBe(1);
  });
  test('a restart that something forbids is tried again, as long as it is wanted', async () => {
    const w = world();
    await w.agent.start();
    w.want({});
    await w.soon(() => expect(w.last().boot?.bootId).toMatch(/^[0-9a-f-]{36}$/));
    const bootId = w.last().boot?.bootId ?? '';
    const restarts = () => w.driver.calls.filter((call) => call === 'restartMachine').length;
    const at = w.clock.at;
    w.driver.fail('restartMachine', new AppError('PACKAGES_LOCKED', { why: 'inhibited by apt' }));
    w.want({ restart: { bootId, at } });
    await w.soon(() =>
      expect(w.last().failedSteps).toMatchObject([
        { step: 'restart_machine', code: 'PACKAGES_LOCKED', retryAt: w.clock.at + 30_000 },
      ]),
    );
    w.clock.at += 30_001;
    w.want({ restart: { bootId, at }, standbyDisplays: 1 });
    await w.soon(() => expect(restarts()).toBe(2));
    await w.soon(() => expect(w.last().failedSteps).toEqual([]));
  });
  test('a source that cannot be read is told', async () => {
    const w = world();
    w.driver.unread.push({ source: 'http://vendor.example x', why: 'NO_PUBKEY' });
    await w.agent.start();
    w.want({});
    await w.soon(() =>
      expect(w.last().failedSteps).toMatchObject([
        { step: 'read_source', code: 'SOURCE_UNREADABLE', element: 'http://vendor.example x' },
      ]),
    );
  });
});
