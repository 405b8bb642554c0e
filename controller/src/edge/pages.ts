/** The console's files, the agent's, and the headers that tell browsers what a page may do. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import helmet from '@fastify/helmet';
import serveStatic from '@fastify/static';
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance } from 'fastify';
import type { Environment } from '#src/config.ts';
import { sha256Base64 } from '#src/platform/secrets.ts';

interface ConsoleFiles {
  folder: string;
  /** The text of `index.html`, served for every path of the console. */
  page: string;
}

/** Null when no console is configured or its `index.html` is missing. */
export function readConsole({ PREAU_CONSOLE: given }: Environment): ConsoleFiles | null {
  const folder = resolve(given);
  const index = join(folder, 'index.html');
  return given === '' || !existsSync(index) ? null : { folder, page: readFileSync(index, 'utf8') };
}

export async function sendSecurityHeaders(
  app: FastifyInstance,
  config: Environment,
  files: ConsoleFiles | null,
): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: [
          "'self'",
          ...inlineScripts(files?.page ?? '').map((script) => `'sha256-${sha256Base64(script)}'`),
        ],
        // Guacamole draws images from `blob:` and `data:` URLs, and positions its layers with style
        // attributes.
        imgSrc: ["'self'", 'data:', 'blob:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        connectSrc: [
          "'self'",
          ...(config.PREAU_PUBLIC_URL === ''
            ? []
            : [config.PREAU_PUBLIC_URL.replace(/^http/, 'ws')]),
        ],
        objectSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
      },
    },
    hsts: config.PREAU_PUBLIC_URL.startsWith('https:'),
  });
}

export async function servePages(
  app: FastifyInstance,
  config: Environment,
  files: ConsoleFiles | null,
): Promise<void> {
  if (config.PREAU_AGENT_FILES !== '')
    await app.register(serveStatic, {
      root: resolve(config.PREAU_AGENT_FILES),
      prefix: '/agent/',
      decorateReply: false,
    });
  if (files !== null)
    await app.register(serveStatic, {
      root: files.folder,
      wildcard: false,
      // Built files have a hash in their name; the page itself must be revalidated.
      setHeaders: (reply, path) =>
        reply.header(
          'cache-control',
          path.includes('/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        ),
    });
  app.setNotFoundHandler((request, reply) => {
    if (
      files !== null &&
      request.method === 'GET' &&
      !request.url.startsWith('/api/') &&
      !request.url.startsWith('/agent/')
    )
      return reply.type('text/html').header('cache-control', 'no-cache').send(files.page);
    throw new AppError('NOT_FOUND');
  });
}

const inlineScripts = (page: string): string[] =>
  [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) => match[1] ?? '',
  );
