/** A school's settings, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const schoolWords = messages({
  school: { fr: 'Réglages de l’école', en: 'Settings of the school' },
  openSettings: { fr: 'Réglages', en: 'Settings' },
  networks: { fr: 'Réseaux', en: 'Networks' },
  networksHint: {
    fr:
      'Une plage d’adresses par ligne, et ce qu’il y a là : les règles peuvent viser une ' +
      'étiquette (salle-info). Un seul poste : /32.',
    en: 'One address range per line, and what is there: rules can aim at a label (computer-room). A single PC: /32.',
  },
  networkSubnet: { fr: (n: number) => `Plage ${n}`, en: (n: number) => `Range ${n}` },
  networkLabels: {
    fr: (n: number) => `Étiquettes de la plage ${n}`,
    en: (n: number) => `Labels of range ${n}`,
  },
  labelsPlaceholder: { fr: 'salle-info tablettes', en: 'computer-room tablets' },
  addNetwork: { fr: 'Ajouter un réseau', en: 'Add a network' },
  removeNetwork: {
    fr: (n: number) => `Enlever le réseau ${n}`,
    en: (n: number) => `Remove network ${n}`,
  },
  noNetworks: {
    fr: 'Aucun réseau : les règles par étiquette de postes n’ouvrent rien ici.',
    en: 'No network: rules by label of PCs open nothing here.',
  },
  closures: { fr: 'Fermetures propres à l’école', en: 'Closures of this school' },
  closuresHint: {
    fr: 'Jours sans classe ici, en plus des vacances et des jours fériés.',
    en: 'Days without class here, beside holidays and public holidays.',
  },
  oneDay: { fr: 'Jour', en: 'Day' },
  addDay: { fr: 'Ajouter ce jour', en: 'Add this day' },
  removeDay: { fr: (day: string) => `Enlever le ${day}`, en: (day: string) => `Remove ${day}` },
  noClosures: { fr: 'Aucune.', en: 'None.' },
  badgeHours: { fr: 'Horaires des badges', en: 'Hours of badges' },
  badgeHoursHint: {
    fr: 'Hors de ces horaires, un badge ou un mot de passe en images n’ouvre rien.',
    en: 'Outside these hours a badge or a picture password opens nothing.',
  },
  saved: { fr: 'Enregistré.', en: 'Saved.' },
  badSubnet: {
    fr: (text: string) =>
      `« ${text} » n’est pas une plage d’adresses. Écrivez par exemple 10.12.0.0/16.`,
    en: (text: string) => `“${text}” is no range of addresses. Write for example 10.12.0.0/16.`,
  },
  badLabel: {
    fr: (text: string) => `« ${text} » : minuscules, chiffres et traits d’union seulement.`,
    en: (text: string) => `“${text}”: lower-case letters, digits and hyphens only.`,
  },
  toSchools: { fr: '‹ Écoles', en: '‹ Schools' },
  unsaved: { fr: 'Non enregistré', en: 'Not saved' },
});
