import { expect, test } from 'vitest';
import { parseConfig } from '#src/config.ts';
import { isOwnService, ownServices } from './own-services.ts';

const services = ownServices(
  parseConfig({
    PREAU_HOST: '0.0.0.0',
    PREAU_PORT: '8080',
    PREAU_GUACD_HOST: 'guacd',
    PREAU_REDIS_URL: 'redis://redis',
    PREAU_DATABASE_URL: 'postgres://preau:secret@[fd00::5]:5433/preau',
    PREAU_SMTP_URL: 'smtps://mail.ville.example',
  }),
);
const names = {
  resolve: async (host: string) => {
    const known = { guacd: ['172.18.0.3'], redis: ['172.18.0.4', 'fd00::4'] }[host];
    if (known === undefined) throw new Error('ENOTFOUND');
    return known;
  },
  own: () => ['127.0.0.1', '::1', '10.0.0.2'],
};
const isOwn = (host: string, port: number) => isOwnService(services, { host, port }, names);

test('every service of the settings is known, by its usual port', () => {
  expect(services).toEqual([
    { host: '0.0.0.0', port: 8080 },
    { host: 'guacd', port: 4822 },
    { host: 'redis', port: 6379 },
    { host: 'fd00::5', port: 5433 },
    { host: 'mail.ville.example', port: 465 },
  ]);
  expect(ownServices(parseConfig({ PREAU_REDIS_URL: 'unix:///run/redis.sock' }))).toHaveLength(2);
});

test.each([
  ['172.18.0.3', 4822, true],
  ['172.18.0.4', 6379, true],
  ['fd00::4', 6379, true],
  ['fd00:0::5', 5433, true],
  ['10.0.0.2', 8080, true],
  ['127.0.0.1', 8080, true],
  ['172.18.0.4', 3390, false],
  ['10.38.1.5', 8080, false],
  ['10.38.1.5', 465, false],
])('%s port %i: %s', async (host, port, own) => expect(await isOwn(host, port)).toBe(own));
