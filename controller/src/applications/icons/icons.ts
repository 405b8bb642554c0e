/** Icons: small, checked by their bytes. Servers and technicians send PNG; a catalogue brings SVG of
 * plain shapes, because SVG can carry script. */

import type { Application } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { IconUpload } from '@preau/contract/report.ts';
import type { Static } from 'typebox';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { packageFiles } from '../packages/files.ts';
import { selectApplications } from '../store.ts';
import { iconExtraction } from './extraction.ts';
import { saveIcon, selectIcon } from './store.ts';
import { checkSvg, isSvg } from './svg.ts';

const { iconBytes: maxBytes, iconPixels } = budget.files;
const signature = Buffer.from('89504e470d0a1a0a', 'hex');

/** Pure. Refuses with ICON_REFUSED what is not a PNG of at most 256 KB and 1024 pixels a side. */
export function checkPng(bytes: Buffer): void {
  const refuse = (why: string) => new AppError('ICON_REFUSED', { why });
  if (bytes.length > maxBytes) throw refuse(`${bytes.length} bytes`);
  if (
    bytes.length < 33 ||
    !bytes.subarray(0, 8).equals(signature) ||
    bytes.toString('latin1', 12, 16) !== 'IHDR'
  )
    throw refuse('not a PNG image');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  if (width === 0 || height === 0 || width > iconPixels || height > iconPixels)
    throw refuse(`${width} × ${height} pixels`);
}

export async function setIcon(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  input: Static<typeof IconUpload>,
): Promise<Application> {
  const png = Buffer.from(input.png, 'base64');
  checkPng(png);
  const [application] = await selectApplications(deps.database, { id: input.applicationId });
  if (application === undefined)
    throw new AppError('NOT_FOUND', { application: input.applicationId });
  // An agent may only set a missing icon; only a technician may replace one. Otherwise one hostile
  // school could change the icons of the whole city.
  if (actor.kind === 'agent' && application.iconHash !== null) return application;
  const hash = sha256(png);
  await deps.database.transaction().execute(async (rows) => {
    await saveIcon(rows, application.id, hash, png);
    await recordEffect(deps, rows, actor, {
      action: 'icon.changed',
      subjectId: application.id,
      subjectName: application.name.fr,
      details: { hash },
    });
  });
  deps.wakeups.wake(['applications', 'portal', 'audit']);
  return { ...application, iconHash: hash };
}

const ofACatalogue = /^icons\/[\w-]+\.svg$/;

/** In the caller's transaction. Gives the application the drawing of a catalogue, unless a server or a
 * technician has given it a PNG. A path in its place has been left where the image could not be read.
 * True when the icon is another one now. Refuses with ICON_REFUSED. */
export async function takeDrawing(
  rows: Rows,
  applicationId: string,
  icon: string | undefined,
): Promise<boolean> {
  if (icon === undefined || ofACatalogue.test(icon)) return false;
  const image = Buffer.from(checkSvg(icon));
  const hash = sha256(image);
  const [application] = await selectApplications(rows, { id: applicationId, learnt: false });
  if (application === undefined || application.iconHash === hash) return false;
  if (application.iconHash !== null) {
    const present = await selectIcon(rows, application.iconHash);
    if (present !== undefined && !isSvg(present)) return false;
  }
  await saveIcon(rows, applicationId, hash, image);
  return true;
}

/** The icon inside an uploaded .exe, .ico or .png becomes the application's. Refuses with
 * ICON_REFUSED and NOT_FOUND. */
export async function iconFromPackage(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'wakeups' | 'heavy'>,
  actor: Actor,
  input: { applicationId: string; sha256: string },
): Promise<Application> {
  const files = packageFiles(deps.config.PREAU_DATA);
  const size = await files.sizeOf(input.sha256);
  if (size === null) throw new AppError('NOT_FOUND', { package: input.sha256 });
  // Programs are read into memory to find their icon.
  if (size > budget.files.iconSourceBytes)
    throw new AppError('ICON_REFUSED', { why: `${size} bytes` });
  const png = await deps.heavy.run(iconExtraction, { path: files.pathOf(input.sha256) });
  return setIcon(deps, actor, {
    applicationId: input.applicationId,
    png: Buffer.from(png).toString('base64'),
  });
}

export async function readIcon(deps: Pick<Platform, 'database'>, hash: string): Promise<Buffer> {
  const image = await selectIcon(deps.database, hash);
  if (image === undefined) throw new AppError('NOT_FOUND', { icon: hash });
  return image;
}
