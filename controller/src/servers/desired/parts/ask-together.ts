/** The questions of several plans as one part of a desired state. Pure. */
import type { DesiredApplication, DesiredState } from '@preau/contract/desired-state.ts';

const maxQuestions = 20;
const maxAsked = 500;

/** The oldest first. An application can be asked about in one version at a time, and each question
 * once: what does not fit waits until others are answered. */
export function askTogether(
  questions: readonly { key: string; asked: readonly DesiredApplication[] }[],
): NonNullable<DesiredState['questions']> {
  const asked = new Map<string, DesiredApplication>();
  const kept = new Map<string, { key: string; applicationIds: string[] }>();
  for (const question of questions) {
    const fits = question.asked.every(
      ({ applicationId, versionId }) =>
        (asked.get(applicationId)?.versionId ?? versionId) === versionId,
    );
    const added = question.asked.filter(({ applicationId }) => !asked.has(applicationId));
    if (!fits || kept.size >= maxQuestions || asked.size + added.length > maxAsked) continue;
    for (const application of added) asked.set(application.applicationId, application);
    kept.set(question.key, {
      key: question.key,
      applicationIds: question.asked.map(({ applicationId }) => applicationId),
    });
  }
  return { asked: [...asked.values()], questions: [...kept.values()] };
}
