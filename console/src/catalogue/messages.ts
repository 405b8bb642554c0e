/** Every sentence about the catalogue, files, scripts and tokens, in both languages; the compiler
 * keeps them complete. */
import { messages } from '../lib/page.svelte.ts';
import { enS, frS } from '../lib/plural.ts';

export const catalogueWords = messages({
  tabs: { fr: 'Catalogue', en: 'Catalogue' },
  applications: { fr: 'Applications', en: 'Applications' },
  files: { fr: 'Fichiers', en: 'Files' },
  scripts: { fr: 'Scripts', en: 'Scripts' },
  add: { fr: 'Ajouter une application', en: 'Add an application' },
  addVersion: { fr: 'Ajouter une version', en: 'Add a version' },
  back: { fr: 'Applications', en: 'Applications' },
  noneYet: { fr: 'Le catalogue est vide.', en: 'The catalogue is empty.' },
  noneYetHint: {
    fr: 'Déposez un fichier .deb ou nommez un paquet Debian : le reste se remplit tout seul.',
    en: 'Drop a .deb file or name a Debian package: the rest fills itself in.',
  },
  allCategories: { fr: 'Toutes les catégories', en: 'All categories' },
  noMatch: { fr: 'Aucune application ne correspond.', en: 'No application matches.' },
  script: { fr: 'Script', en: 'Script' },
  nameFr: { fr: 'Nom', en: 'French name' },
  nameEn: { fr: 'Nom anglais', en: 'Name' },
  descriptionFr: { fr: 'Une phrase', en: 'The sentence in French' },
  descriptionEn: { fr: 'La phrase en anglais', en: 'One sentence' },
  labels: { fr: 'Étiquettes', en: 'Labels' },
  labelsHint: { fr: 'Pour les règles : « cycle-3 jeux ».', en: 'For rules: “cycle-3 games”.' },
  changeIcon: { fr: 'Changer l’icône', en: 'Change the icon' },
  iconHint: { fr: 'PNG, .ico ou programme Windows.', en: 'PNG, .ico or a Windows program.' },
  seats: { fr: 'Licences', en: 'Licences' },
  seatsHint: {
    fr: 'Sessions ouvertes à la fois dans la ville. Vide : sans limite.',
    en: 'Sessions open at once in the city. Empty: no limit.',
  },
  added: {
    fr: (name: string) => `${name} est au catalogue.`,
    en: (name: string) => `${name} is in the catalogue.`,
  },
  versionAdded: {
    fr: (name: string) => `La version est au catalogue de ${name}.`,
    en: (name: string) => `The version of ${name} is in the catalogue.`,
  },
  nowWhat: { fr: 'Elle n’est encore dans aucune école.', en: 'It is in no school yet.' },
  versions: { fr: 'Versions', en: 'Versions' },
  newest: { fr: 'la plus récente', en: 'newest' },
  recipe: { fr: 'Recette', en: 'Recipe' },
  onServers: { fr: 'Sur', en: 'On' },
  servers: {
    fr: (n: number) => (n === 0 ? 'aucun serveur' : `${n} serveur${frS(n)}`),
    en: (n: number) => (n === 0 ? 'no server' : `${n} server${enS(n)}`),
  },
  addedAt: { fr: 'Ajoutée', en: 'Added' },
  install: { fr: 'Installer dans des écoles', en: 'Install in schools' },
  change: { fr: 'Changer', en: 'Change' },
  withdraw: { fr: 'Retirer', en: 'Withdraw' },
  withdrawAll: { fr: 'Retirer du catalogue', en: 'Take out of the catalogue' },
  restore: { fr: 'Remettre', en: 'Put back' },
  restoreAll: { fr: 'Remettre au catalogue', en: 'Put back into the catalogue' },
  withdrawnBadge: { fr: 'retirée', en: 'withdrawn' },
  takeAway: { fr: 'La retirer des écoles…', en: 'Remove it from schools…' },
  leftCatalogue: {
    fr: 'Cette application n’est plus au catalogue.',
    en: 'This application is no longer in the catalogue.',
  },
  leftHint: {
    fr: 'Personne ne peut l’installer ni la demander.',
    en: 'Nobody can install it or ask for it.',
  },
  leftApplications: {
    fr: (n: number) => `${n} application${frS(n)} retirée${frS(n)} du catalogue`,
    en: (n: number) =>
      n === 1
        ? '1 application that has left the catalogue'
        : `${n} applications that have left the catalogue`,
  },
  showWithdrawn: {
    fr: (n: number) => `Voir aussi ${n} version${frS(n)} retirée${frS(n)}`,
    en: (n: number) => `Show ${n} withdrawn version${enS(n)} too`,
  },
  hideWithdrawn: { fr: 'Cacher les versions retirées', en: 'Hide withdrawn versions' },
  confirmWithdraw: {
    fr: (name: string, version: string) =>
      `Retirer ${name} ${version} du catalogue ? Les serveurs qui ont cette version la ` +
      'gardent ; aucun autre ne la recevra.',
    en: (name: string, version: string) =>
      `Take ${name} ${version} out of the catalogue? Servers that have this version keep it; no other will receive it.`,
  },
  confirmWithdrawAll: {
    fr: (name: string) => `Retirer ${name} du catalogue ? Vous pourrez l’y remettre.`,
    en: (name: string) => `Take ${name} out of the catalogue? You can put it back.`,
  },
  withdrawnNotice: {
    fr: (what: string) => `${what} n’est plus au catalogue.`,
    en: (what: string) => `${what} is no longer in the catalogue.`,
  },
  restoredNotice: {
    fr: (what: string) => `${what} est de nouveau au catalogue.`,
    en: (what: string) => `${what} is back in the catalogue.`,
  },
  seeRules: { fr: 'Qui la voit', en: 'Who sees it' },
  seeFleet: { fr: 'École par école', en: 'School by school' },
  edit: { fr: 'Modifier', en: 'Edit' },
  editTitle: { fr: 'Nom, phrase, étiquettes, licences', en: 'Name, sentence, labels, licences' },
  saveChanges: { fr: 'Enregistrer', en: 'Save' },
  saved: { fr: 'C’est enregistré.', en: 'Saved.' },
  estimateLearnt: {
    fr: (minutes: string, bytes: string, n: number) =>
      `En général ${minutes} et ${bytes} par serveur (mesuré ${n} fois).`,
    en: (minutes: string, bytes: string, n: number) =>
      `Usually ${minutes} and ${bytes} per server (measured ${n} times).`,
  },
  estimateGiven: {
    fr: (minutes: string) => `Estimation : ${minutes}.`,
    en: (minutes: string) => `Estimate: ${minutes}.`,
  },
  minutesWord: {
    fr: (n: number) =>
      n < 1 ? 'moins d’une minute' : n < 1.5 ? '1 minute' : `${Math.round(n)} minutes`,
    en: (n: number) =>
      n < 1 ? 'less than a minute' : n < 1.5 ? '1 minute' : `${Math.round(n)} minutes`,
  },
  seatsWord: {
    fr: (n: number) => `${n} licence${frS(n)} pour toute la ville`,
    en: (n: number) => `${n} licence${enS(n)} for the whole city`,
  },
  requiresWord: {
    fr: (names: string) => `Demande d’abord : ${names}`,
    en: (names: string) => `Needs first: ${names}`,
  },
  needsCity: {
    fr: 'Le catalogue est celui de toute la ville : seuls les techniciens de toute la ville le changent.',
    en: 'The catalogue is the whole city’s: only technicians of the whole city change it.',
  },
  agentWord: {
    fr: 'Ce programme est celui de Préau : il est tenu à jour par le contrôleur lui-même.',
    en: 'This program is Préau’s own: the controller itself keeps it up to date.',
  },
  aptRecipe: {
    fr: (packages: string) => `paquets Debian ${packages}`,
    en: (packages: string) => `Debian packages ${packages}`,
  },
  fromSource: { fr: (uri: string) => `depuis ${uri}`, en: (uri: string) => `from ${uri}` },
  debRecipe: {
    fr: (name: string, size: string) => `${name} (${size})`,
    en: (name: string, size: string) => `${name} (${size})`,
  },
  archiveRecipe: {
    fr: (name: string, size: string) => `${name} (${size}), dépliée dans son dossier`,
    en: (name: string, size: string) => `${name} (${size}), unpacked into its folder`,
  },
  scriptRecipe: {
    fr: (name: string) => `script « ${name} »`,
    en: (name: string) => `script “${name}”`,
  },
  updatesRecipe: { fr: 'mises à jour du système', en: 'updates of the system' },
  agentRecipe: { fr: 'l’agent de Préau', en: 'Préau’s agent' },
  wingetRecipe: { fr: (id: string) => `winget ${id}`, en: (id: string) => `winget ${id}` },
  filesHint: {
    fr:
      'Les fichiers envoyés à la ville pour ses recettes. Ce qu’une version ou un script ' +
      'utilise ne peut pas être supprimé.',
    en: 'Files that were sent to the city for its recipes. What a version or a script uses cannot be deleted.',
  },
  noFiles: { fr: 'Aucun fichier envoyé.', en: 'No file was sent yet.' },
  fileName: { fr: 'Fichier', en: 'File' },
  size: { fr: 'Taille', en: 'Size' },
  sentAt: { fr: 'Envoyé', en: 'Sent' },
  usedBy: { fr: 'Utilisé par', en: 'Used by' },
  unused: { fr: 'rien', en: 'nothing' },
  remove: { fr: 'Supprimer', en: 'Delete' },
  confirmRemove: {
    fr: (name: string) => `Supprimer ${name} ? Il faudra le renvoyer pour s’en servir.`,
    en: (name: string) => `Delete ${name}? It has to be sent again to be used.`,
  },
  send: { fr: 'Envoyer un fichier', en: 'Send a file' },
  useIt: { fr: 'En faire une application', en: 'Make an application of it' },
  total: {
    fr: (n: number, size: string) => `${n} fichier${frS(n)}, ${size}`,
    en: (n: number, size: string) => `${n} file${enS(n)}, ${size}`,
  },
  scriptsHint: {
    fr:
      'Un script s’exécute avec tous les droits sur tous les serveurs : il faut deux personnes, ' +
      'une qui l’écrit et une autre qui le lit et le signe. Les serveurs refusent tout autre ' +
      'texte.',
    en:
      'A script runs with every right on every server: it takes two people, one who writes it ' +
      'and another who reads and signs it. Servers refuse any other text.',
  },
  propose: { fr: 'Proposer un script', en: 'Propose a script' },
  proposeAgain: { fr: 'Proposer un nouveau texte', en: 'Propose a new text' },
  scriptName: { fr: 'Nom court', en: 'Short name' },
  installText: { fr: 'Pour installer', en: 'To install' },
  removeText: { fr: 'Pour retirer (conseillé)', en: 'To remove (advised)' },
  removeHint: {
    fr: 'Sans lui, l’application ne peut pas être retirée.',
    en: 'Without it the application cannot be removed.',
  },
  scriptFirstLine: {
    fr: 'La première ligne nomme l’interpréteur : #!/bin/sh',
    en: 'The first line names the interpreter: #!/bin/sh',
  },
  sendForReview: { fr: 'Proposer', en: 'Propose' },
  noScripts: { fr: 'Aucun script.', en: 'No script.' },
  noScriptsHint: {
    fr: 'Un paquet ou un fichier suffit presque toujours. Un script sert à ce qu’aucun des deux ne sait faire.',
    en: 'A package or a file is nearly always enough. A script is for what neither can do.',
  },
  waiting: { fr: 'à relire', en: 'to be reviewed' },
  signed: { fr: 'relu et signé', en: 'reviewed and signed' },
  by: { fr: (who: string) => `écrit par ${who}`, en: (who: string) => `written by ${who}` },
  reviewedBy: { fr: (who: string) => `relu par ${who}`, en: (who: string) => `reviewed by ${who}` },
  read: { fr: 'Lire', en: 'Read' },
  sign: { fr: 'J’ai lu : je signe', en: 'I have read it: I sign' },
  signHint: {
    fr: 'Votre signature engage : ce texte s’exécutera avec tous les droits dans toutes les écoles.',
    en: 'Your signature commits you: this text will run with every right in every school.',
  },
  ownScript: {
    fr: 'C’est vous qui l’avez écrit : un collègue doit le lire.',
    en: 'You wrote it: a colleague has to read it.',
  },
  useScript: { fr: 'En faire une application', en: 'Make an application of it' },
  hide: { fr: 'Refermer', en: 'Close' },
  owner: { fr: 'Compte', en: 'Account' },
});
