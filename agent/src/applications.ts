/** Installs the applications wanted on this server without a rollout, and keeps them installed: no
 * journal, no window, one attempt after the other. What a rollout orders, orders.ts installs; an
 * application that an order holds is left to that order.
 *
 * An application that somebody removed by hand is reported as failed with NOT_DETECTED, and
 * installed once more after the usual delay. If it is still not found then, a technician has to
 * act. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RecipePlatform } from '@preau/contract/application.ts';
import type { DesiredApplication, DesiredState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import type { ReportedApplication } from '@preau/contract/report.ts';
import type { Driver, Installable } from './drivers/driver.ts';
import type { Failures } from './failures.ts';
import { readText, writeDurably } from './files.ts';
import type { ActualApplication } from './reconcile/plan.ts';
import {
  type Found,
  isAsWanted,
  mayMissOthers,
  recipeMark,
  wantedBeside,
} from './reconcile/wanted.ts';

interface LocalApplication extends ActualApplication {
  reported: ReportedApplication;
}

export interface Applications {
  actual: ReadonlyMap<string, ActualApplication>;
  /** Runs until it is done or has failed; `wanted`: everything this server should have. */
  change: (
    want: Installable['want'],
    application: DesiredApplication,
    wanted: Pick<DesiredState, 'applications'>,
  ) => Promise<void>;
  /** Checks installed applications again and reports those of `wanted` that are gone
   * (NOT_DETECTED). */
  lookAgain: (wanted: readonly DesiredApplication[], busy: () => boolean) => Promise<void>;
  /** `after`: detects by the rule alone; `before`: also compares with the recipe installed last. */
  find: (application: Installable, purpose: 'before' | 'after') => Promise<Found>;
  /** Saves durably which recipes are installed now, or removed. */
  remember: (applications: readonly Installable[]) => void;
  recall: (platform: RecipePlatform) => void;
  reported: () => ReportedApplication[];
  iconOf: (applicationId: string) => Buffer | undefined;
}

const installWithinMs = 30 * 60_000;

export function createApplications({
  stateFolder,
  driver,
  failures,
  tell,
}: {
  stateFolder: string;
  driver: Driver;
  failures: Failures;
  tell: (when: 'soon') => void;
}): Applications {
  const { failed, mended } = failures;
  const marksPath = join(stateFolder, 'brought.json');
  const applications = new Map<string, LocalApplication>();
  const icons = new Map<string, { hash: string; png: Buffer }>();
  /** applicationId → mark of the recipe installed last. */
  let marks: Record<string, string> = {};
  let platform: RecipePlatform = 'linux';

  const find: Applications['find'] = async (application, purpose) => {
    const answer = await driver.detect(application);
    // For some recipes `detect` answers null when another version is there. That version matters
    // too, so ask again for any version.
    const missed =
      answer === null && application.want === 'present' && mayMissOthers(application, platform);
    const version = missed ? await driver.detect({ ...application, want: 'absent' }) : answer;
    return {
      version,
      asWanted: isAsWanted(
        application,
        answer,
        platform,
        purpose === 'before' ? marks[application.applicationId] : undefined,
      ),
    };
  };

  const remember: Applications['remember'] = (list) => {
    const next = { ...marks };
    for (const application of list) {
      if (application.want === 'present')
        next[application.applicationId] = recipeMark(application, platform);
      else delete next[application.applicationId];
      // What was known of it, and would be reported, is no longer true.
      applications.delete(application.applicationId);
    }
    if (JSON.stringify(next) === JSON.stringify(marks)) return;
    writeDurably(marksPath, JSON.stringify(next));
    marks = next;
  };

  const bring = async (application: Installable, wanted: readonly DesiredApplication[]) => {
    const key = `want-${application.slug}`;
    const refusal = driver.refuses(application);
    if (refusal !== null) throw new AppError(refusal, { why: application.slug });
    // An earlier agent's installer may still run: two must not work on the same application.
    await driver.installerOf(key);
    const { signal } = new AbortController();
    const beside = wantedBeside([application], wanted);
    await driver.stage(key, [application], {
      kibibytesPerSecond: null,
      wanted: beside,
      progress: () => undefined,
      signal,
    });
    const [applied] = await driver.apply(key, [application], {
      progress: () => undefined,
      signal,
      timeoutMs: installWithinMs,
      wanted: beside,
    });
    if (applied !== undefined && applied.code !== null)
      throw new AppError(applied.code, { why: applied.message });
    driver.discard(key);
  };

  const readIcon = async (application: DesiredApplication): Promise<string | null> => {
    try {
      const png = await driver.readIcon(application);
      if (png === null) return null;
      const hash = createHash('sha256').update(png).digest('hex');
      icons.set(application.applicationId, { hash, png });
      mended('read_icon', application.slug);
      return hash;
    } catch (error) {
      failed('read_icon', application.slug, error, 'no');
      return null;
    }
  };

  const note = (
    { applicationId, versionId, askedAt }: DesiredApplication,
    state: ActualApplication['state'],
    reported: ReportedApplication['state'],
    more: Partial<ReportedApplication> = {},
    retryAt: number | null = null,
  ) => {
    applications.set(applicationId, {
      versionId,
      state,
      askedAt,
      retryAt,
      reported: {
        applicationId,
        state: reported,
        version: null,
        error: null,
        iconHash: null,
        ...more,
      },
    });
    tell('soon');
  };

  return {
    actual: applications,
    find,
    remember,
    change: async (want, application, wanted) => {
      const { applicationId, slug, askedAt } = application;
      const step = want === 'present' ? 'install_application' : 'remove_application';
      const past = applications.get(applicationId);
      if (past !== undefined && past.askedAt !== askedAt) mended(step, slug);
      const installable: Installable = { ...application, want };
      try {
        // Detect before and after: nothing is installed twice, and exit code 0 is no proof.
        let found = await find(installable, 'before');
        if (!found.asWanted) {
          note(
            application,
            past?.state ?? 'unknown',
            want === 'present' ? 'installing' : 'removing',
          );
          await bring(installable, wanted.applications);
          found = await find(installable, 'after');
        }
        if (!found.asWanted)
          throw new AppError(want === 'present' ? 'NOT_DETECTED' : 'REMOVE_FAILED', {
            why: `the detection rule ${want === 'present' ? 'does not find' : 'still finds'} ${slug}`,
          });
        remember([installable]);
        mended(step, slug);
        if (want === 'present')
          note(application, 'installed', 'installed', {
            version: found.version?.slice(0, 80) || null,
            iconHash: await readIcon(application),
          });
        else note(application, 'absent', 'removed');
      } catch (error) {
        const failure = failed(step, slug, error, 'if_useful');
        note(
          application,
          'failed',
          'failed',
          { error: { code: failure.code, message: failure.message } },
          failure.retryAt,
        );
      }
    },
    lookAgain: async (wanted, busy) => {
      for (const application of wanted) {
        const local = applications.get(application.applicationId);
        if (local?.state !== 'installed' || local.versionId !== application.versionId) continue;
        // New pending updates are expected and no sign of a manual change.
        const { linux } = application.recipes;
        if (linux !== undefined && factsOf(linux)?.staysFound === false) continue;
        const found = await find({ ...application, want: 'present' }, 'after');
        // Work on packages that began meanwhile may be the cause.
        if (busy()) return;
        if (
          found.asWanted ||
          applications.get(application.applicationId) !== local ||
          local.state !== 'installed'
        )
          continue;
        const failure = failed(
          'install_application',
          application.slug,
          new AppError('NOT_DETECTED', {
            why:
              `${application.slug} was there and is ` +
              `${found.version === null ? 'gone' : `now ${found.version}`}: changed by hand`,
          }),
          'yes',
        );
        note(
          application,
          'failed',
          'failed',
          { version: found.version, error: { code: failure.code, message: failure.message } },
          failure.retryAt,
        );
      }
    },
    recall: (of) => {
      platform = of;
      try {
        marks = JSON.parse(readText(marksPath) ?? '{}') as Record<string, string>;
      } catch {
        // Software found on the server then counts as wanted; later installations are recorded
        // again.
        marks = {};
      }
    },
    reported: () => [...applications.values()].map(({ reported }) => reported),
    iconOf: (applicationId) => icons.get(applicationId)?.png,
  };
}
