/** The draft made from the application form, and the form made from an application. Pure. */

import type { Application, ApplicationDraft } from '@preau/contract/application.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import { type ApplicationForm, emptyForm, lineOf, listOf, settled } from './application-form.ts';
import { recipeFormOf, recipesOf } from './recipe-forms.ts';

/** Null while there is nothing to install from. Missing English words default to the French
 * ones. */
export function draftOf(typed: ApplicationForm): ApplicationDraft | null {
  const form = settled(typed);
  const own = recipesOf(form);
  if (own === null) return null;
  const { known } = form;
  const requires = listOf(form.requires);
  const made = {
    version: form.version.trim(),
    ...(requires.length === 0 ? {} : { requires }),
    ...(form.minutes === null
      ? {}
      : { estimate: { bytes: form.file?.size ?? 0, minutes: form.minutes } }),
  };
  if (known !== null) {
    const { slug, name, description, category, labels, seats } = known;
    // The other platform keeps its recipe.
    return {
      slug,
      name,
      description,
      category,
      ...(labels.length === 0 ? {} : { labels }),
      ...(seats === null ? {} : { licence: { seats } }),
      ...made,
      recipes: { ...known.recipes, ...own },
    };
  }
  const [nameFr, descriptionFr, labels] = [
    form.nameFr.trim(),
    form.descriptionFr.trim(),
    listOf(form.labels),
  ];
  return {
    slug: form.slug.trim(),
    name: { fr: nameFr, en: form.nameEn.trim() || nameFr },
    description: { fr: descriptionFr, en: form.descriptionEn.trim() || descriptionFr },
    category: form.category,
    ...(labels.length === 0 ? {} : { labels }),
    ...(form.seats === null ? {} : { licence: { seats: form.seats } }),
    ...made,
    recipes: own,
  };
}

/** Whether the form can make another version of this application's kind of recipe. */
export function canVersion({ recipes: { linux, windows } }: Application): boolean {
  const recipe = linux ?? windows;
  return recipe !== undefined && recipeFormOf(recipe.kind)?.make !== undefined;
}

/** Whether the controller itself maintains the application; nobody else changes it. */
export const isOfController = ({ recipes: { linux } }: Application): boolean =>
  linux !== undefined && factsOf(linux)?.addedBy === 'controller';

/** The form to add a version: everything filled in except what is installed. */
export function formOf(application: Application): ApplicationForm {
  const { linux, windows } = application.recipes;
  const recipe = linux ?? windows;
  return {
    ...emptyForm(),
    known: application,
    slug: application.slug,
    nameFr: application.name.fr,
    descriptionFr: application.description.fr,
    command: lineOf(recipe?.launch?.command ?? []),
    desktopFile: recipe?.icon?.desktopFile ?? '',
    requires: application.requires.join(' '),
    ...(windows === undefined ? {} : recipeFormOf(windows.kind)?.show(windows)),
    ...(linux === undefined ? {} : recipeFormOf(linux.kind)?.show(linux)),
  };
}
