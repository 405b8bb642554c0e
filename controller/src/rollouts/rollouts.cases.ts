/** What must hold of rollouts, whatever database is below: run against each by its tests. Agents
 * are played: each reads its signed desired state and reports what it is told to. */
import { runCases } from '#src/rollouts/run/run.cases.ts';
import { timeCases } from '#src/rollouts/run/time.cases.ts';
import type { City } from '#src/testing.fixture.ts';
import { askingCases } from './asking.cases.ts';
import { guardCases } from './guards.cases.ts';
import { pageCases } from './pages.cases.ts';
import { rolloutFixture } from './rollouts.fixture.ts';
import { steerCases } from './steer.cases.ts';

export function rolloutCases(open: () => Promise<City>): void {
  const at = rolloutFixture(open);
  runCases(at);
  timeCases(at);
  guardCases(at);
  steerCases(at);
  pageCases(at);
  askingCases(at);
}
