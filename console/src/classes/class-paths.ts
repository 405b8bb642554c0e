/** Classes stand in the portal for teachers, and under administration for technicians: the same
 * pages. */
import { page } from '../lib/page.svelte.ts';
import { isInAdmin, paths } from '../shell/paths.ts';

export const classPaths = () =>
  isInAdmin(page.path)
    ? { list: paths.classes, one: paths.class, import: paths.importPeople }
    : { list: paths.myClasses, one: paths.myClass, import: paths.importPupils };
