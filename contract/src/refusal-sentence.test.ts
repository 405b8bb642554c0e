import { expect, test } from 'vitest';
import { refusalSentence } from './refusal-sentence.ts';

const both = (text: string) => ({ fr: text, en: text });
const removal = (name: string, wantedBy: string | null) => ({
  name,
  version: '1.0',
  wantedBy,
  wantedByName: wantedBy === 'gimp' ? { fr: 'Dessin', en: 'Drawing' } : null,
});
type Refusal = Parameters<typeof refusalSentence>[0];
const refusal = (more: Partial<Refusal>): Refusal => ({
  siteName: 'École A',
  code: 'INSTALL_FAILED',
  removes: [],
  requires: null,
  ...more,
});
// biome-ignore format: a table
const cases: [refusal: Refusal, fr: string, en: string][] = [
  [refusal({ removes: [removal('liba', 'gimp')] }),
    'École A : installer Boulier retirerait liba 1.0, dont Dessin a besoin.',
    'École A: installing Boulier would remove liba 1.0, which Drawing needs.'],
  [refusal({ removes: [removal('liba', 'old-slug'), removal('libb', null)] }),
    'École A : installer Boulier retirerait liba 1.0, dont old-slug a besoin et libb 1.0, que Préau n’a pas installé.',
    'École A: installing Boulier would remove liba 1.0, which old-slug needs and libb 1.0, which Préau did not install.'],
  [refusal({ removes: ['a', 'b', 'c', 'd'].map((name) => removal(name, null)) }),
    'École A : installer Boulier retirerait a 1.0, que Préau n’a pas installé, b 1.0, que Préau n’a pas installé et 2 autres paquets.',
    'École A: installing Boulier would remove a 1.0, which Préau did not install, b 1.0, which Préau did not install, and 2 more packages.'],
  [refusal({ requires: 'compass' }),
    'École A : Boulier a besoin de Compas, qui ne peut pas y être installé.',
    'École A: Boulier needs Compas, which cannot be installed there.'],
  [refusal({ code: 'DISK_FULL' }),
    'École A : Boulier ne peut pas y être installé. Le disque du serveur est plein. Libérez de la place, puis réessayez.',
    'École A: Boulier cannot be installed there. The server’s disk is full. Make room, then try again.'],
];
test.each(cases)('%j', (told, fr, en) => {
  expect(refusalSentence(told, { refused: both('Boulier'), required: both('Compas') })).toEqual({
    fr,
    en,
  });
});
