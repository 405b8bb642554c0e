/** The real edge of a test's city, and people who are signed in to it. */
import type { FastifyInstance } from 'fastify';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { createClassEntry } from '#src/classes/enter.ts';
import { createIdentity } from '#src/identity/sign-in.ts';
import { ownChecks } from '#src/platform/health/checks.ts';
import { createHealth } from '#src/platform/health/health.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { type Additions, createAdditions } from '#src/servers/additions/add-server.ts';
import { type City, publicUrl as usualUrl } from '#src/testing.fixture.ts';
import { createHttp } from './http.ts';
import type { EdgeDeps } from './verbs/verb.ts';

/** Every page may call it. `more` replaces parts. */
export function openEdge(
  platform: Platform,
  more: Partial<EdgeDeps> = {},
): Promise<FastifyInstance> {
  const { publicUrl = () => usualUrl, identity = createIdentity(platform) } = more;
  return createHttp({
    ...platform,
    version: '0',
    publicUrl,
    originAllowed: () => true,
    identity,
    additions: createAdditions({ ...platform, publicUrl }),
    classEntry: createClassEntry(platform, identity.passwords),
    health: createHealth(platform, ownChecks(platform)),
    ...more,
  });
}

/** Returns the secret of a new sign-in. */
export async function signedIn(
  city: City,
  accountId: string,
  expiresAt = city.time.at + 3_600_000,
): Promise<string> {
  const token = newToken();
  await insertSignIn(city.platform.database, {
    tokenHash: sha256(token),
    accountId,
    now: city.time.at,
    expiresAt,
  });
  return token;
}

/** Adds servers as the product does, but for the first word of their SSH: no machine listens. */
export function testAdditions({ platform }: City): Additions {
  const additions = createAdditions({ ...platform, publicUrl: () => usualUrl });
  return { ...additions, hostKey: async () => `SHA256:${'a'.repeat(43)}` };
}
