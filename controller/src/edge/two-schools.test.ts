/** Two schools with the same in each: whoever looks after one reads what is theirs in every list, and
 * nothing of the other. */
import { api, type RouteName } from '@preau/contract/api.ts';
import { defaultDraft } from '@preau/contract/rollout-draft.ts';
import { plainRule } from '@preau/contract/rule.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { insertGroup } from '#src/accounts/store.ts';
import { createToken } from '#src/accounts/tokens/tokens.ts';
import { site } from '#src/builders.fixture.ts';
import { changeRole } from '#src/identity/people/people.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { askForProgram } from '#src/requests/ask.ts';
import { createSchedule } from '#src/rollouts/schedules/schedules.ts';
import { insertAddition } from '#src/servers/additions/store.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import { launch } from '#src/sessions/launch.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { callsOf } from './calls.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
let app: FastifyInstance;
let elsewhere: string;
const calls = callsOf(() => city);

beforeAll(async () => {
  city = await makeCity();
  elsewhere = (await createSite(city.platform, city.technician, site())).id;
  app = await openEdge(city.platform);
});
afterAll(async () => {
  await app.close();
  await city.close();
}, 30_000);

describe('who looks after one of two schools', () => {
  /** What the second school has: people, a server, a class, a rule, a request, a session. */
  async function populate() {
    const { platform, technician, applications, time } = city;
    const server = await city.enrolServer('serveur-ailleurs', elsewhere);
    const [pupil, teacher] = [
      await city.account('tom.ailleurs', 'pupil', elsewhere),
      await city.account('prof.ailleurs', 'teacher', elsewhere),
    ];
    await wantApplication(platform, technician, {
      serverId: server.actor.id,
      applicationId: applications.tuxpaint.id,
      wanted: true,
    });
    await acceptReport(
      platform,
      server.actor,
      server.report({
        applications: [
          {
            applicationId: applications.tuxpaint.id,
            state: 'installed',
            version: '1.0',
            error: null,
            iconHash: null,
          },
        ],
      }),
    );
    await insertGroup(
      platform.database,
      { kind: 'class', name: 'CM2 d’ailleurs', siteId: elsewhere },
      [pupil.id],
    );
    const rule = await createRule(platform, technician, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId: applications.gimp.id },
      audience: { kind: 'role', role: 'teacher' },
      place: { kind: 'site', siteId: elsewhere },
    });
    const { session } = await launch(platform, pupil, { application: 'tuxpaint', language: 'fr' });
    const request = await askForProgram(platform, teacher, {
      applicationId: null,
      name: 'Solfège ailleurs',
      purpose: 'Pour la classe',
      link: null,
      wantedBy: null,
      wish: 'class',
    });
    await insertAddition(platform.database, {
      id: `add_${'e'.repeat(22)}`,
      siteId: elsewhere,
      serverName: 'serveur-2',
      host: '127.0.0.1',
      port: 1,
      login: 'root',
      hostKey: `SHA256:${'a'.repeat(43)}`,
      createdBy: technician.id,
      now: time.at,
      aliveUntil: time.at,
    });
    const schedule = await createSchedule(platform, technician, {
      name: 'Le mercredi',
      when: { days: [3], at: '14:00', period: 'outside_holidays' },
      draft: {
        ...defaultDraft,
        name: 'GIMP ailleurs',
        items: [{ applicationId: applications.gimp.id, want: 'present' }],
        where: { all: false, siteIds: [elsewhere], groupIds: [], serverIds: [], labels: [] },
      },
    });
    return {
      schedule: schedule.id,
      server: server.actor.id,
      pupil: pupil.id,
      rule: rule.id,
      session: session.id,
      request: request.id,
    };
  }
  test('reads in each list what is theirs, and nothing of the other, by token and by cookie', async () => {
    const theirs = await populate();
    // The first school has the same.
    await calls.readSession('pupil');
    await calls.readRequest('technician');
    await calls.readClass('technician');
    await calls.readAddition('technician');
    await calls.deleteSchedule('technician');
    await changeRole(city.platform, city.administrator, city.technician.id, {
      role: 'technician',
      siteId: null,
      siteIds: [elsewhere],
    });
    const cookie = await signedIn(city, city.technician.id);
    const { secret } = await createToken(city.platform, city.administrator, {
      name: 'essai',
      scope: 'technician',
      siteIds: [elsewhere],
      days: 30,
      accountId: city.technician.id,
    });
    // biome-ignore format: a table
    const lists: [RouteName, query: string, own: string][] = [
      ['listSites',      '',                elsewhere],
      ['listServers',    '',                theirs.server],
      ['readFleet',      '',                '"servers":1,'],
      ['readDrift',      '',                theirs.server],
      ['listAdditions',  '',                `add_${'e'.repeat(22)}`],
      ['listSessions',   '',                theirs.session],
      ['listAudit',      '?limit=50',       theirs.session],
      ['exportAuditCsv', '',                'tom.ailleurs'],
      ['listPeople',     '',                theirs.pupil],
      ['listClasses',    '',                'CM2 d’ailleurs'],
      ['listRules',      '',                theirs.rule],
      ['listRequests',   '?show=all',       theirs.request],
      ['searchAudiences', '?search=tom',    theirs.pupil],
      ['listSchedules',  '',                theirs.schedule],
    ];
    for (const [name, query, own] of lists) {
      const url = api[name].path + query;
      for (const headers of [
        { authorization: `Bearer ${secret}` },
        { cookie: `preau_sign_in=${cookie}` },
      ]) {
        const reply = await app.inject({ method: 'GET', url, headers });
        expect([name, reply.statusCode]).toEqual([name, 200]);
        expect([name, reply.body]).toEqual([name, expect.stringContaining(own)]);
        for (const foreign of [city.site.id, city.agent.actor.id, city.site.name, city.pupil.id])
          expect([name, reply.body.includes(foreign)]).toEqual([name, false]);
      }
    }
  });
});
