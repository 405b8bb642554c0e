/** Every sentence about schools, servers, adding them and drift, in both languages; the compiler
 * keeps them complete. */
import type { DriftState } from '@preau/contract/fleet.ts';
import { messages } from '../lib/page.svelte.ts';
import { enBe, enS, frS, isMany } from '../lib/plural.ts';
import type { Both } from '../lib/words.ts';

export const fleetWords = messages({
  fleet: { fr: 'Parc', en: 'Fleet' },
  displayTitle: {
    fr: 'Ce serveur indique une autre adresse d’affichage',
    en: 'This server names another display address',
  },
  displayText: {
    fr: (refused: string, known: string) =>
      `Il dit répondre à ${refused} ; la ville connaît ${known}. Ses sessions ne s’ouvrent pas ` +
      'tant que l’adresse n’est pas confirmée. Si vous avez changé son adresse, confirmez ; ' +
      'sinon, regardez d’abord cette machine de près.',
    en: (refused: string, known: string) =>
      `It says that it answers at ${refused}; the city knows ${known}. Its sessions do not open ` +
      'until the address is confirmed. If you have changed its address, confirm it; otherwise ' +
      'take a close look at that machine first.',
  },
  displayConfirm: {
    fr: (address: string) => `Confirmer ${address}`,
    en: (address: string) => `Confirm ${address}`,
  },
  differences: { fr: 'Applications × écoles', en: 'Applications × schools' },
  quarantined: { fr: 'À l’écart', en: 'Set apart' },
  groups: { fr: 'Groupes', en: 'Groups' },
  group: { fr: 'Groupe', en: 'Group' },
  allSchools: { fr: 'Toutes les écoles', en: 'Every school' },
  noGroup: { fr: 'Sans groupe', en: 'In no group' },
  manageGroups: { fr: 'Gérer les groupes', en: 'Manage groups' },
  newGroup: { fr: 'Nouveau groupe', en: 'New group' },
  groupName: { fr: 'Nom du groupe', en: 'Name of the group' },
  rename: { fr: 'Renommer', en: 'Rename' },
  undoGroup: { fr: 'Défaire le groupe', en: 'Undo the group' },
  groupEmpty: {
    fr: 'Aucun groupe. Cochez des écoles, puis rangez-les dans un groupe.',
    en: 'No group yet. Tick schools, then put them in a group.',
  },
  confirmUndo: {
    fr: (name: string) => `Défaire le groupe « ${name} » ? Ses écoles restent.`,
    en: (name: string) => `Undo the group “${name}”? Its schools stay.`,
  },
  schoolsN: { fr: (n: number) => `${n} école${frS(n)}`, en: (n: number) => `${n} school${enS(n)}` },
  serversN: {
    fr: (n: number) => `${n} serveur${frS(n)}`,
    en: (n: number) => `${n} server${enS(n)}`,
  },
  selected: { fr: (n: number) => `${n} sélectionnée${frS(n)}`, en: (n: number) => `${n} selected` },
  selectedServers: {
    fr: (n: number) => `${n} sélectionné${frS(n)}`,
    en: (n: number) => `${n} selected`,
  },
  selectAll: { fr: 'Tout sélectionner', en: 'Select all' },
  select: { fr: (name: string) => `Sélectionner ${name}`, en: (name: string) => `Select ${name}` },
  putIn: { fr: 'Ranger dans', en: 'Put into' },
  takeOut: { fr: 'Sortir de', en: 'Take out of' },
  deselect: { fr: 'Tout désélectionner', en: 'Select none' },
  showMore: { fr: (n: number) => `Afficher ${n} de plus`, en: (n: number) => `Show ${n} more` },
  timeZone: { fr: 'Fuseau horaire', en: 'Time zone' },
  holidayZone: { fr: 'Zone de vacances', en: 'Holiday zone' },
  zone: { fr: (name: string) => `Zone ${name}`, en: (name: string) => `Zone ${name}` },
  roles: { fr: 'Rôles', en: 'Roles' },
  role: {
    execution: { fr: 'Exécution', en: 'Execution' },
    files: { fr: 'Fichiers', en: 'Files' },
    filtering: { fr: 'Filtrage', en: 'Filtering' },
  },
  labels: { fr: 'Étiquettes', en: 'Labels' },
  label: { fr: 'Étiquette', en: 'Label' },
  labelHint: {
    fr:
      'Minuscules, chiffres et traits d’union, séparés par des espaces. Les déploiements ' +
      'peuvent viser une étiquette.',
    en: 'Lower-case letters, digits and hyphens, separated by spaces. Rollouts can aim at a label.',
  },
  allLabels: { fr: 'Toutes les étiquettes', en: 'Every label' },
  allStates: { fr: 'Tous les états', en: 'Every state' },
  places: { fr: 'Sessions au plus', en: 'Sessions at most' },
  agent: { fr: 'Agent', en: 'Agent' },
  addLabel: { fr: 'Ajouter l’étiquette', en: 'Add the label' },
  removeLabel: { fr: 'Retirer l’étiquette', en: 'Take the label off' },
  apply: { fr: 'Appliquer', en: 'Apply' },
  edit: { fr: 'Modifier', en: 'Change' },
  saved: { fr: 'Enregistré.', en: 'Saved.' },
  drain: { fr: 'Vider', en: 'Drain' },
  undrain: { fr: 'Remettre en service', en: 'Put back into service' },
  draining: {
    fr: (n: number) => (n === 0 ? 'Vide' : `Se vide : ${n} session${frS(n)}`),
    en: (n: number) => (n === 0 ? 'Empty' : `Draining: ${n} session${enS(n)}`),
  },
  drainHint: {
    fr: 'Un serveur qui se vide n’accueille plus de nouvelle session ; celles en cours continuent jusqu’à leur fin.',
    en: 'A draining server takes no new session; those that run go on until they end.',
  },
  drainedSince: {
    fr: (at: string) => `Se vide depuis ${at}`,
    en: (at: string) => `Draining since ${at}`,
  },
  clockBehind: {
    fr: (by: string) => `L’horloge de ce serveur retarde de ${by}`,
    en: (by: string) => `This server’s clock is ${by} behind`,
  },
  clockAhead: {
    fr: (by: string) => `L’horloge de ce serveur avance de ${by}`,
    en: (by: string) => `This server’s clock is ${by} ahead`,
  },
  clockText: {
    fr:
      'Il travaille à l’heure de la ville, mais les fichiers et les programmes y portent une date fausse. ' +
      'Réglez son horloge : timedatectl set-ntp true.',
    en:
      'It works by the city’s time, but files and programs there carry a wrong date. Set its clock: ' +
      'timedatectl set-ntp true.',
  },
  clockRunbook: { fr: 'Que faire ?', en: 'What to do' },
  clockBadge: { fr: 'Horloge fausse', en: 'Wrong clock' },
  quarantineTitle: {
    fr: 'Deux machines utilisent l’identité de ce serveur',
    en: 'Two machines use this server’s identity',
  },
  quarantineText: {
    fr:
      'Le disque a sans doute été copié. Pour la sécurité de l’école, cette identité n’ouvre ' +
      'plus rien et ses sessions sont fermées.',
    en:
      'Its disk was probably copied. For the safety of the school this identity opens nothing ' +
      'any more, and its sessions are closed.',
  },
  quarantineSteps: {
    fr: [
      'Retrouvez les deux machines et décidez si les deux doivent rester.',
      'Retirez ce serveur ici, avec le bouton « Retirer le serveur ».',
      'Sur chaque machine qui reste : supprimez /var/lib/preau-agent/identity.json, puis ' +
        'ajoutez-la de nouveau avec un nouveau code.',
    ],
    en: [
      'Find both machines and decide whether both shall stay.',
      'Retire this server here, with the button “Retire the server”.',
      'On each machine that stays: delete /var/lib/preau-agent/identity.json, then add it anew with a new code.',
    ],
  },
  inventory: { fr: 'Inventaire', en: 'Inventory' },
  known: { fr: 'Du catalogue', en: 'From the catalogue' },
  byHand: { fr: 'Installés à la main', en: 'Installed by hand' },
  packageName: { fr: 'Paquet', en: 'Package' },
  noInventory: {
    fr: 'L’agent n’a pas encore dit ce qui est installé.',
    en: 'The agent has not yet said what is installed.',
  },
  allPackages: {
    fr: (n: number) => `${n} paquet${frS(n)} en tout, dépendances comprises`,
    en: (n: number) => `${n} package${enS(n)} in all, dependencies included`,
  },
  noByHand: { fr: 'Rien n’a été installé à la main.', en: 'Nothing was installed by hand.' },
  noKnown: {
    fr: 'Rien du catalogue n’est installé.',
    en: 'Nothing of the catalogue is installed.',
  },
  agentVersions: { fr: 'Versions de l’agent', en: 'Versions of the agent' },
  neverReported: { fr: 'jamais vu', en: 'never seen' },
  overview: {
    fr: (all: number, silent: number, draining: number, apart: number) => [
      `${all} serveur${frS(all)}`,
      ...(silent > 0 ? [`${silent} silencieux`] : []),
      ...(draining > 0 ? [`${draining} ${isMany(draining, 'fr') ? 'se vident' : 'se vide'}`] : []),
      ...(apart > 0 ? [`${apart} à l’écart`] : []),
    ],
    en: (all: number, silent: number, draining: number, apart: number) => [
      `${all} server${enS(all)}`,
      ...(silent > 0 ? [`${silent} silent`] : []),
      ...(draining > 0 ? [`${draining} draining`] : []),
      ...(apart > 0 ? [`${apart} set apart`] : []),
    ],
  },
  onlyDifferences: { fr: 'Seulement les différences', en: 'Differences only' },
  searchSchool: { fr: 'Chercher une école ou un code UAI', en: 'Search for a school or UAI code' },
  legend: { fr: 'Légende', en: 'Legend' },
  driftSummary: {
    fr: (differing: number, all: number) =>
      differing === 0
        ? isMany(all, 'fr')
          ? `Les ${all} écoles sont comme demandé.`
          : `${all} école est comme demandé.`
        : `${differing} école${frS(differing)} sur ${all} ` +
          `diffère${isMany(differing, 'fr') ? 'nt' : ''} de ce qui est demandé.`,
    en: (differing: number, all: number) =>
      differing === 0
        ? all < 2
          ? `${all} school${enS(all)} ${enBe(all)} as asked.`
          : `All ${all} schools are as asked.`
        : `${differing} school${enS(differing)} of ${all} ` +
          `differ${isMany(differing, 'en') ? '' : 's'} from what is asked.`,
  },
  nothingWanted: {
    fr: 'Aucune application n’est demandée nulle part.',
    en: 'No application is asked for anywhere.',
  },
  noDifference: {
    fr: 'Aucune différence : tout est comme demandé.',
    en: 'No difference: everything is as asked.',
  },
  previous: { fr: 'Page précédente', en: 'Previous page' },
  next: { fr: 'Page suivante', en: 'Next page' },
  firstPage: { fr: 'Première page', en: 'First page' },
  drift: {
    none: { fr: 'Non demandée', en: 'Not asked for' },
    installed: { fr: 'Comme demandé', en: 'As asked' },
    arriving: { fr: 'En route', en: 'On its way' },
    extra: { fr: 'En trop', en: 'Extra' },
    other_version: { fr: 'Autre version', en: 'Other version' },
    missing: { fr: 'Enlevée à la main', en: 'Taken away by hand' },
    failed: { fr: 'Échec', en: 'Failed' },
  } as Record<DriftState, Both>,
  wantedOn: {
    fr: (n: number, all: number) => `demandée sur ${n} serveur${frS(n)} de ${all}`,
    en: (n: number, all: number) => `asked for on ${n} of ${all} server${enS(all)}`,
  },
  wantedVersion: {
    fr: (version: string) => `version demandée : ${version}`,
    en: (version: string) => `version asked for: ${version}`,
  },
  presentVersions: {
    fr: (versions: string) => `présente : ${versions}`,
    en: (versions: string) => `there: ${versions}`,
  },
  install: { fr: 'Installer', en: 'Install' },
  newKey: {
    fr: (key: string) => `La machine présente maintenant ${key}.`,
    en: (key: string) => `The machine now presents ${key}.`,
  },
});
