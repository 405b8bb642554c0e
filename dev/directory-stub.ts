/** A stand-in for a city's directory that takes its time: each answer comes after `delayMs`. For loads only, where a real one would be what is
 *  measured; sign-in itself is tested against real directories. Everybody `p0`, `p1`, … is there, with one password. In a process of its own. */
import { readFileSync } from 'node:fs';
import ldap from 'ldapjs';

export interface StubQuestion {
  certPath: string;
  keyPath: string;
  delayMs: number;
  password: string;
  /** By position: the school's UAI code of each person. */
  uais: readonly string[];
}

interface Response { send: (entry: object) => void; end: () => void }
type Next = (error?: Error) => void;

process.once('message', ({ certPath, keyPath, delayMs, password, uais }: StubQuestion) => {
  const server = ldap.createServer({ certificate: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') });
  const later = (work: () => void) => setTimeout(work, delayMs);
  server.bind('dc=ville', (request: { credentials: string }, response: Response, next: Next) => {
    const known = request.credentials === password;
    later(() => {
      if (!known) return next(new ldap.InvalidCredentialsError());
      response.end();
      next();
    });
  });
  server.search('dc=ville', (request: { filter: object }, response: Response, next: Next) => {
    const number = /\(uid=p(\d+)\)/.exec(String(request.filter))?.[1];
    later(() => {
      const uai = number === undefined ? undefined : uais[Number(number)];
      if (number !== undefined && uai !== undefined) {
        response.send({ dn: `uid=p${number},dc=ville`, attributes: { uid: [`p${number}`], cn: [`Personne ${number}`], displayName: [`Personne ${number}`], entryUUID: [`00000000-0000-0000-0000-${number.padStart(12, '0')}`], ou: [uai], objectClass: ['inetOrgPerson'] } });
      }
      response.end();
      next();
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server as unknown as { port: number }).port));
});
process.on('disconnect', () => process.exit(0));
