/** A package source of our own beside Debian's, which a machine's apt reads: for packages built by
 * a test. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startMirror } from '../lab/mirror.ts';
import { buildPackage, draftFor, type PackagePlan } from '../lab/packages.ts';
import { createRepository } from '../lab/repository.ts';
import type { SchoolServer } from './school-server.ts';

export interface PackageSource {
  /** Builds a package, publishes it, and adds its application to the catalogue; its slug is the
   * package's name. Returns the application's id. */
  offer: (plan: PackagePlan) => Promise<string>;
  /** Publishes it alone, for instance the next version of one that was offered. */
  publish: (plan: PackagePlan) => Promise<void>;
  close: () => Promise<void>;
}

/** Close it before the machine. */
export async function openPackageSource(school: SchoolServer): Promise<PackageSource> {
  const { machine, technician } = school;
  const folder = join(machine.ground.folder, `${machine.name}-source`);
  const repository = await createRepository(folder, new Map());
  await repository.add([]);
  const mirror = await startMirror({ host: machine.cityAddress, folder: repository.folder });
  const key = '/etc/apt/keyrings/school.asc';
  await machine.must(`mkdir -p /etc/apt/keyrings && cat > ${key}`, {
    input: readFileSync(repository.keyPath, 'utf8'),
  });
  await machine.must('cat > /etc/apt/sources.list.d/school.list', {
    input: `deb [signed-by=${key}] ${mirror.url}/ ./\n`,
  });
  const publish = async (plan: PackagePlan) => {
    const built = join(folder, 'built');
    mkdirSync(built, { recursive: true });
    await repository.add([await buildPackage(built, plan)]);
  };
  return {
    publish,
    offer: async (plan) => {
      await publish(plan);
      return (await technician.call('createApplication', { body: draftFor(plan) })).id;
    },
    close: mirror.close,
  };
}
