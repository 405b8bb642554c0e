/** Adding an application or a version, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const addingWords = messages({
  origin: { fr: 'D’où vient-elle ?', en: 'Where does it come from?' },
  origins: {
    debian: { fr: 'Un paquet Debian', en: 'A Debian package' },
    file: { fr: 'Un fichier', en: 'A file' },
    script: { fr: 'Un script relu', en: 'A reviewed script' },
  },
  originHints: {
    debian: {
      fr: 'Installé et tenu à jour par apt, depuis les sources du serveur.',
      en: 'Installed and kept up to date by apt, from the server’s sources.',
    },
    file: {
      fr: '.deb, AppImage, .zip, .tar.gz, .tar.zst ; .exe et .msi pour les serveurs Windows.',
      en: '.deb, AppImage, .zip, .tar.gz, .tar.zst; .exe and .msi for Windows servers.',
    },
    script: {
      fr: 'Proposé par un technicien, lu et signé par un autre.',
      en: 'Proposed by one technician, read and signed by another.',
    },
  },
  packages: { fr: 'Paquets Debian', en: 'Debian packages' },
  packagesHint: {
    fr: 'Un ou plusieurs noms. « nom=version » tient une version précise.',
    en: 'One name or several. “name=version” holds one version.',
  },
  sourceOn: { fr: 'Depuis une source supplémentaire', en: 'From an extra source' },
  sourceUri: { fr: 'Adresse', en: 'Address' },
  sourceSuite: { fr: 'Suite', en: 'Suite' },
  sourceComponents: { fr: 'Composants', en: 'Components' },
  sourceKey: {
    fr: 'Clé publique (BEGIN PGP PUBLIC KEY BLOCK)',
    en: 'Public key (BEGIN PGP PUBLIC KEY BLOCK)',
  },
  sourceHint: {
    fr: 'Les serveurs refusent tout ce que cette clé n’a pas signé.',
    en: 'Servers refuse whatever this key has not signed.',
  },
  drop: { fr: 'Déposez le fichier ici', en: 'Drop the file here' },
  choose: { fr: 'Choisir un fichier', en: 'Choose a file' },
  replace: { fr: 'Changer de fichier', en: 'Take another file' },
  reading: {
    fr: (percent: number) => `Empreinte… ${percent} %`,
    en: (percent: number) => `Hashing… ${percent}%`,
  },
  sending: {
    fr: (percent: number) => `Envoi… ${percent} %`,
    en: (percent: number) => `Sending… ${percent}%`,
  },
  looking: { fr: 'Lecture du fichier…', en: 'Reading the file…' },
  stop: { fr: 'Arrêter', en: 'Stop' },
  uploaded: { fr: 'Arrivé, empreinte vérifiée', en: 'Arrived, hash checked' },
  sha256: { fr: 'SHA-256', en: 'SHA-256' },
  kinds: {
    deb: { fr: 'Paquet Debian', en: 'Debian package' },
    appimage: { fr: 'AppImage', en: 'AppImage' },
    zip: { fr: 'Archive zip', en: 'Zip archive' },
    tar: { fr: 'Archive tar', en: 'Tar archive' },
    program: { fr: 'Programme Windows', en: 'Windows program' },
    installer: { fr: 'Installateur Windows', en: 'Windows installer' },
    picture: { fr: 'Image', en: 'Picture' },
    unknown: { fr: 'Type inconnu', en: 'Unknown kind' },
  },
  unknownFile: {
    fr:
      'Ce fichier n’est rien que Préau sache installer. Il faut un .deb, une AppImage, un .zip, ' +
      'un .tar (.gz ou .zst), un .exe ou un .msi.',
    en:
      'This file is nothing that Préau can install. It takes a .deb, an AppImage, a .zip, a ' +
      '.tar (.gz or .zst), an .exe or an .msi.',
  },
  cutShort: {
    fr: 'Le fichier n’a pas pu être lu jusqu’au bout : vérifiez ce qui a été rempli.',
    en: 'The file could not be read to its end: check what was filled in.',
  },
  windowsOnly: {
    fr: 'Ce sera pour les serveurs Windows ; les serveurs Linux diront « ne s’applique pas ici ».',
    en: 'This will be for Windows servers; Linux servers will say “does not apply here”.',
  },
  whichProgram: {
    fr: 'Ce paquet contient plusieurs programmes',
    en: 'This package holds several programs',
  },
  debPackage: { fr: 'Nom du paquet', en: 'Name of the package' },
  silent: {
    fr: 'Arguments de l’installation silencieuse',
    en: 'Arguments for a silent installation',
  },
  uninstall: { fr: 'Arguments de la désinstallation', en: 'Arguments for removing it' },
  registryKey: {
    fr: 'Clé du registre qui dit qu’elle est là',
    en: 'Registry key that says it is there',
  },
  registryValue: { fr: 'Valeur', en: 'Value' },
  chooseScript: { fr: 'Choisir un script', en: 'Choose a script' },
  noScript: {
    fr: 'Aucun script relu. Proposez-en un, puis faites-le lire par un collègue.',
    en: 'No reviewed script. Propose one, then have a colleague read it.',
  },
  toScripts: { fr: 'Aller aux scripts', en: 'Go to scripts' },
  words: { fr: 'Ce que lisent les élèves et les enseignants', en: 'What pupils and teachers read' },
  englishHint: { fr: 'Vide : comme en français.', en: 'Empty: as in French.' },
  icon: { fr: 'Icône', en: 'Icon' },
  iconFound: { fr: 'trouvée dans le fichier', en: 'found in the file' },
  iconLater: {
    fr: 'La vraie icône viendra du premier serveur qui l’aura installée.',
    en: 'The real icon will come from the first server that has it installed.',
  },
  run: { fr: 'Ce qui se lance', en: 'What starts' },
  command: { fr: 'Commande', en: 'Command' },
  commandHint: {
    fr: 'Le programme et ses arguments. Vide : rien à cliquer (une bibliothèque, des mises à jour).',
    en: 'The program and its arguments. Empty: nothing to click (a library, updates).',
  },
  desktopFile: { fr: 'Fichier .desktop', en: '.desktop file' },
  desktopFileHint: {
    fr: 'C’est là que le serveur trouve l’icône.',
    en: 'That is where the server finds the icon.',
  },
  detection: {
    fr: 'À quoi voit-on qu’elle est installée ?',
    en: 'How does one see that it is installed?',
  },
  detections: {
    package: { fr: 'Un paquet est installé', en: 'A package is installed' },
    file: { fr: 'Un fichier existe', en: 'A file exists' },
    version_file: { fr: 'Un fichier dit la version', en: 'A file tells the version' },
  },
  detectPackage: { fr: 'Paquet', en: 'Package' },
  detectPath: { fr: 'Chemin', en: 'Path' },
  detectionHint: {
    fr: 'Regardé avant et après : un installateur qui dit « réussi » ne suffit pas.',
    en: 'Looked at before and after: an installer that says “done” is not enough.',
  },
  more: { fr: 'Plus de réglages', en: 'More settings' },
  slug: { fr: 'Nom court', en: 'Short name' },
  slugHint: {
    fr: 'Dans les adresses et les fichiers ; ne change plus.',
    en: 'In addresses and files; it never changes.',
  },
  version: { fr: 'Version', en: 'Version' },
  requires: { fr: 'Demande d’abord', en: 'Needs first' },
  requiresHint: {
    fr: 'Noms courts d’autres applications.',
    en: 'Short names of other applications.',
  },
  minutes: { fr: 'Minutes d’installation', en: 'Minutes to install' },
  minutesHint: {
    fr: 'Une estimation ; elle sera remplacée par ce qui aura été mesuré.',
    en: 'A guess; it will give way to what is measured.',
  },
  save: { fr: 'Ajouter au catalogue', en: 'Add to the catalogue' },
  saveVersion: { fr: 'Ajouter cette version', en: 'Add this version' },
  missing: {
    file: { fr: 'Déposez d’abord un fichier.', en: 'Drop a file first.' },
    packages: { fr: 'Nommez au moins un paquet.', en: 'Name at least one package.' },
    script: { fr: 'Choisissez un script.', en: 'Choose a script.' },
    name: { fr: 'Donnez-lui un nom.', en: 'Give it a name.' },
    slug: {
      fr: 'Le nom court (dans « Plus de réglages ») : deux à quarante et une lettres minuscules, chiffres ou tirets.',
      en: 'The short name (in “More settings”): two to forty-one lower-case letters, digits or hyphens.',
    },
    description: { fr: 'Écrivez une phrase.', en: 'Write a sentence.' },
    version: { fr: 'Donnez un numéro de version.', en: 'Give a version number.' },
    detection: {
      fr: 'Dites à quoi on voit qu’elle est installée.',
      en: 'Say how one sees that it is installed.',
    },
  },
  again: { fr: 'Réessayer', en: 'Try again' },
  taken: {
    fr: (name: string) => `${name} porte déjà ce nom court. Voulez-vous plutôt :`,
    en: (name: string) => `${name} has this short name already. Rather:`,
  },
  alreadyThere: {
    fr: 'Cette version est déjà au catalogue. Donnez un autre numéro.',
    en: 'This version is in the catalogue already. Give another number.',
  },
  usedBefore: {
    fr: (name: string) =>
      `Ce nom court était celui de « ${name} », retirée du catalogue : ses règles et son icône vaudront pour celle-ci.`,
    en: (name: string) =>
      `This short name was that of “${name}”, which has left the catalogue: its rules and its icon will be this one’s.`,
  },
});
