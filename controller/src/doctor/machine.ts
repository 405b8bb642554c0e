/** This machine, and whether the controller runs on it. */
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { openFilesIn } from '#src/platform/open-files.ts';
import { isPreau } from './ask.ts';
import { examination, type Found } from './examination.ts';
import type { Patient } from './patient.ts';

export interface MachineFacts {
  /** Such as 24.1.0. */
  node: string;
  freeBytes: number;
  port: 'preau' | 'nobody' | 'another';
  /** Of the running controller; null: not known. */
  openFiles: number | null;
}

export const machine = examination({
  failure: 'NOT_LOOKED_AT',
  gather: async (patient): Promise<MachineFacts> => ({
    node: process.versions.node,
    freeBytes: await freeBytes(),
    port: await whoListens(patient),
    openFiles: await openFilesOfController(patient),
  }),
  judge: (facts, { config }) => judgeMachine(facts, config.PREAU_PORT),
});

async function freeBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB/m.exec(text) ?? [];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
}

async function whoListens({ config }: Patient): Promise<MachineFacts['port']> {
  const host = ['0.0.0.0', '::'].includes(config.PREAU_HOST) ? '127.0.0.1' : config.PREAU_HOST;
  const name = host.includes(':') ? `[${host}]` : host;
  try {
    return (await isPreau(`http://${name}:${config.PREAU_PORT}`)) ? 'preau' : 'another';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ECONNREFUSED' ? 'nobody' : 'another';
  }
}

async function openFilesOfController({ config }: Patient): Promise<number | null> {
  try {
    const pid = Number(await readFile(join(config.PREAU_DATA, 'controller.pid'), 'utf8'));
    return openFilesIn(await readFile(`/proc/${pid}/limits`, 'utf8'));
  } catch {
    return null;
  }
}

export function judgeMachine(facts: MachineFacts, port: number): Found[] {
  const { node, freeBytes: free, openFiles } = facts;
  const found: Found[] = [];
  if (Number(node.split('.')[0]) < 24) found.push({ code: 'NODE_OLD', why: `it is ${node}` });
  if (free < 268_435_456)
    found.push({ code: 'MEMORY_LOW', why: `${Math.round(free / 1_048_576)} MiB` });
  if (facts.port === 'nobody')
    found.push({ code: 'CONTROLLER_STOPPED', why: `nobody listens on port ${port}` });
  if (facts.port === 'another')
    found.push({
      code: 'PORT_TAKEN',
      why: `what listens on port ${port} does not answer as Préau`,
    });
  if (openFiles !== null && openFiles < 10_000)
    found.push({ code: 'OPEN_FILES_FEW', why: `${openFiles}`, counts: { files: openFiles } });
  return found;
}
