/** A school year against a database, whichever it is: every statement of classes, badges and
 * imports once. */
import { badgeText } from '@preau/contract/badge.ts';
import { codeOf as codeOfClass } from '@preau/contract/classes.ts';
import { type ImportChoices, noChoices } from '@preau/contract/people-import.ts';
import { noSettings } from '@preau/contract/site.ts';
import { expect, test } from 'vitest';
import { createPasswords } from '#src/platform/passwords.ts';
import { saveSiteSettings } from '#src/sites/store.ts';
import { type City, codeOf } from '#src/testing.fixture.ts';
import { issueBadges, renewBadge, setPictures, voidBadge } from './badges/badges.ts';
import { addPupil, listClasses, listOtherPupils, movePupil, removePupil } from './classes.ts';
import { createClassEntry } from './enter.ts';
import { applyImport } from './people/apply.ts';
import { previewImport } from './people/preview.ts';

const september =
  'Nom;Prénom;Classe;Niveau;INE\nÉLAN;Léo;CE1 A;CE1;1\nVIDAL;Zoé;CE1 A;CE1;2\nVIDAL;Zoé;CE1 A;CE1;3\n';
const next = 'Nom;Prénom;Classe;Niveau;INE\nÉLAN;Léo;CE2 A;CE2;1\nVIDAL;Zoé;CE2 A;CE2;2\n';

export function yearCases(openCity: () => Promise<City>): void {
  test('a school year of classes, badges and imports', async () => {
    const { platform, contact, teacher, site, time, close } = await openCity();
    const entry = createClassEntry(platform, createPasswords(1));
    const bring = async (text: string, choices: Partial<ImportChoices> = {}) => {
      const wanted = { ...noChoices, ...choices };
      const seen = await previewImport(platform, contact, site.id, Buffer.from(text), wanted);
      return {
        seen,
        report: await applyImport(platform, contact, site.id, Buffer.from(text), {
          ...wanted,
          plan: seen.plan,
        }),
      };
    };
    expect((await bring(september)).report.csv).toMatch(
      /leo\.elan[\s\S]*zoe\.vidal\r[\s\S]*zoe\.vidal2/,
    );
    await saveSiteSettings(platform.database, site.id, {
      ...noSettings,
      networks: [{ subnet: '10.0.0.0/8', labels: [] }],
    });
    const [ce1] = await listClasses(platform, contact, site.id);
    const detail = await issueBadges(platform, teacher, ce1?.id ?? '');
    expect(detail.children.map(({ displayName, badge }) => [displayName, badge.serial])).toEqual([
      ['Léo Élan', 1],
      ['Zoé Vidal', 1],
      ['Zoé Vidal', 1],
    ]);
    const leo = detail.children[0]?.id ?? '';
    const card = (serial: number) =>
      badgeText(
        { accountId: leo, siteId: site.id, serial, issuedOn: '2027-01-15' },
        platform.secrets.sign,
      );
    expect((await entry.byBadge(card(1), '10.0.0.1')).account.id).toBe(leo);
    await renewBadge(platform, teacher, leo);
    expect([
      await codeOf(entry.byBadge(card(1), '10.0.0.1')),
      await codeOf(entry.byBadge(card(2), '10.0.0.1')),
    ]).toEqual(['BADGE_VOIDED', 'done']);
    await voidBadge(platform, teacher, leo);
    await setPictures({ ...platform, classEntry: entry }, teacher, leo, ['sun', 'moon', 'star']);
    expect(
      (
        await entry.byPictures(
          { code: codeOfClass(ce1?.id ?? ''), accountId: leo, pictures: ['sun', 'moon', 'star'] },
          '10.0.0.1',
        )
      ).account.id,
    ).toBe(leo);
    expect((await entry.room(codeOfClass(ce1?.id ?? ''), '10.0.0.1')).children.length).toBe(3);
    expect(await listClasses(platform, teacher, site.id)).toMatchObject([
      { name: 'CE1 A', pupils: 3, badges: 2, pictures: 1 },
    ]);

    time.at += 300 * 86_400_000;
    const { seen } = await bring(next);
    expect([seen.counts.changed, seen.missing.map(({ name }) => name).sort()]).toEqual([
      2,
      ['Zoé Vidal', 'lea'],
    ]);
    const gone = seen.missing.find(({ name }) => name === 'Zoé Vidal')?.id ?? '';
    expect((await bring(next, { leave: [gone] })).report.counts.leaving).toBe(1);
    const ce2 =
      (await listClasses(platform, contact, site.id)).find(({ name }) => name === 'CE2 A')?.id ??
      '';
    expect(
      (await listOtherPupils(platform, ce2, 'LEA')).map(({ displayName }) => displayName),
    ).toEqual(['lea']);
    await movePupil(
      platform,
      contact,
      ce2,
      (await listOtherPupils(platform, ce2, 'lea'))[0]?.id ?? '',
    );
    expect(
      (await addPupil(platform, contact, ce2, { firstName: 'Zoé', lastName: 'Vidal' })).children
        .map(({ login }) => login)
        .sort(),
    ).toEqual(['lea', 'leo.elan', 'zoe.vidal', 'zoe.vidal3']);
    expect((await removePupil(platform, contact, ce2, leo)).pupils).toBe(3);
    await close();
  });
}
