/** Adding a server, in both languages; the compiler keeps them complete. */
import type { AdditionState } from '@preau/contract/fleet.ts';
import { messages } from '../lib/page.svelte.ts';
import type { Both } from '../lib/words.ts';

export const addingServerWords = messages({
  addTitle: { fr: 'Ajouter un serveur', en: 'Add a server' },
  how: { fr: 'Comment joindre cette machine ?', en: 'How is this machine reached?' },
  bySsh: { fr: 'Par SSH', en: 'Over SSH' },
  bySshText: {
    fr: 'Préau se connecte, installe l’agent et vous montre ce qui se passe.',
    en: 'Préau connects, installs the agent and shows you what happens.',
  },
  byCommand: { fr: 'Par une ligne à coller', en: 'With one line to paste' },
  byCommandText: {
    fr: 'Vous avez un écran ou un terminal sur la machine : collez une ligne, c’est tout.',
    en: 'You have a screen or a terminal on the machine: paste one line, that is all.',
  },
  checkFirst: { fr: '1. Vérifier d’abord', en: '1. Check first' },
  checkFirstText: {
    fr:
      'Cette ligne regarde la liaison avec la ville, le proxy, les noms, l’horloge, le ' +
      'disque, la mémoire, la version de Debian et les ports, et le dit en anglais : ✓ va ' +
      'bien, ! marche moins bien, ✗ empêche l’installation. Elle ne change rien.',
    en:
      'This line looks at the line to the city, proxy, names, clock, disk, memory, Debian’s ' +
      'version and ports: ✓ is well, ! works less well, ✗ stops the installation. It changes nothing.',
  },
  proxyHint: {
    fr:
      'La seule sortie est un proxy ? Tapez d’abord, sur le serveur : export ' +
      'https_proxy=http://nom:motdepasse@proxy:3128 (les deux lignes s’en servent).',
    en:
      'Is a proxy the only way out? First type on the server: export ' +
      'https_proxy=http://user:password@proxy:3128 (both lines use it).',
  },
  thenInstall: { fr: '2. Installer', en: '2. Install' },
  host: { fr: 'Adresse de la machine', en: 'Address of the machine' },
  port: { fr: 'Port', en: 'Port' },
  loginName: { fr: 'Identifiant', en: 'User' },
  secretKind: { fr: 'Se connecter avec', en: 'Sign in with' },
  withPassword: { fr: 'Un mot de passe', en: 'A password' },
  withKey: { fr: 'Une clé privée', en: 'A private key' },
  privateKey: { fr: 'Clé privée', en: 'Private key' },
  passphrase: {
    fr: 'Phrase secrète de la clé (si elle en a une)',
    en: 'Passphrase of the key (if it has one)',
  },
  sudoPassword: { fr: 'Mot de passe pour sudo', en: 'Password for sudo' },
  sudoHint: {
    fr: 'Laissez vide si c’est le même que pour la connexion.',
    en: 'Leave empty if it is the one for signing in.',
  },
  once: {
    fr: 'Utilisé une seule fois, depuis la mémoire : jamais enregistré ni journalisé.',
    en: 'Used once, from memory: never stored, never logged.',
  },
  seeKey: { fr: 'Voir la clé du serveur', en: 'See the server’s key' },
  keyTitle: { fr: 'Est-ce bien cette machine ?', en: 'Is this the machine?' },
  keyText: {
    fr: 'Comparez cette empreinte avec celle affichée sur la machine par la commande :',
    en: 'Compare this fingerprint with the one that this command shows on the machine:',
  },
  keyConfirm: {
    fr: 'C’est la bonne empreinte, installer',
    en: 'The fingerprint is right, install',
  },
  keyWrong: { fr: 'Ce n’est pas elle', en: 'It is not' },
  back: { fr: 'Retour', en: 'Back' },
  lookingForKey: { fr: 'Connexion à la machine…', en: 'Connecting to the machine…' },
  cancelAddition: { fr: 'Annuler l’ajout', en: 'Stop adding' },
  confirmCancel: {
    fr: 'Arrêter l’ajout de ce serveur ? Ce qui est déjà installé reste ; l’ajout peut être recommencé.',
    en: 'Stop adding this server? What is installed stays; you can start again.',
  },
  logTitle: { fr: 'Ce que dit la machine', en: 'What the machine says' },
  logEmpty: { fr: 'Rien pour l’instant…', en: 'Nothing yet…' },
  openServer: { fr: 'Ouvrir le serveur', en: 'Open the server' },
  startAgain: { fr: 'Recommencer', en: 'Start again' },
  another: { fr: 'Ajouter un autre serveur', en: 'Add another server' },
  lately: { fr: 'Ajouts récents', en: 'Lately added' },
  addition: {
    connecting: { fr: 'Connexion', en: 'Connecting' },
    installing: { fr: 'Installation', en: 'Installing' },
    enrolled: { fr: 'Enrôlé', en: 'Enrolled' },
    reporting: { fr: 'Premier rapport', en: 'First report' },
    done: { fr: 'En service', en: 'In service' },
    failed: { fr: 'Échec', en: 'Failed' },
    cancelled: { fr: 'Annulé', en: 'Cancelled' },
  } as Record<AdditionState, Both>,
  waitingForServer: {
    fr: 'En attente du serveur… Cette page le verra arriver.',
    en: 'Waiting for the server… This page will see it arrive.',
  },
  arrived: {
    fr: 'Le serveur est arrivé et a envoyé son premier rapport.',
    en: 'The server has arrived and sent its first report.',
  },
  validUntil: {
    fr: (at: string) => `Le code sert une fois, jusqu’à ${at}.`,
    en: (at: string) => `The code works once, until ${at}.`,
  },
});
