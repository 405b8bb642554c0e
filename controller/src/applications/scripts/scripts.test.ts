import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplicationDraft } from '@preau/contract/application.ts';
import { scriptReviewText } from '@preau/contract/application.ts';
import { Script } from '@preau/contract/catalogue.ts';
import { Compile } from 'typebox/compile';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { application } from '#src/builders.fixture.ts';
import { verifySignature } from '#src/platform/secrets.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { createApplication } from '../create.ts';
import { deletePackage, listPackages } from '../packages/packages.ts';
import { createScript, listScripts, reviewScript } from './scripts.ts';

const root = mkdtempSync(join(tmpdir(), 'preau-scripts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let city: City;
beforeEach(async () => {
  const folder = mkdtempSync(join(root, 'city-'));
  city = await makeCity(':memory:', { PREAU_DATA: folder, PREAU_AGENT_FILES: folder });
});
afterEach(() => city.close());

describe('scripts', () => {
  const text = {
    name: 'imprimante',
    install: '#!/bin/sh\nset -eu\necho é > /etc/imprimante\n',
    remove: '#!/bin/sh\nrm -f /etc/imprimante\n',
  };
  const recipeOf = (script: Script): ApplicationDraft =>
    application('imprimante', {
      recipes: {
        linux: {
          kind: 'script',
          script: script.name,
          install: script.install,
          ...(script.remove === null ? {} : { remove: script.remove }),
          signature: script.signature ?? 'a'.repeat(86),
          detect: { kind: 'file', path: '/etc/imprimante' },
        },
      },
    });

  test('need two people', async () => {
    const script = await createScript(city.platform, city.technician, text);
    expect(Compile(Script).Check(script)).toBe(true);
    const review = { install: script.install.sha256, remove: script.remove?.sha256 ?? null };
    await expect(
      createApplication(city.platform, city.technician, recipeOf(script)),
    ).rejects.toMatchObject({ code: 'SCRIPT_REFUSED' });
    await expect(
      reviewScript(city.platform, city.technician, script.id, review),
    ).rejects.toMatchObject({ code: 'OWN_APPROVAL' });
    await expect(
      reviewScript(
        city.platform,
        { ...city.administrator, token: { id: 'tok', readOnly: false, siteIds: null } },
        script.id,
        review,
      ),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(
      reviewScript(city.platform, city.administrator, script.id, { ...review, remove: null }),
    ).rejects.toMatchObject({ code: 'STATE_FORBIDS' });
    const signed = await reviewScript(city.platform, city.administrator, script.id, review);
    expect(
      verifySignature(
        city.platform.secrets.controllerKey,
        scriptReviewText({
          script: signed.name,
          install: signed.install,
          remove: signed.remove ?? undefined,
        }),
        signed.signature ?? '',
      ),
    ).toBe(true);
    await createApplication(city.platform, city.technician, recipeOf(signed));
    expect((await listScripts(city.platform))[0]).toMatchObject({
      installText: text.install,
      removeText: text.remove,
      createdByName: 'tech',
      reviewedByName: 'admin',
    });
    expect((await listPackages(city.platform)).map(({ usedBy }) => usedBy)).toEqual([
      ['imprimante'],
      ['imprimante'],
    ]);
    await expect(
      deletePackage(city.platform, city.technician, script.install.sha256),
    ).rejects.toMatchObject({ code: 'STATE_FORBIDS' });
  });

  test('a new text has to be read anew; the old signature opens nothing new', async () => {
    const script = await createScript(city.platform, city.technician, text);
    const signed = await reviewScript(city.platform, city.administrator, script.id, {
      install: script.install.sha256,
      remove: script.remove?.sha256 ?? null,
    });
    expect((await createScript(city.platform, city.technician, text)).signature).toBe(
      signed.signature,
    );
    const changed = await createScript(city.platform, city.administrator, {
      ...text,
      install: '#!/bin/sh\nrm -rf /\n',
    });
    expect([changed.signature, changed.createdByName]).toEqual([null, 'admin']);
    await expect(
      createApplication(city.platform, city.technician, {
        ...recipeOf(changed),
        recipes: {
          linux: { ...recipeOf(changed).recipes.linux, signature: signed.signature ?? '' } as never,
        },
      }),
    ).rejects.toMatchObject({ code: 'SCRIPT_REFUSED' });
    await expect(
      reviewScript(city.platform, city.technician, script.id, {
        install: script.install.sha256,
        remove: null,
      }),
    ).rejects.toMatchObject({ code: 'STATE_FORBIDS' });
  });

  test('64 KiB, in bytes', async () => {
    await createScript(city.platform, city.technician, {
      ...text,
      install: `#!/bin/sh\n${'x'.repeat(65_526)}`,
    });
    await expect(
      createScript(city.platform, city.technician, {
        ...text,
        install: `#!/bin/sh\n${'é'.repeat(32_764)}`,
      }),
    ).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });
});
