/** Which applications an application requires, and in which order they are installed. */

export interface Requiring {
  id: string;
  slug: string;
  /** Slugs. */
  requires: readonly string[];
}

export type Expansion =
  | { order: { id: string; becauseOf: string | null }[] }
  | { refused: 'REQUIREMENTS_CIRCULAR' | 'REQUIREMENT_MISSING'; path: string[] };

/** Adds to `wanted` (ids) everything it requires, each application once and after all that it
 * requires; otherwise in the order of `wanted`, so the result is deterministic. `becauseOf`: slug
 * of the first application that required it; null for members of `wanted`. `path`: slugs from the
 * wanted application to the fault. An id that is not in the catalogue is missing too. Pure. */
export function expandRequirements(
  catalogue: readonly Requiring[],
  wanted: readonly string[],
): Expansion {
  const byId = new Map(catalogue.map((application) => [application.id, application]));
  const bySlug = new Map(catalogue.map((application) => [application.slug, application]));
  const asked = new Set(wanted);
  const order: { id: string; becauseOf: string | null }[] = [];
  const done = new Set<string>();

  const visit = (
    application: Requiring,
    path: readonly string[],
  ): Extract<Expansion, { refused: string }> | null => {
    if (done.has(application.id)) return null;
    const here = [...path, application.slug];
    if (path.includes(application.slug))
      return { refused: 'REQUIREMENTS_CIRCULAR', path: here.slice(path.indexOf(application.slug)) };
    for (const slug of application.requires) {
      const required = bySlug.get(slug);
      const refused =
        required === undefined
          ? { refused: 'REQUIREMENT_MISSING' as const, path: [...here, slug] }
          : visit(required, here);
      if (refused !== null) return refused;
    }
    done.add(application.id);
    order.push({
      id: application.id,
      becauseOf: asked.has(application.id) ? null : (path.at(-1) ?? null),
    });
    return null;
  };

  for (const id of wanted) {
    const application = byId.get(id);
    const refused =
      application === undefined
        ? { refused: 'REQUIREMENT_MISSING' as const, path: [id] }
        : visit(application, []);
    if (refused !== null) return refused;
  }
  return { order };
}
