#!/usr/bin/env node
/** `preau`: the city from a script or a terminal. Each command is one or a few calls of the
 * contract; the number it ends with is part of what it promises (`preau --help`). */
import { text } from 'node:stream/consumers';
import type { ChainVerdict } from '@preau/contract/audit-chain.ts';
import { Command, CommanderError } from 'commander';
import { linkFrom, verifyFiles } from './audit.ts';
import { type Call, caller } from './call.ts';
import { apply, readDrafts, upload, uploadMissing, withdraw } from './catalogue.ts';
import {
  type Connection,
  connectionFrom,
  forget,
  keep,
  language,
  readToken,
  urlFrom,
} from './config.ts';
import { type ExitCode, exitCodes, Refused, Unreachable, UsageError } from './outcome.ts';
import { cancelKindFrom } from './parse.ts';
import { describePlan } from './plan.ts';
import { draftFrom, type PlanOptions, watch } from './rollouts.ts';
import { type Printer, plain, table } from './show.ts';
import { say, type Word } from './words.ts';

interface Global {
  url?: string;
  tokenFile?: string;
  json?: boolean;
}

const lang = language();
const t = (word: Word, values: Record<string, string | number> = {}) => say(lang, word, values);
const printer: Printer = {
  tty: process.stdout.isTTY === true,
  out: (line) => process.stdout.write(`${process.stdout.isTTY ? '\r\u001b[K' : ''}${line}\n`),
  remark: (line) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`),
  redraw: (line) =>
    process.stdout.write(
      `\r\u001b[K${line.slice(0, Math.max((process.stdout.columns ?? 80) - 1, 20))}`,
    ),
};
const json = (value: unknown) => printer.out(JSON.stringify(value, null, 2));

const program = new Command('preau')
  .description(t('about'))
  .addHelpText('after', t('exitCodes'))
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .option('--url <url>', t('optUrl'))
  .option('--token-file <file>', t('optTokenFile'))
  .option('--json', t('optJson'));

let code: ExitCode = exitCodes.done;
/** A command that calls: knows where, as whom, and how to answer. */
const calling =
  <A extends unknown[]>(
    work: (
      context: { call: Call; connection: Connection; asJson: boolean },
      ...args: A
    ) => Promise<ExitCode | undefined>,
  ) =>
  async (...args: A): Promise<void> => {
    const global = program.opts<Global>();
    const connection = connectionFrom(global);
    if (
      connection.url.startsWith('http:') &&
      !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|$)/.test(connection.url)
    )
      printer.remark(t('plain'));
    code =
      (await work(
        { call: caller(connection), connection, asJson: global.json === true },
        ...args,
      )) ?? exitCodes.done;
  };

program
  .command('login')
  .description(t('cmdLogin'))
  .action(async () => {
    const global = program.opts<Global>();
    const url = urlFrom(global);
    if (global.tokenFile === undefined && process.stdin.isTTY) printer.remark(t('pasteToken'));
    const token = global.tokenFile === undefined ? await firstLine() : readToken(global.tokenFile);
    if (!/^preau_[A-Za-z0-9_-]{43}$/.test(token)) throw new UsageError('badToken');
    const me = await caller({ url, token })('me', {});
    printer.remark(t('loggedIn', { url, name: plain(me.displayName), path: keep({ url, token }) }));
  });
program
  .command('logout')
  .description(t('cmdLogout'))
  .action(() => {
    forget();
    printer.remark(t('loggedOut'));
  });
program
  .command('whoami')
  .description(t('cmdWhoami'))
  .action(
    calling(async ({ call, asJson }) => {
      const me = await call('me', {});
      if (asJson) json(me);
      else printer.out(`${me.login}  ${plain(me.displayName)}`);
      return exitCodes.done;
    }),
  );

/** A terminal gives lines; a pipe its whole content. */
async function firstLine(): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  for await (const chunk of process.stdin) return String(chunk).trim();
  return '';
}

// ---- catalogue -----------------------------------------------------------------------------------------------------------

const catalogue = program.command('catalogue').description(t('cmdCatalogue'));
catalogue
  .command('apply <path>')
  .description(t('cmdApply'))
  .option('--dry-run', t('optDryRun'))
  .option('--packages <folder>', t('optPackages'))
  .action(
    calling(
      async (
        { call, connection, asJson },
        path: string,
        options: { dryRun?: boolean; packages?: string },
      ) => {
        const drafts = readDrafts(path);
        if (options.packages !== undefined && options.dryRun !== true)
          await uploadMissing(connection, call, drafts, options.packages, (stored) =>
            printer.remark(
              t('uploaded', { name: stored.name, sha256: stored.sha256.slice(0, 12) }),
            ),
          );
        const items = await apply(call, drafts, options.dryRun === true);
        const count = (...results: string[]) =>
          items.filter(({ result }) => results.includes(result)).length;
        if (asJson) json(items);
        else {
          const sign = { added: '+', version_added: '↑', unchanged: ' ', refused: '✗' };
          for (const line of table(
            items
              .filter(({ result }) => result !== 'unchanged')
              .map((item) => [
                sign[item.result],
                item.slug ?? `#${item.index + 1}`,
                item.version ?? '',
                item.code === null ? '' : `${item.code} ${item.why ?? ''}`,
              ]),
          ))
            printer.out(line.trimEnd());
          printer.remark(
            t('imported', {
              added: count('added', 'version_added'),
              unchanged: count('unchanged'),
              refused: count('refused'),
            }),
          );
          if (options.dryRun === true) printer.remark(t('dryRun'));
        }
        return count('refused') > 0 ? exitCodes.refused : exitCodes.done;
      },
    ),
  );
catalogue
  .command('export')
  .description(t('cmdExport'))
  .action(
    calling(async ({ call }) => {
      json(await call('exportCatalogue', {}));
      return exitCodes.done;
    }),
  );
for (const [name, word, done, withdrawn] of [
  ['withdraw', 'cmdWithdraw', 'withdrawn', true],
  ['restore', 'cmdRestore', 'restored', false],
] as const) {
  catalogue
    .command(`${name} <application>`)
    .description(t(word))
    .action(
      calling(async ({ call, asJson }, named: string) => {
        const moved = await withdraw(call, named, withdrawn);
        if (asJson) json(moved);
        else printer.out(t(done, { slug: moved.slug, versions: moved.versions.join(', ') }));
        return exitCodes.done;
      }),
    );
}
program
  .command('package')
  .description(t('cmdPackage'))
  .command('upload <file>')
  .description(t('cmdUpload'))
  .option('--name <name>', t('optName'))
  .action(
    calling(async ({ call, connection, asJson }, file: string, options: { name?: string }) => {
      const { stored, before } = await upload(connection, call, file, options.name, (share) => {
        if (printer.tty && !asJson) printer.redraw(`${Math.floor(share * 100)} %`);
      });
      if (asJson) json(stored);
      else
        printer.out(
          t(before ? 'uploadedBefore' : 'uploaded', { name: stored.name, sha256: stored.sha256 }),
        );
      return exitCodes.done;
    }),
  );

// ---- lists ------------------------------------------------------------------------------------------------------------------

const listed = (
  command: string,
  word: Word,
  list: (call: Call) => Promise<{ items: unknown[]; rows: (string | number)[][] }>,
) =>
  program
    .command(command)
    .description(t(word))
    .command('list')
    .description(t('cmdList'))
    .action(
      calling(async ({ call, asJson }) => {
        const { items, rows } = await list(call);
        if (asJson) json(items);
        else for (const line of table(rows)) printer.out(line.trimEnd());
        return exitCodes.done;
      }),
    );
listed('sites', 'cmdSites', async (call) => {
  const { items } = await call('listSites', {});
  return {
    items,
    rows: items.map((site) => [
      site.uai,
      site.health,
      site.name,
      site.city,
      `${site.servers}`,
      `${site.liveSessions}`,
    ]),
  };
});
listed('servers', 'cmdServers', async (call) => {
  const { items } = await call('listServers', { query: {} });
  return {
    items,
    rows: items.map((server) => [
      server.id,
      server.health,
      server.siteName,
      server.name,
      `${server.liveSessions}/${server.maxSessions}`,
    ]),
  };
});
listed('applications', 'cmdApplications', async (call) => {
  const { items } = await call('listApplications', {});
  return {
    items,
    rows: items.map((application) => [
      application.slug,
      application.version,
      application.name[lang],
      `${application.installedOn}`,
    ]),
  };
});

// ---- rollouts --------------------------------------------------------------------------------------------------------------

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
      const planned = await call('createRollout', { body: await draftFrom(call, options) });
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
    calling(async ({ call, asJson }, id: string, options: { force?: boolean; watch?: boolean }) => {
      const { plan } = await call('readRollout', { params: { id } });
      const started = await call('startRollout', {
        params: { id },
        body: { planHash: plan.hash, force: options.force === true },
      });
      if (options.watch === true) return watching(call, id, asJson, false);
      if (asJson) json(started);
      else printer.out(t('nowIs', { name: plain(started.name), state: started.state }));
      return exitCodes.done;
    }),
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

program
  .command('audit')
  .description(t('cmdAudit'))
  .command('verify [files...]')
  .description(t('cmdVerify'))
  .option('--head <place>', t('optHead'))
  .option('--key <key>', t('optKey'))
  .action(async (files: string[], options: { head?: string; key?: string }) => {
    const known = linkFrom(options.head);
    const told = (verdict: ChainVerdict): ExitCode => {
      if (program.opts<Global>().json === true) json(verdict);
      else if (verdict.broken === null)
        printer.out(
          t('auditIntact', {
            events: verdict.events,
            erased: verdict.erased,
            head: `${verdict.head.seq}:${verdict.head.hash}`,
          }),
        );
      else
        printer.out(
          t('auditBroken', { seq: verdict.broken.seq, problem: t(verdict.broken.problem) }),
        );
      return verdict.intact ? exitCodes.done : exitCodes.failed;
    };
    if (files.length === 0)
      return calling(async ({ call }) =>
        told(
          await call('verifyAudit', {
            query: known === null ? {} : { seq: String(known.seq), hash: known.hash },
          }),
        ),
      )();
    const verdict = await verifyFiles(files, { key: options.key, known });
    code = told(verdict);
    if (options.key === undefined && verdict.key !== null)
      printer.remark(
        t('auditKey', {
          key: verdict.key,
          at: verdict.signedAt === null ? '?' : new Date(verdict.signedAt).toISOString(),
        }),
      );
    if (verdict.intact && !verdict.last) printer.remark(t('auditPart'));
  });

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

try {
  await program.parseAsync();
} catch (error) {
  code = ended(error);
}
process.exitCode = code;

function ended(error: unknown): ExitCode {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof UsageError) {
    printer.remark(t(error.word, error.values));
    return exitCodes.usage;
  }
  if (error instanceof Refused) {
    // What exactly is wrong, where the controller knows: that is the sentence.
    const { why, ...others } = error.details;
    const told =
      typeof why === 'object' && why !== null
        ? (why as Partial<Record<typeof lang, unknown>>)[lang]
        : undefined;
    const details = told === undefined ? error.details : others;
    printer.remark(
      t('refused', {
        code: error.code,
        why: `${plain(typeof told === 'string' ? told : error.said[lang])} ${Object.keys(details).length === 0 ? '' : plain(JSON.stringify(details)).slice(0, 500)}`.trim(),
      }),
    );
    return error.code === 'NEEDS_APPROVAL' ? exitCodes.needsApproval : exitCodes.refused;
  }
  if (error instanceof Unreachable) {
    printer.remark(t('unreachable', { why: error.message }));
    return exitCodes.unreachable;
  }
  throw error;
}
