/** Why an application is not installed at a school, in one sentence with both names, for the console
 * and the command line. */
import { errors } from './errors.ts';
import type { PlanRefusal } from './rollout-plan.ts';
import type { Translated } from './schema.ts';

const shown = 2;

const lists = {
  fr: new Intl.ListFormat('fr', { type: 'conjunction' }),
  en: new Intl.ListFormat('en', { type: 'conjunction' }),
};

function removalsIn(language: 'fr' | 'en', removes: PlanRefusal['removes']): string {
  const parts = removes.slice(0, shown).map(({ name, version, wantedBy, wantedByName }) => {
    const what = `${name} ${version}`;
    const who = wantedByName?.[language] ?? wantedBy;
    if (who !== null)
      return language === 'fr' ? `${what}, dont ${who} a besoin` : `${what}, which ${who} needs`;
    return language === 'fr'
      ? `${what}, que Préau n’a pas installé`
      : `${what}, which Préau did not install`;
  });
  const more = removes.length - shown;
  if (more === 1) parts.push(language === 'fr' ? 'un autre paquet' : 'one more package');
  if (more > 1) parts.push(language === 'fr' ? `${more} autres paquets` : `${more} more packages`);
  return lists[language].format(parts);
}

/** `names`: of the refused application and, if the refusal names one, of the application that it
 * requires. Pure. */
export function refusalSentence(
  refusal: Pick<PlanRefusal, 'siteName' | 'code' | 'removes' | 'requires'>,
  names: { refused: Translated; required: Translated | null },
): Translated {
  const { siteName, code, removes, requires } = refusal;
  const { refused, required } = names;
  if (requires !== null)
    return {
      fr: `${siteName} : ${refused.fr} a besoin de ${required?.fr ?? requires}, qui ne peut pas y être installé.`,
      en: `${siteName}: ${refused.en} needs ${required?.en ?? requires}, which cannot be installed there.`,
    };
  if (removes.length > 0)
    return {
      fr: `${siteName} : installer ${refused.fr} retirerait ${removalsIn('fr', removes)}.`,
      en: `${siteName}: installing ${refused.en} would remove ${removalsIn('en', removes)}.`,
    };
  return {
    fr: `${siteName} : ${refused.fr} ne peut pas y être installé. ${errors[code].fr}`,
    en: `${siteName}: ${refused.en} cannot be installed there. ${errors[code].en}`,
  };
}

/** The sentence for a refusal of this plan. */
export function refusalIn(
  plan: { applications: readonly { applicationId: string; slug: string; name: Translated }[] },
  refusal: PlanRefusal,
): Translated {
  const unknown = { fr: refusal.applicationId, en: refusal.applicationId };
  const of = (is: (one: { applicationId: string; slug: string }) => boolean) =>
    plan.applications.find(is)?.name ?? null;
  return refusalSentence(refusal, {
    refused: of((one) => one.applicationId === refusal.applicationId) ?? unknown,
    required: of((one) => one.slug === refusal.requires),
  });
}
