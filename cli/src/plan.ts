/** Text of a plan, to read before starting it. Pure. */
import { refusalIn } from '@preau/contract/refusal-sentence.ts';
import type { Rollout } from '@preau/contract/rollout.ts';
import { mebibytes, plain, stateLine, table } from './show.ts';
import { type Language, say } from './words.ts';

export function describePlan(language: Language, rollout: Rollout): string[] {
  const { plan, id } = rollout;
  const { totals } = plan;
  const reasons = new Map<string, number>();
  for (const { reason } of plan.leftOut) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const waiting = rollout.state === 'planned' || rollout.state === 'approved';
  return [
    say(language, 'planned', {
      id,
      servers: totals.servers,
      sites: totals.sites,
      nothing: totals.nothingToDo,
      offline: totals.offline,
      minutes: Math.ceil(totals.minutes),
    }),
    ...table(
      plan.applications.map((one) => [
        one.want === 'present' ? '+' : '−',
        one.slug,
        one.version,
        one.becauseOf === null ? '' : `← ${one.becauseOf}`,
      ]),
    ).map((line) => `  ${line.trimEnd()}`),
    ...(totals.bytes > 0 ? [`  ${mebibytes(totals.bytes)}`] : []),
    ...(plan.leftOut.length === 0
      ? []
      : [
          say(language, 'leftOut', {
            count: plan.leftOut.length,
            reasons: [...reasons].map(([reason, n]) => `${reason} ${n}`).join(', '),
          }),
        ]),
    ...plan.refusals.map((refusal) => `✕ ${plain(refusalIn(plan, refusal)[language])}`),
    ...(rollout.asking === null
      ? []
      : [
          say(language, 'asked', {
            answered: rollout.asking.answered,
            later: rollout.asking.atStart + rollout.asking.silent,
          }),
        ]),
    ...plan.clashes.map((clash) =>
      say(language, 'clash', {
        name: plain(clash.rolloutName),
        kind: clash.kind,
        servers: clash.servers,
      }),
    ),
    stateLine(rollout),
    ...(plan.needsApproval && rollout.approvedByName === null
      ? [say(language, 'needsApproval', { id })]
      : waiting
        ? [say(language, 'startWith', { id })]
        : []),
  ];
}
