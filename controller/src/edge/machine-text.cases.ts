/** A report with bytes that no database column takes, for every database. */
import { Report } from '@preau/contract/report.ts';
import { describe, expect, test } from 'vitest';
import { acceptReport } from '#src/reports/accept-report.ts';
import { rolloutFixture } from '#src/rollouts/rollouts.fixture.ts';
import { readTarget } from '#src/rollouts/targets/pages/list.ts';
import { selectServer } from '#src/servers/fleet/store.ts';
import type { City } from '#src/testing.fixture.ts';
import { checker } from './check.ts';
import { cleanMachineText } from './machine-text.ts';

const checkReport = checker(Report, 'body');

/** The text with a NUL, a bell and a direction override in its middle and at its end. */
const soil = (text: string) => `${text.slice(0, 2)}\u0000\u0007${text.slice(2)}\u202e\u0000`;

export function machineTextCases(open: () => Promise<City>): void {
  const at = rolloutFixture(open);

  describe('text from a machine', () => {
    test('after a power cut: the report is applied, its text without what nobody can store', async () => {
      const id = await at.begin();
      const [first] = at.fleet;
      if (first === undefined) throw new Error('no server');
      const [order] = await at.ordersOf(first.agent);
      if (order === undefined) throw new Error('no order');
      const report = first.agent.report({
        orders: [
          at.answer(order, 'failed', 9, {
            message: soil('dpkg was interrupted'),
            log: `Unpacking…\r\n\u001b[31mdpkg: error\u001b[0m\u0000\u0000\nend`,
          }),
        ],
        failedSteps: [
          {
            step: 'install_application',
            code: 'INSTALL_FAILED',
            element: soil('abacus'),
            message: soil('dpkg: error'),
            attempt: 1,
            at: 1,
            retryAt: null,
          },
        ],
      });
      report.inventory.system = soil('Debian 12');
      report.inventory.chosen = [{ name: '\u0000\u0000', version: soil('1.0') }];

      await acceptReport(
        at.city.platform,
        first.agent.actor,
        checkReport(cleanMachineText(report)) as Report,
      );

      const target = await readTarget(
        at.city.platform,
        at.city.technician,
        id,
        first.agent.actor.id,
      );
      expect(target).toMatchObject({ state: 'failed', message: 'dpkg was interrupted' });
      expect(target.log).toBe('Unpacking…\ndpkg: error\nend');
      const server = await selectServer(
        at.city.platform.database,
        first.agent.actor.id,
        at.city.time.at,
      );
      expect(server).toMatchObject({
        inventory: { system: 'Debian 12', chosen: [{ name: '?', version: '1.0' }] },
        failedSteps: [{ element: 'abacus', message: 'dpkg: error' }],
      });
    });
  });
}
