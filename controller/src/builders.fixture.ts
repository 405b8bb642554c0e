/** What tests hand to the verbs and stores: whole drafts and rows, each with defaults for whatever a
 * test does not care about. Pure: nothing is written. */
import type { ApplicationDraft } from '@preau/contract/application.ts';
import type { SiteDraft } from '@preau/contract/site.ts';
import type { NewAccount } from './accounts/store.ts';

/** A school beside the first one of `makeCity`. Its `uai` is unique in a city: a second one needs
 * its own. */
export const site = (more: Partial<SiteDraft> = {}): SiteDraft => ({
  uai: '0380002B',
  name: 'École Colette',
  city: 'Grenoble',
  timeZone: 'Europe/Paris',
  holidayZone: 'A',
  ...more,
});

/** The row of a pupil without school or password, displayed by their login. */
export const person = (login: string, more: Partial<NewAccount> = {}): NewAccount => ({
  login,
  displayName: login,
  role: 'pupil',
  siteId: null,
  passwordHash: null,
  ...more,
});

/** What an enrolment code is asked for: a server of this school. */
export const server = (siteId: string, more: Partial<{ serverName: string }> = {}) => ({
  siteId,
  serverName: 'serveur-2',
  ...more,
});

/** A catalogue draft whose Debian package, program and icon are called like its slug. */
export const application = (
  slug: string,
  more: Partial<ApplicationDraft> = {},
): ApplicationDraft => ({
  slug,
  name: { fr: slug, en: slug },
  description: { fr: 'Pour essayer', en: 'For trying' },
  category: 'drawing',
  version: '1.0',
  recipes: {
    linux: {
      kind: 'apt',
      packages: [slug],
      detect: { kind: 'package', package: slug },
      launch: { command: [slug] },
      icon: { desktopFile: `${slug}.desktop` },
    },
  },
  ...more,
});
