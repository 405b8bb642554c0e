import {
  type Application,
  ApplicationDraft,
  type PackageFile,
} from '@preau/contract/application.ts';
import type { InspectedPackage, Script } from '@preau/contract/catalogue.ts';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { draftOf, formOf } from './application-draft.ts';
import {
  emptyForm,
  filledFrom,
  iconOf,
  lineOf,
  settled,
  slugOf,
  withProgram,
  wordsOf,
} from './application-form.ts';

const isDraft = Compile(ApplicationDraft);
const file = (name: string): PackageFile => ({ name, sha256: 'a'.repeat(64), size: 1_000_000 });
const told = (part: Partial<InspectedPackage>): InspectedPackage => ({
  kind: 'unknown',
  package: null,
  version: null,
  summary: null,
  architecture: null,
  programs: [],
  cutShort: false,
  ...part,
});
const words = { nameFr: 'Dessiner', descriptionFr: 'Un programme de dessin.' };

describe('a draft', () => {
  test('of a package of Debian: its name is enough', () => {
    const draft = draftOf({
      ...emptyForm(),
      ...words,
      packages: 'tuxpaint tuxpaint-stamps-default',
    });
    expect(isDraft.Check(draft)).toBe(true);
    expect(draft).toMatchObject({
      slug: 'dessiner',
      name: { fr: 'Dessiner', en: 'Dessiner' },
      version: '1',
      recipes: {
        linux: {
          kind: 'apt',
          packages: ['tuxpaint', 'tuxpaint-stamps-default'],
          detect: { kind: 'package', package: 'tuxpaint' },
          launch: { command: ['tuxpaint'] },
          icon: { desktopFile: 'tuxpaint.desktop' },
        },
      },
    });
  });

  test('of a pinned package, from a source of its own', () => {
    const draft = draftOf({
      ...emptyForm(),
      ...words,
      packages: 'jeu=1:2.0~rc1',
      source: {
        on: true,
        uri: 'https://paquets.example/debian/',
        suite: 'bookworm',
        components: 'main contrib',
        key: '-----BEGIN PGP PUBLIC KEY BLOCK-----\nx',
      },
    });
    expect(isDraft.Check(draft)).toBe(true);
    expect(draft).toMatchObject({
      version: '1:2.0~rc1',
      recipes: {
        linux: {
          packages: ['jeu=1:2.0~rc1'],
          source: { components: ['main', 'contrib'] },
          detect: { package: 'jeu' },
        },
      },
    });
  });

  test('of a .deb: what the file says fills in the rest, and what was typed stays', () => {
    const program = {
      desktopFile: 'jeu.desktop',
      name: { fr: 'Jeu', en: 'Game' },
      description: { fr: 'Jouer.', en: 'Play.' },
      command: ['/usr/games/jeu', '--plein écran'],
      category: 'games' as const,
      icon: 'cG5n',
    };
    const form = filledFrom(
      emptyForm(),
      file('jeu_1.2_amd64.deb'),
      told({
        kind: 'deb',
        package: 'jeu',
        version: '1.2-1',
        summary: 'a game',
        programs: [program],
      }),
    );
    const draft = draftOf(form);
    expect(isDraft.Check(draft)).toBe(true);
    expect(draft).toMatchObject({
      slug: 'jeu',
      category: 'games',
      name: { fr: 'Jeu', en: 'Game' },
      description: { fr: 'Jouer.', en: 'Play.' },
      version: '1.2-1',
      recipes: {
        linux: {
          kind: 'deb',
          package: 'jeu',
          detect: { kind: 'package', package: 'jeu' },
          launch: { command: ['/usr/games/jeu', '--plein écran'] },
        },
      },
    });
    expect(iconOf(form)).toBe('cG5n');
    expect(
      filledFrom(
        { ...emptyForm(), nameFr: 'Mon jeu' },
        file('jeu.deb'),
        told({ kind: 'deb', package: 'jeu', version: '1', programs: [program] }),
      ),
    ).toMatchObject({ nameFr: 'Mon jeu', descriptionFr: 'Jouer.', slug: 'mon-jeu' });
  });

  test('of a .deb without a program: the package’s own words', () => {
    const draft = draftOf(
      filledFrom(
        emptyForm(),
        file('libjeu_2.0_amd64.deb'),
        told({ kind: 'deb', package: 'libjeu', version: '2.0', summary: 'things for games' }),
      ),
    );
    expect(isDraft.Check(draft)).toBe(true);
    expect(draft).toMatchObject({
      name: { fr: 'libjeu' },
      description: { fr: 'things for games' },
    });
    expect(draft?.recipes.linux?.launch).toBeUndefined();
  });

  test('of an AppImage: it starts itself, and is there when its file is', () => {
    const draft = draftOf({
      ...filledFrom(emptyForm(), file('Mon-Jeu-2.1.0-x86_64.AppImage'), told({ kind: 'appimage' })),
      descriptionFr: 'Jouer.',
    });
    const path = '/opt/preau/mon-jeu/2.1.0/Mon-Jeu-2.1.0-x86_64.AppImage';
    expect(isDraft.Check(draft)).toBe(true);
    expect(draft).toMatchObject({
      slug: 'mon-jeu',
      version: '2.1.0',
      recipes: {
        linux: {
          kind: 'archive',
          format: 'appimage',
          detect: { kind: 'file', path },
          launch: { command: [path] },
        },
      },
    });
  });

  test('of a Windows program and of an installer', () => {
    const form = {
      ...filledFrom(emptyForm(), file('setup.exe'), told({ kind: 'program' })),
      descriptionFr: 'Jouer.',
      version: '1',
      windows: {
        silent: '/S "/D=C:\\Jeu"',
        uninstall: '/S',
        key: 'HKLM\\Software\\Jeu',
        value: 'DisplayVersion',
      },
    };
    expect(isDraft.Check(draftOf(form))).toBe(true);
    expect(draftOf(form)?.recipes).toMatchObject({
      windows: {
        kind: 'exe',
        silent: ['/S', '/D=C:\\Jeu'],
        uninstall: ['/S'],
        detect: { kind: 'registry' },
      },
    });
    expect(draftOf({ ...form, kind: 'installer' })?.recipes).toMatchObject({
      windows: { kind: 'msi' },
    });
  });

  test('of a script: only of one that was reviewed', () => {
    const script: Script = {
      id: `scr_${'a'.repeat(22)}`,
      name: 'jeu',
      install: file('jeu.install'),
      installText: '',
      remove: null,
      removeText: null,
      createdById: null,
      createdByName: 'A',
      createdAt: 0,
      reviewedByName: 'B',
      reviewedAt: 0,
      signature: 's'.repeat(86),
    };
    const form = {
      ...emptyForm(),
      ...words,
      origin: 'script' as const,
      script,
      version: '1',
      detectPath: '/opt/jeu/version',
    };
    expect(isDraft.Check(draftOf(form))).toBe(true);
    expect(draftOf({ ...form, script: { ...script, signature: null } })).toBeNull();
  });

  test('a version more begins with what the last one had, but for its file', () => {
    const draft = draftOf(
      filledFrom(
        emptyForm(),
        file('Jeu-1.0-x86_64.AppImage'),
        told({ kind: 'appimage', summary: 'Jouer.' }),
      ),
    );
    if (draft === null) throw new Error('no draft');
    const known: Application = {
      ...draft,
      id: `app_${'a'.repeat(22)}`,
      versionId: `ver_${'a'.repeat(22)}`,
      labels: ['jeux'],
      requires: [],
      seats: 3,
      iconHash: null,
      estimate: null,
      installedOn: 0,
    };
    const next = draftOf(
      filledFrom(
        { ...formOf(known), version: '' },
        file('Jeu-2.0-x86_64.AppImage'),
        told({ kind: 'appimage' }),
      ),
    );
    expect(next).toMatchObject({
      slug: 'jeu',
      version: '2.0',
      labels: ['jeux'],
      licence: { seats: 3 },
      name: draft.name,
      recipes: { linux: { detect: { path: '/opt/preau/jeu/2.0/Jeu-2.0-x86_64.AppImage' } } },
    });
    // A file that calls itself a game makes no game of it, and whatever else it calls itself.
    const renamed = filledFrom(
      formOf({
        ...known,
        recipes: {
          ...known.recipes,
          windows: {
            kind: 'winget',
            packageId: 'Jeu.Jeu',
            detect: { kind: 'registry', key: 'K', value: 'V' },
          },
        },
      }),
      file('autre.deb'),
      told({
        kind: 'deb',
        package: 'autre',
        version: '3',
        programs: [
          {
            desktopFile: 'a.desktop',
            name: { fr: 'Autre', en: 'Other' },
            description: null,
            command: ['autre'],
            category: 'games',
            icon: null,
          },
        ],
      }),
    );
    expect(draftOf(renamed)).toMatchObject({
      slug: 'jeu',
      name: known.name,
      description: known.description,
      category: known.category,
      labels: ['jeux'],
      version: '3',
      recipes: { linux: { kind: 'deb', package: 'autre' }, windows: { kind: 'winget' } },
    });
  });

  test('a version more keeps the settings files of a first start', () => {
    const draft = draftOf({ ...emptyForm(), ...words, packages: 'kig' });
    if (draft?.recipes.linux?.launch === undefined) throw new Error('no draft');
    const firstFiles = [{ path: '.config/kigrc', text: '[TipOfDay]\nRunOnStart=false\n' }];
    const { linux } = draft.recipes;
    const known: Application = {
      ...draft,
      id: `app_${'a'.repeat(22)}`,
      versionId: `ver_${'a'.repeat(22)}`,
      recipes: { linux: { ...linux, launch: { command: ['kig'], firstFiles } } },
      ...{ labels: [], requires: [], seats: null, iconHash: null, estimate: null, installedOn: 0 },
    };
    const next = draftOf({ ...formOf(known), version: '2', command: 'kig --new' });
    expect(next?.recipes.linux?.launch).toEqual({ command: ['kig', '--new'], firstFiles });
  });

  test('what follows from something follows it, until somebody types there', () => {
    const typed = settled({ ...emptyForm(), packages: 'tuxpiant' });
    expect(settled({ ...typed, packages: 'tuxpaint' })).toMatchObject({
      detectPackage: 'tuxpaint',
      command: 'tuxpaint',
      desktopFile: 'tuxpaint.desktop',
      version: '1',
    });
    expect(settled({ ...typed, command: 'tuxpaint --nosound', packages: 'tuxpaint' }).command).toBe(
      'tuxpaint --nosound',
    );
    expect(
      settled({ ...settled({ ...emptyForm(), nameFr: 'Géogrephie' }), nameFr: 'Géographie' }).slug,
    ).toBe('geographie');
    const image = filledFrom(emptyForm(), file('Jeu-1.0.AppImage'), told({ kind: 'appimage' }));
    expect(settled({ ...image, version: '1.1' })).toMatchObject({
      command: '/opt/preau/jeu/1.1/Jeu-1.0.AppImage',
      detectPath: '/opt/preau/jeu/1.1/Jeu-1.0.AppImage',
      detectKind: 'file',
    });
    expect(
      filledFrom(
        image,
        file('autre_2.0_all.deb'),
        told({ kind: 'deb', package: 'autre', version: '2.0' }),
      ),
    ).toMatchObject({
      nameFr: 'autre',
      slug: 'autre',
      version: '2.0',
      detectKind: 'package',
      detectPackage: 'autre',
      detectPath: '',
      command: '',
    });
    expect(settled({ ...image, origin: 'debian', packages: 'gimp' })).toMatchObject({
      detectKind: 'package',
      detectPackage: 'gimp',
      command: 'gimp',
    });
  });

  test('another program of the same package', () => {
    const form = withProgram(
      { ...emptyForm(), origin: 'file', file: file('a.deb'), kind: 'deb' },
      {
        desktopFile: 'b.desktop',
        name: { fr: 'Bé', en: 'B' },
        description: null,
        command: ['b'],
        category: null,
        icon: null,
      },
    );
    expect(settled(form)).toMatchObject({
      nameFr: 'Bé',
      slug: 'be',
      command: 'b',
      desktopFile: 'b.desktop',
    });
  });
});

test('a command line and its words are the same thing', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({
          minLength: 1,
          unit: fc.constantFrom('a', 'é', ' ', '"', "'", '\\', '-', '$', '/'),
        }),
        { maxLength: 6 },
      ),
      (argv) => {
        expect(wordsOf(lineOf(argv))).toEqual(argv);
      },
    ),
  );
});

test('a short name holds for every name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      expect(slugOf(name)).toMatch(/^([a-z0-9][a-z0-9-]*[a-z0-9]|[a-z0-9]?)$/);
    }),
  );
});
