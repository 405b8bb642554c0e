import type { Application } from '@preau/contract/application.ts';
import { plainRule } from '@preau/contract/rule.ts';
import type { SiteSummary } from '@preau/contract/site.ts';
import { expect, it } from 'vitest';
import { accessLink, askingOf, newRuleLink, prefilled } from './links.ts';

const id = (kind: string) => `${kind}_${'x'.repeat(22)}`;
const application = { id: id('app'), name: { fr: 'Dessin', en: 'Drawing' } } as Application;
const site = { id: id('sit'), name: 'École Colette' } as SiteSummary;

it('a proposed rule fills in the editor', () => {
  const link = newRuleLink(
    {
      ...plainRule,
      effect: 'deny',
      target: { kind: 'application', applicationId: application.id },
      audience: { kind: 'person', accountId: id('acc') },
      place: { kind: 'site', siteId: site.id },
    },
    'Léo Petit',
  );
  expect(prefilled(new URL(link, 'http://x').search, [application], [site])).toMatchObject({
    effect: 'deny',
    target: { kind: 'application', applicationId: application.id },
    targetName: 'Dessin',
    audience: { kind: 'person', accountId: id('acc') },
    audienceName: 'Léo Petit',
    place: { kind: 'site', siteId: site.id },
    placeName: 'École Colette',
  });
});
it('what a link names and nobody knows is left out', () => {
  expect(
    prefilled('?effect=allow&application=app_1&person=<script>&site=sit_2', [application], [site]),
  ).toMatchObject({ effect: 'allow', target: null, audience: null, place: { kind: 'everywhere' } });
});
it('a question is kept in a link', () => {
  const asking = {
    person: id('acc'),
    application: id('app'),
    address: '10.1.2.3',
    at: 1_700_000_000_000,
  };
  expect(askingOf(new URL(accessLink(asking), 'http://x').search)).toEqual(asking);
  expect(accessLink({})).toBe('/admin/access');
  expect(askingOf('?person=1&at=never')).toEqual({
    person: null,
    application: null,
    address: '',
    at: null,
  });
});
