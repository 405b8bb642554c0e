/** Opens one program as a pupil does, until its first picture, and ends it: this proves that the
 * city works. */
import { isLive, type Session } from '@preau/contract/session.ts';
import { Client } from './client.ts';
import { GivenUp, until } from './services.ts';
import { openTunnel } from './tunnel-client.ts';
import { demoLogins } from './world.ts';

interface Address {
  url: string;
  password: string;
  /** The address people type, if it is not `url`: pages from any other are refused. */
  origin?: string;
}

/** Throws an error that says what failed, and at which step. */
export async function openFirstProgram(city: Address, application: string): Promise<void> {
  const pupil = new Client(city.url);
  await pupil.signIn(demoLogins.pupil, city.password);
  const { session, ticket } = await pupil.call('launchSession', {
    body: { application, language: 'fr' },
  });
  const read = () => pupil.call('readSession', { params: { id: session.id } });
  const tunnel = await openTunnel(
    pupil,
    ticket,
    city.origin === undefined ? {} : { origin: city.origin },
  );
  try {
    await until(
      'the picture',
      async () => {
        const now = await read();
        if (!isLive(now.state)) throw new GivenUp(await whyOver(city, now));
        if (tunnel.closed !== null) throw new GivenUp(`the gateway: ${tunnel.closed.reason}`);
        return now.state === 'active' && now.openedAt !== null && tunnel.firstFrameAt !== null;
      },
      60_000,
    );
  } finally {
    tunnel.close();
    await pupil.call('endSession', { params: { id: session.id } }).catch(() => undefined);
  }
}

/** A pupil sees only the error code; the audit tells a technician more. */
async function whyOver(city: Address, session: Session): Promise<string> {
  const technician = new Client(city.url);
  await technician.signIn(demoLogins.technician, city.password);
  const { items } = await technician.call('listAudit', {
    query: { limit: '20', search: `session.${session.state}` },
  });
  const told = items.find((event) => event.subjectId === session.id);
  return (
    `the session ${session.state}: ${session.failureCode ?? session.endReason} ` +
    `${JSON.stringify(told?.details ?? {})}`
  );
}
