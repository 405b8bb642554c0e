/** Teachers reach the class pages in the portal, technicians under administration: the pages are
 * the same. */
import { page } from '../lib/page.svelte.ts';
import { isInAdmin, paths } from '../shell/paths.ts';

export const classPaths = () =>
  isInAdmin(page.path)
    ? { list: paths.classes, one: paths.class, import: paths.importPeople }
    : { list: paths.myClasses, one: paths.myClass, import: paths.importPupils };
