/** The language of the mails a person gets: the one they last used for the pages. */
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { saveLanguage } from './store.ts';

/** Repeating is safe. */
export async function changeLanguage(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
  language: 'fr' | 'en',
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    if (await saveLanguage(rows, actor.id, language))
      await recordEffect(deps, rows, actor, {
        action: 'account.language_set',
        subjectId: actor.id,
        subjectName: actor.name,
        siteId: actor.siteId,
        details: { language },
      });
  });
  deps.wakeups.wake(['audit']);
}
