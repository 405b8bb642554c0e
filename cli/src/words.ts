/** All messages in both languages. `{name}` is a placeholder. */
export type Language = 'fr' | 'en';

const words = {
  badUrl: [
    '« {url} » n’est pas une adresse de Préau (https://preau.ville.example, sans chemin).',
    '“{url}” is not an address of Préau (https://preau.town.example, without a path).',
  ],
  noUrl: [
    'Où est Préau ? Donnez --url ou la variable PREAU_URL, ou faites « preau login ».',
    'Where is Préau? Give --url or the variable PREAU_URL, or run “preau login”.',
  ],
  noToken: [
    'Il manque un jeton : donnez --token-file ou la variable PREAU_TOKEN, ou faites « preau login ».',
    'A token is missing: give --token-file or the variable PREAU_TOKEN, or run “preau login”.',
  ],
  badToken: [
    'Ce n’est pas un jeton de Préau (preau_…).',
    'This is not a token of Préau (preau_…).',
  ],
  unreadable: ['{path} est illisible.', '{path} cannot be read.'],
  notJson: ['{path} n’est pas du JSON lisible.', '{path} is not readable JSON.'],
  nothingIn: ['{path} ne contient aucune application.', '{path} holds no application.'],
  unreachable: ['Préau ne répond pas : {why}', 'Préau is not answering: {why}'],
  refused: ['Refusé ({code}) : {why}', 'Refused ({code}): {why}'],
  plain: [
    'Attention : l’adresse n’est pas en https, le jeton voyage en clair.',
    'Beware: the address is not https, the token travels in the clear.',
  ],
  loggedIn: [
    'Connecté à {url} en tant que {name}. Le jeton est gardé dans {path}.',
    'Connected to {url} as {name}. The token is kept in {path}.',
  ],
  loggedOut: [
    'Le jeton gardé est oublié. Il reste valable : révoquez-le dans la console.',
    'The kept token is forgotten. It is still valid: revoke it in the console.',
  ],
  pasteToken: [
    'Collez le jeton puis Entrée, ou passez-le sur l’entrée standard :',
    'Paste the token and press Enter, or give it on standard input:',
  ],
  unknownApplication: ['« {slug} » n’est pas au catalogue.', '“{slug}” is not in the catalogue.'],
  unknownVersion: [
    '« {slug} » n’a pas de version {version}.',
    '“{slug}” has no version {version}.',
  ],
  nameVersion: [
    '« {slug} » est au catalogue. Quelle version remettre ? {slug}@1.0',
    '“{slug}” is in the catalogue. Which version shall come back? {slug}@1.0',
  ],
  unknownSite: [
    'Aucune école « {site} » (UAI ou nom exact).',
    'No school “{site}” (UAI code or exact name).',
  ],
  unknownGroup: ['Aucun groupe d’écoles « {group} ».', 'No group of schools “{group}”.'],
  badWaves: [
    '« {text} » : des vagues s’écrivent 1,10%,rest.',
    '“{text}”: waves are written 1,10%,rest.',
  ],
  badWindow: [
    '« {text} » : une plage s’écrit « lun-ven 18:00-07:00 », précédée au besoin de school, ' +
      'holidays ou outside_holidays.',
    '“{text}”: a window is written “mon-fri 18:00-07:00”, after school, holidays or outside_holidays if need be.',
  ],
  badChoice: ['« {text} » : il faut {choices}.', '“{text}”: it must be {choices}.'],
  nothingAsked: ['Donnez au moins --apps ou --remove.', 'Give at least --apps or --remove.'],
  imported: [
    '{added} ajoutées, {unchanged} inchangées, {refused} refusées.',
    '{added} added, {unchanged} unchanged, {refused} refused.',
  ],
  withdrawn: [
    '{slug} {versions} : retiré du catalogue.',
    '{slug} {versions}: out of the catalogue.',
  ],
  restored: [
    '{slug} {versions} : de nouveau au catalogue.',
    '{slug} {versions}: back in the catalogue.',
  ],
  dryRun: ['Essai : rien n’a été gardé.', 'Dry run: nothing was kept.'],
  uploadedBefore: ['{name} est déjà là : {sha256}', '{name} is there already: {sha256}'],
  uploaded: ['{name} est envoyé : {sha256}', '{name} is uploaded: {sha256}'],
  missingFile: [
    '{name} ({sha256}) n’est ni dans la ville ni dans {folder}.',
    '{name} ({sha256}) is neither in the city nor in {folder}.',
  ],
  planned: [
    'Plan {id} : {servers} serveurs dans {sites} écoles, {nothing} n’ont rien à faire, ' +
      '{offline} sont silencieux, environ {minutes} min.',
    'Plan {id}: {servers} servers in {sites} schools, {nothing} have nothing to do, {offline} ' +
      'are silent, about {minutes} min.',
  ],
  leftOut: ['{count} écartés : {reasons}', '{count} left out: {reasons}'],
  clash: [
    'Croise le déploiement « {name} » ({kind}, {servers} serveurs).',
    'Meets the rollout “{name}” ({kind}, {servers} servers).',
  ],
  needsApproval: [
    'Ce plan attend l’accord d’un second technicien, dans la console.',
    'This plan waits for a second technician, in the console.',
  ],
  asking: [
    'On demande aux serveurs des écoles ce que cela ferait…',
    'Asking the schools’ servers what this would do…',
  ],
  asked: [
    'Serveurs interrogés : {answered} écoles ont répondu ; {later} le seront au démarrage.',
    'Servers asked: {answered} schools have answered; {later} will be asked at the start.',
  ],
  startWith: ['Pour démarrer : preau rollout start {id}', 'To start it: preau rollout start {id}'],
  nowIs: ['« {name} » : {state}', '“{name}”: {state}'],
  lost: ['Préau ne répond plus, nouvel essai…', 'Préau no longer answers, trying again…'],
  brakeOn: ['Le frein est mis ({cause}).', 'The brake is on ({cause}).'],
  brakeOff: ['Le frein est levé.', 'The brake is off.'],
  badHead: [
    '« {text} » : une place s’écrit numéro:empreinte.',
    '“{text}”: a place is written number:hash.',
  ],
  badKey: ['« {text} » n’est pas une clé de ville.', '“{text}” is not a city’s key.'],
  auditIntact: [
    'Intact : {events} événements, {erased} noms effacés ; dernier {head}.',
    'Intact: {events} events, {erased} names erased; last {head}.',
  ],
  auditBroken: ['Rompu au numéro {seq} : {problem}.', 'Broken at number {seq}: {problem}.'],
  auditKey: [
    'Signé par la clé {key}, le {at}. Comparez-la avec celle de la console, ou donnez --key.',
    'Signed by the key {key}, on {at}. Compare it with the console’s, or give --key.',
  ],
  auditPart: [
    'Le journal continuait : ce n’en est qu’une partie.',
    'The audit went on: this is a part of it.',
  ],
  missing: ['des événements manquent ou ont été déplacés', 'events are missing or were moved'],
  changed: ['un événement a été modifié', 'an event was changed'],
  name_changed: ['un nom a été modifié', 'a name was changed'],
  details_changed: ['des détails ont été modifiés', 'details were changed'],
  erased: [
    'un nom a été effacé sans effacement enregistré',
    'a name was erased without a recorded erasure',
  ],
  cut: ['la fin manque', 'the end is missing'],
  forged: ['la signature n’est pas celle de la ville', 'the signature is not the city’s'],
  other_chain: ['ce n’est pas la chaîne attendue', 'this is not the chain that was expected'],
  // ---- help
  about: ['Préau en ligne de commande.', 'Préau on the command line.'],
  optUrl: ['adresse de Préau (ou PREAU_URL)', 'address of Préau (or PREAU_URL)'],
  optTokenFile: [
    'fichier qui contient le jeton, - pour l’entrée standard (ou PREAU_TOKEN)',
    'file that holds the token, - for standard input (or PREAU_TOKEN)',
  ],
  optJson: ['du JSON pour les scripts', 'JSON for scripts'],
  cmdLogin: [
    'garde un jeton pour les commandes suivantes',
    'keep a token for the commands that follow',
  ],
  cmdLogout: ['oublie le jeton gardé', 'forget the kept token'],
  cmdWhoami: ['dit au nom de qui le jeton agit', 'tell in whose name the token acts'],
  cmdCatalogue: ['le catalogue', 'the catalogue'],
  cmdApply: [
    'ajoute les applications d’un fichier JSON ou d’un dossier',
    'add the applications of a JSON file or a folder',
  ],
  optDryRun: ['dit ce qui changerait, sans rien garder', 'tell what would change and keep nothing'],
  optPackages: [
    'dossier des fichiers que les recettes nomment : ceux qui manquent sont envoyés',
    'folder of the files that recipes name: those that are missing are uploaded',
  ],
  cmdExport: ['écrit tout le catalogue en JSON', 'write the whole catalogue as JSON'],
  cmdWithdraw: [
    'retire une application du catalogue, ou une version : jeu, jeu@2.0',
    'take an application out of the catalogue, or one version: game, game@2.0',
  ],
  cmdRestore: ['remet au catalogue ce qui en a été retiré', 'put back what has left the catalogue'],
  cmdPackage: ['les fichiers des recettes', 'files of recipes'],
  cmdUpload: ['envoie un fichier', 'upload a file'],
  optName: ['nom', 'name'],
  cmdList: ['liste', 'list'],
  cmdSites: ['les écoles', 'schools'],
  cmdServers: ['les serveurs', 'servers'],
  cmdApplications: ['les applications', 'applications'],
  cmdRollout: ['les déploiements', 'rollouts'],
  cmdPlan: ['prépare un déploiement : qui reçoit quoi', 'plan a rollout: who gets what'],
  optApps: [
    'applications à installer : a,b ou a@version',
    'applications to install: a,b or a@version',
  ],
  optRemove: ['applications à retirer', 'applications to remove'],
  optSites: ['all, ou des UAI séparés par des virgules', 'all, or UAI codes separated by commas'],
  optGroups: ['groupes d’écoles', 'groups of schools'],
  optLabels: [
    'seulement les serveurs qui ont une de ces étiquettes',
    'only servers with one of these labels',
  ],
  optWaves: ['vagues : 1,10%,rest', 'waves: 1,10%,rest'],
  optGate: [
    'entre deux vagues : auto, manual ou un nombre de minutes',
    'between two waves: auto, manual or a number of minutes',
  ],
  optWindows: [
    'quand installer : « lun-ven 18:00-07:00; outside_holidays sam 08:00-12:00 »',
    'when to install: “mon-fri 18:00-07:00; outside_holidays sat 08:00-12:00”',
  ],
  optRollBack: [
    'en cas d’échecs, revenir en arrière au lieu de s’arrêter',
    'on failures, roll back instead of stopping',
  ],
  cmdStart: ['démarre exactement ce plan', 'start exactly this plan'],
  optForce: ['même pendant l’arrivée des classes', 'even while classes settle in'],
  optWatch: ['puis suivre jusqu’au bout', 'then watch it to the end'],
  cmdShow: ['montre un déploiement', 'show a rollout'],
  cmdWatch: ['suit un déploiement jusqu’au bout', 'watch a rollout to its end'],
  optUntilPause: [
    's’arrêter aussi quand il est en pause (code 6)',
    'also end when it is paused (code 6)',
  ],
  cmdPause: ['met en pause', 'pause'],
  cmdResume: ['reprend', 'resume'],
  cmdCancel: ['annule', 'cancel'],
  optKind: [
    'ce qui s’installe : finish, remove ou kill',
    'what installs now: finish, remove or kill',
  ],
  cmdRetry: ['réessaie les échecs', 'try the failed ones again'],
  cmdRollBack: ['revient à l’état précédent', 'go back to the previous set'],
  optWave: ['cette vague seulement', 'this wave only'],
  cmdFinish: ['termine sans les écoles silencieuses', 'end it without the silent schools'],
  cmdAudit: ['le journal', 'the audit'],
  cmdVerify: [
    'vérifie que rien n’a été changé : celui de la ville, ou des fichiers exportés (sans la ville)',
    'verify that nothing was changed: the city’s, or exported files (without the city)',
  ],
  optHead: [
    'une place notée plus tôt, numéro:empreinte : le journal doit passer par elle',
    'a place noted earlier, number:hash: the audit must pass through it',
  ],
  optKey: ['la clé de la ville', 'the city’s key'],
  cmdBrake: ['le frein : on, off ou status', 'the brake: on, off or status'],
  exitCodes: [
    '\nCodes de sortie :\n  0  fait\n  1  le déploiement a des échecs, ou a été annulé\n  2  ' +
      'commande mal écrite\n  3  refusé par Préau\n  4  Préau ne répond pas\n  5  attend ' +
      'l’accord d’un second technicien\n  6  en pause',
    '\nExit codes:\n  0  done\n  1  the rollout has failures, or was cancelled\n  2  the ' +
      'command is malformed\n  3  refused by Préau\n  4  Préau is not answering\n  5  waits for ' +
      'a second technician\n  6  paused',
  ],
} as const satisfies Record<string, readonly [fr: string, en: string]>;

export type Word = keyof typeof words;

export function say(
  language: Language,
  word: Word,
  values: Record<string, string | number> = {},
): string {
  return words[word][language === 'fr' ? 0 : 1].replace(/\{([a-z0-9]+)\}/gi, (_, name: string) =>
    String(values[name] ?? ''),
  );
}
