/** Installs what is wanted on this server without a rollout, and keeps it there: no journal, no
 * window, one attempt after the other. What a rollout orders, orders.ts installs; an application
 * that is an order's business now is left to it.
 *
 * One that somebody took away by hand is reported as failed with NOT_DETECTED, and installed once
 * more after the usual delay; when it then still is not found, that is left to a technician. */
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
  packagesToKeep,
  recipeMark,
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
  /** Tells those of `wanted` that were there and are gone. */
  lookAgain: (wanted: readonly DesiredApplication[], busy: () => boolean) => Promise<void>;
  /** By the rule alone; or, `before` work, also by the recipe that was brought last. */
  find: (application: Installable, purpose: 'before' | 'after') => Promise<Found>;
  /** These recipes are in force, or what they brought is gone. Durable. */
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
  /** applicationId → what was brought last. */
  let marks: Record<string, string> = {};
  let platform: RecipePlatform = 'linux';

  const find: Applications['find'] = async (application, purpose) => {
    const answer = await driver.detect(application);
    // A recipe that is particular about the version is told null of another one; what is there
    // matters all the same.
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
      // Somebody else's work: what we knew is looked at anew.
      const local = applications.get(application.applicationId);
      if (local !== undefined) local.state = 'unknown';
    }
    if (JSON.stringify(next) === JSON.stringify(marks)) return;
    writeDurably(marksPath, JSON.stringify(next));
    marks = next;
  };

  const bring = async (application: Installable, wanted: readonly DesiredApplication[]) => {
    const key = `want-${application.slug}`;
    const refusal = driver.refuses(application);
    if (refusal !== null) throw new AppError(refusal, { why: application.slug });
    // One that an agent before this one began: two do not work on the same thing.
    await driver.installerOf(key);
    const { signal } = new AbortController();
    await driver.stage(key, [application], {
      kibibytesPerSecond: null,
      progress: () => undefined,
      signal,
    });
    const [applied] = await driver.apply(key, [application], {
      progress: () => undefined,
      signal,
      timeoutMs: installWithinMs,
      keep: packagesToKeep([application], wanted),
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
        // Looked at before and after: what is there is not installed twice, and exit code 0 is not
        // proof.
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
        // That new updates are pending is nobody's deed.
        const { linux } = application.recipes;
        if (linux !== undefined && factsOf(linux)?.staysFound === false) continue;
        const found = await find({ ...application, want: 'present' }, 'after');
        // Work that began meanwhile may be why.
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
        // Everything there then counts as it is; what is brought from now on is known again.
        marks = {};
      }
    },
    reported: () => [...applications.values()].map(({ reported }) => reported),
    iconOf: (applicationId) => icons.get(applicationId)?.png,
  };
}
