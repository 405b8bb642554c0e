/** The page shown at each address of the portal. */
import { isTeacher, isTechnician } from '@preau/contract/account.ts';
import type { PageRows } from './page-rows.ts';
import type { PortalName } from './paths.ts';

const home = () => import('../portal/Home.svelte');
const classes = () => import('../classes/Classes.svelte');
const session = () => import('../session/SessionView.svelte');

const myApplications = { fr: 'Mes applications', en: 'My applications' };
const myClasses = { fr: 'Mes classes', en: 'My classes' };

export const portalPages: PageRows<PortalName> = {
  home: { load: home, title: myApplications },
  // For people not signed in yet: App.svelte shows the badge reader there.
  badge: { load: home, title: myApplications },
  classEntry: { load: home, title: myApplications },
  launch: { load: session, title: { fr: 'Ouverture', en: 'Opening' } },
  session: { load: session, title: { fr: 'Ouverture', en: 'Opening' } },
  myRequests: {
    load: () => import('../requests/MyRequests.svelte'),
    title: { fr: 'Demandes', en: 'Requests' },
    who: isTeacher,
  },
  myClasses: { load: classes, title: myClasses, stays: true, who: mayTeach },
  importPupils: {
    load: classes,
    title: { fr: 'Importer des personnes', en: 'Import people' },
    under: 'myClasses',
    stays: true,
    who: mayTeach,
  },
  myClass: { load: classes, title: myClasses, under: 'myClasses', stays: true, who: mayTeach },
};

function mayTeach(account: Parameters<typeof isTeacher>[0]): boolean {
  return isTeacher(account) || isTechnician(account);
}
