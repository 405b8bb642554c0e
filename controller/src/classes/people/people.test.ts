/** The September import: people as they are. */
import { type ImportChoices, noChoices } from '@preau/contract/people-import.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertAccounts, insertGroup } from '#src/accounts/store.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { person, site } from '#src/builders.fixture.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf, makeCity } from '#src/testing.fixture.ts';
import { listClasses } from '../classes.ts';
import { applyImport } from './apply.ts';
import { previewImport } from './preview.ts';

describe('an import', () => {
  let city: City;
  beforeEach(async () => {
    city = await makeCity();
  });
  afterEach(() => city.close());
  const preview = (
    text: string | Buffer,
    choices: Partial<ImportChoices> = {},
    siteId: string | null = city.site.id,
    actor = city.contact,
  ) => previewImport(city.platform, actor, siteId, Buffer.from(text), { ...noChoices, ...choices });
  const apply = async (
    text: string,
    choices: Partial<ImportChoices> = {},
    siteId: string | null = city.site.id,
    actor = city.contact,
  ) =>
    applyImport(city.platform, actor, siteId, Buffer.from(text), {
      ...noChoices,
      ...choices,
      plan: (await preview(text, choices, siteId, actor)).plan,
    });
  const people = async () =>
    await city.platform.database
      .selectFrom('accounts')
      .select(['display_name', 'login', 'external_id', 'attributes', 'disabled_at', 'role'])
      .where('site_id', '=', city.site.id)
      .orderBy('login')
      .execute();
  const classes = async () =>
    (await listClasses(city.platform, city.contact, city.site.id)).map(({ name, pupils }) => [
      name,
      pupils,
    ]);

  const september =
    'Nom;Prénom;Classe;Niveau;INE;Date naissance\nPETIT;Léo;CE1 ' +
    'A;CE1;111;01/02/2018\nVIDAL;Zoé;CE1 A;CE1;222;03/04/2018\n';
  test('adds, then changes nothing the second time, then moves a year on, and asks about who is gone', async () => {
    expect((await preview(september)).counts).toMatchObject({
      lines: 2,
      added: 2,
      newClasses: 1,
      missing: 1,
    });
    expect((await people()).length).toBe(3);
    const { counts, csv } = await apply(september);
    expect(counts).toMatchObject({ added: 2, changed: 0, leaving: 0 });
    expect(csv).toBe(
      '\ufeffÉcole;Classe;Nom;Identifiant\r\nÉcole Victor-Hugo;CE1 A;Léo ' +
        'Petit;leo.petit\r\nÉcole Victor-Hugo;CE1 A;Zoé Vidal;zoe.vidal\r\n',
    );
    const kept = JSON.stringify(await people());
    expect(kept).not.toMatch(/"111"|2018/);
    expect((await people()).find(({ login }) => login === 'leo.petit')).toMatchObject({
      display_name: 'Léo Petit',
      attributes: '{"level":["CE1"]}',
      external_id: expect.stringMatching(/^id:[0-9a-f]{40}$/),
    });
    expect((await preview(september)).counts).toMatchObject({
      added: 0,
      changed: 0,
      unchanged: 2,
      newClasses: 0,
    });

    // A year later: one goes up and has another name, one has left, one is new.
    const next =
      'Nom;Prénom;Classe;Niveau;INE\nPETIT-ROUX;Léo;CE2 B;CE2;111\nBLANC;Mia;CE2 B;CE2;333\n';
    const seen = await preview(next);
    expect(seen.changed).toEqual([
      {
        line: 2,
        name: 'Léo Petit-Roux',
        siteName: 'École Victor-Hugo',
        className: 'CE2 B',
        changes: ['class', 'level', 'name'],
        before: 'Léo Petit, CE1 A',
        after: 'Léo Petit-Roux, CE2 B',
      },
    ]);
    expect(seen.missing.map(({ name, leaves }) => [name, leaves])).toEqual([
      ['lea', false],
      ['Zoé Vidal', false],
    ]);
    await apply(next);
    expect((await people()).filter(({ disabled_at }) => disabled_at !== null)).toEqual([]);
    const gone = seen.missing.filter(({ name }) => name === 'Zoé Vidal').map(({ id }) => id);
    expect((await apply(next, { leave: gone })).counts).toMatchObject({
      added: 0,
      changed: 0,
      leaving: 1,
    });
    expect(
      (await people()).filter(({ disabled_at }) => disabled_at !== null).map(({ login }) => login),
    ).toEqual(['zoe.vidal']);
    expect(await classes()).toEqual([
      ['CE1 A', 0],
      ['CE2 B', 2],
    ]);
    // Back again in spring: the same account.
    expect(
      (await preview(`${next}VIDAL;Zoé;CE2 B;CE2;222\n`)).changed.map(({ name, changes }) => [
        name,
        changes,
      ]),
    ).toEqual([['Zoé Vidal', ['class', 'level', 'returned']]]);
    const events = await selectAuditEvents(city.platform.database, {
      before: null,
      limit: 20,
      search: null,
      action: 'people.imported',
    });
    expect(events.map(({ actorId, siteId, details }) => [actorId, siteId, details])).toEqual([
      [city.contact.id, city.site.id, { added: 0, changed: 0, disabled: 1 }],
      [city.contact.id, city.site.id, { added: 1, changed: 1, disabled: 0 }],
      [city.contact.id, city.site.id, { added: 2, changed: 0, disabled: 0 }],
    ]);
  });

  test(
    'without identifiers: the same name and the next level is the same child; a level that does ' +
      'not follow is asked about',
    async () => {
      await apply('Nom;Prénom;Classe\nPETIT;Léo;CE1 A\nROUX;Tom;CM2 A\n');
      const seen = await preview('Nom;Prénom;Classe\nPETIT;Léo;CE2 A\nRoux;TOM;CP A\n');
      expect([seen.counts.changed, seen.counts.added, seen.counts.undecided]).toEqual([1, 0, 1]);
      expect(seen.homonyms).toMatchObject([
        {
          line: 3,
          name: 'Tom Roux',
          level: 'CP',
          is: null,
          twins: [],
          people: [{ name: 'Tom Roux', login: 'tom.roux', level: 'CM2', classes: ['CM2 A'] }],
        },
      ]);
      // Somebody of that name left long ago: perhaps it is they, perhaps not.
      await city.platform.database
        .updateTable('accounts')
        .set({ disabled_at: 1 })
        .where('login', '=', 'leo.petit')
        .execute();
      expect((await preview('Nom;Prénom;Classe\nPETIT;Léo;CE2 A\n')).counts).toMatchObject({
        changed: 0,
        added: 0,
        undecided: 1,
      });
      // Nobody asked about is taken for gone.
      expect(seen.missing.map(({ name }) => name)).toEqual(['lea']);
    },
  );

  test(
    'homonyms are never merged: twins in the file, and in the city; answers are kept, and can ' +
      'be taken back',
    async () => {
      const [first = ''] = await insertAccounts(
        city.platform.database,
        [1, 2].map((n) =>
          person(`lea.martin${n}`, { displayName: 'Léa Martin', siteId: city.site.id }),
        ),
        1,
      );
      const file = 'Nom;Prénom;Classe\nMARTIN;Léa;CP A\nMARTIN;Léa;CP B\n';
      const seen = await preview(file);
      expect([seen.counts.undecided, seen.counts.added, seen.counts.changed]).toEqual([2, 0, 0]);
      expect(
        seen.homonyms.map(({ line, twins, people: known }) => [line, twins, known.length]),
      ).toEqual([
        [2, [3], 2],
        [3, [2], 2],
      ]);
      expect((await apply(file)).counts).toMatchObject({ added: 0, changed: 0, undecided: 2 });
      const same: ImportChoices['same'] = [
        { line: 2, is: first },
        { line: 3, is: 'new' },
      ];
      expect((await preview(file, { same })).homonyms.map(({ is }) => is)).toEqual([first, 'new']);
      expect((await apply(file, { same })).counts).toMatchObject({
        added: 1,
        changed: 1,
        undecided: 0,
      });
      expect(
        (await people())
          .filter(({ display_name }) => display_name === 'Léa Martin')
          .map(({ login }) => login),
      ).toEqual(['lea.martin', 'lea.martin1', 'lea.martin2']);
      // Nobody can be two people.
      expect(
        (
          await preview(file, {
            same: [
              { line: 2, is: first },
              { line: 3, is: first },
            ],
          })
        ).counts,
      ).toMatchObject({ changed: 0, unchanged: 1, undecided: 1 });
      // Two identifiers are two people: no question.
      expect(
        (await preview('Nom;Prénom;Classe;INE\nDUBOIS;Eva;CP A;1\nDUBOIS;Eva;CP B;2\n')).counts,
      ).toMatchObject({ added: 2, undecided: 0 });
    },
  );

  test('lines that cannot be kept are told, each with its reason', async () => {
    const { problems, counts } = await preview(
      'Nom;Prénom;Classe;INE;UAI\nPETIT;;CP;1;\nA\u202eB;Zoé;CP;2;\nROUX;Tom;CP;3;0999999Z\n' +
        `BLANC;Mia;CP;4;0380001A\nBLANC;Mia;CP;4;\nVIDAL;Eva;${'x'.repeat(90)};5;\n`,
    );
    expect(problems.map(({ line, problem }) => [line, problem])).toEqual([
      [2, 'no_name'],
      [3, 'bad_name'],
      [4, 'foreign_site'],
      [7, 'bad_class'],
      [6, 'twice'],
    ]);
    expect(counts.added).toBe(1);
  });

  test('a formula is a name in, and text in what comes out', async () => {
    const { csv } = await apply('Nom;Prénom;Classe\n"=HYPERLINK(""http://x"")";@Bob;+CP\n');
    expect((await people()).map(({ display_name }) => display_name)).toContain(
      '@Bob =HYPERLINK("http://x")',
    );
    expect(csv).toContain(`;'+CP;"'@Bob =HYPERLINK(""http://x"")";`);
  });

  test('the plan that was read is the plan that is carried out, or none', async () => {
    const { plan } = await preview(september);
    const send = (choices: Partial<ImportChoices>, text = september) =>
      codeOf(
        applyImport(city.platform, city.contact, city.site.id, Buffer.from(text), {
          ...noChoices,
          ...choices,
        }),
      );
    expect(await send({ plan: null })).toBe('IMPORT_CHANGED');
    expect(await send({ plan }, september.replace('Zoé', 'Eva'))).toBe('IMPORT_CHANGED');
    expect(await send({ plan, leave: [city.pupil.id] })).toBe('IMPORT_CHANGED');
    await insertAccounts(
      city.platform.database,
      [person('zoe.vidal', { displayName: 'Zoé Vidal', siteId: city.site.id })],
      1,
    );
    expect(await send({ plan })).toBe('IMPORT_CHANGED');
    expect((await people()).some(({ login }) => login === 'leo.petit')).toBe(false);
  });

  test('a contact imports into their own school; a child known elsewhere is the technician’s to move', async () => {
    const other = await createSite(city.platform, city.technician, site());
    await apply(
      'Nom;Prénom;Classe;INE;UAI\nPETIT;Léo;CE1;111;0380002B\n',
      {},
      null,
      city.technician,
    );
    expect((await preview('Nom;Prénom;Classe;INE\nPETIT;Léo;CE2;111\n')).problems).toEqual([
      { line: 2, problem: 'known_elsewhere', text: 'Léo Petit' },
    ]);
    const seen = await preview(
      'Nom;Prénom;Classe;INE;UAI\nPETIT;Léo;CE2;111;0380001A\n',
      {},
      null,
      city.technician,
    );
    expect(seen.changed.map(({ siteName, changes }) => [siteName, changes])).toEqual([
      ['École Victor-Hugo', ['class', 'level', 'site']],
    ]);
    await apply(
      'Nom;Prénom;Classe;INE;UAI\nPETIT;Léo;CE2;111;0380001A\n',
      {},
      null,
      city.technician,
    );
    expect((await people()).some(({ login }) => login === 'leo.petit')).toBe(true);
    expect(
      (await listClasses(city.platform, city.technician, other.id)).map(({ pupils }) => pupils),
    ).toEqual([0]);
  });

  test('schools are made only when ticked, by who may; teachers come without leaving their classes', async () => {
    const file =
      'UAI;Nom école;Commune;Nom;Prénom;Classe;Rôle;Mél\n0610001A;ÉCOLE DU ' +
      'PARC;ALENÇON;PERRIN;Anne;CP A;enseignante;anne.perrin@ecole.example\n0610001A;ÉCOLE DU ' +
      'PARC;ALENÇON;PETIT;Léo;CP A;élève;\n';
    const seen = await preview(file, {}, null, city.technician);
    expect([seen.newSites, seen.counts.added, seen.counts.problems]).toEqual([
      [{ uai: '0610001A', name: 'École Du Parc', city: 'Alençon', lines: 2, created: false }],
      0,
      2,
    ]);
    const createSites: ImportChoices['createSites'] = [
      { uai: '0610001A', timeZone: 'Europe/Paris', holidayZone: 'B' },
    ];
    expect((await apply(file, { createSites }, null, city.technician)).counts).toMatchObject({
      added: 2,
      newSites: 1,
      newClasses: 1,
    });
    const made = await city.platform.database
      .selectFrom('accounts')
      .innerJoin('sites', 'sites.id', 'accounts.site_id')
      .select(['accounts.login', 'accounts.role', 'accounts.mail'])
      .where('sites.uai', '=', '0610001A')
      .orderBy('accounts.login')
      .execute();
    expect(made).toEqual([
      { login: 'anne.perrin', role: 'teacher', mail: 'anne.perrin@ecole.example' },
      { login: 'leo.petit', role: 'pupil', mail: null },
    ]);
    const again = await preview(file.replaceAll('CP A', 'CP B'), {}, null, city.technician);
    expect(again.changed.map(({ name, changes }) => [name, changes])).toEqual([
      ['Anne Perrin', ['class']],
      ['Léo Petit', ['class']],
    ]);
    await apply(file.replaceAll('CP A', 'CP B'), {}, null, city.technician);
    const of = async (login: string) =>
      (
        await city.platform.database
          .selectFrom('group_members as m')
          .innerJoin('accounts as a', 'a.id', 'm.account_id')
          .innerJoin('groups as g', 'g.id', 'm.group_id')
          .select('g.name')
          .where('a.login', '=', login)
          .orderBy('g.name')
          .execute()
      ).map(({ name }) => name);
    expect([await of('anne.perrin'), await of('leo.petit')]).toEqual([['CP A', 'CP B'], ['CP B']]);
  });

  test('who a directory looks after is recognised, and never said to have left', async () => {
    const [id = ''] = await insertAccounts(
      city.platform.database,
      [
        person('mia', {
          displayName: 'Mia Blanc',
          siteId: city.site.id,
          provider: 'ad',
          externalId: 'guid',
        }),
      ],
      1,
    );
    await insertGroup(
      city.platform.database,
      { kind: 'class', name: 'CP A', siteId: city.site.id },
      [id],
    );
    expect((await preview(september)).missing.map(({ name }) => name)).toEqual(['lea']);
    expect((await preview('Nom;Prénom;Classe\nBLANC;Mia;CP A\n')).counts).toMatchObject({
      added: 0,
      undecided: 0,
    });
  });

  test('what is no table is refused with a sentence', async () => {
    for (const [text, choices] of [
      ['', {}],
      ['Nom;Prénom\n"PETIT;Léo\n', {}],
    ] as const)
      expect(await codeOf(preview(text, choices))).toBe('IMPORT_REFUSED');
    expect(await preview('Élève;Date\nPetit Léo;1\n')).toMatchObject({
      absent: ['lastName', 'firstName'],
      plan: null,
      counts: { lines: 1 },
    });
    expect(
      (await preview('a;b\nPETIT;Léo\n', { columns: ['lastName', 'firstName'] })).counts.added,
    ).toBe(1);
  });

  test('100,000 lines in seconds, and nobody waits for them', async () => {
    const lines = ['Nom;Prénom;Classe;Niveau;INE'];
    for (let at = 0; at < 100_000; at += 1)
      lines.push(
        `NOM${at % 5000};Prénom${at % 977};${['CP', 'CE1', 'CE2', 'CM1', 'CM2'][at % 5]} ` +
          `${at % 30};${['CP', 'CE1', 'CE2', 'CM1', 'CM2'][at % 5]};${at}`,
      );
    const file = Buffer.from(lines.join('\r\n'));
    let [last, longest] = [performance.now(), 0];
    const tick = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const began = performance.now();
    const seen = await preview(file);
    const ms = performance.now() - began;
    clearInterval(tick);
    const memory = Math.round(process.memoryUsage().heapUsed / 1_048_576);
    console.log(
      `preview of 100,000 lines (${(file.length / 1e6).toFixed(1)} MB): ` +
        `${(ms / 1000).toFixed(1)} s; the event loop waited ${Math.round(longest)} ms at most; ` +
        `heap ${memory} MiB`,
    );
    expect(seen.counts).toMatchObject({ lines: 100_000, added: 100_000, problems: 0 });
    expect(seen.added).toHaveLength(500);
    // Of a machine that runs many tests at once; alone it is a fifth of that.
    expect(ms).toBeLessThan(30_000);
    expect(longest).toBeLessThan(500);
  }, 60_000);
});
