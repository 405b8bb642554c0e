import { maxPackageBytes } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { exportCatalogue, importCatalogue } from '#src/applications/catalogue.ts';
import { changeApplication, createApplication, listVersions } from '#src/applications/create.ts';
import { iconFromPackage, readIcon, setIcon } from '#src/applications/icons/icons.ts';
import { inspectPackage } from '#src/applications/inspect/inspect.ts';
import { packageFiles } from '#src/applications/packages/files.ts';
import { deletePackage, listPackages, uploadPackage } from '#src/applications/packages/packages.ts';
import { createScript, listScripts, reviewScript } from '#src/applications/scripts/scripts.ts';

import { selectApplications } from '#src/applications/store.ts';
import { withdrawVersions } from '#src/rollouts/withdraw.ts';
import { publishWhereNamed } from '#src/servers/desired/desired-state.ts';

import type { StreamVerbs, Verbs } from './verb.ts';

export const applicationVerbs = {
  listApplications: async (deps) => ({ items: await selectApplications(deps.database) }),
  listWithdrawnApplications: async (deps) => ({
    items: await selectApplications(deps.database, { among: 'withdrawn' }),
  }),
  createApplication: (deps, actor, { body }) =>
    createApplication(deps, actor, body, publishWhereNamed(deps)),
  changeApplication: (deps, actor, { params, body }) =>
    changeApplication(deps, actor, params.id, body, publishWhereNamed(deps)),
  setIcon: (deps, actor, { body }) => setIcon(deps, actor, body),
  readIcon: (deps, _actor, { params }) => readIcon(deps, params.hash),
  iconFromPackage: (deps, actor, { body }) => iconFromPackage(deps, actor, body),
  listVersions: async (deps, _actor, { params }) => ({
    items: await listVersions(deps, params.id),
  }),
  withdrawVersions: async (deps, actor, { params, body }) => {
    await withdrawVersions(deps, actor, params.id, body);
    return { items: await listVersions(deps, params.id) };
  },
  exportCatalogue: (deps) => exportCatalogue(deps),
  importCatalogue: async (deps, actor, { body }) => ({
    items: await importCatalogue(deps, actor, body, publishWhereNamed(deps)),
  }),
  listPackages: async (deps) => ({ items: await listPackages(deps) }),
  inspectPackage: (deps, _actor, { params }) => inspectPackage(deps, params.hash),
  deletePackage: async (deps, actor, { params }) => {
    await deletePackage(deps, actor, params.hash);
    return null;
  },
  listScripts: async (deps) => ({ items: await listScripts(deps) }),
  createScript: (deps, actor, { body }) => createScript(deps, actor, body),
  reviewScript: (deps, actor, { params, body }) => reviewScript(deps, actor, params.id, body),
} satisfies Partial<Verbs>;

export const applicationStreams = {
  uploadPackage: {
    maxBytes: maxPackageBytes,
    receive: (deps, actor, { query }, { body }) => uploadPackage(deps, actor, query, body),
  },
  readPackage: {
    send: async (deps, _actor, { params: { hash } }) => {
      const files = packageFiles(deps.config.PREAU_DATA);
      const size = await files.sizeOf(hash);
      if (size === null) throw new AppError('NOT_FOUND', { package: hash });
      return { size, hash, read: (range) => files.stream(hash, range) };
    },
  },
} satisfies Partial<StreamVerbs>;
