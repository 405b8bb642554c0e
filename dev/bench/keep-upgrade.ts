/** How long nobody can click while a town with a year of version 0.1.0 is upgraded: from the stop of
 * the old controller until the new one is ready, as the command itself measures it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, until } from '../services.ts';
import { makeInstallation } from '../year/installation.ts';
import { fillYearAt, yearSecret } from '../year/year.ts';
import { type Figure, round } from './figures.ts';

export async function upgradeGap(tell: (text: string) => void): Promise<Figure> {
  const value = await measureUpgradeGap();
  tell(`upgraded: nobody could click for ${value.toFixed(1)} s`);
  return {
    id: 'keep.upgrade_gap_s',
    value: round(value, 1),
    unit: 's',
    aim: '≤ 30',
    holds: value <= 30,
    detail: { from: '0.1.0' },
  };
}

/** Seconds, from `Nobody could click for … ms` that the command prints. */
async function measureUpgradeGap(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'preau-keep-upgrade-'));
  const redis = startRedis(join(folder, 'redis'));
  try {
    await until('Redis', redis.ready);
    const city = await makeInstallation(folder, {
      PREAU_REDIS_URL: redis.url,
      PREAU_SECRET: yearSecret,
    });
    try {
      await fillYearAt(join(city.data, 'preau.sqlite'));
      // The old version answers as this one does, and knows nothing of later migrations.
      const service = `(await import('node:http')).createServer((_, answer) => answer.end('{}'))
        .listen(Number(process.env['PREAU_PORT']), '127.0.0.1');
      process.on('SIGTERM', () => process.exit(0));`;
      city.use(city.addVersion('0.1.0', service));
      city.systemctl('start');
      await until('the old version', async () => (await fetch(city.url)).ok);
      const run = city.upgrade(city.addVersion('next', null));
      const [, ms] = /Nobody could click for (\d+) ms/.exec(run.stdout) ?? [];
      if (run.status !== 0 || ms === undefined)
        throw new Error(`upgrade: ${run.stdout}${run.stderr}`);
      return Number(ms) / 1000;
    } finally {
      city.close();
    }
  } finally {
    await redis.service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
