import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationDraft } from '@preau/contract/application.ts';
import { ApplicationChanges } from '@preau/contract/catalogue.ts';
import { Compile } from 'typebox/compile';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { selectAuditEvents } from '#src/audit/store.ts';
import { application } from '#src/builders.fixture.ts';
import { longestStop } from '#src/platform/heavy/longest-stop.fixture.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { publishWhereNamed, readDesiredState } from '#src/servers/desired/desired-state.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { exportCatalogue, importCatalogue } from './catalogue.ts';
import { agentSlug, changeApplication, createApplication, listVersions } from './create.ts';
import { readIcon, setIcon } from './icons/icons.ts';
import { keepAgentApplication, versionOf } from './own-agent.ts';
import { listPackages } from './packages/packages.ts';
import { selectApplications } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-catalogue-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let city: City;
beforeEach(async () => {
  const folder = mkdtempSync(join(root, 'city-'));
  city = await makeCity(':memory:', { PREAU_DATA: folder, PREAU_AGENT_FILES: folder });
});
afterEach(() => city.close());

const shown = (items: Awaited<ReturnType<typeof importCatalogue>>) =>
  items.map(({ slug, result, code }) => `${slug} ${result}${code === null ? '' : ` ${code}`}`);
const take = (applications: unknown[], dryRun = false) =>
  importCatalogue(city.platform, city.technician, { dryRun, applications });
const requiring = (slug: string, ...requires: string[]): ApplicationDraft =>
  application(slug, { requires });
const newest = async (slug: string) =>
  (await selectApplications(city.platform.database, { slug }))[0];

describe('requirements', () => {
  test('are checked when a draft is added', async () => {
    await expect(
      createApplication(city.platform, city.technician, requiring('jeu', 'moteur')),
    ).rejects.toMatchObject({ code: 'REQUIREMENT_MISSING', details: { path: ['jeu', 'moteur'] } });
    expect(await newest('jeu')).toBeUndefined();
    await createApplication(city.platform, city.technician, application('moteur'));
    expect(
      (await createApplication(city.platform, city.technician, requiring('jeu', 'moteur')))
        .requires,
    ).toEqual(['moteur']);
    await expect(
      createApplication(city.platform, city.technician, {
        ...requiring('moteur', 'jeu'),
        version: '2.0',
      }),
    ).rejects.toMatchObject({ code: 'REQUIREMENTS_CIRCULAR' });
    expect((await newest('moteur'))?.version).toBe('1.0');
  });

  test('a chain ends at twenty', async () => {
    await createApplication(city.platform, city.technician, application('rang-1'));
    for (let at = 2; at <= 20; at += 1)
      await createApplication(
        city.platform,
        city.technician,
        requiring(`rang-${at}`, `rang-${at - 1}`),
      );
    await expect(
      createApplication(city.platform, city.technician, requiring('rang-21', 'rang-20')),
    ).rejects.toMatchObject({
      code: 'REQUIREMENTS_TOO_DEEP',
      details: { application: 'rang-21', most: 20 },
    });
    expect(await newest('rang-21')).toBeUndefined();
  });
});

describe('drawings', () => {
  const drawing = (fill = '#fff') =>
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect fill="${fill}"/></svg>`;
  const png = Buffer.from(
    '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489',
    'hex',
  );
  const iconOf = async (slug: string) => {
    const hash = (await newest(slug))?.iconHash ?? null;
    return hash === null ? null : (await readIcon(city.platform, hash)).toString('utf8');
  };
  const draft = (more: Partial<ApplicationDraft> = {}) => application('jeu', more);

  test('come with an application, and are replaced by those of a newer catalogue', async () => {
    expect(shown(await take([draft({ icon: drawing() })]))).toEqual(['jeu added']);
    expect(await iconOf('jeu')).toBe(drawing());
    city.woken.length = 0;
    expect(shown(await take([draft({ icon: drawing('#000') })]))).toEqual(['jeu unchanged']);
    expect(await iconOf('jeu')).toBe(drawing('#000'));
    expect(city.woken).toContain('portal');
    expect((await exportCatalogue(city.platform)).applications).toContainEqual(
      expect.objectContaining({ slug: 'jeu', icon: drawing('#000') }),
    );
  });
  test('reach an application that is there already, although its version is not added', async () => {
    await createApplication(city.platform, city.technician, draft());
    await expect(
      createApplication(city.platform, city.technician, draft({ icon: drawing() })),
    ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await iconOf('jeu')).toBe(drawing());
  });
  test('do not replace what a technician chose, and a server replaces no drawing', async () => {
    const { id } = await createApplication(
      city.platform,
      city.technician,
      draft({ icon: drawing() }),
    );
    await setIcon(city.platform, city.agent.actor, {
      applicationId: id,
      png: png.toString('base64'),
    });
    expect(await iconOf('jeu')).toBe(drawing());
    await setIcon(city.platform, city.technician, {
      applicationId: id,
      png: png.toString('base64'),
    });
    await take([draft({ icon: drawing() })]);
    expect(await iconOf('jeu')).toContain('PNG');
  });
  test('with a script refuse their application; a path that nobody read is no drawing', async () => {
    const evil = drawing().replace('<rect', '<script/><rect');
    expect(shown(await take([draft({ icon: evil })]))).toEqual(['jeu refused ICON_REFUSED']);
    expect(await newest('jeu')).toBeUndefined();
    expect(shown(await take([draft({ icon: 'icons/jeu.svg' })]))).toEqual(['jeu added']);
    expect(await iconOf('jeu')).toBeNull();
  });
  test('of a dry run are not kept', async () => {
    await createApplication(city.platform, city.technician, draft());
    city.woken.length = 0;
    await take([draft({ icon: drawing() })], true);
    expect(await iconOf('jeu')).toBeNull();
    expect(city.woken).toEqual([]);
  });
});

describe('changing words, labels and licence', () => {
  const words = {
    name: { fr: 'Peinture', en: 'Paint' },
    description: { fr: 'Peindre.', en: 'Paint.' },
    category: 'drawing' as const,
    labels: ['cycle-3', 'arts'],
    seats: 7,
  };
  const tell = () => publishWhereNamed(city.platform);
  const stateOf = async () =>
    JSON.parse((await readDesiredState(city.platform, city.agent.actor)).document) as {
      generation: number;
      applications: { slug: string; category: string; labels: string[] }[];
    };

  test('is kept, told in the audit, and told to servers that have it when rules may look at it', async () => {
    const { tuxpaint } = city.applications;
    const before = await stateOf();
    expect(
      await changeApplication(city.platform, city.technician, tuxpaint.id, words, tell()),
    ).toMatchObject({
      ...words,
      labels: ['arts', 'cycle-3'],
      slug: 'tuxpaint',
      version: tuxpaint.version,
    });
    const after = await stateOf();
    expect(after.generation).toBe(before.generation + 1);
    expect(after.applications.find(({ slug }) => slug === 'tuxpaint')).toMatchObject({
      category: 'drawing',
      labels: ['arts', 'cycle-3'],
    });
    expect(city.woken).toContain(`agent:${city.agent.actor.id}`);
    await changeApplication(
      city.platform,
      city.technician,
      tuxpaint.id,
      { ...words, name: { fr: 'Peindre', en: 'Paint' }, seats: null },
      tell(),
    );
    expect((await stateOf()).generation).toBe(after.generation);
    expect(
      (
        await selectAuditEvents(city.platform.database, {
          before: null,
          limit: 50,
          search: null,
          siteIds: null,
          action: 'application.changed',
          personId: null,
          from: null,
          until: null,
        })
      ).map(({ subjectName }) => subjectName),
    ).toEqual(['Peindre', 'Peinture']);
  });

  test('a version that brings other labels tells them to the servers, too', async () => {
    const before = await stateOf();
    await createApplication(
      city.platform,
      city.technician,
      application('tuxpaint', { version: '9.9', labels: ['arts'] }),
      tell(),
    );
    const after = await stateOf();
    expect([
      after.generation,
      after.applications.find(({ slug }) => slug === 'tuxpaint')?.labels,
    ]).toEqual([before.generation + 1, ['arts']]);
  });

  test('takes no more labels than a server does', () => {
    const changes = Compile(ApplicationChanges);
    expect(
      changes.Check({ ...words, labels: Array.from({ length: 20 }, (_, n) => `etiquette-${n}`) }),
    ).toBe(true);
    expect(
      changes.Check({ ...words, labels: Array.from({ length: 21 }, (_, n) => `etiquette-${n}`) }),
    ).toBe(false);
    expect(changes.Check({ ...words, labels: ['arts', 'arts'] })).toBe(false);
  });

  test('is refused for what is not there, and for the agent', async () => {
    await expect(
      changeApplication(city.platform, city.technician, `app_${'a'.repeat(22)}`, words, tell()),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    writeFileSync(join(city.platform.config.PREAU_DATA, 'preau-agent.mjs'), 'bundle');
    await keepAgentApplication(city.platform);
    await expect(
      changeApplication(
        city.platform,
        city.technician,
        (await newest(agentSlug))?.id ?? '',
        words,
        tell(),
      ),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('import', () => {
  test('what is exported comes in elsewhere, and again changes nothing', async () => {
    const full: ApplicationDraft = application('jeu', {
      requires: ['tuxpaint'],
      licence: { seats: 12 },
      estimate: { bytes: 5_000_000, minutes: 2 },
    });
    await createApplication(city.platform, city.technician, full);
    const exported = await exportCatalogue(city.platform);
    expect(exported.applications.find(({ slug }) => slug === 'jeu')).toEqual(full);
    const other = await makeCity(':memory:', { PREAU_DATA: mkdtempSync(join(root, 'other-')) });
    const items = await importCatalogue(other.platform, other.technician, {
      dryRun: false,
      applications: exported.applications,
    });
    expect(shown(items).sort()).toEqual([
      'gimp unchanged',
      'jeu added',
      'secret unchanged',
      'tuxpaint unchanged',
    ]);
    expect(await exportCatalogue(other.platform)).toEqual(exported);
    await other.close();
    expect(
      new Set(shown(await take(exported.applications)).map((line) => line.split(' ')[1])),
    ).toEqual(new Set(['unchanged']));
  });

  test('a fault in one leaves the others alone', async () => {
    const hostile = {
      ...application('mechant'),
      name: { fr: '<script>\u202e', en: '=cmd()' },
      recipes: {
        linux: {
          kind: 'apt',
          packages: ['a; rm -rf /'],
          detect: { kind: 'file', path: '/../etc/passwd' },
        },
      },
    };
    const items = await take([
      application('inkscape'),
      hostile,
      application('gimp', { version: '2.0' }),
      application('tuxpaint'),
      'text',
      null,
      requiring('seul', 'absent'),
      { slug: '../../etc', version: '\u0000' },
      { __proto__: { slug: 'x' } },
      application(agentSlug),
    ]);
    expect(shown(items)).toEqual([
      'inkscape added',
      'mechant refused VALIDATION_FAILED',
      'gimp version_added',
      'tuxpaint unchanged',
      'null refused VALIDATION_FAILED',
      'null refused VALIDATION_FAILED',
      'seul refused REQUIREMENT_MISSING',
      'null refused VALIDATION_FAILED',
      'null refused VALIDATION_FAILED',
      `${agentSlug} refused FORBIDDEN`,
    ]);
    expect(JSON.stringify(items)).not.toMatch(/script>|cmd|rm -rf|passwd/);
    expect((await newest('gimp'))?.version).toBe('2.0');
    expect(await newest('seul')).toBeUndefined();
  });

  test('the order does not matter; a circle is refused, whole', async () => {
    const list = [
      requiring('c0', 'b0'),
      requiring('b0', 'a0'),
      application('a0'),
      requiring('x1', 'y1'),
      requiring('y1', 'x1'),
    ];
    expect(shown(await take(list))).toEqual([
      'c0 added',
      'b0 added',
      'a0 added',
      'x1 refused REQUIREMENT_MISSING',
      'y1 refused REQUIREMENT_MISSING',
    ]);
  });

  test('a dry run tells the same and keeps nothing', async () => {
    const list = [
      requiring('jeu', 'moteur'),
      application('moteur'),
      application('gimp', { version: '2.0' }),
      application('tuxpaint'),
      { slug: 'x' },
    ];
    const before = [
      await exportCatalogue(city.platform),
      (await city.platform.database.selectFrom('audit_events').select('id').execute()).length,
    ];
    const dry = shown(await take(list, true));
    expect([
      await exportCatalogue(city.platform),
      (await city.platform.database.selectFrom('audit_events').select('id').execute()).length,
    ]).toEqual(before);
    expect(dry).toEqual([
      'jeu added',
      'moteur added',
      'gimp version_added',
      'tuxpaint unchanged',
      'null refused VALIDATION_FAILED',
    ]);
    expect(shown(await take(list))).toEqual(dry);
  });

  test('a chain without end, the last one first: twenty come in, and nobody waits', async () => {
    const list = Array.from({ length: 400 }, (_, at) =>
      at === 399 ? application('bout-0') : requiring(`bout-${399 - at}`, `bout-${398 - at}`),
    );
    let items: Awaited<ReturnType<typeof take>> = [];
    const stop = await longestStop(async () => {
      items = await take(list);
    });
    expect(items.filter(({ result }) => result === 'added')).toHaveLength(20);
    expect(stop).toBeLessThan(200);
  }, 90_000);

  test('an unforeseen end in the middle: what is in is on record, and pages show it', async () => {
    const woken: string[] = [];
    const upset: typeof city.platform = {
      ...city.platform,
      wakeups: { ...city.platform.wakeups, wake: (topics) => void woken.push(...topics) },
    };
    const list = [
      application('avant'),
      application('pendant', { labels: ['nouvelle'] }),
      application('apres'),
    ];
    await createApplication(city.platform, city.technician, application('pendant'));
    await expect(
      importCatalogue(
        upset,
        city.technician,
        { dryRun: false, applications: [list[0], { ...list[1], version: '2.0' }, list[2]] },
        () => {
          throw new Error('the disk is gone');
        },
      ),
    ).rejects.toThrow('the disk is gone');
    expect([(await newest('avant'))?.version, (await newest('pendant'))?.version]).toEqual([
      '1.0',
      '1.0',
    ]);
    expect(await newest('apres')).toBeUndefined();
    const [last] = await city.platform.database
      .selectFrom('audit_events')
      .select(['action', 'details'])
      .where('action', '=', 'catalogue.imported')
      .execute();
    expect([last?.action, JSON.parse(last?.details ?? 'null')]).toEqual([
      'catalogue.imported',
      { added: 1, refused: 0, items: 1 },
    ]);
    expect(woken).toEqual(expect.arrayContaining(['applications', 'audit']));
  });

  test('two thousand, in seconds', async () => {
    const list = Array.from({ length: 2000 }, (_, index) =>
      application(`app-${index}`, { requires: index % 10 === 0 ? [] : ['gimp'] }),
    );
    const started = performance.now();
    expect((await take(list)).filter(({ result }) => result === 'added')).toHaveLength(2000);
    expect(performance.now() - started).toBeLessThan(60_000);
  }, 90_000);
});

describe('the agent itself', () => {
  const bundle = (text: string, version: string | null) => {
    writeFileSync(join(city.platform.config.PREAU_AGENT_FILES, 'preau-agent.mjs'), text);
    writeFileSync(join(city.platform.config.PREAU_AGENT_FILES, 'version.json'), version ?? '{');
  };

  test('is in the catalogue, newest what lies there, once each', async () => {
    await keepAgentApplication(city.platform);
    expect(await newest(agentSlug)).toBeUndefined();
    bundle('// one', '{"version":"0.1.0"}');
    await keepAgentApplication(city.platform);
    await keepAgentApplication(city.platform);
    const first = await newest(agentSlug);
    expect(first).toMatchObject({
      category: 'tools',
      version: `0.1.0+${sha256('// one').slice(0, 12)}`,
      recipes: {
        linux: {
          kind: 'agent',
          file: { name: 'preau-agent.mjs', sha256: sha256('// one'), size: 6 },
          detect: { kind: 'agent' },
        },
      },
    });
    city.time.at += 1000;
    bundle('// two', '{"version":"0.2.0"}');
    await keepAgentApplication(city.platform);
    expect((await newest(agentSlug))?.version).toMatch(/^0\.2\.0\+/);
    city.time.at += 1000;
    bundle('// one', '{"version":"0.1.0"}');
    await keepAgentApplication(city.platform);
    expect((await newest(agentSlug))?.version).toBe(first?.version);
    expect(
      (await listVersions(city.platform, first?.id ?? '')).map(({ version }) =>
        version.slice(0, 5),
      ),
    ).toEqual(['0.1.0', '0.2.0']);
    expect((await listPackages(city.platform)).map(({ usedBy }) => usedBy)).toEqual([
      [agentSlug],
      [agentSlug],
    ]);
    expect(
      (await exportCatalogue(city.platform)).applications.map(({ slug }) => slug),
    ).not.toContain(agentSlug);
  });

  const versions: [file: string | null, version: string][] = [
    ['{"version":"1.2.3"}', '1.2.3'],
    ['{', '0'],
    [null, '0'],
    ['{"version":"a b"}', '0'],
    ['[]', '0'],
    ['null', '0'],
  ];
  test.each(versions)('%s says %s', (file, version) =>
    expect(versionOf(file, 'a'.repeat(64))).toBe(`${version}+aaaaaaaaaaaa`),
  );
});

describe('estimates', () => {
  const past = (id: string, entries: { ms: number; bytes: number | null }[]) =>
    city.platform.database
      .insertInto('install_history')
      .values(
        entries.map(({ ms, bytes }, index) => ({
          id: `his_${id}_${index}`,
          application_id: id,
          version_id: 'v',
          server_id: 's',
          ms,
          bytes,
          at: index,
        })),
      )
      .execute();

  test('are the draft’s until there is history, then what was measured', async () => {
    const made = await createApplication(
      city.platform,
      city.technician,
      application('jeu', { estimate: { bytes: 7, minutes: 2 } }),
    );
    expect(made.estimate).toEqual({ bytes: 7, minutes: 2, p95Ms: 120_000, samples: 0 });
    await past(made.id, [{ ms: 60_000, bytes: null }]);
    expect((await newest('jeu'))?.estimate).toEqual({
      bytes: 7,
      minutes: 1,
      p95Ms: 60_000,
      samples: 1,
    });
  });
  test('median and 95 of 100 of the last 200, bytes of those that told them', async () => {
    const { id } = city.applications.gimp;
    // Very slow ones of long ago are forgotten.
    await past(id, [
      ...Array.from({ length: 50 }, () => ({ ms: 9_000_000, bytes: 1 })),
      ...Array.from({ length: 200 }, (_, index) => ({
        ms: (index + 1) * 600,
        bytes: index % 2 === 0 ? index * 1000 : null,
      })),
    ]);
    await past(city.applications.tuxpaint.id, [{ ms: 5, bytes: 5 }]);
    const all = await selectApplications(city.platform.database);
    expect(all.find((application) => application.id === id)?.estimate).toEqual({
      bytes: 98_000,
      minutes: 1,
      p95Ms: 190 * 600,
      samples: 200,
    });
    expect((await newest('gimp'))?.estimate).toEqual(
      all.find((application) => application.id === id)?.estimate,
    );
    expect(all.find(({ slug }) => slug === 'secret')?.estimate).toBeNull();
  });
});
