/** What attackers have: accounts of pupils and of a contact who mean no good, and two files. */
import type { Web } from './web.ts';

export interface Loot {
  web: Web;
  /** Cookies. */
  pupils: readonly string[];
  contact: string;
  /** The contact's school. */
  siteId: string;
  slugs: { allowed: string; refused: string };
  /** One name on 40,000 lines, and a line of 19 million semicolons, as the import route reads them. */
  files: { oneName: Buffer; semicolons: Buffer };
}

interface Given {
  pupils: readonly string[];
  contact: string;
  siteId: string;
  password: string;
  slugs: Loot['slugs'];
}

const choices = JSON.stringify({
  ...{ who: 'pupil', columns: null, same: [], leave: [], createSites: [], plan: null },
});
const importOf = (text: string) => Buffer.from(`${choices}\n${text}`);

/** Signs everybody in, before the siege: nobody is attacked yet. */
export async function prepareLoot(web: Web, given: Given): Promise<Loot> {
  const signIn = async (login: string): Promise<string> => {
    const { cookie, code, status } = await web.call({
      path: '/api/sign-in',
      body: { login, password: given.password },
    });
    if (cookie === null) throw new Error(`${login} could not sign in: ${status} ${code}`);
    return cookie;
  };
  const pupils: string[] = [];
  for (const login of given.pupils) pupils.push(await signIn(login));
  return {
    web,
    pupils,
    contact: await signIn(given.contact),
    siteId: given.siteId,
    slugs: given.slugs,
    files: {
      oneName: importOf(`Nom;Prénom\n${'Dupont;Zoé\n'.repeat(40_000)}`.slice(0, 640_000)),
      semicolons: importOf(`Nom;Prénom\n${';'.repeat(19_000_000)}\n`),
    },
  };
}
