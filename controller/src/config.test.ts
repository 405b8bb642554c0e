import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from './config.ts';

function faultsOf(
  environment: Record<string, string>,
  file: Record<string, unknown> = {},
): ConfigError {
  try {
    parseConfig(environment, file);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error('the configuration was accepted');
}

describe('parseConfig', () => {
  test('defaults need nothing', () => {
    const config = parseConfig({});
    expect(config).toMatchObject({
      PREAU_HOST: '127.0.0.1',
      PREAU_PORT: 8080,
      PREAU_DATABASE_URL: '',
      PREAU_SIGN_IN_HOURS: 12,
      PREAU_GRACE_SECONDS: 600,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('all faults at once, each with name, value and expectation', () => {
    const error = faultsOf({
      PREAU_PORT: 'eighty',
      PREAU_LOG_LEVEL: 'loud',
      PREAU_PUBLIC_URL: 'https://a/b',
      PREAU_DATABASE_URL: 'mysql://x',
      PREAU_PROT: '1',
    });
    expect(error.faults.map((fault) => [fault.name, fault.value])).toEqual([
      ['PREAU_PORT', 'eighty'],
      ['PREAU_PUBLIC_URL', 'https://a/b'],
      ['PREAU_DATABASE_URL', 'mysql://x'],
      ['PREAU_LOG_LEVEL', 'loud'],
      ['PREAU_PROT', '(set)'],
    ]);
    expect(error.message).toContain('5 faults');
    expect(error.message).toContain(
      'PREAU_PORT is "eighty": expected a whole number from 0 to 65535',
    );
  });

  const refused: [name: string, environment: Record<string, string>][] = [
    ['negative port', { PREAU_PORT: '-1' }],
    ['port above 65535', { PREAU_PORT: '65536' }],
    ['port in hexadecimal', { PREAU_PORT: '0x50' }],
    ['empty port', { PREAU_PORT: '' }],
    ['fraction', { PREAU_GRACE_SECONDS: '7.5' }],
    ['grace below its minimum', { PREAU_GRACE_SECONDS: '1' }],
    ['public address with a path', { PREAU_PUBLIC_URL: 'https://preau.fr/' }],
    ['public address without scheme', { PREAU_PUBLIC_URL: 'preau.fr' }],
    ['short secret', { PREAU_SECRET: 'abcd' }],
    ['unknown variable', { PREAU_SECERT: 'x' }],
    ['Redis over http', { PREAU_REDIS_URL: 'http://x' }],
  ];
  test.each(refused)('refuses %s', (_name, environment) =>
    expect(faultsOf(environment).faults.map((fault) => fault.name)).toEqual(
      Object.keys(environment),
    ),
  );

  test('the secret is never repeated', () => {
    const error = faultsOf({ PREAU_SECRET: 'hunter2-hunter2', PREAU_PORT: 'x' });
    expect(JSON.stringify(error.faults) + error.message).not.toContain('hunter2');
    expect(error.faults).toContainEqual(
      expect.objectContaining({ name: 'PREAU_SECRET', value: '(hidden)' }),
    );
  });

  test('the file counts, the environment wins, unknown keys are faults', () => {
    expect(parseConfig({}, { port: 9000 }).PREAU_PORT).toBe(9000);
    expect(parseConfig({ PREAU_PORT: '9001' }, { port: 9000 }).PREAU_PORT).toBe(9001);
    expect(faultsOf({}, { prot: 9000 }).faults.map((fault) => fault.name)).toEqual(['prot']);
  });

  test('names of other programs and PREAU_CONFIG are none of its business', () => {
    expect(() => parseConfig({ PATH: '/bin', PREAU_CONFIG: '/etc/preau.toml' })).not.toThrow();
  });
});
