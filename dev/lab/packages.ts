/** Packages that misbehave on purpose, and a quick one: built here with dpkg-deb. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplicationDraft } from '@preau/contract/application.ts';
import { must } from './host.ts';

export interface PackagePlan {
  name: string;
  version: string;
  depends?: string;
  /** Path in the package → text. */
  files?: Record<string, string>;
  /** Incompressible random bytes, for the size of a real program. */
  ballastKib?: number;
  postinst?: string;
  /** debconf: the questions asked before the installation. */
  config?: string;
  templates?: string;
}

export async function buildPackage(folder: string, plan: PackagePlan): Promise<string> {
  const work = join(folder, `${plan.name}-${plan.version}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(work, 'DEBIAN/control'),
    `Package: ${plan.name}\nVersion: ${plan.version}\nArchitecture: all\nMaintainer: Préau ` +
      'lab ' +
      `<lab@preau.invalid>\n${plan.depends === undefined ? '' : `Depends: ${plan.depends}\n`}Section: ` +
      'misc\nPriority: optional\nDescription: made for the lab\n',
  );
  for (const [name, text] of [
    ['postinst', plan.postinst],
    ['config', plan.config],
  ] as const)
    if (text !== undefined)
      writeFileSync(join(work, 'DEBIAN', name), `#!/bin/sh\nset -e\n${text}\n`, { mode: 0o755 });
  if (plan.templates !== undefined) writeFileSync(join(work, 'DEBIAN/templates'), plan.templates);
  for (const [path, text] of Object.entries(plan.files ?? {})) {
    mkdirSync(join(work, path, '..'), { recursive: true });
    writeFileSync(join(work, path), text, { mode: 0o755 });
  }
  if (plan.ballastKib !== undefined) {
    mkdirSync(join(work, 'usr/share', plan.name), { recursive: true });
    writeFileSync(
      join(work, 'usr/share', plan.name, 'ballast'),
      randomBytes(plan.ballastKib * 1024),
    );
  }
  const path = join(folder, `${plan.name}_${plan.version}_all.deb`);
  await must(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', work, path]);
  rmSync(work, { recursive: true });
  return path;
}

const program = (name: string) => ({
  [`usr/games/${name}`]: '#!/bin/sh\nexec sleep 3600\n',
  [`usr/share/applications/${name}.desktop`]: `[Desktop Entry]\nType=Application\nName=${name}\nExec=${name}\n`,
});

/** Named by their behaviour. */
export const badPackages = {
  /** Installs correctly in a fifth of a second. */
  payload: {
    name: 'preau-payload',
    version: '1.0',
    files: program('preau-payload'),
    ballastKib: 256,
    postinst: 'sleep 0.2',
  },
  /** Its second version. */
  payload2: {
    name: 'preau-payload',
    version: '2.0',
    files: program('preau-payload'),
    ballastKib: 256,
    postinst: 'sleep 0.2',
  },
  /** Its configuration always fails. */
  fails: {
    name: 'preau-fails',
    version: '1.0',
    files: program('preau-fails'),
    postinst: 'echo "this set-up always fails" >&2; exit 3',
  },
  /** Asks a question that has no default answer. */
  asks: {
    name: 'preau-asks',
    version: '1.0',
    depends: 'debconf',
    files: program('preau-asks'),
    templates:
      'Template: preau-asks/colour\nType: string\nDescription: Which colour?\n There is none by itself.\n',
    config:
      '. /usr/share/debconf/confmodule\ndb_input critical preau-asks/colour || true\ndb_go || true',
    postinst:
      '. /usr/share/debconf/confmodule\ndb_get preau-asks/colour\nprintf "%s\\n" "$RET" > /var/lib/preau-asks-answer',
  },
  /** Its configuration never ends. */
  hangs: {
    name: 'preau-hangs',
    version: '1.0',
    files: program('preau-hangs'),
    postinst: 'while :; do sleep 1; done',
  },
  /** Installs without an error, but does not contain the program it is named after. */
  empty: { name: 'preau-empty', version: '1.0' },
} satisfies Record<string, PackagePlan>;
export type BadPackage = keyof typeof badPackages;

/** A catalogue application for a package of the lab. `empty` is detected by its file, which never
 * exists. */
export function draftFor(plan: PackagePlan): ApplicationDraft {
  const path = `/usr/games/${plan.name}`;
  return {
    slug: plan.name,
    version: plan.version,
    category: 'tools',
    name: { fr: plan.name, en: plan.name },
    description: { fr: 'Paquet du laboratoire.', en: 'A package of the lab.' },
    recipes: {
      linux: {
        kind: 'apt',
        packages: [plan.name],
        detect:
          plan.files === undefined
            ? { kind: 'file', path }
            : { kind: 'package', package: plan.name },
        launch: { command: [path] },
        icon: { desktopFile: `${plan.name}.desktop` },
      },
    },
  };
}
