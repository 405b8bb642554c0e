/** `rollout`, and `brake`, which stops all of them. */
import type { Call } from '#src/call.ts';
import { exitCodes, UsageError } from '#src/outcome.ts';
import { cancelKindFrom } from '#src/parse.ts';
import { describePlan } from '#src/plan.ts';
import { answered, draftFrom, type PlanOptions, watch } from '#src/rollouts.ts';
import type { Shell } from '#src/shell.ts';
import { plain, table } from '#src/show.ts';
import type { Word } from '#src/words.ts';

const reading = (call: Call) => (id: string) => call('readRollout', { params: { id } });

export function addRollouts({ program, lang, t, printer, json, calling }: Shell): void {
  const rollout = program.command('rollout').description(t('cmdRollout'));
  rollout
    .command('plan')
    .description(t('cmdPlan'))
    .option('--apps <list>', t('optApps'))
    .option('--remove <list>', t('optRemove'))
    .option('--sites <list>', t('optSites'))
    .option('--groups <list>', t('optGroups'))
    .option('--labels <list>', t('optLabels'))
    .option('--waves <list>', t('optWaves'))
    .option('--gate <gate>', t('optGate'), 'auto')
    .option('--windows <windows>', t('optWindows'))
    .option('--name <name>', t('optName'))
    .option('--roll-back', t('optRollBack'))
    .action(
      calling(async ({ call, asJson }, options: PlanOptions) => {
        const planned = await answered(
          reading(call),
          await call('createRollout', { body: await draftFrom(call, options) }),
          () => printer.remark(t('asking')),
        );
        if (asJson) json(planned);
        else for (const line of describePlan(lang, planned)) printer.out(line);
        return planned.plan.needsApproval ? exitCodes.needsApproval : exitCodes.done;
      }),
    );
  const watching = (call: Call, id: string, asJson: boolean, untilPause: boolean) =>
    watch(call, printer, id, { json: asJson, untilPause, lost: t('lost') });
  rollout
    .command('start <id>')
    .description(t('cmdStart'))
    .option('--force', t('optForce'))
    .option('--watch', t('optWatch'))
    .action(
      calling(
        async ({ call, asJson }, id: string, options: { force?: boolean; watch?: boolean }) => {
          // What was read is what starts: when an answer changes the plan, it is read again first.
          const { plan, ...read } = await call('readRollout', { params: { id } });
          await answered(reading(call), { ...read, plan }, () => printer.remark(t('asking')));
          const started = await call('startRollout', {
            params: { id },
            body: { planHash: plan.hash, force: options.force === true },
          });
          if (options.watch === true) return watching(call, id, asJson, false);
          if (asJson) json(started);
          else printer.out(t('nowIs', { name: plain(started.name), state: started.state }));
          return exitCodes.done;
        },
      ),
    );
  rollout
    .command('watch <id>')
    .description(t('cmdWatch'))
    .option('--until-pause', t('optUntilPause'))
    .action(
      calling(({ call, asJson }, id: string, options: { untilPause?: boolean }) =>
        watching(call, id, asJson, options.untilPause === true),
      ),
    );
  rollout
    .command('list')
    .description(t('cmdList'))
    .action(
      calling(async ({ call, asJson }) => {
        const { items } = await call('listRollouts', { query: { limit: '100' } });
        if (asJson) json(items);
        else
          for (const line of table(
            items.map((one) => [
              one.id,
              one.state,
              new Date(one.createdAt).toISOString().slice(0, 16),
              `${one.sites}`,
              one.name,
            ]),
          ))
            printer.out(line);
        return exitCodes.done;
      }),
    );
  rollout
    .command('show <id>')
    .description(t('cmdShow'))
    .action(
      calling(async ({ call, asJson }, id: string) => {
        const found = await call('readRollout', { params: { id } });
        if (asJson) json(found);
        else for (const line of describePlan(lang, found)) printer.out(line);
        return exitCodes.done;
      }),
    );

  const steering = (
    name: string,
    word: Word,
    steer: (
      call: Call,
      id: string,
      options: { kind: string; wave?: string },
    ) => Promise<{ name: string; state: string }>,
  ) =>
    rollout
      .command(`${name} <id>`)
      .description(t(word))
      .action(
        calling(async ({ call, asJson }, id: string, options: { kind: string; wave?: string }) => {
          const now = await steer(call, id, options);
          if (asJson) json(now);
          else printer.out(t('nowIs', { name: plain(now.name), state: now.state }));
          return exitCodes.done;
        }),
      );
  steering('pause', 'cmdPause', (call, id) => call('pauseRollout', { params: { id } }));
  steering('resume', 'cmdResume', (call, id) => call('resumeRollout', { params: { id } }));
  steering('cancel', 'cmdCancel', (call, id, { kind }) =>
    call('cancelRollout', { params: { id }, body: { kind: cancelKindFrom(kind) } }),
  ).option('--kind <kind>', t('optKind'), 'finish');
  steering('retry', 'cmdRetry', (call, id) => call('retryRollout', { params: { id } }));
  steering('roll-back', 'cmdRollBack', (call, id, { wave }) => {
    if (wave !== undefined && !/^[1-9]\d?$/.test(wave))
      throw new UsageError('badChoice', { text: wave, choices: '1, 2, 3…' });
    return call('rollBackRollout', {
      params: { id },
      body: { wave: wave === undefined ? null : Number(wave) },
    });
  }).option('--wave <number>', t('optWave'));
  steering('finish', 'cmdFinish', (call, id) => call('finishRollout', { params: { id } }));
}

export function addBrake({ program, t, printer, json, calling }: Shell): void {
  program
    .command('brake [state]')
    .description(t('cmdBrake'))
    .action(
      calling(async ({ call, asJson }, state: string | undefined) => {
        if (state !== undefined && !['on', 'off', 'status'].includes(state))
          throw new UsageError('badChoice', { text: state, choices: 'on, off, status' });
        const brake =
          state === 'on' || state === 'off'
            ? await call('setBrake', { body: { on: state === 'on' } })
            : await call('readBrake', {});
        if (asJson) json(brake);
        else printer.out(brake.on ? t('brakeOn', { cause: brake.cause ?? '' }) : t('brakeOff'));
        return exitCodes.done;
      }),
    );
}
