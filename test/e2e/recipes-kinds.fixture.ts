/** A program of each kind of recipe, in two versions, and programs that fail on purpose. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { LinuxRecipe, PackageFile } from '@preau/contract/application.ts';
import { tar, zip } from '../../agent/src/drivers/linux/archive.fixture.ts';
import { type Mirror, startMirror } from '../../dev/lab/mirror.ts';
import { buildPackage, type PackagePlan } from '../../dev/lab/packages.ts';
import { createRepository } from '../../dev/lab/repository.ts';
import type { SchoolServer } from '../../dev/machines/school-server.ts';
import { demoLogins } from '../../dev/world.ts';

/** What is to go wrong. `killed`: there is time to kill it. */
export type Fault = 'wrong_hash' | 'no_disk' | 'killed' | 'asks' | 'never_ends';

/** Shell text that misbehaves while it installs. */
const misdeeds: Partial<Record<Fault, string>> = {
  killed: 'sleep 21',
  asks: 'printf "Continue? [y/n] "; read answer || exit 9',
  never_ends: 'while :; do sleep 1; done',
};

interface Made {
  slug: string;
  version: string;
  fault?: Fault;
}

export interface KindOfRecipe {
  name: string;
  kind: LinuxRecipe['kind'];
  /** Makes the recipe of this program, and whatever it needs, available to the server. */
  make: (made: Made) => Promise<LinuxRecipe>;
  /** Packages and files that an installed program adds. */
  expected: (slug: string) => { packages?: RegExp; files?: RegExp };
  /** Why a fault cannot happen to this kind. */
  impossible: Partial<Record<Fault, string>>;
  /** The command line of what installs it, to kill it. */
  installer: (slug: string) => RegExp;
}

export interface Sources {
  mirror: Mirror;
  publish: (plan: PackagePlan) => Promise<void>;
  kinds: KindOfRecipe[];
  close: () => void;
}

/** A window that any of these programs shows. */
const shows = (slug: string) => `#!/bin/sh\nexec xclock -name ${slug}\n`;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export async function openSources(school: SchoolServer): Promise<Sources> {
  const { machine, technician } = school;
  const folder = join(machine.ground.folder, 'recipes');
  const files = join(folder, 'files');
  mkdirSync(files, { recursive: true });
  const repository = await createRepository(folder, new Map());
  await repository.add([]);
  const mirror = await startMirror({ host: machine.cityAddress, folder: repository.folder });
  await machine.must('mkdir -p /etc/apt/keyrings && cat > /etc/apt/keyrings/recipes.asc', {
    input: readFileSync(repository.keyPath, 'utf8'),
  });
  await machine.must('cat > /etc/apt/sources.list.d/recipes.list', {
    input: `deb [signed-by=/etc/apt/keyrings/recipes.asc] ${mirror.url}/ ./\n`,
  });
  const server = createServer((request, response) => {
    response.end(readFileSync(join(files, basename(request.url ?? ''))));
  });
  await new Promise<void>((resolve) => server.listen(0, machine.cityAddress, () => resolve()));
  const address = `http://${machine.cityAddress}:${(server.address() as AddressInfo).port}`;
  const offer = (name: string, bytes: Buffer, fault?: Fault): PackageFile => {
    writeFileSync(join(files, name), bytes);
    return {
      name,
      sha256: fault === 'wrong_hash' ? sha256(Buffer.from(name)) : sha256(bytes),
      size: bytes.length,
      url: `${address}/${name}`,
    };
  };

  const planOf = ({ slug, version, fault }: Made): PackagePlan => {
    const postinst = fault === undefined ? undefined : misdeeds[fault];
    return {
      name: slug,
      version,
      files: { [`usr/games/${slug}`]: shows(slug) },
      ...(postinst === undefined ? {} : { postinst }),
    };
  };
  const publish = async (plan: PackagePlan) => {
    await repository.add([await buildPackage(files, plan)]);
  };
  const ofPackages = (slug: string) => ({
    packages: new RegExp(`^[+~] ${slug}(:|$)`),
    files: new RegExp(`^[+~] (/usr/games(/${slug})?|/var/lib/dpkg/info/${slug}\\.)`),
  });
  const launch = (command: string) => ({ launch: { command: [command] } });

  const archive = (
    format: 'appimage' | 'zip' | 'tar',
    pack: (slug: string) => Promise<Buffer>,
  ) => ({
    name: format === 'appimage' ? 'archive: AppImage' : `archive: ${format}`,
    kind: 'archive' as const,
    make: async ({ slug, version, fault }: Made): Promise<LinuxRecipe> => {
      const path = `/opt/preau/${slug}/${version}/${slug}`;
      return {
        kind: 'archive',
        format,
        file: offer(
          format === 'appimage' ? slug : `${slug}-${version}.${format}`,
          await pack(`${slug}`),
          fault,
        ),
        detect: { kind: 'file', path },
        ...launch(path),
      };
    },
    expected: (slug: string) => ({ files: new RegExp(`^[+~] /opt/preau(/${slug}(/.*)?)?$`) }),
    impossible: {
      killed: 'the agent unpacks it itself, beside the old one, and renames it at the end',
      asks: 'nothing of it runs while it is installed',
      never_ends: 'nothing of it runs while it is installed',
    },
    installer: () => /$^/,
  });

  const kinds: KindOfRecipe[] = [
    {
      name: 'apt',
      kind: 'apt',
      make: async (made) => {
        await publish(planOf(made));
        // The agent reads lists again after a minute at the earliest.
        await machine.must('apt-get update -q', { timeoutMs: 120_000 });
        return {
          kind: 'apt',
          packages: [`${made.slug}=${made.version}`],
          detect: { kind: 'package', package: made.slug },
          ...launch(`/usr/games/${made.slug}`),
        };
      },
      expected: ofPackages,
      impossible: {},
      installer: (slug) => new RegExp(`apt-get.* ${slug}=|/usr/bin/dpkg `),
    },
    {
      name: 'deb',
      kind: 'deb',
      make: async (made) => {
        const path = await buildPackage(files, planOf(made));
        return {
          kind: 'deb',
          package: made.slug,
          file: offer(basename(path), readFileSync(path), made.fault),
          detect: { kind: 'package', package: made.slug },
          ...launch(`/usr/games/${made.slug}`),
        };
      },
      expected: ofPackages,
      impossible: {},
      installer: () => /apt-get|\/usr\/bin\/dpkg /,
    },
    archive('appimage', async (slug) => Buffer.from(shows(slug))),
    archive('zip', async (slug) =>
      zip([{ name: slug, content: Buffer.from(shows(slug)), mode: 0o755 }]),
    ),
    archive('tar', (slug) => tar([{ name: slug, content: Buffer.from(shows(slug)), mode: 0o755 }])),
    {
      name: 'script',
      kind: 'script',
      make: async ({ slug, fault }) => {
        const misdeed = fault === undefined ? '' : (misdeeds[fault] ?? '');
        const script = await technician.call('createScript', {
          body: {
            name: slug,
            install:
              `#!/bin/sh\nset -e\n${misdeed}\nmkdir -p /opt/${slug}\ncat > /opt/${slug}/${slug} <<'END'\n` +
              `${shows(slug)}END\nchmod 755 /opt/${slug}/${slug}\necho "$PREAU_VERSION" > /opt/${slug}` +
              `/version\n`,
            remove: `#!/bin/sh\nrm -rf /opt/${slug}\n`,
          },
        });
        const reviewer = await school.as(demoLogins.administrator);
        const { install, remove, signature } = await reviewer.call('reviewScript', {
          params: { id: script.id },
          body: { install: script.install.sha256, remove: script.remove?.sha256 ?? null },
        });
        return {
          kind: 'script',
          script: slug,
          install,
          ...(remove === null ? {} : { remove }),
          signature: signature ?? '',
          detect: { kind: 'version_file', path: `/opt/${slug}/version` },
          ...launch(`/opt/${slug}/${slug}`),
        };
      },
      expected: (slug) => ({ files: new RegExp(`^[+~] /opt/${slug}(/|$|:)`) }),
      impossible: {
        wrong_hash: 'the city serves the text whose hash two technicians have signed',
      },
      installer: () => /^\/bin\/sh \/var\/lib\/preau-agent\/staged/,
    },
  ];
  return {
    mirror,
    publish,
    kinds,
    close: () => {
      server.close();
      void mirror.close();
    },
  };
}
